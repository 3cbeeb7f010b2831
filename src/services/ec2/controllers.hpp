// EC2's work on the machine: what tables say becomes namespaces, routes, rules and names (host::Network,
// host::Names), and what was achieved becomes InterfaceStatus records. Called once, before the engine starts.
#pragma once

namespace nubecita::api {
struct Cloud;
}

namespace nubecita::ec2 {

/// Without cloud.network (tests that need no machine) nothing is added. cloud.names may be null: no resolvers
/// then.
void add_controllers(api::Cloud& cloud);

}  // namespace nubecita::ec2
