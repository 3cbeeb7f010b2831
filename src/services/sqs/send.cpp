// SendMessage, SendMessageBatch.
#include "models/sqs.hpp"
#include "services/sqs/batch.hpp"
#include "services/sqs/sending.hpp"

namespace nubecita::sqs {
namespace {

constexpr size_t kMostBatchBytes = 1'048'576;

template <class Map>
Result<std::vector<Attribute>> attributes_of(const Map& map) {
  std::vector<Attribute> out;
  for (auto& [name, v] : map) {
    if (!v.string_list_values.empty() || !v.binary_list_values.empty())
      return fail("UnsupportedOperation",
                  "Message attribute list values in SendMessage operation are not supported.");
    Attribute a{api::str(name), api::str(v.data_type), {}};
    a.value = api::str(a.binary() ? v.binary_value : v.string_value);
    out.push_back(std::move(a));
  }
  return out;
}

template <class In>
Result<Draft> draft_of(const In& in) {
  Draft d;
  d.body = api::str(in.message_body);
  TRY_LET(d.attributes, attributes_of(in.message_attributes));
  for (auto& [name, v] : in.message_system_attributes) {
    if (name != "AWSTraceHeader")
      return fail("InvalidParameterValue", "The message system attribute '" + api::str(name) +
                                               "' is not valid: only AWSTraceHeader is.");
    if (v.data_type != "String" || v.string_value.empty())
      return fail("InvalidParameterValue",
                  "The message system attribute 'AWSTraceHeader' must be a non-empty String.");
    d.trace_header = api::str(v.string_value);
  }
  d.group = api::str(in.message_group_id);
  d.dedup = api::str(in.message_deduplication_id);
  if (in.delay_seconds.has()) {
    if (*in.delay_seconds < 0)
      return fail(
          "InvalidParameterValue",
          "Value " + std::to_string(*in.delay_seconds) +
              " for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.");
    d.delay_ms = int64_t{*in.delay_seconds} * 1000;
  }
  return d;
}

template <class Out>
void answer(api::Call& call, const Sent& sent, Out& out) {
  out.message_id = call.text(sent.id);
  out.md5_of_message_body = call.text(sent.body_md5);
  if (!sent.attributes_md5.empty()) out.md5_of_message_attributes = call.text(sent.attributes_md5);
  if (!sent.trace_md5.empty()) out.md5_of_message_system_attributes = call.text(sent.trace_md5);
  if (!sent.sequence.empty()) out.sequence_number = call.text(sent.sequence);
}

/// Whom SenderId names: of a request that nobody signed, the address.
std::string sender_of(const api::Call& call) {
  return anonymous(call) ? std::string(call.source_ip) : call.principal.id;
}

}  // namespace

Status send_message(api::Call& call, const model::SendMessageRequest& in, model::SendMessageResult& out) {
  TRY_LET(auto at, locate(call, in.queue_url, "sqs:SendMessage"));
  TRY_LET(auto draft, draft_of(in));
  Sending sending(queues(call), call.tx, at.view, call.now, sender_of(call));
  api::afterwards(call, sending.outcome());
  TRY(sending.seal_for(call.cloud, asker_for(call, *at.view)));
  TRY_LET(auto sent, sending.add(std::move(draft)));
  answer(call, sent, out);
  return {};
}

Status send_message_batch(api::Call& call, const model::SendMessageBatchRequest& in,
                          model::SendMessageBatchResult& out) {
  TRY_LET(auto at, locate(call, in.queue_url, "sqs:SendMessage"));
  TRY(check_batch(in.entries, "SendMessageBatchRequestEntry"));
  std::vector<Draft> drafts;
  size_t bytes = 0;
  for (auto& e : in.entries) {
    TRY_LET(auto draft, draft_of(e));
    bytes += size_of(draft.body, draft.attributes);
    // Of these, one entry refuses the whole batch.
    if (at.settings().fifo) TRY(check_fifo(at.settings(), draft));
    drafts.push_back(std::move(draft));
  }
  if (bytes > kMostBatchBytes)
    return fail("BatchRequestTooLong", "Batch requests cannot be longer than " +
                                           std::to_string(kMostBatchBytes) + " bytes. You have sent " +
                                           std::to_string(bytes) + " bytes.");
  Sending sending(queues(call), call.tx, at.view, call.now, sender_of(call));
  api::afterwards(call, sending.outcome());
  TRY(sending.seal_for(call.cloud, asker_for(call, *at.view)));
  BatchAnswer<model::SendMessageBatchResultEntry, model::BatchResultErrorEntry> answers(call,
                                                                                        in.entries.size());
  for (size_t i = 0; i < drafts.size(); ++i) {
    auto sent = sending.add(std::move(drafts[i]));
    if (sent)
      answer(call, *sent, answers.good(in.entries[i].id));
    else
      answers.bad(in.entries[i].id, sent.error());
  }
  answers.give(out);
  return {};
}

}  // namespace nubecita::sqs
