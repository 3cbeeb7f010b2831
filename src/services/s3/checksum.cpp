#include "services/s3/checksum.hpp"

#include <openssl/evp.h>

#include <stdexcept>
#include <utility>

#include "base/crc.hpp"
#include "base/ids.hpp"

namespace nubecita::s3 {
namespace {

struct Row {
  Algorithm algorithm;
  std::string_view name, header;
  size_t size;
};
constexpr Row rows[] = {{Algorithm::crc32, "CRC32", "x-amz-checksum-crc32", 4},
                        {Algorithm::crc32c, "CRC32C", "x-amz-checksum-crc32c", 4},
                        {Algorithm::crc64nvme, "CRC64NVME", "x-amz-checksum-crc64nvme", 8},
                        {Algorithm::sha1, "SHA1", "x-amz-checksum-sha1", 20},
                        {Algorithm::sha256, "SHA256", "x-amz-checksum-sha256", 32}};
const Row* row(Algorithm a) {
  for (auto& r : rows)
    if (r.algorithm == a) return &r;
  return nullptr;
}

// Fetched once: looking a digest up by name costs more than hashing a small object.
EVP_MD* method(Digester::Kind kind) {
  static EVP_MD* const methods[] = {EVP_MD_fetch(nullptr, "MD5", nullptr),
                                    EVP_MD_fetch(nullptr, "SHA1", nullptr),
                                    EVP_MD_fetch(nullptr, "SHA256", nullptr)};
  return methods[static_cast<int>(kind)];
}

uint64_t value_of(std::string_view bytes) {
  uint64_t v = 0;
  for (char c : bytes) v = v << 8 | static_cast<unsigned char>(c);
  return v;
}

}  // namespace

std::optional<Algorithm> parse_algorithm(std::string_view name) {
  for (auto& r : rows)
    if (r.name == name) return r.algorithm;
  return {};
}
std::optional<Algorithm> algorithm_of_header(std::string_view name) {
  for (auto& r : rows)
    if (r.header == name) return r.algorithm;
  return {};
}
std::string_view name_of(Algorithm a) {
  auto* r = row(a);
  return r ? r->name : std::string_view();
}
size_t size_of(Algorithm a) {
  auto* r = row(a);
  return r ? r->size : 0;
}

Digester::Digester(Kind kind) : context_(EVP_MD_CTX_new()) {
  if (!context_ || !EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), method(kind), nullptr))
    throw std::runtime_error("OpenSSL lacks a digest");
}
Digester::~Digester() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }
Digester::Digester(Digester&& o) noexcept : context_(std::exchange(o.context_, nullptr)) {}
void Digester::add(std::string_view bytes) {
  EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size());
}
std::string Digester::finish() {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), out, &n);
  return {reinterpret_cast<char*>(out), n};
}

Checksum::Checksum(Algorithm a) : algorithm_(a) {
  if (a == Algorithm::sha1) digest_.emplace(Digester::Kind::sha1);
  if (a == Algorithm::sha256) digest_.emplace(Digester::Kind::sha256);
}
void Checksum::add(std::string_view bytes) {
  switch (algorithm_) {
    case Algorithm::crc32:
      crc_ = crc32(static_cast<uint32_t>(crc_), bytes);
      break;
    case Algorithm::crc32c:
      crc_ = crc32c(static_cast<uint32_t>(crc_), bytes);
      break;
    case Algorithm::crc64nvme:
      crc_ = crc64nvme(crc_, bytes);
      break;
    case Algorithm::none:
      break;
    default:
      digest_->add(bytes);
  }
}
std::string Checksum::finish() {
  if (algorithm_ == Algorithm::none) return {};
  return digest_ ? base64(digest_->finish()) : crc_text(algorithm_, crc_);
}

std::string crc_text(Algorithm a, uint64_t value) {
  std::string bytes(size_of(a), '\0');
  for (size_t i = bytes.size(); i-- > 0; value >>= 8) bytes[i] = static_cast<char>(value & 255);
  return base64(bytes);
}
std::optional<std::string> checksum_bytes(Algorithm a, std::string_view text) {
  std::string bytes;
  if (!base64_decode(text, bytes) || bytes.size() != size_of(a)) return {};
  return bytes;
}
std::string combine(Algorithm a, std::string_view first, std::string_view second, uint64_t second_size) {
  const Crc kind = a == Algorithm::crc32 ? Crc::crc32 : a == Algorithm::crc32c ? Crc::crc32c : Crc::crc64nvme;
  return crc_text(a, crc_combine(kind, value_of(*checksum_bytes(a, first)),
                                 value_of(*checksum_bytes(a, second)), second_size));
}

std::string md5(std::string_view bytes) {
  Digester d(Digester::Kind::md5);
  d.add(bytes);
  return d.finish();
}

}  // namespace nubecita::s3
