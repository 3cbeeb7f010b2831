// Events as they lie in the store: their keys, and reading them in order. Inside the logs service only.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/logs/records.hpp"
#include "store/store.hpp"

namespace nubecita::logs {

constexpr int64_t kEventOverhead = 26;  // bytes that AWS counts per event beside its message
constexpr int64_t kMostPageBytes = 1024 * 1024;
constexpr size_t kMostPageEvents = 10000;

/// A place in a stream: an event's time and number.
struct Place {
  int64_t time = 0, number = 0;
  friend auto operator<=>(const Place&, const Place&) = default;
};
constexpr Place kStart{0, 0};
constexpr Place kEnd{std::numeric_limits<int64_t>::max(), 0};

struct Event {
  Place at;
  int64_t ingested = 0;
  std::string message;
};

std::string event_prefix(const Group& group, const Stream& stream);
std::string event_id(const Group& group, const Stream& stream, const Place& place);
/// Twenty digits, so that text order is number order.
std::string digits(int64_t n);
/// The place of a stored event, from its id or key.
Place place_of(std::string_view key);
Event decode_event(std::string_view key, std::string_view value);

/// Events in [from, to), oldest first, at most `most` of them and about a page's bytes.
std::vector<Event> first_events(store::Transaction& tx, const store::Scope& scope, const Group& group,
                                const Stream& stream, Place from, Place to, size_t most);
/// The newest of [from, to), oldest of them first.
std::vector<Event> last_events(store::Transaction& tx, const store::Scope& scope, const Group& group,
                               const Stream& stream, Place from, Place to, size_t most);

}  // namespace nubecita::logs
