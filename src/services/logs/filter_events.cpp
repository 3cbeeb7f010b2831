// FilterLogEvents: the streams of a group merged by time, seen through a pattern.
#include <algorithm>
#include <deque>

#include "base/ids.hpp"
#include "models/logs.hpp"
#include "services/logs/events.hpp"
#include "services/logs/filter.hpp"
#include "services/logs/groups.hpp"

namespace nubecita::logs {
namespace {

constexpr size_t kMostScanned =
    50000;  // events looked at for one page; a page may be short, or empty, and go on
constexpr size_t kBatch = 500;

/// What has been read of one stream, ahead of the merge.
struct Cursor {
  Stream stream;
  Place at;  // where to read on
  std::deque<Event> ahead;
  bool done = false;
};

class Merge {
 public:
  Merge(api::Call& call, const Group& group, std::vector<Cursor> cursors, Place to)
      : call_(call), group_(group), cursors_(std::move(cursors)), to_(to) {}

  /// The stream whose next event is the oldest; null at the end.
  Cursor* next() {
    Cursor* oldest = nullptr;
    for (auto& c : cursors_) {
      fill(c);
      if (c.ahead.empty()) continue;
      if (!oldest || c.ahead.front().at.time < oldest->ahead.front().at.time) oldest = &c;
    }
    return oldest;
  }

 private:
  void fill(Cursor& c) {
    if (!c.ahead.empty() || c.done) return;
    auto part = first_events(call_.tx, call_.scope(), group_, c.stream, c.at, to_, kBatch);
    c.done = part.empty();
    if (!part.empty()) c.at = {part.back().at.time, part.back().at.number + 1};
    std::ranges::move(part, std::back_inserter(c.ahead));
  }

  api::Call& call_;
  const Group& group_;
  std::vector<Cursor> cursors_;
  Place to_;
};

// The last event looked at: "<time>:<number>:<stream>".
std::string position(const Event& e, const Stream& s) {
  return digits(e.at.time) + ":" + digits(e.at.number) + ":" + s.name;
}

bool wanted(const model::FilterLogEventsRequest& in, const Stream& s) {
  if (in.log_stream_names.has())
    return std::ranges::any_of(in.log_stream_names, [&](wire::Text n) { return n == s.name; });
  return s.name.starts_with(in.log_stream_name_prefix.sv());
}

Result<std::vector<Cursor>> cursors(api::Call& call, const model::FilterLogEventsRequest& in,
                                    const Group& group, Place from, Place to) {
  Place after{-1, 0};
  std::string after_stream;
  if (in.next_token.has()) {
    TRY_LET(auto text, api::decode_token(in.next_token, "InvalidParameterException"));
    if (text.size() < 42) return invalid("The specified nextToken is invalid.");
    after = place_of(std::string_view(text).substr(0, 41));
    after_stream = text.substr(42);
  }
  std::vector<Cursor> out;
  for (auto& s : call.tx.list<Stream>(call.scope(), group.name + ":")) {
    if (!wanted(in, s) || !s.events || s.last_event < from.time || Place{s.first_event, 0} >= to) continue;
    // Events of one time come stream by stream, in the order of the streams' names.
    Place start = from;
    if (after.time >= 0) {
      const Place seen = s.name == after_stream  ? Place{after.time, after.number + 1}
                         : s.name < after_stream ? Place{after.time + 1, 0}
                                                 : Place{after.time, 0};
      start = std::max(from, seen);
    }
    out.push_back({std::move(s), start, {}, false});
  }
  return out;
}

}  // namespace

Status filter_log_events(api::Call& call, const model::FilterLogEventsRequest& in,
                         model::FilterLogEventsResponse& out) {
  TRY_LET(auto name, group_name(call, in.log_group_name, in.log_group_identifier));
  TRY(call.authorize(stream_arn(call, name)));
  TRY_LET(auto group, find_group(call, name));
  if (in.log_stream_names.has() && !in.log_stream_name_prefix.empty())
    return invalid("logStreamNames and logStreamNamePrefix cannot be given together.");
  if (!in.start_from_head.value_or(true))
    return invalid("The order newest first (startFromHead false) is not served by nubecita.");
  for (auto n : in.log_stream_names)
    if (!call.tx.get<Stream>(call.scope(), group.name + ":" + api::str(n))) return fail(no_stream());
  TRY_LET(auto filter, Filter::parse(in.filter_pattern));

  Place from{std::max<int64_t>(in.start_time.value_or(0), 0), 0};
  if (group.retention_days)
    from = std::max(from, Place{call.now - group.retention_days * int64_t{86400000}, 0});
  const Place to =
      in.end_time.has() ? Place{std::max<int64_t>(*in.end_time, -1) + 1, 0} : kEnd;  // inclusive here
  TRY_LET(auto sources, cursors(call, in, group, from, to));
  Merge merge(call, group, std::move(sources), to);

  const auto limit = static_cast<size_t>(in.limit.value_or(kMostPageEvents));
  std::vector<std::pair<std::string, Event>> found;
  std::string last;
  int64_t bytes = 0;
  for (size_t scanned = 0;; ++scanned) {
    Cursor* c = merge.next();
    if (!c) break;
    auto& e = c->ahead.front();
    const auto size = static_cast<int64_t>(e.message.size()) + kEventOverhead;
    if (scanned == kMostScanned || found.size() == limit ||
        (bytes + size > kMostPageBytes && !found.empty())) {
      out.next_token = call.text(api::encode_token(last));
      break;
    }
    last = position(e, c->stream);
    if (filter.matches(e.message)) {
      bytes += size;
      found.emplace_back(c->stream.name, std::move(e));
    }
    c->ahead.pop_front();
  }
  out.events = call.list<model::FilteredLogEvent>(found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    const auto& [stream, e] = found[i];
    auto& o = out.events[i];
    o.log_stream_name = call.text(stream);
    o.timestamp = e.at.time;
    o.message = call.text(e.message);
    o.ingestion_time = e.ingested;
    // 56 digits, as AWS has them; the stream's part keeps events of two streams apart.
    o.event_id =
        call.text(digits(e.at.time).substr(4) +
                  digits(static_cast<int64_t>(std::hash<std::string>{}(stream) >> 1)) + digits(e.at.number));
  }
  out.searched_log_streams = call.list<model::SearchedLogStream>(0);  // AWS has left it empty since 2019
  return {};
}

}  // namespace nubecita::logs
