// The aws-chunked encoding: chunks with sizes, signed or not, and a trailer with checksums, signed or not.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html (and -trailers)
// One owner, one thread. Bytes come in any pieces; what is in them goes out as it comes. A chunk's signature
// is known to be good only when it has ended: the caller keeps nothing before finished().
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "services/s3/checksum.hpp"

namespace nubecita::s3 {

class ChunkedDecoder {
 public:
  struct Signing {
    std::string key;    // derived signing key
    std::string date;   // 20261122T220000Z
    std::string scope;  // 20261122/us-east-1/s3/aws4_request
    std::string seed;   // the request's signature
  };
  /// `signing`: nothing if chunks are unsigned. `trailer`: a trailer follows the last chunk.
  ChunkedDecoder(std::optional<Signing> signing, bool trailer, std::function<Status(std::string_view)> data);

  /// Errors: SignatureDoesNotMatch, InvalidRequest (malformed), or those of `data`.
  Status write(std::string_view bytes);
  /// All chunks and the trailer have come; otherwise IncompleteBody.
  Status finish();
  /// Of the trailer, names in lower case.
  const std::map<std::string, std::string>& trailers() const { return trailers_; }

 private:
  enum class State { head, data, data_end, trailer, done };
  Status line(std::string_view text);
  Status chunk_head(std::string_view text);
  Status chunk_done();
  Status trailer_line(std::string_view text);
  Status check(std::string_view kind, const std::string& hash, bool empty_hash, std::string_view given);
  std::optional<Signing> signing_;
  bool has_trailer_;
  std::function<Status(std::string_view)> data_;
  State state_ = State::head;
  std::string line_, signature_, trailer_text_, trailer_signature_;
  uint64_t left_ = 0;
  bool last_ = false;
  std::optional<Digester> hash_;
  std::map<std::string, std::string> trailers_;
};

}  // namespace nubecita::s3
