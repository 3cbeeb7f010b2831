// TagQueue, UntagQueue, ListQueueTags.
#include "models/sqs.hpp"
#include "services/sqs/locate.hpp"

namespace nubecita::sqs {

constexpr size_t kMostTags = 50;

Status tag_queue(api::Call& call, const model::TagQueueRequest& in, model::TagQueueResponse&) {
  TRY_LET(auto at, locate_own(call, in.queue_url, "sqs:TagQueue"));
  if (in.tags.empty()) return fail("MissingParameter", "The request must contain the parameter Tags.");
  auto queue = at.queue();
  for (auto& t : in.tags) {
    if (t.key.empty() || t.key.size() > 128)
      return invalid_parameter("Tag keys must be between 1 and 128 characters in length.");
    queue.tags[api::str(t.key)] = api::str(t.value);
  }
  if (queue.tags.size() > kMostTags)
    return invalid_parameter("Too many tags added for queue " + queue.name + ".");
  call.tx.put(at.view->scope, queue);
  return {};
}

Status untag_queue(api::Call& call, const model::UntagQueueRequest& in, model::UntagQueueResponse&) {
  TRY_LET(auto at, locate_own(call, in.queue_url, "sqs:UntagQueue"));
  if (in.tag_keys.empty())
    return invalid_parameter("Tag keys must be between 1 and 128 characters in length.");
  auto queue = at.queue();
  for (auto& k : in.tag_keys) queue.tags.erase(api::str(k));
  call.tx.put(at.view->scope, queue);
  return {};
}

Status list_queue_tags(api::Call& call, const model::ListQueueTagsRequest& in,
                       model::ListQueueTagsResult& out) {
  TRY_LET(auto at, locate_own(call, in.queue_url, "sqs:ListQueueTags"));
  if (!at.queue().tags.empty()) out.tags = call.map(at.queue().tags);
  return {};
}

}  // namespace nubecita::sqs
