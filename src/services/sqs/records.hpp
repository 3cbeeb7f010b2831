// What SQS keeps.
//
//   sqs.message/<account>/<region>/<box>:<place>   = a Message (message.hpp), written once by SendMessage
//   sqs.flight/<account>/<region>/<box>:<place>    = its Flight, once it has been received
//   sqs.dedup/<account>/<region>/<box>:<scope and id> = of FIFO queues: what was sent in the last five
//   minutes
//
// A box is a queue's id and a generation: purging gives the queue a new box and leaves the old one to the
// controller (sqs.garbage), so both deleting and purging are one small transaction whatever they throw away.
// Places order a box's messages: by the time from which a message may be received, then by number; in FIFO
// queues by number alone. Plain data.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace nubecita::sqs {

inline constexpr std::string_view kMessages = "sqs.message", kFlights = "sqs.flight", kDedup = "sqs.dedup";

struct Queue {
  static constexpr std::string_view kTable = "sqs.queue";
  std::string name, id;
  int64_t generation = 0;
  int64_t created = 0, modified = 0, purged = 0;  // ms
  bool fifo = false;
  std::map<std::string, std::string> attributes;  // those that were set, by AWS's names
  std::map<std::string, std::string> tags;
  std::string box() const { return id + "." + std::to_string(generation); }
  std::string key() const { return name; }
  template <class A>
  void fields(A& a) {
    a("name", name)("id", id)("generation", generation)("created", created)("modified", modified)(
        "purged", purged)("fifo", fifo)("attributes", attributes)("tags", tags);
  }
};

/// A box whose messages nobody can reach any more.
struct Garbage {
  static constexpr std::string_view kTable = "sqs.garbage";
  std::string box;
  std::string key() const { return box; }
  template <class A>
  void fields(A& a) {
    a("box", box);
  }
};

/// StartMessageMoveTask.
struct MoveTask {
  static constexpr std::string_view kTable = "sqs.move";
  std::string id, source, destination;  // ARNs; without destination: where each message came from
  std::string status;                   // RUNNING, COMPLETED, CANCELLING, CANCELLED, FAILED
  std::string failure;
  int64_t started = 0, per_second = 0, moved = 0, to_move = 0;
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("source", source)("destination", destination)("status", status)("failure", failure)(
        "started", started)("rate", per_second)("moved", moved)("total", to_move);
  }
};

/// Where a message stands in its box.
struct Place {
  int64_t time = 0;  // ms from which it may be received; 0 in FIFO queues
  uint64_t number = 0;
  friend auto operator<=>(const Place&, const Place&) = default;
  /// 28 hexadecimal digits whose order is the places' order.
  std::string text() const;
  static std::optional<Place> parse(std::string_view text);
};
struct PlaceHash {
  size_t operator()(const Place& p) const { return std::hash<uint64_t>()(p.number); }
};

/// What receiving has made of a message.
struct Flight {
  int64_t visible = 0;  // ms from which it may be received again
  int64_t first = 0;    // ms of its first receive
  uint32_t receives = 0;
  uint32_t ticket = 0;  // of the last receive: in the receipt handle
  std::string text() const;
  static std::optional<Flight> parse(std::string_view text);
};

}  // namespace nubecita::sqs
