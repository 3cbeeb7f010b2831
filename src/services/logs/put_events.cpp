// PutLogEvents and GetLogEvents: one stream's events.
#include <algorithm>
#include <charconv>

#include "models/logs.hpp"
#include "services/logs/events.hpp"
#include "services/logs/groups.hpp"

namespace nubecita::logs {
namespace {

constexpr int64_t kHour = 3600 * 1000, kDay = 24 * kHour;

/// Which events of a batch AWS takes: [first, end). The others are told, not an error.
struct Accepted {
  size_t first = 0, end = 0;
  bool expired = false;  // what comes before `first` is beyond the group's retention, else it is just too old
};

Accepted accepted(const wire::List<model::InputLogEvent>& events, int64_t now, int retention_days) {
  Accepted a;
  a.expired = retention_days && retention_days < 14;
  const int64_t oldest = now - (a.expired ? retention_days : 14) * kDay;
  auto time = [](const model::InputLogEvent& e) { return *e.timestamp; };
  a.first = static_cast<size_t>(std::ranges::lower_bound(events, oldest, {}, time) - events.begin());
  a.end = static_cast<size_t>(std::ranges::upper_bound(events, now + 2 * kHour, {}, time) - events.begin());
  return a;
}

Status check_batch(const wire::List<model::InputLogEvent>& events) {
  int64_t bytes = 0;
  for (size_t i = 0; i < events.size(); ++i) {
    if (*events[i].timestamp < 0) return invalid("A timestamp is negative.");
    if (i && *events[i].timestamp < *events[i - 1].timestamp)
      return invalid("Log events in a single PutLogEvents request must be in chronological order.");
    bytes += static_cast<int64_t>(events[i].message.size()) + kEventOverhead;
  }
  if (bytes > kMostPageBytes)
    return invalid("Upload too large: " + std::to_string(bytes) + " bytes exceeds limit of " +
                   std::to_string(kMostPageBytes));
  return {};
}

// Tokens are places: "f/<time><number>/s" is what comes after it, "b/..." what comes before.
std::string token(char direction, const Place& p) {
  return std::string(1, direction) + "/" + digits(p.time) + digits(p.number) + std::string(16, '0') + "/s";
}

Result<Place> parse_token(std::string_view t, char& direction) {
  Place p;
  const bool shape = t.size() == 60 && (t[0] == 'f' || t[0] == 'b') && t[1] == '/' && t.ends_with("/s");
  auto read = [&](size_t at, int64_t& v) {
    auto [end, error] = std::from_chars(t.data() + at, t.data() + at + 20, v);
    return error == std::errc() && end == t.data() + at + 20;
  };
  if (!shape || !read(2, p.time) || !read(22, p.number))
    return invalid("The specified nextToken is invalid.");
  direction = t[0];
  return p;
}

}  // namespace

Status put_log_events(api::Call& call, const model::PutLogEventsRequest& in,
                      model::PutLogEventsResponse& out) {
  TRY(call.authorize(stream_arn(call, in.log_group_name, in.log_stream_name)));
  TRY_LET(auto group, find_group(call, in.log_group_name));
  TRY_LET(auto stream, find_stream(call, group.name, in.log_stream_name));
  TRY(check_batch(in.log_events));
  const auto good = accepted(in.log_events, call.now, group.retention_days);
  std::vector<NewEvent> events;
  for (size_t i = good.first; i < good.end; ++i)
    events.push_back({*in.log_events[i].timestamp, api::str(in.log_events[i].message)});
  if (!events.empty() && events.back().timestamp_ms - events.front().timestamp_ms > kDay)
    return invalid(
        "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.");
  if (!events.empty()) store_events(call.tx, call.scope(), group, stream, events, call.now);

  if (good.first > 0 || good.end < in.log_events.size()) {
    auto* rejected = out.rejected_log_events_info = call.make<model::RejectedLogEventsInfo>();
    const auto first = static_cast<int32_t>(good.first), end = static_cast<int32_t>(good.end);
    if (good.first > 0)
      (good.expired ? rejected->expired_log_event_end_index : rejected->too_old_log_event_end_index) = first;
    if (good.end < in.log_events.size()) rejected->too_new_log_event_start_index = end;
  }
  out.next_sequence_token = call.text("49" + digits(stream.created) + digits(stream.events));
  return {};
}

Status get_log_events(api::Call& call, const model::GetLogEventsRequest& in,
                      model::GetLogEventsResponse& out) {
  TRY_LET(auto name, group_name(call, in.log_group_name, in.log_group_identifier));
  TRY(call.authorize(stream_arn(call, name, in.log_stream_name)));
  TRY_LET(auto group, find_group(call, name));
  TRY_LET(auto stream, find_stream(call, group.name, in.log_stream_name));
  Place from{std::max<int64_t>(in.start_time.value_or(0), 0), 0};
  Place to = in.end_time.has() ? Place{std::max<int64_t>(*in.end_time, 0), 0} : kEnd;
  if (group.retention_days) from = std::max(from, Place{call.now - group.retention_days * kDay, 0});
  const auto limit = static_cast<size_t>(in.limit.value_or(kMostPageEvents));

  char direction = in.start_from_head.value_or(false) ? 'f' : 'b';
  Place at = direction == 'f' ? from : to;
  if (in.next_token.has()) {
    TRY_LET(at, parse_token(in.next_token, direction));
  }
  const auto events = direction == 'f'
                          ? first_events(call.tx, call.scope(), group, stream, std::max(from, at), to, limit)
                          : last_events(call.tx, call.scope(), group, stream, from, std::min(to, at), limit);
  out.events = call.list<model::OutputLogEvent>(events.size());
  for (size_t i = 0; i < events.size(); ++i) {
    out.events[i].timestamp = events[i].at.time;
    out.events[i].message = call.text(events[i].message);
    out.events[i].ingestion_time = events[i].ingested;
  }
  // At the end of the events a token leads to itself, which is how clients know.
  Place before = at, after = at;
  if (!events.empty()) {
    before = events.front().at;
    after = {events.back().at.time, events.back().at.number + 1};
  } else if (!in.next_token.has() && direction == 'b') {
    after = stream.events ? std::max(from, std::min(to, Place{stream.last_event, stream.events})) : from;
  }
  out.next_forward_token = call.text(token('f', after));
  out.next_backward_token = call.text(token('b', before));
  return {};
}

}  // namespace nubecita::logs
