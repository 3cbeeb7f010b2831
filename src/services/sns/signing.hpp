// The signature of messages: an RSA key of the installation and its certificate, made at first use below
// <data>/sns (mode 0600). Receivers fetch the certificate at the message's SigningCertURL.
// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
// One per process (api::part<Signer>). Any thread.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/cloud.hpp"
#include "base/result.hpp"

namespace nubecita::sns {

class Signer {
 public:
  explicit Signer(api::Cloud& cloud);
  ~Signer();
  /// Base64 of the signature over `text`, by SHA-1 ("1") or SHA-256 ("2").
  Result<std::string> sign(std::string_view text, std::string_view version);
  Result<std::string> certificate();
  /// "/SimpleNotificationService-<hash of the certificate>.pem"
  Result<std::string> path();

 private:
  Status load();
  api::Cloud& cloud_;
  std::mutex mutex_;
  struct Keys;
  std::unique_ptr<Keys> keys_;
};

/// "Message\n...\nMessageId\n...": names and values in their order, empty values left out.
std::string text_to_sign(const std::vector<std::pair<std::string, std::string>>& sorted);

}  // namespace nubecita::sns
