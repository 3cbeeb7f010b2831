// What CloudWatch Logs keeps. Groups and streams are records; an event is one key whose order is its stream's
// order:
//
//   logs.event/<account>/<region>/<group uid>:<stream uid>:<milliseconds, 20 digits>:<number in the stream,
//   20 digits> = "<ingestion time> <message>"
//
// Uids, not names, so that deleting a group or stream is one small transaction: the events left behind are
// told to the controller by a logs.garbage record and deleted in batches (controller.cpp). Plain data.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace nubecita::logs {

struct Group {
  static constexpr std::string_view kTable = "logs.group";
  std::string name, uid;
  int64_t created = 0;
  int retention_days = 0;  // 0: forever
  std::map<std::string, std::string> tags;
  std::string key() const { return name; }
  template <class A>
  void fields(A& a) {
    a("name", name)("uid", uid)("created", created)("retention", retention_days)("tags", tags);
  }
};

struct Stream {
  static constexpr std::string_view kTable = "logs.stream";
  std::string group, name, uid;
  int64_t created = 0;
  int64_t first_event = 0, last_event = 0, last_ingestion = 0;  // valid if events > 0
  int64_t events = 0;                                           // how many ever came: the next event's number
  int64_t bytes = 0;  // of what is kept, 26 per event more than its message, as AWS counts
  std::string key() const { return group + ":" + name; }  // neither may hold a colon
  template <class A>
  void fields(A& a) {
    a("group", group)("name", name)("uid", uid)("created", created)("first", first_event)("last", last_event)(
        "ingested", last_ingestion)("events", events)("bytes", bytes);
  }
};

/// Events whose group or stream is gone.
struct Garbage {
  static constexpr std::string_view kTable = "logs.garbage";
  std::string prefix;  // of logs.event ids
  std::string key() const { return prefix; }
  template <class A>
  void fields(A& a) {
    a("prefix", prefix);
  }
};

inline constexpr std::string_view kEventTable = "logs.event";

}  // namespace nubecita::logs
