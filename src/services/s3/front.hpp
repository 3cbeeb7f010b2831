// The inside of the front door: one request on its way through S3. Internal to this folder.
//
// head ─▶ target, identity, operation ─▶ (body: a document, or an object's bytes to a blob, synced) ─▶ the
// operation in a transaction ─▶ commit ─▶ answer. On a conflict the operation runs again.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/arena.hpp"
#include "base/pool.hpp"
#include "services/s3/access_log.hpp"
#include "services/s3/exchange.hpp"
#include "services/s3/s3.hpp"
#include "wire/protocol.hpp"

namespace nubecita::s3 {

struct Front::Impl {
  explicit Impl(api::Cloud& c)
      : cloud(c), credentials(*c.store), blobs(c.config.data_dir), log(c, blobs), pool(4, "s3") {}
  ~Impl();
  api::Cloud& cloud;
  iam::CredentialCache credentials;
  Blobs blobs;
  AccessLog log;
  Pool pool;
  std::mutex housekeeping_mutex;
  std::condition_variable housekeeping_wake;
  bool stopping = false;
  std::thread housekeeping;
};

class Request : public std::enable_shared_from_this<Request> {
 public:
  Request(Front::Impl& front, http::HeadPtr head);
  /// Who, what, where, and what takes the bytes. After an error the request can only be refused.
  Status begin();
  /// Of a form: a PutObject of who has signed it.
  Status prepare_put(const Target& target, Claim claim);
  /// The operation takes an object's bytes.
  bool takes_bytes() const;
  Status start_intake();  // of a form
  Intake& intake() { return *intake_; }
  /// The document has come.
  void with_document(std::string body, http::Respond respond);
  /// The bytes have come.
  void with_bytes(http::Respond respond);
  /// The answer to an error.
  http::Answer refusal(ApiError error);
  /// The same, told to the bucket's access log.
  http::Answer logged_refusal(const ApiError& error);

 private:
  Status prepare();
  Status decode();
  void run();
  Status operate(store::Transaction& tx, Exchange& x);
  void committed(store::CommitResult result, const std::string& reason);
  void answer();
  void answer_error(const ApiError& error);
  void send(http::Answer a);
  void log(const http::Answer& a, std::string_view error = {});
  void add_cors();
  api::Conditions conditions() const;

  Front::Impl& front_;
  http::HeadPtr head_;
  std::string id_, body_;
  int64_t now_;
  Target target_;
  Claim claim_;
  const api::Operation* operation_ = nullptr;
  Arena arena_;
  void* in_ = nullptr;
  void* out_ = nullptr;
  std::unique_ptr<Intake> intake_;
  std::unique_ptr<Exchange> exchange_;
  std::vector<std::pair<std::string, std::string>> cors_;
  http::Respond respond_;
  int runs_ = 0;
};

}  // namespace nubecita::s3
