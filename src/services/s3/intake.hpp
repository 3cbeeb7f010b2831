// The bytes of one object or part on their way in: decoded, hashed, checked against what the request says of
// them, written to a blob. One owner, one thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/message.hpp"
#include "services/s3/blobs.hpp"
#include "services/s3/checksum.hpp"
#include "services/s3/chunked.hpp"
#include "services/s3/identity.hpp"

namespace nubecita::s3 {

constexpr int64_t kLargestPut = int64_t{5} << 30;

class Intake {
 public:
  /// What the head says of the body. Errors: InvalidDigest, InvalidRequest, EntityTooLarge, NotImplemented,
  /// ...
  static Result<std::unique_ptr<Intake>> of_request(Blobs& blobs, const http::Head& head, const Claim& claim,
                                                    bool encrypt);
  /// Without a request's head: of a form or of a copy. `algorithm` is made.
  Intake(Blobs& blobs, bool encrypt, Algorithm algorithm);

  /// False once something is wrong; finish() says what.
  bool write(std::string_view bytes);
  /// Everything has come: checks it.
  Status finish();

  Blobs::Writer& blob() { return writer_; }
  int64_t size() const { return size_; }
  const std::string& md5() const { return md5_; }  // hexadecimal
  Algorithm algorithm() const { return algorithm_; }
  const std::string& checksum() const { return checksum_; }  // base64

 private:
  Status add(std::string_view bytes);
  Status expect(const http::Head& head, const Claim& claim);
  Status check();
  Blobs::Writer writer_;
  Digester md5_hash_;
  std::optional<Digester> sha256_;
  std::optional<Checksum> check_;
  std::optional<ChunkedDecoder> decoder_;
  Algorithm algorithm_ = Algorithm::none;
  std::string expected_md5_, expected_sha256_, expected_checksum_;
  int64_t expected_size_ = -1;
  bool checksum_in_trailer_ = false, finished_ = false;
  int64_t size_ = 0;
  std::string md5_, checksum_;
  Status state_;
};

}  // namespace nubecita::s3
