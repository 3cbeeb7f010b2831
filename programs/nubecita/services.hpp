// All services of this binary: their tables for the gateway, their controllers for the engine. To add a
// service, add it here and in services.cpp, nowhere else.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/cloud.hpp"
#include "api/service.hpp"
#include "gateway/gateway.hpp"
#include "http/server.hpp"

namespace nubecita::commands {

class Services {
 public:
  /// Also gives the cloud its authorizer.
  static std::unique_ptr<Services> make(api::Cloud& cloud);
  ~Services();
  std::vector<const api::Service*> tables() const;
  std::vector<gateway::Guest> guests();
  void add_controllers(api::Cloud& cloud, http::Server& server);
  /// After the last request: what was gathered in memory goes to the store.
  void finish();

 private:
  Services();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace nubecita::commands
