#include "services/sqs/sending.hpp"

#include <algorithm>
#include <charconv>

#include "base/ids.hpp"
#include "base/plain_run.hpp"
#include "services/iam/ask.hpp"

namespace nubecita::sqs {
namespace {

constexpr int64_t kDedupTime = 5 * 60'000;
constexpr int64_t kMostDelay = 900'000;
constexpr size_t kMostAttributes = 10;

std::unexpected<ApiError> missing(const std::string& name) {
  return fail("MissingParameter", "The request must contain the parameter " + name + ".");
}

bool is_number(std::string_view text) {
  double v = 0;
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  return end == text.data() + text.size() && !text.empty() && error != std::errc::invalid_argument;
}

Status check_attribute(const Attribute& a) {
  const auto name_char = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  if (a.name.empty() || !std::ranges::all_of(a.name, name_char))
    return invalid_parameter(
        "The message attribute name '" + a.name +
        "' is invalid. Attribute name can contain A-Z, a-z, 0-9, underscore (_), hyphen (-), "
        "and period (.) characters.");
  if (a.name.size() > 256 || a.name.front() == '.' || a.name.back() == '.' ||
      a.name.find("..") != std::string::npos)
    return invalid_parameter("The message attribute name '" + a.name +
                             "' is invalid: at most 256 characters, no period at its ends nor two together.");
  std::string lower = a.name.substr(0, 7);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (lower.starts_with("aws.") || lower.starts_with("amazon."))
    return invalid_parameter("The message attribute name '" + a.name +
                             "' is invalid: the prefixes AWS. and Amazon. are reserved.");
  const auto kind = std::string_view(a.type).substr(0, a.type.find('.'));
  if (a.type.empty())
    return invalid_parameter("The message attribute '" + a.name +
                             "' must contain a non-empty message attribute type.");
  if (a.type.size() > 256 || (kind != "String" && kind != "Number" && kind != "Binary"))
    return invalid_parameter("The message attribute '" + a.name +
                             "' has an invalid message attribute type, the set of supported type prefixes is "
                             "Binary, Number, and String.");
  if (a.value.empty())
    return invalid_parameter(
        "The message attribute '" + a.name +
        "' must contain a non-empty message attribute value for message attribute type '" + a.type + "'.");
  if (kind == "Number" && !is_number(a.value))
    return invalid_parameter("Can't cast the value of message (user) attribute '" + a.name +
                             "' to a number.");
  if (kind != "Binary" && !is_message_text(a.value))
    return fail("InvalidMessageContents",
                "The message attribute '" + a.name + "' contains characters outside the allowed set.");
  return {};
}

bool is_id(std::string_view id) {
  return !id.empty() && id.size() <= 128 &&
         std::ranges::all_of(id, [](char c) { return c > ' ' && c < 127; });
}

}  // namespace

bool is_message_text(std::string_view text) {
  for (size_t i = 0; (i += plain_run<Beyond::stop>(text.substr(i))) < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20) {
      if (c != '\t' && c != '\n' && c != '\r') return false;
      ++i;
      continue;
    }
    const size_t n = c >= 0xf0 && c < 0xf8 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;
    if (c >= 0xf8 || !n || i + n > text.size()) return false;
    uint32_t point = c & (0xff >> (n + 1));
    for (size_t k = 1; k < n; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xc0) != 0x80) return false;
      point = point << 6 | (next & 0x3f);
    }
    if ((n == 3 && point < 0x800) || (n == 4 && (point < 0x10000 || point > 0x10ffff))) return false;
    if ((point >= 0xd800 && point < 0xe000) || point == 0xfffe || point == 0xffff) return false;
    i += n;
  }
  return true;
}

std::string sequence_text(uint64_t number) {
  auto text = std::to_string(number);
  return std::string(20 - std::min<size_t>(20, text.size()), '0') + text;
}

struct Sending::Told {
  std::shared_ptr<Index> index;
  std::vector<Arrival> arrivals;
  ViewPtr queue;
  int64_t now = 0;
  SealingKeys* keys = nullptr;
  SealingKeyPtr key;  // null: they are not sealed
};

Sending::Sending(Queues& queues, store::Transaction& tx, ViewPtr queue, int64_t now, std::string sender)
    : tx_(tx),
      queue_(std::move(queue)),
      now_(now),
      sender_(std::move(sender)),
      told_(std::make_shared<Told>()) {
  told_->index = queues.index(*queue_);
}

api::Afterwards Sending::outcome() {
  return [told = told_](bool done) {
    if (done && told->key) told->keys->keep(*told->queue, told->key, told->now);
    if (done) return told->index->arrived(std::move(told->arrivals));
    std::vector<uint64_t> numbers;
    for (auto& a : told->arrivals) numbers.push_back(a.place.number);
    told->index->not_sent(numbers);
  };
}

Status Sending::seal_for(api::Cloud& cloud, const AskerOf& sender) {
  told_->keys = &api::part<SealingKeys>(cloud);
  told_->queue = queue_;
  told_->now = now_;
  TRY_LET(told_->key, told_->keys->key_for(*queue_, sender, now_));
  return {};
}

Status check_fifo(const Settings& queue, const Draft& draft) {
  if (draft.group.empty()) return missing("MessageGroupId");
  if (draft.dedup.empty() && !queue.content_dedup)
    return invalid_parameter(
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
        "explicitly");
  return {};
}

