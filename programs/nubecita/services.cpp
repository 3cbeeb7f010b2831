#include "services.hpp"

#include "services/dynamodb/dynamodb.hpp"
#include "services/ec2/controllers.hpp"
#include "services/ecr/ecr.hpp"
#include "services/ecr/registry.hpp"
#include "services/ecs/ecs.hpp"
#include "services/elbv2/elbv2.hpp"
#include "services/iam/iam.hpp"
#include "services/kms/kms.hpp"
#include "services/logs/logs.hpp"
#include "services/rds/rds.hpp"
#include "services/s3/s3.hpp"
#include "services/sns/sns.hpp"
#include "services/sqs/sqs.hpp"

namespace nubecita {
namespace dynamodb {
const api::Service& service();
}
namespace dynamodbstreams {
const api::Service& service();
}
namespace ec2 {
const api::Service& service();
}
namespace ecr {
const api::Service& service();
}
namespace ecs {
const api::Service& service();
}
namespace elbv2 {
const api::Service& service();
}
namespace logs {
const api::Service& service();
}
namespace rds {
const api::Service& service();
}
namespace sts {
const api::Service& service();
}
}  // namespace nubecita

namespace nubecita::commands {

struct Services::Parts {
  api::Cloud* cloud = nullptr;
  iam::PolicyAuthorizer authorizer;
  std::unique_ptr<ecr::Registry> registry;
  std::unique_ptr<s3::Front> objects;
};

Services::Services() : parts_(std::make_unique<Parts>()) {}
Services::~Services() = default;

std::unique_ptr<Services> Services::make(api::Cloud& cloud) {
  auto services = std::unique_ptr<Services>(new Services);
  cloud.authorizer = &services->parts_->authorizer;
  services->parts_->cloud = &cloud;
  services->parts_->registry = std::make_unique<ecr::Registry>(cloud);
  services->parts_->objects = std::make_unique<s3::Front>(cloud);
  return services;
}

std::vector<const api::Service*> Services::tables() const {
  return {&dynamodb::service(), &dynamodbstreams::service(),
          &ec2::service(),      &ecr::service(),
          &ecs::service(),      &elbv2::service(),
          &kms::service(),      &logs::service(),
          &rds::service(),      &sns::service(),
          &sqs::service(),      &sts::service(),
          &iam::service()};
}

std::vector<gateway::Guest> Services::guests() {
  return {
      {[](const http::Head& head) { return ecr::Registry::claims(head); },
       [registry = parts_->registry.get()](http::HeadPtr head) { return registry->begin(std::move(head)); }},
      {sns::claims_link,
       [cloud = parts_->cloud](http::HeadPtr head) { return sns::open_link(*cloud, std::move(head)); }},
      // After SNS: its links look like objects of a bucket.
      {[objects = parts_->objects.get()](const http::Head& head) { return objects->claims(head); },
       [objects = parts_->objects.get()](http::HeadPtr head) { return objects->begin(std::move(head)); }}};
}

void Services::add_controllers(api::Cloud& cloud, http::Server& server) {
  dynamodb::add_controllers(cloud);
  ec2::add_controllers(cloud);
  ecr::add_controllers(cloud);
  kms::add_controllers(cloud);
  logs::add_controllers(cloud);
  elbv2::add_controllers(cloud);
  rds::add_controllers(cloud);
  sns::add_controllers(cloud);
  sqs::add_controllers(cloud);
  ecs::add_controllers(cloud, server);
  parts_->objects->start_housekeeping();
}

void Services::finish() { parts_->objects->finish(); }

}  // namespace nubecita::commands
