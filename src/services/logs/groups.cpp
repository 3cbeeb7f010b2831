#include "services/logs/groups.hpp"

#include <algorithm>

#include "base/arn.hpp"
#include "base/ids.hpp"
#include "models/logs.hpp"

namespace nubecita::logs {

ApiError no_group() {
  return {"ResourceNotFoundException", 400, "The specified log group does not exist.", {}};
}
ApiError no_stream() {
  return {"ResourceNotFoundException", 400, "The specified log stream does not exist.", {}};
}
std::unexpected<ApiError> invalid(std::string message) {
  return fail("InvalidParameterException", std::move(message));
}

std::string group_arn(const api::Call& call, std::string_view group) {
  return call.arn("logs", "log-group:" + std::string(group));
}
std::string stream_arn(const api::Call& call, std::string_view group, std::string_view stream) {
  return group_arn(call, group) + ":log-stream:" + std::string(stream);
}

Result<std::string> group_name(const api::Call& call, wire::Text name, wire::Text identifier) {
  if (name.has() == identifier.has())
    return invalid("Exactly one of logGroupName and logGroupIdentifier must be given.");
  if (name.has()) return api::str(name);
  const auto text = api::str(identifier);
  if (!text.starts_with("arn:")) return text;
  auto arn = Arn::parse(text);
  if (!arn || arn->service != "logs" || !arn->resource.starts_with("log-group:"))
    return invalid("The logGroupIdentifier is not the ARN of a log group.");
  if (arn->account != call.account || arn->region != call.region) return fail(no_group());
  auto found = arn->resource.substr(10);
  if (found.ends_with(":*")) found.resize(found.size() - 2);
  return found;
}

Result<Group> find_group(api::Call& call, std::string_view name) {
  auto group = call.tx.get<Group>(call.scope(), name);
  if (!group) return fail(no_group());
  return *group;
}

Result<Stream> find_stream(api::Call& call, std::string_view group, std::string_view stream) {
  auto found = call.tx.get<Stream>(call.scope(), std::string(group) + ":" + std::string(stream));
  if (!found) return fail(no_stream());
  return *found;
}

namespace {

constexpr int kRetentions[] = {1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                               365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};

void describe(api::Call& call, const Group& group, bool brief, model::LogGroup& out) {
  out.log_group_name = call.text(group.name);
  out.creation_time = group.created;
  out.arn = call.text(group_arn(call, group.name) + ":*");
  out.log_group_arn = call.text(group_arn(call, group.name));
  if (brief) return;
  if (group.retention_days) out.retention_in_days = group.retention_days;
  out.metric_filter_count = 0;
  int64_t bytes = 0;
  for (auto& s : call.tx.list<Stream>(call.scope(), group.name + ":")) bytes += s.bytes;
  out.stored_bytes = bytes;
  out.log_group_class = "STANDARD";
}

}  // namespace

Status create_log_group(api::Call& call, const model::CreateLogGroupRequest& in,
                        model::CreateLogGroupResponse&) {
  const auto name = api::str(in.log_group_name);
  TRY(call.authorize(stream_arn(call, name)));
  if (in.log_group_class.has() && in.log_group_class != "STANDARD")
    return invalid("The log group class " + api::str(in.log_group_class) +
                   " is not served by nubecita; STANDARD is.");
  if (call.tx.get<Group>(call.scope(), name))
    return fail("ResourceAlreadyExistsException", "The specified log group already exists");
  Group group{name, random_hex(16), call.now, 0, {}};
  for (auto& t : in.tags) group.tags[api::str(t.key)] = api::str(t.value);
  call.tx.put(call.scope(), group);
  return {};
}

Status delete_log_group(api::Call& call, const model::DeleteLogGroupRequest& in,
                        model::DeleteLogGroupResponse&) {
  TRY(call.authorize(stream_arn(call, in.log_group_name)));
  TRY_LET(auto group, find_group(call, in.log_group_name));
  for (auto& s : call.tx.list<Stream>(call.scope(), group.name + ":"))
    call.tx.erase<Stream>(call.scope(), s.key());
  call.tx.erase<Group>(call.scope(), group.name);
  call.tx.put(call.scope(), Garbage{group.uid + ":"});
  return {};
}

Status describe_log_groups(api::Call& call, const model::DescribeLogGroupsRequest& in,
                           model::DescribeLogGroupsResponse& out) {
  TRY(call.authorize(stream_arn(call, "")));
  const bool by_pattern = !in.log_group_name_pattern.empty();
  if (by_pattern && in.log_group_name_prefix.has())
    return invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.");
  std::vector<std::string> wanted;
  for (auto& identifier : in.log_group_identifiers) {
    TRY_LET(auto name, group_name(call, {}, identifier));
    wanted.push_back(std::move(name));
  }
  auto groups = call.tx.list<Group>(call.scope(), in.log_group_name_prefix.sv());
  std::erase_if(groups, [&](const Group& g) {
    if (by_pattern && g.name.find(in.log_group_name_pattern.sv()) == std::string::npos) return true;
    if (in.log_group_class.has() && in.log_group_class != "STANDARD") return true;
    return in.log_group_identifiers.has() && std::ranges::find(wanted, g.name) == wanted.end();
  });
  std::string next;
  TRY_LET(groups, api::page(
                      std::move(groups), in.next_token, static_cast<size_t>(in.limit.value_or(50)),
                      [](const Group& g) { return g.name; }, next, "InvalidParameterException"));
  out.log_groups = call.list<model::LogGroup>(groups.size());
  for (size_t i = 0; i < groups.size(); ++i) describe(call, groups[i], by_pattern, out.log_groups[i]);
  if (!next.empty()) out.next_token = call.text(next);
  return {};
}

Status put_retention_policy(api::Call& call, const model::PutRetentionPolicyRequest& in,
                            model::PutRetentionPolicyResponse&) {
  TRY(call.authorize(stream_arn(call, in.log_group_name)));
  TRY_LET(auto group, find_group(call, in.log_group_name));
  const int days = *in.retention_in_days;
  if (std::ranges::find(kRetentions, days) == std::end(kRetentions)) {
    std::string all;
    for (int d : kRetentions) all += (all.empty() ? "" : ", ") + std::to_string(d);
    return invalid("The retention of " + std::to_string(days) +
                   " days is not possible. Possible values: " + all + ".");
  }
  group.retention_days = days;
  call.tx.put(call.scope(), group);
  return {};
}

Status delete_retention_policy(api::Call& call, const model::DeleteRetentionPolicyRequest& in,
                               model::DeleteRetentionPolicyResponse&) {
  TRY(call.authorize(stream_arn(call, in.log_group_name)));
  TRY_LET(auto group, find_group(call, in.log_group_name));
  group.retention_days = 0;
  call.tx.put(call.scope(), group);
  return {};
}

}  // namespace nubecita::logs
