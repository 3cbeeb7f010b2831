// The box's state: loading, arrivals, taking. Waiting and time are in index_time.cpp.
#include "services/sqs/index.hpp"

#include <algorithm>
#include <atomic>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "services/sqs/message.hpp"

namespace nubecita::sqs {
namespace {

constexpr size_t kRefill = 128;           // messages per look at the store
constexpr size_t kMostFresh = 1024;       // known that nobody has asked for
constexpr size_t kMostReturned = 10'000;  // more: they go before the backlog, so that memory stays bounded
constexpr size_t kCountAtOnce = 20'000;   // counted on loading; the rest later
constexpr int64_t kUnsaved = 1000;        // ms until an unfinished receive of a standard queue is written
constexpr int64_t kAttempt = 5 * 60'000;

std::atomic<uint64_t> last_number{0};
std::atomic<size_t> kept{0};  // bytes

uint64_t new_number() {
  const auto from_clock = static_cast<uint64_t>(now_ms()) * 1'024'000;
  uint64_t last = last_number.load(), next = 0;
  do {
    next = std::max(last + 1, from_clock);
  } while (!last_number.compare_exchange_weak(last, next));
  return next;
}
void numbers_begin_after(uint64_t seen) {
  uint64_t last = last_number.load();
  while (last < seen && !last_number.compare_exchange_weak(last, seen)) {
  }
}

}  // namespace

std::shared_ptr<const Kept> Kept::make(std::string_view bytes) {
  if (bytes.size() > kMostOfOne || kept.load(std::memory_order_relaxed) + bytes.size() > kMost) return {};
  return std::make_shared<const Kept>(bytes);
}
Kept::Kept(std::string_view b) : bytes(b) { kept += bytes.size(); }
Kept::~Kept() { kept -= bytes.size(); }

Index::Index(store::Store& store, store::Scope scope, std::string box, bool fifo)
    : store_(store),
      scope_(std::move(scope)),
      box_(std::move(box)),
      prefix_(store::make_key(kMessages, scope_, box_ + ":")),
      flight_prefix_(store::make_key(kFlights, scope_, box_ + ":")),
      fifo_(fifo) {
  const auto random = random_bytes(4);
  tickets_ = 0;
  for (char c : random) tickets_ = tickets_ << 8 | static_cast<unsigned char>(c);
  std::lock_guard lock(mutex_);
  load(now_ms());
}

// ---- Loading

void Index::load(int64_t now) {
  auto tx = store_.begin();
  load_flights(*tx, now);
  counting_ = true;
  count(*tx, kCountAtOnce);
  loaded_ = true;
}

void Index::load_flights(store::Transaction& tx, int64_t now) {
  std::vector<std::string> orphans;
  tx.scan(flight_prefix_, {}, [&](std::string_view key, std::string_view value) {
    auto place = Place::parse(key.substr(flight_prefix_.size()));
    auto flight = Flight::parse(value);
    auto message = place ? tx.get(message_key(*place)) : std::nullopt;
    auto head = message ? decode_head(*message) : std::nullopt;
    if (!flight || !head)
      orphans.emplace_back(key);
    else
      add({*place, head->sent, head->available, std::string(head->group), {}}, *flight, flight->visible > now,
          true);
    return true;
  });
  if (orphans.empty()) return;
  auto erase = store_.begin();
  for (auto& key : orphans) erase->erase(key);
  store_.commit(std::move(erase), [](store::CommitResult, const std::string&) {});
}

void Index::count(store::Transaction& tx, size_t most) {
  size_t seen = 0;
  const int64_t now = now_ms();
  const std::string from = counted_ == Place{} ? std::string() : message_key(counted_) + '\0';
  counting_ = false;
  tx.scan(prefix_, from, [&](std::string_view key, std::string_view value) {
    if (seen == most) {
      counting_ = true;
      return false;
    }
    auto place = Place::parse(key.substr(prefix_.size()));
    if (!place) return true;
    ++seen;
    ++total_;
    counted_ = *place;
    if (auto head = decode_head(value); head && head->available > now) ++delayed_[head->available / 1000 + 1];
    return true;
  });
  if (fifo_) numbers_begin_after(counted_.number);
}

// ---- Numbers, and what commits tell

uint64_t Index::next_number() {
  if (!fifo_) return new_number();
  std::lock_guard lock(inbox_mutex_);  // so that numbers become pending in their order
  const auto n = new_number();
  pending_.insert(n);
  return n;
}

void Index::arrived(std::vector<Arrival> messages) {
  std::vector<Event> events;
  if (!fifo_) {
    for (auto& m : messages) events.push_back({Event::Kind::arrived, std::move(m), {}});
  } else {
    // In the order of their numbers: one that is committed first waits for those before it.
    std::lock_guard lock(inbox_mutex_);
    for (auto& m : messages) {
      pending_.erase(m.place.number);
      held_.emplace(m.place.number, std::move(m));
    }
    const auto until = pending_.empty() ? std::numeric_limits<uint64_t>::max() : *pending_.begin();
    while (!held_.empty() && held_.begin()->first < until)
      events.push_back({Event::Kind::arrived, std::move(held_.extract(held_.begin()).mapped()), {}});
  }
  const size_t n = events.size();
  push(std::move(events), n);
}

void Index::not_sent(const std::vector<uint64_t>& numbers) {
  if (!fifo_) return;
  {
    std::lock_guard lock(inbox_mutex_);
    for (auto n : numbers) pending_.erase(n);
  }
  arrived({});
}

void Index::put_back(std::vector<Taken> taken) {
  std::vector<Event> events;
  for (auto& t : taken) {
    Event e{Event::Kind::put_back, {}, t.before};
    e.arrival.place = t.place;
    e.arrival.available = t.flight.ticket;
    events.push_back(std::move(e));
  }
  const size_t n = events.size();
  push(std::move(events), n);
}

void Index::change(const Place& place, uint32_t ticket, int64_t visible) {
  Event e{Event::Kind::changed, {}, {}};
  e.arrival.place = place;
  e.flight.ticket = ticket;
  e.flight.visible = visible;
  push({std::move(e)}, 1);
}

void Index::removed(std::vector<Place> places) {
  std::vector<Event> events;
  for (auto& p : places) {
    Event e{Event::Kind::removed, {}, {}};
    e.arrival.place = p;
    events.push_back(std::move(e));
  }
  push(std::move(events), fifo_ ? 1 : 0);
}

void Index::push(std::vector<Event> events, size_t wakened) {
  bool full = false;
  {
    std::lock_guard lock(inbox_mutex_);
    for (auto& e : events) inbox_.push_back(std::move(e));
    full = inbox_.size() > 256;
  }
  if (full)
    if (std::unique_lock lock(mutex_, std::try_to_lock); lock) drain();
  if (wakened) wake(wakened);
}

void Index::drain() {
  std::vector<Event> events;
  {
    std::lock_guard lock(inbox_mutex_);
    events.swap(inbox_);
  }
  for (auto& e : events) apply(e);
}

void Index::apply(Event& event) {
  const Place& place = event.arrival.place;
  if (event.kind == Event::Kind::arrived) return arrive(event.arrival);
  if (event.kind == Event::Kind::removed) return remove(place);
  auto it = known_.find(place);
  if (it == known_.end() || !it->second.in_flight) return;
  Entry& e = it->second;
  if (event.kind == Event::Kind::put_back) {
    if (static_cast<int64_t>(e.flight.ticket) != event.arrival.available) return;
    leave_flight(place, e);
    e.flight = event.flight;
    make_available(place, e, e.flight.receives ? e.flight.visible : e.available);
    return;
  }
  if (e.flight.ticket != event.flight.ticket) return;
  flights_.erase({e.flight.visible, place});
  e.flight.visible = event.flight.visible;
  flights_.insert({e.flight.visible, place});
  if (fifo_) return;
  if (!e.dirty) dirty_[now_ms() + kUnsaved].push_back(place);
  e.dirty = true;
}

void Index::arrive(const Arrival& a) {
  if (!counting_ || a.place <= counted_) {
    ++total_;
    if (a.available > now_ms()) ++delayed_[a.available / 1000 + 1];
  }
  if (known_.contains(a.place)) return;
  if (a.place <= cursor_) {
    add(a, {}, false, false);
    if (fresh_.size() > 4 * kMostFresh) shorten();
    return;
  }
  if (!fifo_ && a.place.time > now_ms()) {
    next_due_ = std::min(next_due_, a.place.time);
    return;
  }
  if (backlog_) return;
  if ((fifo_ ? known_.size() : fresh_.size()) >= kMostFresh || a.place.time > next_due_) {
    backlog_ = true;
    return;
  }
  add(a, {}, false, false);
  cursor_ = a.place;
}

/// Forgets most of what was never received: it is in the store.
void Index::shorten() {
  while (fresh_.size() > kRefill) {
    const Place last = *fresh_.rbegin();
    fresh_.erase(last);
    known_.erase(last);
  }
  cursor_ = *fresh_.rbegin();
  backlog_ = true;
}

void Index::remove(const Place& place) {
  auto it = known_.find(place);
  if (it == known_.end() && place <= cursor_) return;  // it was gone already
  if (!counting_ || place <= counted_) --total_;
  if (it != known_.end()) forget(it);
}

// ---- Entries

void Index::add(const Arrival& a, const Flight& flight, bool in_flight, bool recorded) {
  Entry& e = known_[a.place];
  e.flight = flight;
  e.sent = a.sent;
  e.available = a.available;
  e.recorded = recorded;
  e.message = a.message;
  if (fifo_) e.group = &*groups_.try_emplace(a.group).first;
  if (!in_flight) return make_available(a.place, e, flight.receives ? flight.visible : a.available);
  e.in_flight = true;
  flights_.insert({flight.visible, a.place});
  if (!e.group) return;
  unready(*e.group);
  ++e.group->second.in_flight;
}

void Index::unready(Groups::value_type& g) {
  if (!g.second.waiting.empty()) ready_.erase({*g.second.waiting.begin(), &g});
}
void Index::ready(Groups::value_type& g) {
  if (g.second.in_flight == 0 && !g.second.waiting.empty()) ready_.insert({*g.second.waiting.begin(), &g});
}

void Index::make_available(const Place& place, Entry& e, int64_t when) {
  e.available = when;
  if (e.group) {
    unready(*e.group);
    e.group->second.waiting.insert(place);
    ready(*e.group);
  } else if (e.flight.receives) {
    returned_.insert({when, place});
  } else {
    fresh_.insert(place);
  }
}

void Index::forget_available(const Place& place, Entry& e) {
  if (e.group) {
    unready(*e.group);
    e.group->second.waiting.erase(place);
    ready(*e.group);
  } else if (!returned_.erase({e.available, place})) {
    fresh_.erase(place);
  }
}

void Index::leave_flight(const Place& place, Entry& e) {
  flights_.erase({e.flight.visible, place});
  e.in_flight = false;
  if (!e.group) return;
  --e.group->second.in_flight;
  ready(*e.group);
}

void Index::forget(Entries::iterator it) {
  auto& [place, e] = *it;
  if (e.in_flight)
    leave_flight(place, e);
  else
    forget_available(place, e);
  if (auto* g = e.group; g && g->second.in_flight == 0 && g->second.waiting.empty()) groups_.erase(g->first);
  known_.erase(it);
}

/// Flights that are over.
void Index::land(int64_t now) {
  while (!flights_.empty() && flights_.begin()->first <= now) {
    const auto [when, place] = *flights_.begin();
    Entry& e = known_.at(place);
    leave_flight(place, e);
    make_available(place, e, when);
  }
}

bool Index::may_refill(int64_t now) const {
  if (fifo_ && known_.size() >= kMostInFlight) return false;
  return backlog_ || next_due_ <= now;
}

void Index::refill(int64_t now, size_t most) {
  // Of a FIFO queue nothing beyond a number that may still be committed: what comes after it arrives later.
  auto end = std::numeric_limits<uint64_t>::max();
  {
    std::lock_guard lock(inbox_mutex_);
    if (!pending_.empty()) end = *pending_.begin();
  }
  auto tx = store_.begin();
  size_t seen = 0;
  const std::string from = cursor_ == Place{} ? std::string() : message_key(cursor_) + '\0';
  backlog_ = false;
  next_due_ = kNever;
  tx->scan(prefix_, from, [&](std::string_view key, std::string_view value) {
    auto place = Place::parse(key.substr(prefix_.size()));
    if (!place) return true;
    if (place->time > now) {
      next_due_ = place->time;
      return false;
    }
    if (place->number >= end) return false;
    if (seen++ == most) {
      backlog_ = true;
      return false;
    }
    cursor_ = *place;
    auto head = decode_head(value);
    if (head && !known_.contains(*place))
      add({*place, head->sent, head->available, std::string(head->group), Kept::make(value)}, {}, false,
          false);
    return true;
  });
}

// ---- Taking

bool Index::next_standard(int64_t now, Place& place) {
  if (fresh_.empty() && may_refill(now)) refill(now, kRefill);
  const bool back = !returned_.empty(), fresh = !fresh_.empty();
  if (!back && !fresh) return false;
  // Whoever can be received for the longest time goes first.
  if (back && (!fresh || returned_.size() > kMostReturned || returned_.begin()->first < fresh_.begin()->time))
    place = returned_.begin()->second;
  else
    place = *fresh_.begin();
  return true;
}

/// The head of the first free group; `locked` by this very receive, its next message goes before.
bool Index::next_fifo(int64_t now, const Place*& locked, Place& place) {
  if (locked) {
    auto* group = known_.at(*locked).group;
    if (!group->second.waiting.empty()) {
      place = *group->second.waiting.begin();
      if (known_.at(place).available <= now) return true;
    }
    locked = nullptr;
  }
  for (size_t batch = kRefill;; batch = std::min<size_t>(batch * 4, 8192)) {
    for (auto& [head, group] : ready_) {
      if (known_.at(head).available > now) continue;
      place = head;
      return true;
    }
    if (!may_refill(now)) return false;
    refill(now, batch);
  }
}

Taken Index::lift(const Place& place, Entry& e, int64_t now, int64_t visible) {
  forget_available(place, e);
  Taken t{place, e.flight, e.flight, e.sent, std::move(e.message)};
  if (e.flight.receives == 0) t.before.visible = e.available;
  ++e.flight.receives;
  if (!e.flight.first) e.flight.first = now;
  e.flight.visible = visible;
  e.flight.ticket = ++tickets_;
  e.in_flight = true;
  flights_.insert({visible, place});
  if (e.group) {
    unready(*e.group);
    ++e.group->second.in_flight;
  } else {
    if (!e.dirty) dirty_[now + kUnsaved].push_back(place);
    e.dirty = true;
  }
  t.flight = e.flight;
  return t;
}

std::vector<Taken> Index::take(int64_t now, size_t most, int64_t visible, int64_t oldest, bool& over_limit) {
  std::lock_guard lock(mutex_);
  drain();
  land(now);
  over_limit = flights_.size() >= kMostInFlight;
  std::vector<Taken> out;
  const Place* locked = nullptr;
  Place place;
  while (out.size() < most && flights_.size() < kMostInFlight) {
    if (fifo_ ? !next_fifo(now, locked, place) : !next_standard(now, place)) break;
    auto it = known_.find(place);
    if (it->second.sent < oldest) {  // beyond retention; the controller deletes it
      forget(it);
      locked = nullptr;
      continue;
    }
    out.push_back(lift(place, it->second, now, visible));
    if (fifo_) locked = &it->first;
  }
  if (out.empty() && !fifo_ && !backlog_ && !counting_ && next_due_ == kNever)
    total_ = static_cast<int64_t>(known_.size());  // all are known: whatever was miscounted is put right
  return out;
}

void Index::remember(const std::string& attempt, int64_t now, const std::vector<Taken>& taken) {
  std::lock_guard lock(mutex_);
  std::erase_if(attempts_, [now](auto& a) { return a.second.until <= now; });
  if (taken.empty()) return;
  auto& a = attempts_[attempt];
  a = {now + kAttempt, {}};
  for (auto& t : taken) a.got.emplace_back(t.place, t.flight.ticket);
}

std::vector<Taken> Index::take_again(const std::string& attempt, int64_t now, int64_t visible) {
  std::lock_guard lock(mutex_);
  drain();
  land(now);
  std::vector<Taken> out;
  auto it = attempts_.find(attempt);
  if (it == attempts_.end() || it->second.until <= now) return out;
  for (auto& [place, ticket] : it->second.got) {
    auto e = known_.find(place);
    if (e == known_.end() || !e->second.in_flight || e->second.flight.ticket != ticket) return {};
  }
  for (auto& [place, ticket] : it->second.got) {
    Entry& e = known_.at(place);
    Taken t{place, e.flight, e.flight, e.sent, {}};
    flights_.erase({e.flight.visible, place});
    e.flight.visible = visible;
    e.flight.ticket = ++tickets_;
    flights_.insert({visible, place});
    ticket = e.flight.ticket;
    t.flight = e.flight;
    out.push_back(t);
  }
  return out;
}

void Index::saved(const std::vector<Taken>& taken) {
  std::lock_guard lock(mutex_);
  for (auto& t : taken)
    if (auto it = known_.find(t.place); it != known_.end()) it->second.recorded = true;
}

std::optional<Flight> Index::flight(const Place& place, int64_t now) {
  std::lock_guard lock(mutex_);
  drain();
  auto it = known_.find(place);
  if (it == known_.end() || !it->second.in_flight || it->second.flight.visible <= now) return {};
  return it->second.flight;
}

bool Index::has_record(const Place& place) {
  std::lock_guard lock(mutex_);
  auto it = known_.find(place);
  return fifo_ || it == known_.end() || it->second.recorded;
}

Counts Index::counts(int64_t now) {
  std::lock_guard lock(mutex_);
  drain();
  land(now);
  Counts c;
  delayed_.erase(delayed_.begin(), delayed_.upper_bound(now / 1000));
  for (auto& [second, n] : delayed_) c.delayed += n;
  c.in_flight = static_cast<int64_t>(flights_.size());
  c.visible = std::max<int64_t>(0, total_ - c.in_flight - c.delayed);
  return c;
}

}  // namespace nubecita::sqs
