#include "http/authority.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"

namespace nubecita::http {
namespace {

constexpr long kDay = 24 * 3600;
constexpr size_t kCached = 128;

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Cert = std::unique_ptr<X509, Deleter<X509_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;

std::string text_of(BIO* bio) {
  char* at = nullptr;
  long n = BIO_get_mem_data(bio, &at);
  return {at, static_cast<size_t>(n)};
}
std::string pem(X509* c) {
  Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), c);
  return text_of(bio.get());
}
std::string pem(EVP_PKEY* k) {
  Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), k, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(bio.get());
}

bool add(X509* cert, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX ctx;
  X509V3_set_ctx(&ctx, issuer, cert, nullptr, nullptr, 0);
  Extension e(X509V3_EXT_conf_nid(nullptr, &ctx, nid, value.c_str()));
  return e && X509_add_ext(cert, e.get(), -1);
}

bool is_ip(const std::string& name) {
  unsigned char buf[16];
  return inet_pton(AF_INET, name.c_str(), buf) == 1 || inet_pton(AF_INET6, name.c_str(), buf) == 1;
}

// The name goes into OpenSSL's extension syntax: nothing but host name characters may pass.
bool is_host_name(const std::string& name) {
  if (name.empty() || name.size() > 253) return false;
  for (char c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_')) return false;
  return name.front() != '.' && name.front() != '-';
}

// An unsigned certificate with subject, times, serial number and key set.
Cert blank(const std::string& common_name, EVP_PKEY* key, long days) {
  Cert c(X509_new());
  X509_set_version(c.get(), 2);
  auto serial = random_bytes(16);
  serial[0] = static_cast<char>(serial[0] & 0x7f);
  std::unique_ptr<BIGNUM, Deleter<BN_free>> number(
      BN_bin2bn(reinterpret_cast<const unsigned char*>(serial.data()), 16, nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(c.get()));
  X509_gmtime_adj(X509_getm_notBefore(c.get()), -kDay);  // clients whose clocks are a little behind
  X509_gmtime_adj(X509_getm_notAfter(c.get()), days * kDay);
  auto* subject = X509_get_subject_name(c.get());
  // A common name holds 64 characters; the real names are in subjectAltName.
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.substr(0, 64).c_str()), -1,
                             -1, 0);
  X509_set_pubkey(c.get(), key);
  return c;
}

Status write_private(const std::string& path, const std::string& text) {
  const auto temporary = path + ".new";
  int fd = ::open(temporary.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  bool good =
      fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && !::fsync(fd);
  int why = errno;
  if (fd >= 0) ::close(fd);
  if (good && !::rename(temporary.c_str(), path.c_str())) return {};
  if (good) why = errno;
  return fail("AuthorityUnavailable", "Cannot write " + path + ": " + std::strerror(why) + ".");
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail("AuthorityUnavailable", "Cannot read " + path + ": " + std::strerror(errno) + ".");
  std::stringstream s;
  s << in.rdbuf();
  return s.str();
}

}  // namespace

struct Authority::Impl {
  std::string file, ca_pem, key_pem;
  Key key;
  Cert cert;
  std::mutex mutex;
  struct Cached {
    std::shared_ptr<SSL_CTX> context;
    int64_t renew_at = 0;  // ms
    uint64_t used = 0;
  };
  std::map<std::string, Cached, std::less<>> contexts;
  uint64_t uses = 0;

  Status make(const std::string& directory);
  Status load(const std::string& directory);
  bool ready();
  Cert leaf(const std::string& name, EVP_PKEY* leaf_key);
  std::shared_ptr<SSL_CTX> context(const std::string& name);
  static int choose(SSL* ssl, int*, void* self);
};

