// Confirming and ending subscriptions, by API and by link. Inside the SNS service only.
#pragma once

#include <string_view>

#include "services/sns/topics.hpp"

namespace nubecita::sns {

/// Error InvalidParameter: no subscription of the topic has that token.
Result<LocatedSubscription> confirm(store::Transaction& tx, const Located& topic, std::string_view token,
                                    bool authenticated);
void remove(store::Transaction& tx, const LocatedSubscription& subscription);

}  // namespace nubecita::sns
