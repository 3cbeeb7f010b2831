// What others may ask of the registry: its operations, its controllers, whether an image reference means us,
// and a password to pull with. Any thread; functions that take a transaction work inside it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/call.hpp"
#include "api/service.hpp"
#include "base/config.hpp"
#include "services/ecr/records.hpp"
#include "store/store.hpp"

namespace nubecita::ecr {

const api::Service& service();
/// Scans, lifecycle policies, the sweep of files that nothing needs.
void add_controllers(api::Cloud& cloud);

/// An image reference that means our registry, e.g.
/// "123456789012.dkr.ecr.eu-central-1.nubecita.localhost:4566/app:1". Names under amazonaws.com mean us too:
/// the clients of this cloud call it so.
struct Reference {
  std::string account, region, repository;
  std::string tag;     // "latest" if the reference names neither tag nor digest
  std::string digest;  // "sha256:..."; wins over the tag
  /// The same image by a name that resolves without any set-up:
  /// 127.0.0.1:<port>/<account>/<region>/<repository>:<tag>.
  std::string local(const std::string& port) const;
};
std::optional<Reference> our_reference(const Config& config, std::string_view image);

/// "<account>.dkr.ecr.<region>.<domain>:<port>"
std::string registry_host(const Config& config, std::string_view account, std::string_view region);

/// The image behind a reference, if it is there: what ECS resolves a tag to, so that all tasks of a
/// deployment run the same bytes.
std::optional<Image> find_image(store::Transaction& tx, const Reference& reference);

/// A password for user "AWS" that lets `principal` use the registry until `expires_ms`, as far as IAM lets
/// it.
std::string make_password(store::Transaction& tx, const api::Principal& principal, int64_t expires_ms);

}  // namespace nubecita::ecr
