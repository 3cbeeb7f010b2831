#include "services/s3/intake.hpp"

#include <charconv>

#include "base/ids.hpp"
#include "services/s3/errors.hpp"
#include "wire/sigv4_canonical.hpp"

namespace nubecita::s3 {
namespace {

Result<int64_t> size_header(std::string_view text) {
  int64_t n = -1;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc() || end != text.data() + text.size() || n < 0)
    return invalid_argument("A length header is not a number of bytes");
  if (n > kLargestPut)
    return fail(
        ApiError{"EntityTooLarge",
                 400,
                 "Your proposed upload exceeds the maximum allowed size",
                 {{"ProposedSize", std::to_string(n)}, {"MaxSizeAllowed", std::to_string(kLargestPut)}}});
  return n;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

}  // namespace

Intake::Intake(Blobs& blobs, bool encrypt, Algorithm algorithm)
    : writer_(blobs, encrypt), md5_hash_(Digester::Kind::md5), algorithm_(algorithm) {
  if (algorithm != Algorithm::none) check_.emplace(algorithm);
}

Result<std::unique_ptr<Intake>> Intake::of_request(Blobs& blobs, const http::Head& head, const Claim& claim,
                                                   bool encrypt) {
  auto intake = std::make_unique<Intake>(blobs, encrypt, Algorithm::none);
  TRY(intake->expect(head, claim));
  return intake;
}

Status Intake::expect(const http::Head& head, const Claim& claim) {
  using wire::Payload;
  const auto payload = claim.v4.payload;
  const bool chunked = payload == Payload::streaming_signed || payload == Payload::streaming_signed_trailer ||
                       payload == Payload::streaming_unsigned_trailer;
  if (auto length = head.header("content-length"); !length.empty()) {
    TRY_LET(expected_size_, size_header(length));
  } else if (head.header("transfer-encoding").empty()) {
    return fail("MissingContentLength", "You must provide the Content-Length HTTP header.", 411);
  }
  if (chunked) {
    const auto length = head.header("x-amz-decoded-content-length");
    if (length.empty())
      return fail("MissingContentLength", "You must provide the x-amz-decoded-content-length header.", 411);
    TRY_LET(expected_size_, size_header(length));
    std::optional<ChunkedDecoder::Signing> signing;
    if (payload != Payload::streaming_unsigned_trailer) {
      const auto& v4 = claim.v4;
      const auto key = wire::signing_key(v4.access_key, claim.secret, v4.date, v4.region, v4.service);
      signing = {std::string(wire::view(key)), v4.amz_date,
                 v4.date + "/" + v4.region + "/" + v4.service + "/aws4_request", v4.signature};
    }
    decoder_.emplace(std::move(signing), payload != Payload::streaming_signed,
                     [this](std::string_view part) { return add(part); });
  }
  if (payload == Payload::hashed) {
    expected_sha256_ = claim.v4.payload_hash;
    sha256_.emplace(Digester::Kind::sha256);
  }
  for (auto& [name, value] : head.headers) {
    if (name == "content-md5") {
      if (!base64_decode(value, expected_md5_) || expected_md5_.size() != 16)
        return fail("InvalidDigest", "The Content-MD5 you specified was invalid.", 400);
    }
    if (name == "x-amz-trailer") {
      auto algorithm = algorithm_of_header(lowered(value));
      if (!algorithm || !decoder_)
        return invalid_request("The value specified in the x-amz-trailer header is not supported");
      algorithm_ = *algorithm;
      checksum_in_trailer_ = true;
    }
    if (auto algorithm = algorithm_of_header(name)) {
      if (!expected_checksum_.empty())
        return invalid_request(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
      if (!checksum_bytes(*algorithm, value))
        return invalid_request("Value for " + std::string(name) + " header is invalid.");
      algorithm_ = *algorithm;
      expected_checksum_ = value;
    }
  }
  if (algorithm_ == Algorithm::none) {
    // Without a value: made and kept.
    auto named = head.header("x-amz-sdk-checksum-algorithm");
    if (named.empty()) named = head.header("x-amz-checksum-algorithm");
    if (!named.empty()) {
      auto algorithm = parse_algorithm(named);
      if (!algorithm) return not_implemented("the checksum algorithm " + std::string(named));
      algorithm_ = *algorithm;
    }
  }
  if (algorithm_ != Algorithm::none) check_.emplace(algorithm_);
  return {};
}

bool Intake::write(std::string_view bytes) {
  if (state_) state_ = decoder_ ? decoder_->write(bytes) : add(bytes);
  return state_.has_value();
}

Status Intake::add(std::string_view bytes) {
  size_ += static_cast<int64_t>(bytes.size());
  if (size_ > kLargestPut || (expected_size_ >= 0 && size_ > expected_size_)) {
    if (decoder_) return invalid_request("The body is longer than x-amz-decoded-content-length says.");
    return fail("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", 400);
  }
  md5_hash_.add(bytes);
  if (sha256_) sha256_->add(bytes);
  if (check_) check_->add(bytes);
  return writer_.write(bytes);
}

Status Intake::finish() {
  if (!std::exchange(finished_, true) && state_) state_ = check();
  return state_;
}

Status Intake::check() {
  if (decoder_) TRY(decoder_->finish());
  if (expected_size_ >= 0 && size_ != expected_size_)
    return fail("IncompleteBody",
                "You did not provide the number of bytes specified by the Content-Length HTTP header", 400);
  const auto digest = md5_hash_.finish();
  md5_ = to_hex(digest);
  if (!expected_md5_.empty() && digest != expected_md5_) return bad_digest();
  if (sha256_ && to_hex(sha256_->finish()) != expected_sha256_)
    return fail("XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.", 400);
  if (check_) {
    checksum_ = check_->finish();
    if (checksum_in_trailer_) {
      for (auto& [name, value] : decoder_->trailers())
        if (algorithm_of_header(name) == algorithm_) expected_checksum_ = value;
      if (expected_checksum_.empty())
        return fail("MalformedTrailerError",
                    "The request contained trailing data that was not well-formed or did not "
                    "conform to our published schema.",
                    400);
      if (!checksum_bytes(algorithm_, expected_checksum_))
        return invalid_request("Value for the checksum in the trailer is invalid.");
    }
    if (!expected_checksum_.empty() && expected_checksum_ != checksum_)
      return bad_checksum(name_of(algorithm_));
  }
  return writer_.finish();
}

}  // namespace nubecita::s3
