// CreateQueue, DeleteQueue, GetQueueUrl, ListQueues, GetQueueAttributes, SetQueueAttributes, PurgeQueue.
#include <algorithm>

#include "base/ids.hpp"
#include "models/sqs.hpp"
#include "services/sqs/locate.hpp"

namespace nubecita::sqs {
namespace {

constexpr int64_t kBetweenPurges = 60'000;

Status check_name(std::string_view name, bool fifo) {
  auto base = name;
  const bool suffix = base.ends_with(".fifo");
  if (suffix) base.remove_suffix(5);
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (fifo && !suffix)
    return invalid_parameter(
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must "
        "end with "
        ".fifo suffix and be 1 to 80 in length.");
  if (base.empty() || name.size() > 80 || !std::ranges::all_of(base, good) || suffix != fifo)
    return invalid_parameter(
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
  return {};
}

/// Whether the dead-letter queue is there, of the same type, and lets this queue use it.
Status check_dead_letters(api::Call& call, const Queue& queue, const std::string& arn) {
  const auto s = settings_of(queue.attributes, queue.fifo);
  if (s.dead_letter_arn.empty()) return {};
  auto bad = [&](const std::string& why) {
    return invalid_parameter("Value " + queue.attributes.at("RedrivePolicy") +
                             " for parameter RedrivePolicy is invalid. Reason: " + why);
  };
  auto dead = queues(call).find(call.tx, s.dead_letter_arn);
  if (!dead || dead->scope.account != call.account || dead->scope.region != call.region)
    return bad("Dead letter target does not exist.");
  if (dead->settings.fifo != s.fifo)
    return bad("Dead-letter queue must be same type of queue as the source.");
  const auto& permission = dead->settings.redrive_permission;
  if (permission == "denyAll" ||
      (permission == "byQueue" &&
       std::ranges::find(dead->settings.redrive_sources, arn) == dead->settings.redrive_sources.end()))
    return bad("The dead-letter queue's redrive allow policy does not let this queue use it.");
  return {};
}

/// Takes what a client sets into the queue. An empty text removes an optional attribute.
template <class Map>
Status set_attributes(api::Call& call, Queue& queue, const std::string& arn, const Map& given,
                      bool creating) {
  Attributes changed;
  for (auto& [name, value] : given) {
    const auto key = api::str(name);
    TRY_LET(auto kept, check_attribute(key, api::str(value), queue.fifo, creating));
    changed[key] = kept;
    if (kept.empty())
      queue.attributes.erase(key);
    else
      queue.attributes[key] = std::move(kept);
  }
  TRY(settle_encryption(queue.attributes, changed));
  TRY(check_together(queue.attributes, queue.fifo));
  return check_dead_letters(call, queue, arn);
}

/// CreateQueue of a queue that is there: fine if nothing that is asked for is different.
template <class Map>
Status check_same(const Queue& queue, const Map& given) {
  const auto all = effective_attributes(queue.attributes, queue.fifo);
  for (auto& [name, value] : given) {
    const auto key = api::str(name);
    TRY_LET(auto wanted, check_attribute(key, api::str(value), queue.fifo, true));
    auto has = all.find(key);
    if ((has == all.end() ? "" : has->second) != wanted)
      return fail("QueueNameExists",
                  "A queue already exists with the same name and a different value for attribute " + key);
  }
  return {};
}

Attributes all_attributes(api::Call& call, const Located& at) {
  auto a = effective_attributes(at.queue().attributes, at.queue().fifo);
  const auto counts = queues(call).index(*at.view)->counts(call.now);
  a["QueueArn"] = at.view->arn();
  a["CreatedTimestamp"] = std::to_string(at.queue().created / 1000);
  a["LastModifiedTimestamp"] = std::to_string(at.queue().modified / 1000);
  a["ApproximateNumberOfMessages"] = std::to_string(counts.visible);
  a["ApproximateNumberOfMessagesNotVisible"] = std::to_string(counts.in_flight);
  a["ApproximateNumberOfMessagesDelayed"] = std::to_string(counts.delayed);
  return a;
}

bool is_attribute(const std::string& name) {
  static constexpr std::string_view names[] = {"All",
                                               "Policy",
                                               "VisibilityTimeout",
                                               "MaximumMessageSize",
                                               "MessageRetentionPeriod",
                                               "ApproximateNumberOfMessages",
                                               "ApproximateNumberOfMessagesNotVisible",
                                               "CreatedTimestamp",
                                               "LastModifiedTimestamp",
                                               "QueueArn",
                                               "ApproximateNumberOfMessagesDelayed",
                                               "DelaySeconds",
                                               "ReceiveMessageWaitTimeSeconds",
                                               "RedrivePolicy",
                                               "FifoQueue",
                                               "ContentBasedDeduplication",
                                               "KmsMasterKeyId",
                                               "KmsDataKeyReusePeriodSeconds",
                                               "DeduplicationScope",
                                               "FifoThroughputLimit",
                                               "RedriveAllowPolicy",
                                               "SqsManagedSseEnabled"};
  return std::ranges::find(names, name) != std::end(names);
}

/// Gives up the queue's messages: all of them at once.
void leave_box(api::Call& call, const Located& at) {
  call.tx.put(at.view->scope, Garbage{at.queue().box()});
  api::afterwards(call, [&all = queues(call), box = at.queue().box()](bool done) {
    if (done) all.drop(box);
  });
}

}  // namespace

Status create_queue(api::Call& call, const model::CreateQueueRequest& in, model::CreateQueueResult& out) {
  const auto name = api::str(in.queue_name);
  const auto arn = call.arn("sqs", name);
  TRY(call.authorize(arn));
  if (!in.tags.empty()) TRY(call.authorize(arn, {}, "sqs:TagQueue"));
  bool fifo = false;
  for (auto& [key, value] : in.attributes) fifo |= key == "FifoQueue" && value == "true";
  TRY(check_name(name, fifo));
  out.queue_url = call.text(url_of(call, call.account, name));
  if (auto there = queues(call).find(call.tx, call.scope(), name))
    return check_same(there->queue, in.attributes);
  Queue queue;
  queue.name = name;
  queue.id = random_hex(16);
  queue.created = queue.modified = call.now;
  queue.fifo = fifo;
  TRY(set_attributes(call, queue, arn, in.attributes, true));
  for (auto& t : in.tags) queue.tags[api::str(t.key)] = api::str(t.value);
  call.tx.put(call.scope(), queue);
  return {};
}

Status delete_queue(api::Call& call, const model::DeleteQueueRequest& in, model::DeleteQueueResponse&) {
  TRY_LET(auto at, locate_own(call, in.queue_url, "sqs:DeleteQueue"));
  call.tx.erase<Queue>(at.view->scope, at.queue().name);
  leave_box(call, at);
  return {};
}

Status get_queue_url(api::Call& call, const model::GetQueueUrlRequest& in, model::GetQueueUrlResult& out) {
  const auto account =
      in.queue_owner_aws_account_id.empty() ? call.account : api::str(in.queue_owner_aws_account_id);
  const auto url = url_of(call, account, in.queue_name);
  TRY(locate(call, url, "sqs:GetQueueUrl"));
  out.queue_url = call.text(url);
  return {};
}

Status list_queues(api::Call& call, const model::ListQueuesRequest& in, model::ListQueuesResult& out) {
  TRY(call.authorize("*"));
  const auto most = in.max_results.value_or(1000);
  if (most < 1 || most > 1000)
    return invalid_parameter(
        "Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer "
        "between 1 and 1000");
  std::string next;
  TRY_LET(auto found, api::page(
                          call.tx.list<Queue>(call.scope(), in.queue_name_prefix.sv()), in.next_token.sv(),
                          static_cast<size_t>(most), [](const Queue& q) { return q.name; }, next,
                          "InvalidParameterValue"));
  if (found.empty()) return {};
  out.queue_urls = call.list<wire::Text>(found.size());
  for (size_t i = 0; i < found.size(); ++i)
    out.queue_urls[i] = call.text(url_of(call, call.account, found[i].name));
  if (in.max_results.has() && !next.empty()) out.next_token = call.text(next);
  return {};
}

Status get_queue_attributes(api::Call& call, const model::GetQueueAttributesRequest& in,
                            model::GetQueueAttributesResult& out) {
  TRY_LET(auto at, locate(call, in.queue_url, "sqs:GetQueueAttributes"));
  bool all = false;
  for (auto& n : in.attribute_names) {
    if (!is_attribute(api::str(n)))
      return fail("InvalidAttributeName", "Unknown Attribute " + api::str(n) + ".");
    all |= n == "All";
  }
  if (in.attribute_names.empty()) return {};
  auto found = all_attributes(call, at);
  if (!all)
    std::erase_if(found, [&](auto& a) {
      return std::ranges::none_of(in.attribute_names, [&](wire::Text n) { return n == a.first; });
    });
  if (!found.empty()) out.attributes = call.map(found);
  return {};
}

Status set_queue_attributes(api::Call& call, const model::SetQueueAttributesRequest& in,
                            model::SetQueueAttributesResponse&) {
  TRY_LET(auto at, locate_own(call, in.queue_url, "sqs:SetQueueAttributes"));
  auto queue = at.queue();
  TRY(set_attributes(call, queue, at.view->arn(), in.attributes, false));
  queue.modified = call.now;
  call.tx.put(at.view->scope, queue);
  return {};
}

Status purge_queue(api::Call& call, const model::PurgeQueueRequest& in, model::PurgeQueueResponse&) {
  TRY_LET(auto at, locate(call, in.queue_url, "sqs:PurgeQueue"));
  auto queue = at.queue();
  if (queue.purged && call.now < queue.purged + kBetweenPurges)
    return fail("PurgeQueueInProgress",
                "Only one PurgeQueue operation on " + queue.name + " is allowed every 60 seconds.", 403);
  leave_box(call, at);
  ++queue.generation;
  queue.purged = call.now;
  call.tx.put(at.view->scope, queue);
  return {};
}

}  // namespace nubecita::sqs
