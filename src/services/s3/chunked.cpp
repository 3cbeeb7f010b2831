#include "services/s3/chunked.hpp"

#include <algorithm>
#include <charconv>

#include "base/ids.hpp"
#include "services/s3/errors.hpp"
#include "wire/sigv4_canonical.hpp"

namespace nubecita::s3 {
namespace {

constexpr size_t kLongestLine = 4096;
constexpr size_t kMostTrailers = 16;
constexpr std::string_view kEmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

Failure malformed(std::string_view what) {
  return invalid_request("The body is not well-formed in the aws-chunked encoding: " + std::string(what) +
                         ".");
}

}  // namespace

ChunkedDecoder::ChunkedDecoder(std::optional<Signing> signing, bool trailer,
                               std::function<Status(std::string_view)> data)
    : signing_(std::move(signing)), has_trailer_(trailer), data_(std::move(data)) {}

Status ChunkedDecoder::write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (state_ == State::done) return malformed("bytes after its end");
    if (state_ == State::data) {
      const auto part = bytes.substr(0, std::min<uint64_t>(left_, bytes.size()));
      bytes.remove_prefix(part.size());
      left_ -= part.size();
      if (hash_) hash_->add(part);
      TRY(data_(part));
      if (left_ == 0) state_ = State::data_end;
      continue;
    }
    const auto end = bytes.find('\n');
    line_.append(bytes.substr(0, end));
    if (line_.size() > kLongestLine) return malformed("a line is too long");
    if (end == std::string_view::npos) return {};
    bytes.remove_prefix(end + 1);
    if (line_.ends_with('\r')) line_.pop_back();
    TRY(line(std::exchange(line_, {})));
  }
  return {};
}

Status ChunkedDecoder::line(std::string_view text) {
  switch (state_) {
    case State::head:
      return chunk_head(text);
    case State::data_end:
      if (!text.empty()) return malformed("a chunk is longer than its size says");
      return chunk_done();
    case State::trailer:
      return trailer_line(text);
    default:
      return malformed("a line where none belongs");
  }
}

Status ChunkedDecoder::chunk_head(std::string_view text) {
  const auto digits = text.substr(0, text.find(';'));
  auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
  if (ec != std::errc() || digits.empty() || end != digits.data() + digits.size())
    return malformed("a chunk has no size");
  signature_.clear();
  if (signing_) {
    constexpr std::string_view name = ";chunk-signature=";
    const auto at = text.find(name);
    if (at == std::string_view::npos) return malformed("a chunk has no signature");
    signature_ = text.substr(at + name.size(), 64);
    hash_.emplace(Digester::Kind::sha256);
  }
  if (left_ > 0) {
    state_ = State::data;
    return {};
  }
  last_ = true;
  if (!has_trailer_) {
    state_ = State::data_end;  // an empty line ends it
    return {};
  }
  return chunk_done();
}

Status ChunkedDecoder::check(std::string_view kind, const std::string& hash, bool empty_hash,
                             std::string_view given) {
  std::string text(kind);
  text.append("\n")
      .append(signing_->date)
      .append("\n")
      .append(signing_->scope)
      .append("\n")
      .append(signing_->seed);
  if (empty_hash) text.append("\n").append(kEmptyHash);
  text.append("\n").append(hash);
  char expected[64];
  wire::hex_of(wire::hmac_sha256(signing_->key, text), expected);
  if (!wire::same_bytes({expected, sizeof expected}, given))
    return fail(
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key and "
        "signing method.",
        403);
  signing_->seed = given;
  return {};
}

Status ChunkedDecoder::chunk_done() {
  if (signing_) TRY(check("AWS4-HMAC-SHA256-PAYLOAD", to_hex(hash_->finish()), true, signature_));
  state_ = !last_ ? State::head : has_trailer_ ? State::trailer : State::done;
  return {};
}

Status ChunkedDecoder::trailer_line(std::string_view text) {
  if (text.empty()) {
    // Signed trailers: an empty line may stand between the last of them and their signature.
    if (signing_ && trailer_signature_.empty()) return {};
    if (signing_)
      TRY(check("AWS4-HMAC-SHA256-TRAILER", wire::sha256_hex(trailer_text_), false, trailer_signature_));
    state_ = State::done;
    return {};
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || trailers_.size() >= kMostTrailers) return malformed("its trailer");
  std::string name(text.substr(0, colon));
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  auto value = text.substr(colon + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  while (value.ends_with(' ')) value.remove_suffix(1);
  if (name == "x-amz-trailer-signature") {
    trailer_signature_ = value;
    return {};
  }
  trailer_text_.append(name).append(":").append(value).append("\n");
  trailers_[std::move(name)] = value;
  return {};
}

Status ChunkedDecoder::finish() {
  // The empty line at the very end is forgotten by some clients.
  if (state_ == State::trailer && (!signing_ || !trailer_signature_.empty())) TRY(trailer_line({}));
  if (state_ == State::data_end && last_) TRY(chunk_done());
  if (state_ != State::done)
    return fail("IncompleteBody",
                "You did not provide the number of bytes specified by the Content-Length HTTP header", 400);
  return {};
}

}  // namespace nubecita::s3
