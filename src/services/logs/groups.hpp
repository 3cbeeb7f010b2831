// Finding groups and streams as requests name them, and the errors about them. Inside the logs service only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/call.hpp"
#include "services/logs/logs.hpp"
#include "services/logs/records.hpp"

namespace nubecita::logs {

ApiError no_group();
ApiError no_stream();
std::unexpected<ApiError> invalid(std::string message);

/// "arn:aws:logs:<region>:<account>:log-group:<name>"
std::string group_arn(const api::Call& call, std::string_view group);
/// What permissions of operations on a group or stream are about: AWS names the stream even where there is
/// none.
std::string stream_arn(const api::Call& call, std::string_view group, std::string_view stream = {});

/// A group by its name, or by a logGroupIdentifier (name or ARN, with or without ":*") of this account and
/// region; exactly one of the two must be given.
Result<std::string> group_name(const api::Call& call, wire::Text name, wire::Text identifier);
Result<Group> find_group(api::Call& call, std::string_view name);
Result<Stream> find_stream(api::Call& call, std::string_view group, std::string_view stream);

Stream new_stream(std::string group, std::string name, int64_t now);
void store_events(store::Transaction& tx, const store::Scope& scope, const Group& group, Stream& stream,
                  const std::vector<NewEvent>& events, int64_t now);

}  // namespace nubecita::logs
