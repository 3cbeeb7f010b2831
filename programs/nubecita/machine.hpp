// The machine's parts (src/host), made for one installation. Owned here, lent to the cloud by pointer.
#pragma once

#include <memory>
#include <string>

#include "api/cloud.hpp"
#include "base/result.hpp"

namespace nubecita::host {
class Processes;
class Network;
class Names;
class Containers;
class Databases;
class Proxies;
}  // namespace nubecita::host

namespace nubecita::commands {

class Machine {
 public:
  /// Makes the parts without touching the machine yet.
  static Result<std::unique_ptr<Machine>> make(const Config& config);
  ~Machine();
  void lend(api::Cloud& cloud) const;
  /// Ends everything that this installation runs on the machine: containers, processes, namespaces, packet
  /// filter.
  Status remove_everything();

 private:
  Machine();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace nubecita::commands
