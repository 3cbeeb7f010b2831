#include "machine.hpp"

#include "base/log.hpp"
#include "host/containers/containers.hpp"
#include "host/databases/databases.hpp"
#include "host/names/names.hpp"
#include "host/network/network.hpp"
#include "host/processes/processes.hpp"
#include "host/proxies/proxies.hpp"

namespace nubecita::commands {

// Declared in the order in which they depend on one another.
struct Machine::Parts {
  std::unique_ptr<host::Processes> processes;
  std::unique_ptr<host::Network> network;
  std::unique_ptr<host::Names> names;
  std::unique_ptr<host::Containers> containers;
  std::unique_ptr<host::Databases> databases;
  std::unique_ptr<host::Proxies> proxies;
};

Machine::Machine() : parts_(std::make_unique<Parts>()) {}
Machine::~Machine() = default;

Result<std::unique_ptr<Machine>> Machine::make(const Config& config) {
  auto machine = std::unique_ptr<Machine>(new Machine);
  auto& p = *machine->parts_;
  TRY_LET(p.processes, host::make_processes(config.data_dir));
  TRY_LET(p.network, host::make_network({host::installation_tag(config.data_dir), config.public_pool,
                                         config.http_port, config.https_port}));
  TRY_LET(p.names, host::make_names(*p.processes, host::installation_tag(config.data_dir)));
  p.containers = host::make_containers({config.data_dir, config.podman}, *p.processes);
  p.databases = host::make_databases(config.data_dir, *p.processes);
  host::ProxiesOptions proxies;
  proxies.data_dir = config.data_dir;
  TRY_LET(p.proxies, host::make_proxies(*p.processes, proxies));
  return machine;
}

void Machine::lend(api::Cloud& cloud) const {
  cloud.processes = parts_->processes.get();
  cloud.network = parts_->network.get();
  cloud.names = parts_->names.get();
  cloud.containers = parts_->containers.get();
  cloud.databases = parts_->databases.get();
  cloud.proxies = parts_->proxies.get();
}

Status Machine::remove_everything() {
  // Every part is tried, so that one that fails leaves no more than its own behind; the first error is told.
  Status first;
  auto keep = [&first](Status s) {
    if (!s) {
      log_error("down", "{}", s.error().message);
      if (first) first = std::move(s);
    }
  };
  keep(parts_->containers->remove_everything());
  keep(parts_->names->remove_everything());
  keep(parts_->proxies->remove_all());
  keep(parts_->processes->stop_all(std::chrono::seconds(20)));
  keep(parts_->network->remove_everything());
  return first;
}

}  // namespace nubecita::commands
