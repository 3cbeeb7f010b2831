// The part of the task controller that brings what containers need: images, files, log streams.
#include <fmt/core.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/arn.hpp"
#include "base/cidr.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "services/ec2/ec2.hpp"
#include "services/ec2/network.hpp"
#include "services/ecr/ecr.hpp"
#include "services/ecs/common.hpp"
#include "services/ecs/task_controller.hpp"
#include "services/ecs/task_roles.hpp"

namespace nubecita::ecs {

namespace {

namespace fs = std::filesystem;
constexpr int64_t kPullPasswordMs = 30 * 60 * 1000;

Status write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::trunc);
  out << text;
  out.close();
  if (!out) return fail("TaskFilesFailed", "cannot write " + path, 500);
  return {};
}

}  // namespace

Status TaskController::fetch_image(View& v, const model::ContainerDefinition& c, ContainerStatus& out) {
  host::PullSpec pull;
  pull.reference = api::str(c.image);
  auto asked = std::chrono::steady_clock::now();
  pull.progress = [&](const std::string&) {
    if (std::chrono::steady_clock::now() - asked < std::chrono::seconds(1)) return true;
    asked = std::chrono::steady_clock::now();
    return !stop_asked(v);
  };
  if (auto ours = ecr::our_reference(cloud_.config, c.image)) {
    // The bytes that were meant when the deployment began.
    if (auto digest = v.task.image_digests.find(out.name); digest != v.task.image_digests.end())
      ours->digest = digest->second;
    pull.reference = ours->local(cloud_.config.port());
    pull.insecure = true;
    auto tx = cloud_.store->begin();
    const std::string role = execution_role(v.task, *v.definition);
    TRY_LET(api::Principal principal, role_principal(*tx, role, v.task.id));
    // What is here already is not asked of the registry again, but the role must be allowed to have it.
    const std::string repository = arn("ecr", ours->region, ours->account, "repository/" + ours->repository);
    TRY(check_allowed(cloud_, *tx, principal, "ecr:BatchGetImage", repository));
    TRY(check_allowed(cloud_, *tx, principal, "ecr:GetDownloadUrlForLayer", repository));
    if (!ours->digest.empty()) {
      TRY_LET(auto present, cloud_.containers->image(pull.reference));
      if (present) {
        out.image_id = present->id;
        out.image_digest = ours->digest;
        return {};
      }
    }
    pull.username = "AWS";
    pull.password = ecr::make_password(*tx, principal, now_ms() + kPullPasswordMs);
  }
  TRY_LET(host::Image image, cloud_.containers->pull(pull));
  out.image_id = image.id;
  out.image_digest = image.digest;
  return {};
}

Status TaskController::prepare_files(const View& v) {
  const TaskFiles files = files_of(v);
  std::error_code ec;
  fs::create_directories(files.dir + "/logs", ec);
  fs::create_directories(files.dir + "/volumes", ec);
  if (ec) return fail("TaskFilesFailed", fmt::format("cannot make {}: {}", files.dir, ec.message()), 500);
  for (const auto& volume : v.definition->volumes) {
    fs::create_directories(files.volume(volume.name), ec);
    // Whatever user a container runs as may write; the directory above is ours alone.
    ::chmod(files.volume(volume.name).c_str(), 0777);
  }
  // Bind mounts need no way to the files; the rest of the data directory stays closed.
  auto tx = cloud_.store->begin();
  std::string resolver = "169.254.169.253";
  if (auto subnet = ec2::find_subnet(*tx, v.scope, v.task.subnet_id))
    if (auto vpc = tx->get<ec2::Vpc>(v.scope, subnet->vpc_id))
      if (auto block = Cidr::parse(vpc->cidr)) resolver = ipv4_text(block->first() + 2);
  TRY(write_file(files.resolv(),
                 fmt::format("search {}\nnameserver {}\n", ec2::internal_domain(v.scope.region), resolver)));
  TRY(write_file(files.hosts(), fmt::format("127.0.0.1 localhost\n::1 localhost\n{} {} {}\n",
                                            v.task.private_ip, v.task.private_name,
                                            v.task.private_name.substr(0, v.task.private_name.find('.')))));
  ::chmod(files.resolv().c_str(), 0644);
  ::chmod(files.hosts().c_str(), 0644);
  return {};
}

LogTarget TaskController::log_target(const View& v, const model::ContainerDefinition& c) const {
  LogTarget t;
  t.scope = v.scope;
  t.cluster = v.task.cluster;
  t.task = v.task.id;
  t.container = api::str(c.name);
  t.path = files_of(v).log(c.name);
  t.region = log_option(c, "awslogs-region");
  t.group = log_option(c, "awslogs-group");
  t.create_group = log_option(c, "awslogs-create-group") == "true";
  const std::string prefix = log_option(c, "awslogs-stream-prefix");
  t.stream = fmt::format("{}{}{}/{}", prefix, prefix.empty() ? "" : "/", c.name.sv(), v.task.id);
  return t;
}

/// The streams are there before the first line is printed, and the execution role may write them.
Status TaskController::check_logs(const View& v) {
  for (const auto& c : v.definition->container_definitions) {
    if (!logs_to_cloudwatch(c)) continue;
    const LogTarget t = log_target(v, c);
    {
      auto tx = cloud_.store->begin();
      const std::string role = execution_role(v.task, *v.definition);
      TRY_LET(api::Principal principal, role_principal(*tx, role, v.task.id));
      const std::string stream = arn("logs", t.region, v.scope.account,
                                     fmt::format("log-group:{}:log-stream:{}", t.group, t.stream));
      TRY(check_allowed(cloud_, *tx, principal, "logs:CreateLogStream", stream));
      TRY(check_allowed(cloud_, *tx, principal, "logs:PutLogEvents", stream));
    }
    TRY(logs_.check(t));
  }
  return {};
}

}  // namespace nubecita::ecs
