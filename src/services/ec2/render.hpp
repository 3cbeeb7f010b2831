// Records as the API shows them. Every member that AWS always carries is set, empty lists included:
// provider 3.22 dereferences them. One thread, as the call.
#pragma once

#include "models/ec2.hpp"
#include "services/ec2/access.hpp"

namespace nubecita::ec2 {

void render(Call& call, const Vpc& vpc, model::Vpc& out);
void render(Call& call, const Subnet& subnet, model::Subnet& out);
void render(Call& call, const InternetGateway& gateway, model::InternetGateway& out);
void render(Call& call, const RouteTable& table, model::RouteTable& out);
void render(Call& call, const NetworkInterface& interface, model::NetworkInterface& out);

}  // namespace nubecita::ec2
