// What services and controllers are built on: one of each per process, made by `nubecita serve`, outliving
// all calls.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/config.hpp"

namespace nubecita {
namespace store {
class Store;
}
namespace control {
class Engine;
}
namespace host {
class Network;
class Containers;
class Processes;
class Databases;
class Proxies;
class Names;
}  // namespace host
namespace api {

class Authorizer;

struct Cloud {
  Config config;
  store::Store* store = nullptr;
  control::Engine* engine = nullptr;
  Authorizer* authorizer = nullptr;
  // The machine (src/host); null in tests that need none.
  host::Network* network = nullptr;
  host::Containers* containers = nullptr;
  host::Processes* processes = nullptr;
  host::Databases* databases = nullptr;
  host::Proxies* proxies = nullptr;
  host::Names* names = nullptr;
};

}  // namespace api
}  // namespace nubecita
