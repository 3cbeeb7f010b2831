// Settings of database servers: which there are, whether a value may stand in a group, what a server should
// have now and what only after its next start. Any thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/cloud.hpp"
#include "base/result.hpp"
#include "host/databases/databases.hpp"
#include "services/rds/records.hpp"
#include "store/store.hpp"

namespace nubecita::rds {

using Settings = std::vector<host::DatabaseParameter>;

Result<std::shared_ptr<const Settings>> settings(const api::Cloud& cloud, const std::string& host_engine);
const host::DatabaseParameter* find_setting(const Settings& all, std::string_view name);
/// Error InvalidParameterValue naming the parameter and what it may be.
Status check_value(const host::DatabaseParameter& setting, const std::string& value);

/// The group that an instance uses: a stored one, or the default one of a family, which has no values of its
/// own.
std::optional<ParameterGroup> find_group(store::Transaction& tx, const store::Scope& scope,
                                         const api::Cloud& cloud, const std::string& name);

/// What a server that starts now gets.
std::map<std::string, std::string> values_at_start(const ParameterGroup& group);
/// What a running server that has `running` should get without a restart: name -> value, or nothing for the
/// default.
std::map<std::string, std::optional<std::string>> changes_now(
    const ParameterGroup& group, const Settings& all, const std::map<std::string, std::string>& running);

}  // namespace nubecita::rds
