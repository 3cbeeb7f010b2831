// What other parts may ask of SNS. Any thread.
#pragma once

#include <memory>

#include "api/cloud.hpp"
#include "api/service.hpp"
#include "http/message.hpp"

namespace nubecita::sns {

const api::Service& service();
/// Delivers to HTTP endpoints.
void add_controllers(api::Cloud& cloud);

/// The links in messages, opened without a signature: the certificate, confirming and ending a subscription.
bool claims_link(const http::Head& head);
std::unique_ptr<http::Receiver> open_link(api::Cloud& cloud, http::HeadPtr head);

}  // namespace nubecita::sns