/// The deduplication id, empty for standard queues.
Result<std::string> Sending::check(Draft& draft) const {
  const auto& s = queue_->settings;
  if (draft.body.empty()) return missing("MessageBody");
  if (!is_message_text(draft.body))
    return fail("InvalidMessageContents",
                "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | "
                "#x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.");
  if (draft.attributes.size() > kMostAttributes)
    return invalid_parameter("Number of message attributes [" + std::to_string(draft.attributes.size()) +
                             "] exceeds the allowed maximum [10].");
  for (auto& a : draft.attributes) TRY(check_attribute(a));
  if (size_of(draft.body, draft.attributes) > s.most_bytes)
    return invalid_parameter("One or more parameters are invalid. Reason: Message must be shorter than " +
                             std::to_string(s.most_bytes) + " bytes.");
  if (draft.delay_ms > kMostDelay)
    return invalid_parameter(
        "Value " + std::to_string(draft.delay_ms / 1000) +
        " for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.");
  for (auto [name, id] :
       {std::pair{"MessageGroupId", &draft.group}, {"MessageDeduplicationId", &draft.dedup}})
    if (!id->empty() && !is_id(*id))
      return invalid_parameter(
          "Value " + *id + " for parameter " + name + " is invalid. Reason: " + name +
          " can only include alphanumeric and punctuation characters. 1 to 128 in length.");
  const std::string wrong_type =
      " is invalid. Reason: The request include parameter that is not valid for this queue type.";
  if (!s.fifo) {
    if (!draft.dedup.empty())
      return invalid_parameter("Value " + draft.dedup + " for parameter MessageDeduplicationId" + wrong_type);
    return std::string();
  }
  if (draft.delay_ms > 0)
    return invalid_parameter("Value " + std::to_string(draft.delay_ms / 1000) +
                             " for parameter DelaySeconds" + wrong_type);
  TRY(check_fifo(s, draft));
  return draft.dedup.empty() ? to_hex(sha256(draft.body)) : draft.dedup;
}

Result<Sent> Sending::add(Draft draft) {
  TRY_LET(auto dedup, check(draft));
  const auto& s = queue_->settings;
  Sent sent;
  sent.body_md5 = md5_hex(draft.body);
  sent.attributes_md5 = md5_of_attributes(draft.attributes);
  if (!draft.trace_header.empty())
    sent.trace_md5 = md5_of_attributes({{"AWSTraceHeader", "String", draft.trace_header}});

  std::string dedup_key;
  if (s.fifo) {
    const std::string scope = s.dedup_by_group ? draft.group : std::string();
    dedup_key = store::make_key(kDedup, queue_->scope,
                                queue_->queue.box() + ":" + to_hex(sha256(scope + '\0' + dedup)));
    // "<until> <message id> <sequence number>". Read in the transaction: of two at once, one sees the other.
    if (auto before = tx_.get(dedup_key)) {
      int64_t until = 0;
      const auto first = before->find(' '), second = before->rfind(' ');
      std::from_chars(before->data(), before->data() + before->size(), until);
      if (until > now_ && first != second) {
        sent.id = before->substr(first + 1, second - first - 1);
        sent.sequence = before->substr(second + 1);
        return sent;
      }
    }
  }
  Message m;
  m.id = sent.id = uuid();
  m.body = std::move(draft.body);
  m.body_md5 = sent.body_md5;
  m.attributes_md5 = sent.attributes_md5;
  m.attributes = std::move(draft.attributes);
  m.trace_header = std::move(draft.trace_header);
  m.sender = sender_;
  m.sent = now_;
  m.available = now_ + (draft.delay_ms >= 0 && !s.fifo ? draft.delay_ms : s.delay_ms);
  m.group = std::move(draft.group);
  m.dedup = dedup;
  const auto number = told_->index->next_number();
  if (s.fifo) {
    sent.sequence = sequence_text(number);
    tx_.put(dedup_key, std::to_string(now_ + kDedupTime) + " " + sent.id + " " + sent.sequence);
  }
  if (told_->key) seal(m, *told_->key);
  put(std::move(m), number);
  return sent;
}

void Sending::move_in(Message m) {
  // Of a standard queue the time of sending stays, and with it the end of retention; FIFO queues begin anew.
  if (queue_->settings.fifo) m.sent = now_;
  m.available = m.sent;
  put(std::move(m), told_->index->next_number());
}

void Sending::put(Message m, uint64_t number) {
  const Place place{queue_->settings.fifo ? 0 : m.available, number};
  auto bytes = encode_message(m);
  told_->arrivals.push_back(
      {place, m.sent, m.available, queue_->settings.fifo ? m.group : std::string(), Kept::make(bytes)});
  tx_.put(told_->index->message_key(place), std::move(bytes));
}

Status deliver(api::Cloud& cloud, store::Transaction& tx, std::string_view service_principal,
               std::string_view arn, const api::Conditions& conditions, Draft draft, int64_t now,
               std::vector<api::Afterwards>& then) {
  auto& all = api::part<Queues>(cloud);
  auto queue = all.find(tx, arn);
  if (!queue) return fail(no_queue());
  TRY(iam::check_service(tx, service_principal, "sqs:SendMessage", arn, conditions, queue->settings.policy,
                         queue->scope.account));
  Sending sending(all, tx, queue, now, std::string(service_principal));
  then.push_back(sending.outcome());
  TRY(sending.seal_for(cloud, [&] {
    return kms::Asker{.cloud = cloud,
                      .tx = tx,
                      .principal = kms::ourselves(),
                      .scope = queue->scope,
                      .via = {},
                      .conditions = conditions,
                      .now = now,
                      .service = std::string(service_principal)};
  }));
  TRY(sending.add(std::move(draft)));
  return {};
}

}  // namespace nubecita::sqs
