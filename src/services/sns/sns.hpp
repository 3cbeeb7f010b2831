// What other parts may ask of SNS. Any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.hpp"
#include "api/cloud.hpp"
#include "api/run.hpp"
#include "api/service.hpp"
#include "http/message.hpp"

namespace nubecita::sns {

const api::Service& service();
/// Delivers to HTTP endpoints.
void add_controllers(api::Cloud& cloud);

/// Publishes for one of our services ("s3.amazonaws.com"), if the topic's policy lets it (`conditions`, e.g.
/// aws:SourceArn). `then` must be called as api::afterwards says. Errors: NotFound, AccessDenied,
/// InvalidParameter.
Status publish_for(api::Cloud& cloud, store::Transaction& tx, std::string_view service_principal,
                   std::string_view topic_arn, const api::Conditions& conditions, std::string subject,
                   std::string message, int64_t now, std::vector<api::Afterwards>& then);

/// The links in messages, opened without a signature: the certificate, confirming and ending a subscription.
bool claims_link(const http::Head& head);
std::unique_ptr<http::Receiver> open_link(api::Cloud& cloud, http::HeadPtr head);

}  // namespace nubecita::sns
