// What can be had: engines and versions that this machine has, instance classes, parameter families. Pure but
// for the machine's list of engines, which is read once. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/cloud.hpp"
#include "base/result.hpp"

namespace nubecita::rds {

/// An engine version on offer.
struct Offer {
  std::string engine, version;            // as the API calls it
  std::string host_engine, host_version;  // what runs
  std::string family;                     // "postgres15", "mariadb10.11", "mysql8.0"
  std::string description, license;
  std::string major() const;
  int default_port() const { return engine == "postgres" ? 5432 : 3306; }
};

std::vector<Offer> offers(const api::Cloud& cloud);
/// The offer for CreateDBInstance's Engine and EngineVersion ("" or a major version: the newest). Error
/// InvalidParameterValue or InvalidParameterCombination that says what this machine has and what to do.
Result<Offer> find_offer(const api::Cloud& cloud, const std::string& engine, const std::string& version);

struct InstanceClass {
  std::string name;
  int64_t memory_bytes;
};
const std::vector<InstanceClass>& instance_classes();
/// Nothing if there is no such class.
std::optional<int64_t> class_memory(std::string_view name);
/// What a server of that class may use on this machine: the class's memory, at most half of the machine's.
int64_t granted_memory(std::string_view name);

inline std::string default_group(const std::string& family) { return "default." + family; }
/// The engine whose settings a family has, e.g. "mariadb10.11" -> the first offer of that family.
std::optional<Offer> offer_of_family(const api::Cloud& cloud, const std::string& family);

}  // namespace nubecita::rds
