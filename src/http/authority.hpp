// The installation's own certificate authority: one P-256 key and certificate in <data>/ca (mode 0600), made
// on first use, and certificates per name made on demand, kept in memory. Any thread.
#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"

struct ssl_ctx_st;

namespace nubecita::http {

class Authority {
 public:
  /// Opens or makes the authority in `directory`. Error "AuthorityUnavailable" names file and cause.
  static Result<std::unique_ptr<Authority>> open(const std::string& directory);
  ~Authority();

  /// The CA certificate: the file that clients are pointed at (AWS_CA_BUNDLE), and its text.
  const std::string& certificate_file() const;
  const std::string& certificate_pem() const;
  /// Writes the system's roots plus our CA to `path`, for clients that also talk to the world
  /// (SSL_CERT_FILE).
  Status write_bundle(const std::string& path) const;

  struct Leaf {
    std::string certificate_pem, key_pem;
  };
  /// A certificate and key for a DNS name or an IP address, valid 90 days.
  Result<Leaf> issue(const std::string& name);
  /// A server context (TLS 1.2 and later, ALPN http/1.1) for `name`, cached; null if the name is no host
  /// name.
  std::shared_ptr<ssl_ctx_st> context_for(const std::string& name);

  struct Impl;

 private:
  explicit Authority(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nubecita::http
