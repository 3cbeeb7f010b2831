#include "services.hpp"

#ifdef NBC_EC2
#include "services/ec2/controllers.hpp"
#endif
#ifdef NBC_ECR
#include "services/ecr/ecr.hpp"
#include "services/ecr/registry.hpp"
#endif
#ifdef NBC_ECS
#include "services/ecs/ecs.hpp"
#endif
#ifdef NBC_ELBV2
#include "services/elbv2/elbv2.hpp"
#endif
#include "services/iam/iam.hpp"
#ifdef NBC_LOGS
#include "services/logs/logs.hpp"
#endif
#ifdef NBC_RDS
#include "services/rds/rds.hpp"
#endif

namespace nubecita {
namespace ec2 { const api::Service& service(); }
namespace ecr { const api::Service& service(); }
namespace ecs { const api::Service& service(); }
namespace elbv2 { const api::Service& service(); }
namespace logs { const api::Service& service(); }
namespace rds { const api::Service& service(); }
namespace sts { const api::Service& service(); }
}  // namespace nubecita

namespace nubecita::commands {

struct Services::Parts {
  iam::PolicyAuthorizer authorizer;
#ifdef NBC_ECR
  std::unique_ptr<ecr::Registry> registry;
#endif
};

Services::Services() : parts_(std::make_unique<Parts>()) {}
Services::~Services() = default;

std::unique_ptr<Services> Services::make(api::Cloud& cloud) {
  auto services = std::unique_ptr<Services>(new Services);
  cloud.authorizer = &services->parts_->authorizer;
#ifdef NBC_ECR
  services->parts_->registry = std::make_unique<ecr::Registry>(cloud);
#endif
  return services;
}

std::vector<const api::Service*> Services::tables() const {
  return {
#ifdef NBC_EC2
      &ec2::service(),
#endif
#ifdef NBC_ECR
      &ecr::service(),
#endif
#ifdef NBC_ECS
      &ecs::service(),
#endif
#ifdef NBC_ELBV2
      &elbv2::service(),
#endif
#ifdef NBC_LOGS
      &logs::service(),
#endif
#ifdef NBC_RDS
      &rds::service(),
#endif
#ifdef NBC_STS
      &sts::service(),
#endif
      &iam::service()};
}

std::vector<gateway::Guest> Services::guests() {
#ifdef NBC_ECR
  return {{[](const http::Head& head) { return ecr::Registry::claims(head); },
           [registry = parts_->registry.get()](http::HeadPtr head) { return registry->begin(std::move(head)); }}};
#else
  return {};
#endif
}

void Services::add_controllers([[maybe_unused]] api::Cloud& cloud, [[maybe_unused]] http::Server& server) {
#ifdef NBC_EC2
  ec2::add_controllers(cloud);
#endif
#ifdef NBC_ECR
  ecr::add_controllers(cloud);
#endif
#ifdef NBC_LOGS
  logs::add_controllers(cloud);
#endif
#ifdef NBC_ELBV2
  elbv2::add_controllers(cloud);
#endif
#ifdef NBC_RDS
  rds::add_controllers(cloud);
#endif
#ifdef NBC_ECS
  ecs::add_controllers(cloud, server);
#endif
}

}  // namespace nubecita::commands
