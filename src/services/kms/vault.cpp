#include "services/kms/vault.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include "base/ids.hpp"

namespace nubecita::kms {
namespace {

constexpr size_t kNonce = 12, kTag = 16, kKey = 32;
constexpr char kBlobVersion = 1;

const EVP_CIPHER* aes() {
  static EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return cipher;
}
const unsigned char* bytes_of(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }
unsigned char* bytes_of(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }

/// A thread's own, for one direction: to make one costs more than to seal a short text, and so does to
/// prepare a key, which for messages is the same again and again.
class Cipher {
 public:
  explicit Cipher(bool seals) : seals_(seals), context_(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free) {}
  /// Ready for one text; null: OpenSSL cannot.
  EVP_CIPHER_CTX* with(std::string_view key, std::string_view nonce) {
    auto* c = context_.get();
    if (key != key_) {
      key_.clear();
      if (!c || EVP_CipherInit_ex(c, aes(), nullptr, bytes_of(key), nullptr, seals_) != 1) return nullptr;
      key_ = key;
    }
    return EVP_CipherInit_ex(c, nullptr, nullptr, nullptr, bytes_of(nonce), seals_) == 1 ? c : nullptr;
  }

 private:
  const bool seals_;
  std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context_;
  std::string key_;
};

/// Drawn ahead: a system call for each costs as much as the sealing.
std::string next_nonce() {
  thread_local std::string ahead;
  if (ahead.empty()) ahead = random_bytes(kNonce * 64);
  auto nonce = ahead.substr(ahead.size() - kNonce);
  ahead.resize(ahead.size() - kNonce);
  return nonce;
}

std::unexpected<ApiError> invalid_ciphertext() { return fail("InvalidCiphertextException", ""); }
std::unexpected<ApiError> broken(const std::string& what) { return fail("KMSInternalException", what, 500); }

/// Reads or makes the file; a half-written one never has its name.
Result<std::string> read_or_make(const std::string& folder) {
  namespace fs = std::filesystem;
  const auto path = folder + "/installation.key";
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return broken("cannot make " + folder + ": " + error.message());
  fs::permissions(folder, fs::perms::owner_all, error);
  auto read = [&]() -> Result<std::string> {
    std::string key(kKey, '\0');
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? Result<std::string>(std::string()) : broken("cannot read " + path);
    // Under the vault's lock, once in a process's life.
    const auto n = ::read(fd, key.data(), key.size());  // NOLINT(clang-analyzer-unix.BlockInCriticalSection)
    ::close(fd);
    if (n != static_cast<ssize_t>(kKey)) return broken(path + " is no installation key");
    return key;
  };
  TRY_LET(auto there, read());
  if (!there.empty()) return there;
  const auto fresh = random_bytes(kKey), temporary = path + "." + random_hex(8);
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return broken("cannot write " + temporary + ": " + std::strerror(errno));
  const bool written =
      ::write(fd, fresh.data(), fresh.size()) == static_cast<ssize_t>(kKey) && ::fsync(fd) == 0;
  ::close(fd);
  // link, not rename: the first one wins, also over another process.
  const bool named = written && (::link(temporary.c_str(), path.c_str()) == 0 || errno == EEXIST);
  ::unlink(temporary.c_str());
  bool durable = true;
  for (const auto& directory : {folder, folder + "/.."}) {
    const int opened = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    durable = opened >= 0 && ::fsync(opened) == 0 && durable;
    if (opened >= 0) ::close(opened);
  }
  if (!named || !durable) return broken("cannot write " + path);
  return read();
}

void put_text(std::string& out, std::string_view s) {
  out += static_cast<char>(s.size() >> 8);
  out += static_cast<char>(s.size());
  out += s;
}

}  // namespace

std::string seal(std::string_view key, std::string_view plain, std::string_view authenticated) {
  const auto nonce = next_nonce();
  std::string out(kNonce + plain.size() + kTag, '\0');
  std::memcpy(out.data(), nonce.data(), kNonce);
  thread_local Cipher cipher(true);
  auto* c = cipher.with(key, nonce);
  int n = 0;
  const bool good =
      c &&
      EVP_EncryptUpdate(c, nullptr, &n, bytes_of(authenticated), static_cast<int>(authenticated.size())) ==
          1 &&
      EVP_EncryptUpdate(c, bytes_of(out) + kNonce, &n, bytes_of(plain), static_cast<int>(plain.size())) ==
          1 &&
      EVP_EncryptFinal_ex(c, bytes_of(out) + kNonce + plain.size(), &n) == 1 &&
      EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, kTag, bytes_of(out) + kNonce + plain.size()) == 1;
  if (!good) throw std::runtime_error("AES-256-GCM does not work");
  return out;
}

Result<std::string> unseal(std::string_view key, std::string_view sealed, std::string_view authenticated) {
  if (sealed.size() < kNonce + kTag) return invalid_ciphertext();
  const size_t size = sealed.size() - kNonce - kTag;
  std::string out(size, '\0'), tag(sealed.substr(kNonce + size));
  thread_local Cipher cipher(false);
  auto* c = cipher.with(key, sealed.substr(0, kNonce));
  int n = 0;
  const bool good =
      c &&
      EVP_DecryptUpdate(c, nullptr, &n, bytes_of(authenticated), static_cast<int>(authenticated.size())) ==
          1 &&
      EVP_DecryptUpdate(c, bytes_of(out), &n, bytes_of(sealed) + kNonce, static_cast<int>(size)) == 1 &&
      EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, kTag, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(c, bytes_of(out) + size, &n) == 1;
  if (!good) return invalid_ciphertext();
  return out;
}

Result<std::string> Vault::installation_key() {
  std::lock_guard lock(mutex_);
  if (key_.empty()) {
    TRY_LET(key_, read_or_make(cloud_.config.data_dir + "/kms"));
  }
  return key_;
}

Result<std::string> Vault::lock(std::string_view material, std::string_view bound_to) {
  TRY_LET(auto key, installation_key());
  return seal(key, material, bound_to);
}
Result<std::string> Vault::unlock(std::string_view sealed, std::string_view bound_to) {
  TRY_LET(auto key, installation_key());
  auto material = unseal(key, sealed, bound_to);
  if (!material || material->size() != kKey)
    return broken("the installation's key in " + cloud_.config.data_dir +
                  "/kms is not the one of this store");
  return *material;
}

std::string Blob::head() const {
  std::string out(1, kBlobVersion);
  for (auto* s : {&account, &region, &key_id, &material}) put_text(out, *s);
  return out;
}

Result<Blob> Blob::parse(std::string_view bytes) {
  Blob b;
  if (bytes.empty() || bytes[0] != kBlobVersion) return invalid_ciphertext();
  bytes.remove_prefix(1);
  for (auto* s : {&b.account, &b.region, &b.key_id, &b.material}) {
    if (bytes.size() < 2) return invalid_ciphertext();
    const size_t n =
        static_cast<size_t>(static_cast<unsigned char>(bytes[0])) << 8 | static_cast<unsigned char>(bytes[1]);
    bytes.remove_prefix(2);
    if (n > bytes.size()) return invalid_ciphertext();
    *s = bytes.substr(0, n);
    bytes.remove_prefix(n);
  }
  if (bytes.size() < kNonce + kTag) return invalid_ciphertext();
  b.sealed = bytes;
  return b;
}

std::string canonical(const Context& context) {
  std::string out;
  for (auto& [k, v] : context) {
    put_text(out, k);
    put_text(out, v);
  }
  return out;
}

}  // namespace nubecita::kms
