// One request of S3 and what is answered: the Call that every operation of this folder gets. Operations take
// `api::Call&` as everywhere; exchange(call) is this. Internal to this folder. One thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/call.hpp"
#include "api/run.hpp"
#include "models/s3.hpp"
#include "services/s3/blobs.hpp"
#include "services/s3/errors.hpp"
#include "services/s3/identity.hpp"
#include "services/s3/intake.hpp"
#include "services/s3/records.hpp"
#include "services/s3/target.hpp"

namespace nubecita::s3 {

/// A part of a request that has a line of its own in an access log, if it is done: one key of many, the
/// source of a copy.
struct LoggedPart {
  std::optional<Bucket> bucket;  // none: the request's
  std::string_view operation;    // "BATCH.DELETE.OBJECT"
  std::string key, version, error;
  int status = 0;
  int64_t size = -1;
};

struct Exchange : api::Call {
  Exchange(api::Cloud& the_cloud, store::Transaction& transaction, Arena& memory, const Claim& who,
           const http::Head& the_head, const Target& the_target, Blobs& the_blobs)
      : api::Call(the_cloud, transaction, memory, who.principal),
        head(the_head),
        target(the_target),
        claim(who),
        blobs(the_blobs) {}
  ~Exchange() { settle(false); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const http::Head& head;
  const Target& target;
  const Claim& claim;
  Blobs& blobs;
  std::string_view body;                      // a document, if the operation takes one
  Intake* intake = nullptr;                   // the object's bytes, whole and checked, if it takes those
  std::vector<std::unique_ptr<Intake>> made;  // bytes that the operation itself has written
  std::string data_key;                       // of the object that it makes under SSE-KMS

  // What the answer has beside the operation's output.
  int status = 0;        // 0: the operation's
  std::string document;  // XML instead of the output's
  std::vector<std::pair<std::string, std::string>> headers;
  std::unique_ptr<http::Source> source;
  uint64_t source_size = 0;
  int64_t object_size = -1;              // of the object that was read or written; for the access log
  std::vector<LoggedPart> logged_parts;  // of buckets that are logged
  std::vector<std::string> doomed;       // files that nobody needs once this is committed
  std::vector<api::Afterwards> then;     // of messages that it sends
  /// Tells them, once, what became of this run.
  void settle(bool committed) {
    for (auto& f : std::exchange(then, {})) f(committed);
  }

  std::optional<Bucket> bucket;  // once opened
  /// The bucket's notifications, read at the first event; in the arena.
  std::optional<const model::NotificationConfiguration*> notifications;
  /// Reads and remembers it. Errors: NoSuchBucket, AccessDenied (x-amz-expected-bucket-owner is another).
  Status find_bucket();
};

inline Exchange& exchange(api::Call& call) { return static_cast<Exchange&>(call); }

std::string quoted(std::string_view etag);
/// Without quotes, if there are any.
std::string_view unquoted(std::string_view etag);

}  // namespace nubecita::s3
