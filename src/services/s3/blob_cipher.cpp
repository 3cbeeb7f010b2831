#include "services/s3/blob_cipher.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "base/ids.hpp"
#include "services/s3/blobs.hpp"

namespace nubecita::s3 {

Ctr::Ctr(std::string_view key, int64_t position) : context_(EVP_CIPHER_CTX_new()) {
  std::array<unsigned char, 16> iv{};
  auto block = static_cast<uint64_t>(position) / 16;
  for (size_t i = 16; i-- > 8; block >>= 8) iv[i] = static_cast<unsigned char>(block & 255);
  auto* c = static_cast<EVP_CIPHER_CTX*>(context_);
  if (!c || !EVP_EncryptInit_ex(c, EVP_aes_256_ctr(), nullptr,
                                reinterpret_cast<const unsigned char*>(key.data()), iv.data()))
    throw std::runtime_error("OpenSSL has no AES-256-CTR");
  char skip[16] = {};
  apply(skip, skip, static_cast<size_t>(position % 16));
}
Ctr::~Ctr() { EVP_CIPHER_CTX_free(static_cast<EVP_CIPHER_CTX*>(context_)); }
void Ctr::apply(const char* in, char* out, size_t n) {
  int done = 0;
  if (n && !EVP_EncryptUpdate(static_cast<EVP_CIPHER_CTX*>(context_), reinterpret_cast<unsigned char*>(out),
                              &done, reinterpret_cast<const unsigned char*>(in), static_cast<int>(n)))
    throw std::runtime_error("AES-256-CTR failed");
}

namespace {
constexpr int kIv = 12, kTag = 16;

std::unexpected<ApiError> no_key(const std::string& file, const std::string& why) {
  return fail("InternalError", "The installation's key " + file + " cannot be used: " + why, 500);
}

Status make_key_file(const std::string& file) {
  const auto made = file + ".new";
  const auto key = random_bytes(kKeySize);
  int fd = ::open(made.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) return no_key(file, "it cannot be made");
  const bool written =
      ::write(fd, key.data(), key.size()) == static_cast<ssize_t>(key.size()) && ::fsync(fd) == 0;
  ::close(fd);
  if (!written || ::rename(made.c_str(), file.c_str())) return no_key(file, "it cannot be written");
  int directory = ::open(file.substr(0, file.rfind('/')).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = directory >= 0 && ::fsync(directory) == 0;
  if (directory >= 0) ::close(directory);
  if (!synced) return no_key(file, "its directory cannot be synced");
  return {};
}

/// AES-256-GCM in both directions; empty if the tag is wrong.
std::string gcm(bool seal, std::string_view key, std::string_view iv, std::string_view text,
                std::string& tag) {
  std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> c(EVP_CIPHER_CTX_new(),
                                                                    EVP_CIPHER_CTX_free);
  auto bytes = [](std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); };
  std::string out(text.size(), '\0');
  int n = 0;
  bool good = c && EVP_CipherInit_ex(c.get(), EVP_aes_256_gcm(), nullptr, bytes(key), bytes(iv), seal) &&
              EVP_CipherUpdate(c.get(), reinterpret_cast<unsigned char*>(out.data()), &n, bytes(text),
                               static_cast<int>(text.size()));
  if (!seal) good = good && EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_SET_TAG, kTag, tag.data());
  good = good && EVP_CipherFinal_ex(c.get(), reinterpret_cast<unsigned char*>(out.data()) + n, &n) > 0;
  if (seal) {
    tag.resize(kTag);
    good = good && EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_GET_TAG, kTag, tag.data());
  }
  return good ? out : std::string();
}

}  // namespace

Result<std::string> Keyring::master() {
  std::lock_guard lock(mutex_);
  if (!master_.empty()) return master_;
  if (::access(file_.c_str(), F_OK)) TRY(make_key_file(file_));
  std::string key(kKeySize + 1, '\0');
  int fd = ::open(file_.c_str(), O_RDONLY | O_CLOEXEC);
  const auto n = fd < 0 ? -1 : ::read(fd, key.data(), key.size());
  if (fd >= 0) ::close(fd);
  if (n != static_cast<ssize_t>(kKeySize)) return no_key(file_, "it must be a file of 32 bytes");
  key.resize(kKeySize);
  return master_ = key;
}

Result<std::string> Keyring::seal(std::string_view data_key) {
  TRY_LET(auto key, master());
  auto iv = random_bytes(kIv);
  std::string tag;
  auto text = gcm(true, key, iv, data_key, tag);
  if (text.empty()) return no_key(file_, "encryption failed");
  return base64(iv + text + tag);
}

Result<std::string> Keyring::open(std::string_view sealed) {
  TRY_LET(auto key, master());
  std::string all;
  if (!base64_decode(sealed, all) || all.size() != kIv + kKeySize + kTag)
    return no_key(file_, "a sealed key has a wrong form");
  std::string tag = all.substr(kIv + kKeySize);
  auto text =
      gcm(false, key, std::string_view(all).substr(0, kIv), std::string_view(all).substr(kIv, kKeySize), tag);
  if (text.empty()) return no_key(file_, "it is not the one that sealed this object's key");
  return text;
}

}  // namespace nubecita::s3
