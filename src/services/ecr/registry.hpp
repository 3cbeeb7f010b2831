// The OCI distribution API (/v2/...), which docker, podman, skopeo and containerd speak:
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md
//
// The host name <account>.dkr.ecr.<region>.<domain> says whose registry it is; with any other host name the
// first two parts of the path do (/v2/<account>/<region>/<repository>/...), for pulls by 127.0.0.1. Clients
// come with the password of GetAuthorizationToken; IAM and the repository's policy are asked with ECR's
// action names.
//
// begin() is called on I/O threads; what waits for the disk runs on the registry's own threads.
// Lifecycle: 1. construct, 2. begin() while the server runs, 3. destroy after Server::stop() (waits for its
// work).
#pragma once

#include <memory>

#include "api/cloud.hpp"
#include "http/message.hpp"

namespace nubecita::ecr {

class Registry {
 public:
  explicit Registry(api::Cloud& cloud);
  ~Registry();
  /// Whether the request is the registry's: its path is /v2 or below, and it is not signed as AWS API calls
  /// are.
  static bool claims(const http::Head& head);
  std::unique_ptr<http::Receiver> begin(http::HeadPtr head);

  struct Impl;  // registry_request.hpp

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace nubecita::ecr
