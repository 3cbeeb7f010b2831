// Log streams: create, delete, describe.
#include <algorithm>

#include "base/ids.hpp"
#include "models/logs.hpp"
#include "services/logs/events.hpp"
#include "services/logs/groups.hpp"

namespace nubecita::logs {

Stream new_stream(std::string group, std::string name, int64_t now) {
  Stream s;
  s.group = std::move(group);
  s.name = std::move(name);
  s.uid = random_hex(16);
  s.created = now;
  return s;
}

namespace {
void describe(api::Call& call, const Stream& stream, model::LogStream& out) {
  out.log_stream_name = call.text(stream.name);
  out.creation_time = stream.created;
  if (stream.events) {
    out.first_event_timestamp = stream.first_event;
    out.last_event_timestamp = stream.last_event;
    out.last_ingestion_time = stream.last_ingestion;
  }
  out.upload_sequence_token = call.text("49" + digits(stream.created) + digits(stream.events));
  out.arn = call.text(stream_arn(call, stream.group, stream.name));
  out.stored_bytes = 0;  // AWS answers 0 for every stream since 2019; groups have the number
}
}  // namespace

Status create_log_stream(api::Call& call, const model::CreateLogStreamRequest& in,
                         model::CreateLogStreamResponse&) {
  const auto name = api::str(in.log_stream_name);
  TRY(call.authorize(stream_arn(call, in.log_group_name, name)));
  TRY_LET(auto group, find_group(call, in.log_group_name));
  auto stream = new_stream(group.name, name, call.now);
  if (call.tx.get<Stream>(call.scope(), stream.key()))
    return fail("ResourceAlreadyExistsException", "The specified log stream already exists");
  call.tx.put(call.scope(), stream);
  return {};
}

Status delete_log_stream(api::Call& call, const model::DeleteLogStreamRequest& in,
                         model::DeleteLogStreamResponse&) {
  TRY(call.authorize(stream_arn(call, in.log_group_name, in.log_stream_name)));
  TRY_LET(auto group, find_group(call, in.log_group_name));
  TRY_LET(auto stream, find_stream(call, group.name, in.log_stream_name));
  call.tx.erase<Stream>(call.scope(), stream.key());
  call.tx.put(call.scope(), Garbage{event_prefix(group, stream)});
  return {};
}

Status describe_log_streams(api::Call& call, const model::DescribeLogStreamsRequest& in,
                            model::DescribeLogStreamsResponse& out) {
  TRY_LET(auto name, group_name(call, in.log_group_name, in.log_group_identifier));
  TRY(call.authorize(stream_arn(call, name)));
  TRY_LET(auto group, find_group(call, name));
  const bool by_time = in.order_by == "LastEventTime";
  if (by_time && !in.log_stream_name_prefix.empty())
    return invalid("Cannot order by LastEventTime with a logStreamNamePrefix.");

  // Each with a text that sorts as asked: pages go on after that of the last one shown.
  std::vector<std::pair<std::string, Stream>> streams;
  for (auto& s : call.tx.list<Stream>(call.scope(), group.name + ":" + api::str(in.log_stream_name_prefix)))
    streams.emplace_back((by_time ? digits(s.events ? s.last_event : 0) + ":" : "") + s.name, std::move(s));
  std::ranges::sort(streams, {}, &std::pair<std::string, Stream>::first);
  const bool descending = in.descending.value_or(false);
  if (descending) std::ranges::reverse(streams);
  if (in.next_token.has()) {
    TRY_LET(auto after, api::decode_token(in.next_token, "InvalidParameterException"));
    std::erase_if(streams, [&](auto& s) { return descending ? s.first >= after : s.first <= after; });
  }
  const auto limit = static_cast<size_t>(in.limit.value_or(50));
  if (streams.size() > limit) {
    streams.resize(limit);
    out.next_token = call.text(api::encode_token(streams.back().first));
  }
  out.log_streams = call.list<model::LogStream>(streams.size());
  for (size_t i = 0; i < streams.size(); ++i) describe(call, streams[i].second, out.log_streams[i]);
  return {};
}

}  // namespace nubecita::logs
