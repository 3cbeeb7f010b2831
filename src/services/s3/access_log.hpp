// Server access logging: a line for every request on a bucket that asks for it, put as objects into the
// bucket that it names. Lines are gathered in memory and delivered a minute after the first, when they are
// many, and when the server stops; those that a killed process had gathered are lost. AWS promises no more.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "services/s3/exchange.hpp"

namespace nubecita::s3 {

/// Whether the configuration can be followed: its target is there, has the same owner and region, keeps
/// nothing by object lock, and, if it has access control lists, lets the log delivery in. Errors:
/// InvalidTargetBucketForLogging, CrossLocationLoggingProhibitted (so spelt by AWS), NotImplemented.
Status check_logging(Exchange& x, const model::LoggingEnabled& asked);

/// What a line tells of a request, or of a part of one. What it points to lives as long as the call.
struct LogEntry {
  const Bucket& bucket;
  const http::Head& head;
  const Claim& claim;
  std::string_view request_id, operation;  // as logs word it: "REST.GET.OBJECT"
  std::string_view key, version, error;    // empty: none. error: its code
  int status = 0;
  uint64_t sent = 0;         // bytes of the body
  int64_t object_size = -1;  // -1: none
  int64_t began = 0, now = 0;
  bool part = false;  // the request has a line of its own: what that tells of it is not told again
};
/// `operation`: "GetObject"; empty: not known.
std::string rest_operation(const http::Head& head, const Target& target, std::string_view operation);

/// Any thread. Its own thread begins with the first line.
class AccessLog {
 public:
  AccessLog(api::Cloud& cloud, Blobs& blobs) : cloud_(cloud), blobs_(blobs) {}
  ~AccessLog() { finish(); }
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;
  void add(const LogEntry& e);
  /// Delivers what there is, and ends: nothing is added any more. Waits.
  void finish();

 private:
  using Lines = std::map<std::pair<std::string, int64_t>, std::string>;  // by bucket and day (its midnight)
  void work();
  void deliver(const Lines& lines);
  api::Cloud& cloud_;
  Blobs& blobs_;
  std::mutex mutex_;
  std::condition_variable wake_;
  Lines lines_;
  size_t bytes_ = 0, dropped_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace nubecita::s3
