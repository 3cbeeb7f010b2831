#include "services/sns/signing.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/ids.hpp"

namespace nubecita::sns {
namespace {

constexpr int kBits = 2048;
constexpr long kYears = 10;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Memory = std::unique_ptr<BIO, decltype(&BIO_free)>;

std::string text_in(BIO* bio) {
  char* data = nullptr;
  const long n = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(n)};
}

Certificate make_certificate(EVP_PKEY* key) {
  Certificate c(X509_new(), X509_free);
  X509_set_version(c.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(c.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(c.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(c.get()), kYears * 365 * 86'400);
  auto* name = X509_get_subject_name(c.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("sns.amazonaws.com"), -1, -1, 0);
  X509_set_issuer_name(c.get(), name);
  X509_set_pubkey(c.get(), key);
  X509_sign(c.get(), key, EVP_sha256());
  return c;
}

/// Key and certificate, one PEM file: both or neither.
Result<std::string> make_pem() {
  Key key(EVP_RSA_gen(kBits), EVP_PKEY_free);
  if (!key) return fail("InternalError", "no RSA key can be made", 500);
  auto certificate = make_certificate(key.get());
  Memory out(BIO_new(BIO_s_mem()), BIO_free);
  if (PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
      PEM_write_bio_X509(out.get(), certificate.get()) != 1)
    return fail("InternalError", "the signing key cannot be written", 500);
  return text_in(out.get());
}

Result<std::string> read_or_make(const std::string& folder) {
  const auto path = folder + "/signing.pem";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  if (!std::filesystem::exists(path, error)) {
    TRY_LET(auto pem, make_pem());
    const auto temporary = path + "." + random_hex(8);
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const bool written = fd >= 0 && ::write(fd, pem.data(), pem.size()) == static_cast<ssize_t>(pem.size()) &&
                         ::fsync(fd) == 0;
    if (fd >= 0) ::close(fd);
    if (!written || ::rename(temporary.c_str(), path.c_str()) != 0)
      return fail("InternalError", "cannot write " + path, 500);
  }
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

struct Signer::Keys {
  Key key{nullptr, EVP_PKEY_free};
  std::string certificate, path;
};

Signer::Signer(api::Cloud& cloud) : cloud_(cloud) {}
Signer::~Signer() = default;

Status Signer::load() {
  std::lock_guard lock(mutex_);
  if (keys_) return {};
  TRY_LET(auto pem, read_or_make(cloud_.config.data_dir + "/sns"));
  auto keys = std::make_unique<Keys>();
  Memory in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  keys->key.reset(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  Certificate c(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), X509_free);
  if (!keys->key || !c)
    return fail("InternalError", cloud_.config.data_dir + "/sns/signing.pem is damaged", 500);
  Memory out(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(out.get(), c.get());
  keys->certificate = text_in(out.get());
  keys->path = "/SimpleNotificationService-" + to_hex(sha256(keys->certificate)).substr(0, 32) + ".pem";
  keys_ = std::move(keys);
  return {};
}

Result<std::string> Signer::sign(std::string_view text, std::string_view version) {
  TRY(load());
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> c(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  size_t n = 0;
  auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (EVP_DigestSignInit(c.get(), nullptr, version == "2" ? EVP_sha256() : EVP_sha1(), nullptr,
                         keys_->key.get()) != 1 ||
      EVP_DigestSign(c.get(), nullptr, &n, bytes, text.size()) != 1)
    return fail("InternalError", "the message cannot be signed", 500);
  std::string out(n, '\0');
  if (EVP_DigestSign(c.get(), reinterpret_cast<unsigned char*>(out.data()), &n, bytes, text.size()) != 1)
    return fail("InternalError", "the message cannot be signed", 500);
  out.resize(n);
  return base64(out);
}

Result<std::string> Signer::certificate() {
  TRY(load());
  return keys_->certificate;
}
Result<std::string> Signer::path() {
  TRY(load());
  return keys_->path;
}

std::string text_to_sign(const std::vector<std::pair<std::string, std::string>>& sorted) {
  std::string out;
  for (auto& [name, value] : sorted)
    if (!value.empty()) out.append(name).append("\n").append(value).append("\n");
  return out;
}

}  // namespace nubecita::sns
