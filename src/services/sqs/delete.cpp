// DeleteMessage, ChangeMessageVisibility and their batches: what is done with a receipt handle.
#include "models/sqs.hpp"
#include "services/sqs/batch.hpp"
#include "services/sqs/locate.hpp"
#include "services/sqs/message.hpp"

namespace nubecita::sqs {
namespace {

constexpr int64_t kMostVisibility = 43'200;

Result<Receipt> receipt_of(const Located& at, std::string_view handle) {
  auto r = Receipt::parse(handle);
  if (!r || r->queue != at.queue().id)
    return fail("ReceiptHandleIsInvalid", "The input receipt handle is invalid.", 404);
  return *r;
}

std::unexpected<ApiError> bad_handle(std::string_view handle, const std::string& why) {
  return invalid_parameter("Value " + std::string(handle) +
                           " for parameter ReceiptHandle is invalid. Reason: " + why);
}

/// In a standard queue any receipt of a message deletes it, also an old one and after a restart: whoever
/// holds it has worked on the message. In a FIFO queue only the receipt that holds its group.
Status delete_one(api::Call& call, const Located& at, Index& index, std::string_view handle,
                  std::vector<Place>& deleted) {
  TRY_LET(auto receipt, receipt_of(at, handle));
  if (receipt.generation != at.queue().generation) return {};  // purged meanwhile
  const auto key = index.message_key(receipt.place);
  if (index.fifo()) {
    auto flight = index.flight(receipt.place, call.now);
    if (!flight || flight->ticket != receipt.ticket) {
      if (!call.tx.get(key)) return {};  // it is deleted already
      return bad_handle(handle, "The receipt handle has expired.");
    }
  }
  call.tx.erase(key);
  if (index.has_record(receipt.place)) call.tx.erase(index.flight_key(receipt.place));
  deleted.push_back(receipt.place);
  return {};
}

void tell_deleted(api::Call& call, std::shared_ptr<Index> index, std::vector<Place> deleted) {
  if (deleted.empty()) return;
  api::afterwards(call, [index = std::move(index), deleted = std::move(deleted)](bool done) mutable {
    if (done) index->removed(std::move(deleted));
  });
}

Status change_one(api::Call& call, const Located& at, const std::shared_ptr<Index>& index,
                  std::string_view handle, wire::Opt<int32_t> timeout) {
  TRY_LET(auto receipt, receipt_of(at, handle));
  const int64_t seconds = timeout.value_or(0);
  if (seconds < 0 || seconds > kMostVisibility)
    return invalid_parameter(
        "Value " + std::to_string(seconds) +
        " for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an "
        "integer between 0 and 43200.");
  std::optional<Flight> flight;
  if (receipt.generation == at.queue().generation) flight = index->flight(receipt.place, call.now);
  // In a standard queue an old receipt will do while anybody has the message, as it does to delete it.
  if (!flight || (index->fifo() && flight->ticket != receipt.ticket)) {
    if (receipt.generation == at.queue().generation && call.tx.get(index->message_key(receipt.place)))
      return fail("MessageNotInflight", "The message referred to isn't in flight.");
    return bad_handle(handle, "Message does not exist or is not available for visibility timeout change.");
  }
  const int64_t visible = call.now + seconds * 1000;
  if (visible > flight->first + kMostVisibility * 1000 && seconds > 0 && flight->receives == 1)
    return invalid_parameter(
        "Value " + std::to_string(seconds) +
        " for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the "
        "message is beyond the limit [43200 seconds].");
  if (index->fifo()) {
    auto changed = *flight;
    changed.visible = visible;
    call.tx.put(index->flight_key(receipt.place), changed.text());
  }
  api::afterwards(call, [index, place = receipt.place, ticket = flight->ticket, visible](bool done) {
    if (done) index->change(place, ticket, visible);
  });
  return {};
}

}  // namespace

Status delete_message(api::Call& call, const model::DeleteMessageRequest& in, model::DeleteMessageResponse&) {
  TRY_LET(auto at, locate(call, in.queue_url, "sqs:DeleteMessage"));
  auto index = queues(call).index(*at.view);
  std::vector<Place> deleted;
  TRY(delete_one(call, at, *index, in.receipt_handle, deleted));
  tell_deleted(call, std::move(index), std::move(deleted));
  return {};
}

Status delete_message_batch(api::Call& call, const model::DeleteMessageBatchRequest& in,
                            model::DeleteMessageBatchResult& out) {
  TRY_LET(auto at, locate(call, in.queue_url, "sqs:DeleteMessage"));
  TRY(check_batch(in.entries, "DeleteMessageBatchRequestEntry"));
  auto index = queues(call).index(*at.view);
  std::vector<Place> deleted;
  BatchAnswer<model::DeleteMessageBatchResultEntry, model::BatchResultErrorEntry> answers(call,
                                                                                          in.entries.size());
  for (auto& e : in.entries) {
    if (auto done = delete_one(call, at, *index, e.receipt_handle, deleted); done)
      answers.good(e.id);
    else
      answers.bad(e.id, done.error());
  }
  answers.give(out);
  tell_deleted(call, std::move(index), std::move(deleted));
  return {};
}

Status change_message_visibility(api::Call& call, const model::ChangeMessageVisibilityRequest& in,
                                 model::ChangeMessageVisibilityResponse&) {
  TRY_LET(auto at, locate(call, in.queue_url, "sqs:ChangeMessageVisibility"));
  return change_one(call, at, queues(call).index(*at.view), in.receipt_handle, in.visibility_timeout);
}

Status change_message_visibility_batch(api::Call& call, const model::ChangeMessageVisibilityBatchRequest& in,
                                       model::ChangeMessageVisibilityBatchResult& out) {
  TRY_LET(auto at, locate(call, in.queue_url, "sqs:ChangeMessageVisibility"));
  TRY(check_batch(in.entries, "ChangeMessageVisibilityBatchRequestEntry"));
  auto index = queues(call).index(*at.view);
  BatchAnswer<model::ChangeMessageVisibilityBatchResultEntry, model::BatchResultErrorEntry> answers(
      call, in.entries.size());
  for (auto& e : in.entries) {
    if (auto done = change_one(call, at, index, e.receipt_handle, e.visibility_timeout); done)
      answers.good(e.id);
    else
      answers.bad(e.id, done.error());
  }
  answers.give(out);
  return {};
}

}  // namespace nubecita::sqs
