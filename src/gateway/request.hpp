// One API request on its way (docs/life_of_a_request.md). Owned by the callbacks that it waits for.
#pragma once

#include <memory>
#include <string>

#include "api/cloud.hpp"
#include "gateway/retrier.hpp"
#include "gateway/route.hpp"
#include "http/message.hpp"
#include "services/iam/credential_cache.hpp"

namespace nubecita::gateway {

/// What all requests share; outlives them.
struct Shared {
  api::Cloud& cloud;
  const Router& router;
  iam::CredentialCache& credentials;
  Retrier& retrier;  // runs operations again that met a conflict
  Retrier& resumer;  // those that waited (api::wait)
};

/// Serves one request and calls `respond` once: at once, or on the commit thread when something was written.
void serve_request(const Shared& shared, http::HeadPtr head, std::string body, http::Respond respond);

}  // namespace nubecita::gateway
