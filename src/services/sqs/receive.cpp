// ReceiveMessage.
#include <algorithm>

#include "base/clock.hpp"
#include "models/sqs.hpp"
#include "services/sqs/sending.hpp"

namespace nubecita::sqs {
namespace {

constexpr int64_t kMostVisibility = 43'200;

struct Wanted {
  std::vector<std::string_view> system, attributes;
  bool all_system = false;

  bool wants(std::string_view name) const {
    return all_system || std::ranges::find(system, name) != system.end();
  }
  /// "All", ".*", "name", "prefix.*".
  bool wants_attribute(std::string_view name) const {
    return std::ranges::any_of(attributes, [&](std::string_view w) {
      if (w == "All" || w == ".*") return true;
      if (w.ends_with(".*")) return name.starts_with(w.substr(0, w.size() - 2));
      return w == name;
    });
  }
};

Result<Wanted> wanted(const model::ReceiveMessageRequest& in) {
  static constexpr std::string_view known[] = {"All",
                                               "SenderId",
                                               "SentTimestamp",
                                               "ApproximateReceiveCount",
                                               "ApproximateFirstReceiveTimestamp",
                                               "SequenceNumber",
                                               "MessageDeduplicationId",
                                               "MessageGroupId",
                                               "AWSTraceHeader",
                                               "DeadLetterQueueSourceArn"};
  Wanted w;
  for (auto* names : {&in.attribute_names, &in.message_system_attribute_names})
    for (auto& n : *names) {
      // Names of queue attributes are in the same list of AWS's model; they say nothing about a message.
      w.all_system |= n == "All";
      w.system.push_back(n.sv());
    }
  for (auto& n : in.message_system_attribute_names)
    if (std::ranges::find(known, n.sv()) == std::end(known))
      return fail("InvalidAttributeName", "Unknown Attribute " + api::str(n) + ".");
  for (auto& n : in.message_attribute_names) w.attributes.push_back(n.sv());
  return w;
}

std::unexpected<ApiError> bounds(int64_t value, const std::string& name, const std::string& rule) {
  return invalid_parameter("Value " + std::to_string(value) + " for parameter " + name +
                           " is invalid. Reason: " + rule);
}

Status check(const model::ReceiveMessageRequest& in, bool fifo) {
  if (auto n = in.max_number_of_messages.value_or(1); n < 1 || n > 10)
    return bounds(n, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.");
  if (auto n = in.wait_time_seconds.value_or(0); n < 0 || n > 20)
    return bounds(n, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.");
  if (auto n = in.visibility_timeout.value_or(0); n < 0 || n > kMostVisibility)
    return bounds(n, "VisibilityTimeout", "Must be >= 0 and <= 43200, if provided.");
  if (!in.receive_request_attempt_id.empty() && !fifo)
    return invalid_parameter("Value " + api::str(in.receive_request_attempt_id) +
                             " for parameter ReceiveRequestAttemptId is invalid. Reason: The request include "
                             "parameter that is not valid for this queue type.");
  return {};
}

void render_system(api::Call& call, const Wanted& wanted, const Taken& taken, const Message& m, bool fifo,
                   model::Message& out) {
  std::map<std::string, std::string> a;
  auto set = [&](const char* name, std::string value) {
    if (!value.empty() && wanted.wants(name)) a[name] = std::move(value);
  };
  set("SenderId", m.sender);
  set("SentTimestamp", std::to_string(m.sent));
  set("ApproximateReceiveCount", std::to_string(taken.flight.receives));
  set("ApproximateFirstReceiveTimestamp", std::to_string(taken.flight.first));
  if (fifo) set("SequenceNumber", sequence_text(taken.place.number));
  set("MessageGroupId", m.group);
  set("MessageDeduplicationId", m.dedup);
  set("AWSTraceHeader", m.trace_header);
  set("DeadLetterQueueSourceArn", m.dead_letter_source);
  if (!a.empty()) out.attributes = call.map(a);
}

void render_attributes(api::Call& call, const Wanted& wanted, const Message& m, model::Message& out) {
  std::vector<Attribute> some;
  for (auto& a : m.attributes)
    if (wanted.wants_attribute(a.name)) some.push_back(a);
  if (some.empty()) return;
  // Clients check the digest against what they got.
  out.md5_of_message_attributes =
      call.text(some.size() == m.attributes.size() ? m.attributes_md5 : md5_of_attributes(some));
  out.message_attributes = call.list<wire::Entry<model::MessageAttributeValue>>(some.size());
  for (size_t i = 0; i < some.size(); ++i) {
    auto& e = out.message_attributes[i];
    e.key = call.text(some[i].name);
    e.value.data_type = call.text(some[i].type);
    (some[i].binary() ? e.value.binary_value : e.value.string_value) = call.text(some[i].value);
  }
}

/// One receive: takes messages until there are enough; those that were received too often go to the
/// dead-letter queue instead.
class Receive {
 public:
  Receive(api::Call& call, ViewPtr queue, std::shared_ptr<Index> index)
      : call_(call),
        queue_(std::move(queue)),
        index_(std::move(index)),
        unsealing_(call.cloud, asker_for(call, *queue_)) {}

  Status run(size_t most, int64_t visible, const std::string& attempt) {
    const int64_t oldest = call_.now - queue_->settings.retention_ms;
    if (!attempt.empty()) TRY(keep(index_->take_again(attempt, call_.now, visible)));
    if (!got.empty()) return {};
    // Again if some went to the dead-letter queue, unless what was taken is available again at once.
    for (int round = 0; round < 10 && got.size() < most; ++round) {
      bool over_limit = false;
      const auto before = got.size();
      auto taken = index_->take(call_.now, most - before, visible, oldest, over_limit);
      if (taken.empty() && over_limit && got.empty())
        return fail("OverLimit", "The maximum number of in flight messages is reached.", 403);
      const auto n = taken.size();
      TRY(keep(std::move(taken)));
      if (got.size() - before == n || visible <= call_.now) break;
    }
    return {};
  }

  struct Got {
    Taken taken;
    Message message;
  };
  std::vector<Got> got;

 private:
  Status keep(std::vector<Taken> taken) {
    if (taken.empty()) return {};
    auto all = std::make_shared<std::vector<Taken>>(std::move(taken));
    api::afterwards(call_, [index = index_, all](bool done) {
      if (!done) return index->put_back(std::move(*all));
      if (index->fifo()) index->saved(*all);
    });
    std::unique_ptr<store::Transaction> tx;
    auto read = [&](const Taken& t) -> std::optional<Message> {
      if (t.message) return decode_message(t.message->bytes);
      if (!tx) tx = call_.cloud.store->begin();  // newer than call.tx, which may not see what has just come
      const auto bytes = tx->get(index_->message_key(t.place));
      return bytes ? decode_message(*bytes) : std::nullopt;
    };
    std::vector<Place> gone;
    for (auto& t : *all) {
      auto message = read(t);
      if (!message) {
        gone.push_back(t.place);
        continue;
      }
      if (queue_->settings.most_receives && t.before.receives >= queue_->settings.most_receives &&
          bury(t, *message))
        continue;
      TRY(unsealing_.open(*message));
      got.push_back({t, std::move(*message)});
    }
    for (auto& g : got)
      if (index_->fifo()) call_.tx.put(index_->flight_key(g.taken.place), g.taken.flight.text());
    if (!gone.empty())
      api::afterwards(call_, [index = index_, gone = std::move(gone)](bool) { index->removed(gone); });
    return {};
  }

  /// False if there is no dead-letter queue (any more).
  bool bury(const Taken& t, Message message) {
    // Read in the transaction: of two that bury the same message one meets a conflict.
    if (!call_.tx.get(index_->message_key(t.place))) return false;
    if (!dead_) {
      auto queue = queues(call_).find(call_.tx, queue_->settings.dead_letter_arn);
      if (!queue || queue->settings.fifo != queue_->settings.fifo) return false;
      dead_ = std::make_unique<Sending>(queues(call_), call_.tx, queue, call_.now, std::string());
      api::afterwards(call_, dead_->outcome());
    }
    message.dead_letter_source = queue_->arn();
    dead_->move_in(std::move(message));
    call_.tx.erase(index_->message_key(t.place));
    call_.tx.erase(index_->flight_key(t.place));
    api::afterwards(call_, [index = index_, place = t.place](bool done) {
      if (done) index->removed({place});
    });
    return true;
  }

  api::Call& call_;
  ViewPtr queue_;
  std::shared_ptr<Index> index_;
  Unsealing unsealing_;
  std::unique_ptr<Sending> dead_;
};

}  // namespace

Status receive_message(api::Call& call, const model::ReceiveMessageRequest& in,
                       model::ReceiveMessageResult& out) {
  TRY_LET(auto at, locate(call, in.queue_url, "sqs:ReceiveMessage"));
  const auto& settings = at.settings();
  TRY(check(in, settings.fifo));
  TRY_LET(auto names, wanted(in));
  auto index = queues(call).index(*at.view);
  const int64_t visible = call.now + (in.visibility_timeout.has() ? int64_t{*in.visibility_timeout} * 1000
                                                                  : settings.visibility_ms);
  const auto attempt = api::str(in.receive_request_attempt_id);

  if (api::abandoned(call)) {  // what came is for the next who waits, not to be in flight to nobody
    index->wake(1);
    return {};
  }
  Receive receive(call, at.view, index);
  TRY(receive.run(static_cast<size_t>(in.max_number_of_messages.value_or(1)), visible, attempt));

  const int64_t wait = in.wait_time_seconds.has() ? int64_t{*in.wait_time_seconds} * 1000 : settings.wait_ms;
  const int64_t deadline = api::started(call) + wait;
  if (receive.got.empty() && !call.tx.has_writes() && call.now < deadline) {
    api::wait(call, [index, deadline, &all = queues(call)](std::function<void()> resume) {
      const auto now = now_ms();
      index->park(now, deadline, std::move(resume));
      all.schedule(index, index->next_tick(now));
    });
    return {};
  }
  if (receive.got.empty()) return {};
  if (!attempt.empty()) {
    std::vector<Taken> taken;
    for (auto& g : receive.got) taken.push_back(g.taken);
    index->remember(attempt, call.now, taken);
  }
  if (!settings.fifo) queues(call).schedule(index, call.now + 1000);  // to write what is not over by then
  out.messages = call.list<model::Message>(receive.got.size());
  for (size_t i = 0; i < receive.got.size(); ++i) {
    auto& [taken, m] = receive.got[i];
    auto& o = out.messages[i];
    o.message_id = call.text(m.id);
    o.receipt_handle =
        call.text(Receipt{at.queue().id, at.queue().generation, taken.place, taken.flight.ticket}.text());
    o.md5_of_body = call.text(m.body_md5);
    o.body = call.text(m.body);
    render_system(call, names, taken, m, settings.fifo, o);
    render_attributes(call, names, m, o);
  }
  return {};
}

}  // namespace nubecita::sqs
