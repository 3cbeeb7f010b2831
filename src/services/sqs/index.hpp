// What is known in memory of one box of messages: which of them can be received now, which are in flight
// until when, who waits for one. The messages themselves stay in the store; of a long backlog only its head
// is known here, loaded as it is consumed, so memory stays flat and no receive walks over what was deleted
// before.
//
// Every message beyond `cursor_` is in the store only. What commits tell (arrived, removed, ...) goes into an
// inbox with a lock of its own, so that the commit thread never waits for a load; whoever needs the state
// empties it first. Any thread. Owned by Queues (shared: operations in flight keep it).
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "services/sqs/records.hpp"
#include "store/store.hpp"

namespace nubecita::sqs {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr size_t kMostInFlight = 120'000;  // AWS's limit; also how far a FIFO queue looks for a free group

/// A message as it is in the store, of those that will be received first: most are received right after they
/// were sent, and need not be read then. Together they take about kMost bytes at most.
class Kept {
 public:
  static constexpr size_t kMost = 4u << 20, kMostOfOne = 16u << 10;  // bytes
  /// Null: it is too large, or there are too many.
  static std::shared_ptr<const Kept> make(std::string_view bytes);
  explicit Kept(std::string_view bytes);
  ~Kept();
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  const std::string bytes;
};
using KeptPtr = std::shared_ptr<const Kept>;

/// A message that a receive got.
struct Taken {
  Place place;
  Flight flight, before;
  int64_t sent = 0;
  KeptPtr message;  // null: it has to be read
};

struct Arrival {
  Place place;
  int64_t sent = 0, available = 0;
  std::string group;
  KeptPtr message;
};

struct Counts {
  int64_t visible = 0, in_flight = 0, delayed = 0;
};

class Index {
 public:
  Index(store::Store& store, store::Scope scope, std::string box, bool fifo);

  std::string message_key(const Place& place) const { return prefix_ + place.text(); }
  std::string flight_key(const Place& place) const { return flight_prefix_ + place.text(); }
  const std::string& box() const { return box_; }
  bool fifo() const { return fifo_; }

  /// The number of a message that is about to be sent; each must be told of by arrived() or not_sent().
  uint64_t next_number();
  void arrived(std::vector<Arrival> messages);
  void not_sent(const std::vector<uint64_t>& numbers);

  /// Takes up to `most` messages, in flight until `visible` from now on. `oldest`: what was sent before is
  /// beyond retention. Answers nothing if too many are in flight already; `over_limit` says so.
  std::vector<Taken> take(int64_t now, size_t most, int64_t visible, int64_t oldest, bool& over_limit);
  /// The messages that `attempt` got before, if none of them has been touched since; otherwise nothing.
  std::vector<Taken> take_again(const std::string& attempt, int64_t now, int64_t visible);
  void remember(const std::string& attempt, int64_t now, const std::vector<Taken>& taken);
  /// Undoes a take whose operation came to nothing.
  void put_back(std::vector<Taken> taken);
  /// The receives' state is in the store (FIFO queues write it with the receive, others later: flush()).
  void saved(const std::vector<Taken>& taken);

  /// Nothing unless the message is in flight now.
  std::optional<Flight> flight(const Place& place, int64_t now);
  /// Whether the store has a flight record of it.
  bool has_record(const Place& place);
  /// Changes how long a message is in flight if `ticket` is still its last receive.
  void change(const Place& place, uint32_t ticket, int64_t visible);
  void removed(std::vector<Place> places);

  Counts counts(int64_t now);

  /// `resume` is called once: when a message may have come, or at `deadline`.
  void park(int64_t now, int64_t deadline, std::function<void()> resume);
  /// The first `n` of those who wait look again.
  void wake(size_t n);
  /// Everybody who waits looks again: the box is gone.
  void close();
  /// Does what time brings; answers when to come again.
  int64_t tick(int64_t now);
  /// When tick() should be called at the latest.
  int64_t next_tick(int64_t now);

 private:
  struct Group {
    std::set<Place> waiting;
    int in_flight = 0;
  };
  using Groups = std::unordered_map<std::string, Group>;
  struct Entry {
    Flight flight;
    int64_t sent = 0, available = 0;
    bool in_flight = false, dirty = false, recorded = false;
    Groups::value_type* group = nullptr;
    KeptPtr message;
  };
  using Entries = std::unordered_map<Place, Entry, PlaceHash>;
  struct Event {
    enum class Kind { arrived, removed, put_back, changed } kind;
    Arrival arrival;  // or only its place
    Flight flight;
  };

  void load(int64_t now);
  void load_flights(store::Transaction& tx, int64_t now);
  void count(store::Transaction& tx, size_t most);
  void drain();
  void apply(Event& event);
  void arrive(const Arrival& a);
  void remove(const Place& place);
  void add(const Arrival& a, const Flight& flight, bool in_flight, bool recorded);
  void make_available(const Place& place, Entry& e, int64_t when);
  void forget_available(const Place& place, Entry& e);
  void leave_flight(const Place& place, Entry& e);
  void forget(Entries::iterator it);
  void land(int64_t now);
  void refill(int64_t now, size_t most);
  bool may_refill(int64_t now) const;
  void shorten();
  bool next_standard(int64_t now, Place& place);
  bool next_fifo(int64_t now, const Place*& after, Place& place);
  Taken lift(const Place& place, Entry& e, int64_t now, int64_t visible);
  int64_t next_available(int64_t now);
  void flush(int64_t now);
  void push(std::vector<Event> events, size_t wake);
  void unready(Groups::value_type& g);
  void ready(Groups::value_type& g);

  store::Store& store_;
  const store::Scope scope_;
  const std::string box_, prefix_, flight_prefix_;
  const bool fifo_;

  std::mutex mutex_;  // the state; before inbox_mutex_
  bool loaded_ = false;
  Entries known_;
  std::set<Place> fresh_;                         // standard: never received, available
  std::set<std::pair<int64_t, Place>> returned_;  // standard: available again, by when
  std::set<std::pair<int64_t, Place>> flights_;   // by when they end
  Groups groups_;                                 // FIFO
  std::set<std::pair<Place, Groups::value_type*>>
      ready_;                  // FIFO: groups with nothing in flight, by their head
  Place cursor_;               // everything beyond it is in the store only...
  bool backlog_ = true;        // ...and there may be something
  int64_t next_due_ = kNever;  // standard: when something beyond the cursor can be received
  int64_t total_ = 0;          // messages of the box
  bool counting_ = false;      // total_ is of those up to counted_
  Place counted_;
  std::map<int64_t, int64_t> delayed_;  // how many become available in that second for the first time
  std::map<int64_t, std::vector<Place>> dirty_;  // when to write which flights
  struct Attempt {
    int64_t until;
    std::vector<std::pair<Place, uint32_t>> got;
  };
  std::map<std::string, Attempt> attempts_;
  uint32_t tickets_;

  std::mutex inbox_mutex_;
  std::vector<Event> inbox_;
  std::set<uint64_t> pending_;        // FIFO: numbers given out whose commit is not known yet
  std::map<uint64_t, Arrival> held_;  // FIFO: arrived, but an earlier number is pending
  std::multimap<int64_t, std::function<void()>> waiting_;  // by deadline
};

}  // namespace nubecita::sqs
