#include "services/logs/events.hpp"

#include <algorithm>
#include <charconv>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "services/logs/groups.hpp"
#include "services/logs/logs.hpp"

namespace nubecita::logs {
namespace {

int64_t number(std::string_view text) {
  int64_t n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

// Replaces what is not UTF-8, so that every message can go into JSON.
std::string clean(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    size_t n = c < 0x80                ? 1
               : c >= 0xc2 && c < 0xe0 ? 2
               : c >= 0xe0 && c < 0xf0 ? 3
               : c >= 0xf0 && c < 0xf5 ? 4
                                       : 0;
    if (n > text.size() - i) n = 0;
    for (size_t k = 1; k < n; ++k)
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) n = 0;
    if (n >= 3) {
      const auto second = static_cast<unsigned char>(text[i + 1]);
      const bool overlong = (c == 0xe0 && second < 0xa0) || (c == 0xf0 && second < 0x90);
      if (overlong || (c == 0xed && second >= 0xa0) || (c == 0xf4 && second >= 0x90)) n = 0;
    }
    if (n)
      out.append(text, i, n);
    else
      out += "\xef\xbf\xbd";
    i += n ? n : 1;
  }
  return out;
}

std::string_view fitting(std::string_view message) {
  constexpr size_t most = kMostPageBytes - kEventOverhead;
  return message.substr(0, most);
}

}  // namespace

std::string digits(int64_t n) {
  auto text = std::to_string(std::max<int64_t>(n, 0));
  return std::string(20 - std::min<size_t>(text.size(), 20), '0') + text;
}

std::string event_prefix(const Group& group, const Stream& stream) {
  return group.uid + ":" + stream.uid + ":";
}

std::string event_id(const Group& group, const Stream& stream, const Place& place) {
  return event_prefix(group, stream) + digits(place.time) + ":" + digits(place.number);
}

Place place_of(std::string_view key) {
  const auto tail = key.substr(key.size() - 41);
  return {number(tail.substr(0, 20)), number(tail.substr(21))};
}

Event decode_event(std::string_view key, std::string_view value) {
  const auto space = value.find(' ');
  return {place_of(key), number(value.substr(0, space)), std::string(value.substr(space + 1))};
}

std::vector<Event> first_events(store::Transaction& tx, const store::Scope& scope, const Group& group,
                                const Stream& stream, Place from, Place to, size_t most) {
  std::vector<Event> out;
  if (from >= to || most == 0) return out;
  int64_t bytes = 0;
  const auto prefix = store::make_key(kEventTable, scope, event_prefix(group, stream));
  const auto first = store::make_key(kEventTable, scope, event_id(group, stream, from));
  tx.scan(prefix, first, [&](std::string_view key, std::string_view value) {
    if (place_of(key) >= to) return false;
    bytes += static_cast<int64_t>(value.size()) + kEventOverhead;
    if (bytes > kMostPageBytes && !out.empty()) return false;
    out.push_back(decode_event(key, value));
    return out.size() < most;
  });
  return out;
}

std::vector<Event> last_events(store::Transaction& tx, const store::Scope& scope, const Group& group,
                               const Stream& stream, Place from, Place to, size_t most) {
  // The store reads forwards only: look at ever larger pieces of time before the end until they hold enough.
  if (stream.events == 0) return {};
  from = std::max(from, Place{stream.first_event, 0});
  to = std::min(to, Place{stream.last_event + 1, 0});
  std::vector<std::vector<Event>> pieces;
  size_t found = 0;
  for (int64_t span = 60'000; from < to && found < most; span *= 4) {
    const Place begin = std::max(from, Place{to.time - std::min(span, to.time), 0});
    std::vector<Event> piece;
    for (Place at = begin; at < to;) {
      auto part = first_events(tx, scope, group, stream, at, to, kMostPageEvents);
      if (part.empty()) break;
      at = {part.back().at.time, part.back().at.number + 1};
      std::ranges::move(part, std::back_inserter(piece));
      if (piece.size() > 2 * most) piece.erase(piece.begin(), piece.end() - static_cast<ptrdiff_t>(most));
    }
    found += piece.size();
    pieces.push_back(std::move(piece));
    to = begin;
  }
  std::vector<Event> out;
  for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece)
    std::ranges::move(*piece, std::back_inserter(out));
  // A page: the newest `most` events, and no more bytes than one may have.
  size_t keep = 0;
  for (int64_t bytes = 0; keep < std::min(most, out.size()); ++keep) {
    bytes += static_cast<int64_t>(out[out.size() - 1 - keep].message.size()) + kEventOverhead;
    if (bytes > kMostPageBytes && keep) break;
  }
  out.erase(out.begin(), out.end() - static_cast<ptrdiff_t>(keep));
  return out;
}

void store_events(store::Transaction& tx, const store::Scope& scope, const Group& group, Stream& stream,
                  const std::vector<NewEvent>& events, int64_t now) {
  for (const auto& e : events) {
    const auto message = clean(fitting(e.message));
    const Place place{std::max<int64_t>(e.timestamp_ms, 0), stream.events};
    tx.put(store::make_key(kEventTable, scope, event_id(group, stream, place)),
           std::to_string(now) + " " + message);
    stream.first_event = stream.events ? std::min(stream.first_event, place.time) : place.time;
    stream.last_event = stream.events ? std::max(stream.last_event, place.time) : place.time;
    stream.last_ingestion = now;
    stream.bytes += static_cast<int64_t>(message.size()) + kEventOverhead;
    ++stream.events;
  }
  tx.put(scope, stream);
}

Status append(store::Transaction& tx, const store::Scope& scope, const std::string& group_name,
              const std::string& stream_name, const std::vector<NewEvent>& events, bool create_group) {
  auto group = tx.get<Group>(scope, group_name);
  if (!group && !create_group) return fail(no_group());
  const int64_t now = now_ms();
  if (!group) {
    group = Group{group_name, random_hex(16), now, 0, {}};
    tx.put(scope, *group);
  }
  auto stream = tx.get<Stream>(scope, group_name + ":" + stream_name);
  if (!stream) stream = new_stream(group_name, stream_name, now);
  store_events(tx, scope, *group, *stream, events, now);
  return {};
}

}  // namespace nubecita::logs
