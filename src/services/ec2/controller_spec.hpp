// What the machine must look like for the VPCs of one account and region, from the records. Pure but for the
// reading.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/names/names.hpp"
#include "host/network/network.hpp"
#include "services/ec2/records.hpp"
#include "store/store.hpp"

namespace nubecita::ec2 {

struct VpcPlan {
  host::VpcSpec network;
  host::NamesSpec names;  // without netns; no server when `listen` is empty
};

/// By VPC id.
std::map<std::string, VpcPlan> plan_vpcs(store::Transaction& tx, const store::Scope& scope);

}  // namespace nubecita::ec2
