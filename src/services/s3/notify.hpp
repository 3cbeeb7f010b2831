// Event notifications: messages to queues and topics in the same commit as the change that they tell of, so
// that a change that was acknowledged has told, and one that was not has not. The caller's transaction.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html
#pragma once

#include <string_view>

#include "services/s3/exchange.hpp"

namespace nubecita::s3 {

/// Checks a configuration, names what has no id, and sends the test event to each destination unless
/// `untested`. Errors: InvalidArgument, NotImplemented (events and destinations that are not served).
Status check_notification(Exchange& x, model::NotificationConfiguration& configuration, bool untested);

/// Tells of `event` ("ObjectCreated:Put") of the request's bucket to whom its configuration says. A
/// destination that is gone, or that forbids it by now, gets nothing, as on AWS.
void notify(Exchange& x, std::string_view event, std::string_view key, const Object& object);

}  // namespace nubecita::s3