Status Authority::Impl::make(const std::string& directory) {
  Key k(EVP_EC_gen("P-256"));
  auto c = k ? blank("nubecita " + random_hex(8), k.get(), 3650) : nullptr;
  if (!c) return fail("AuthorityUnavailable", "OpenSSL cannot make a P-256 key.");
  X509_set_issuer_name(c.get(), X509_get_subject_name(c.get()));
  if (!add(c.get(), c.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add(c.get(), c.get(), NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add(c.get(), c.get(), NID_subject_key_identifier, "hash") ||
      !X509_sign(c.get(), k.get(), EVP_sha256()))
    return fail("AuthorityUnavailable", "OpenSSL cannot make the certificate of the authority.");
  TRY(write_private(directory + "/ca.key", pem(k.get())));
  return write_private(directory + "/ca.crt", pem(c.get()));  // last: its presence says that both are there
}

Status Authority::Impl::load(const std::string& directory) {
  file = directory + "/ca.crt";
  TRY_LET(ca_pem, read_file(file));
  TRY_LET(key_pem, read_file(directory + "/ca.key"));
  if (!ca_pem.ends_with("-----END CERTIFICATE-----\n") || !key_pem.ends_with("KEY-----\n"))
    return fail("AuthorityUnavailable", file +
                                            " and ca.key beside it are no certificate and its key: restore "
                                            "both, or remove both to get a new authority.");
  return {};
}

// With the mutex held. OpenSSL's decoders take milliseconds to set up: that is for the first TLS client, not
// for the start.
bool Authority::Impl::ready() {
  if (cert && key) return true;
  Bio cb(BIO_new_mem_buf(ca_pem.data(), static_cast<int>(ca_pem.size())));
  Bio kb(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  Cert c(PEM_read_bio_X509(cb.get(), nullptr, nullptr, nullptr));
  Key k(PEM_read_bio_PrivateKey(kb.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!c || !k || X509_check_private_key(c.get(), k.get()) != 1) {
    ERR_clear_error();
    log_error("http",
              "{} and ca.key beside it are no certificate and its key: restore both, or remove both to get a "
              "new authority",
              file);
    return false;
  }
  cert = std::move(c);
  key = std::move(k);
  return true;
}

Result<std::unique_ptr<Authority>> Authority::open(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) && errno != EEXIST)
    return fail("AuthorityUnavailable", "Cannot make " + directory + ": " + std::strerror(errno) + ".");
  auto impl = std::make_unique<Impl>();
  if (::access((directory + "/ca.crt").c_str(), F_OK)) TRY(impl->make(directory));
  TRY(impl->load(directory));
  return std::unique_ptr<Authority>(new Authority(std::move(impl)));
}

Authority::Authority(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Authority::~Authority() = default;
const std::string& Authority::certificate_file() const { return impl_->file; }
const std::string& Authority::certificate_pem() const { return impl_->ca_pem; }

Status Authority::write_bundle(const std::string& path) const {
  std::string all;
  for (const char* system :
       {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"}) {
    auto text = read_file(system);
    if (!text) continue;
    all = *text;
    break;
  }
  if (!all.empty() && all.back() != '\n') all += '\n';
  all += impl_->ca_pem;
  if (auto old = read_file(path); old && *old == all) return {};  // spares every start a sync of the disk
  return write_private(path, all);
}

Cert Authority::Impl::leaf(const std::string& name, EVP_PKEY* leaf_key) {
  auto c = blank(name, leaf_key, 90);
  X509_set_issuer_name(c.get(), X509_get_subject_name(cert.get()));
  std::string names = (is_ip(name) ? "IP:" : "DNS:") + name;
  if (!add(c.get(), cert.get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !add(c.get(), cert.get(), NID_key_usage, "critical,digitalSignature") ||
      !add(c.get(), cert.get(), NID_ext_key_usage, "serverAuth") ||
      !add(c.get(), cert.get(), NID_subject_alt_name, names) ||
      !add(c.get(), cert.get(), NID_authority_key_identifier, "keyid") ||
      !X509_sign(c.get(), key.get(), EVP_sha256()))
    return nullptr;
  return c;
}

Result<Authority::Leaf> Authority::issue(const std::string& name) {
  if (!is_ip(name) && !is_host_name(name))
    return fail("InvalidName", "\"" + name + "\" is no host name and no IP address.");
  std::lock_guard lock(impl_->mutex);
  if (!impl_->ready())
    return fail("AuthorityUnavailable",
                impl_->file + " and ca.key beside it are no certificate and its key.");
  Key k(EVP_EC_gen("P-256"));
  auto c = k ? impl_->leaf(name, k.get()) : nullptr;
  ERR_clear_error();
  if (!c) return fail("AuthorityUnavailable", "OpenSSL cannot make a certificate for " + name + ".");
  return Leaf{pem(c.get()) + impl_->ca_pem, pem(k.get())};
}

int Authority::Impl::choose(SSL* ssl, int*, void* self) {
  const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (!asked) return SSL_TLSEXT_ERR_OK;
  std::string name = asked;
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  auto context = static_cast<Impl*>(self)->context(name);
  if (!context) return SSL_TLSEXT_ERR_ALERT_FATAL;
  SSL_set_SSL_CTX(ssl, context.get());
  return SSL_TLSEXT_ERR_OK;
}

namespace {
int choose_protocol(SSL*, const unsigned char** out, unsigned char* n, const unsigned char* in, unsigned in_n,
                    void*) {
  static const unsigned char ours[] = "\x08http/1.1";
  if (SSL_select_next_proto(const_cast<unsigned char**>(out), n, ours, sizeof ours - 1, in, in_n) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  return SSL_TLSEXT_ERR_OK;
}
}  // namespace

std::shared_ptr<SSL_CTX> Authority::Impl::context(const std::string& name) {
  std::lock_guard lock(mutex);
  const auto now = now_ms();
  auto it = contexts.find(name);
  if (it != contexts.end() && it->second.renew_at > now) {
    it->second.used = ++uses;
    return it->second.context;
  }
  if ((!is_ip(name) && !is_host_name(name)) || !ready()) return nullptr;
  Key k(EVP_EC_gen("P-256"));
  auto c = k ? leaf(name, k.get()) : nullptr;
  std::shared_ptr<SSL_CTX> ctx(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!c || !ctx || SSL_CTX_use_certificate(ctx.get(), c.get()) != 1 ||
      SSL_CTX_use_PrivateKey(ctx.get(), k.get()) != 1) {
    ERR_clear_error();
    log_error("http", "cannot make a certificate for {}", name);
    return nullptr;
  }
  SSL_CTX_set_min_proto_version(ctx.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(ctx.get(),
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  static const unsigned char session_id[] = "nubecita";
  SSL_CTX_set_session_id_context(ctx.get(), session_id, sizeof session_id - 1);
  SSL_CTX_set_tlsext_servername_callback(ctx.get(), &Impl::choose);
  SSL_CTX_set_tlsext_servername_arg(ctx.get(), this);
  SSL_CTX_set_alpn_select_cb(ctx.get(), choose_protocol, nullptr);
  if (contexts.size() >= kCached) {  // names come from clients: the cache must not grow with them
    auto oldest = contexts.begin();
    for (auto i = contexts.begin(); i != contexts.end(); ++i)
      if (i->second.used < oldest->second.used) oldest = i;
    contexts.erase(oldest);
  }
  contexts[name] = {ctx, now + 60LL * kDay * 1000, ++uses};
  return ctx;
}

std::shared_ptr<ssl_ctx_st> Authority::context_for(const std::string& name) { return impl_->context(name); }

}  // namespace nubecita::http
