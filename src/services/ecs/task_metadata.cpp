#include "services/ecs/task_metadata.hpp"

#include <fmt/core.h>

#include "base/arena.hpp"
#include "base/arn.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "host/containers/containers.hpp"
#include "host/processes/processes.hpp"
#include "services/ec2/ec2.hpp"
#include "services/ecs/common.hpp"
#include "services/ecs/container_plan.hpp"
#include "services/ecs/task_roles.hpp"
#include "services/iam/iam.hpp"

namespace nubecita::ecs {

namespace {

constexpr int64_t kSessionSeconds = 3600;
constexpr int64_t kRenewBeforeMs = 15 * 60 * 1000;

http::Answer json_answer(const json::value& v, int status = 200) {
  http::Answer a(status, json::serialize(v));
  a.headers = {{"Content-Type", "application/json"}};
  return a;
}
http::Answer trouble(int status, std::string_view code, std::string_view message) {
  return json_answer(json::object{{"code", code}, {"message", message}, {"HTTPErrorCode", status}}, status);
}

json::object networks(const Task& t, const ec2::Subnet* subnet) {
  json::object n{{"NetworkMode", "awsvpc"},
                 {"IPv4Addresses", json::array{t.private_ip}},
                 {"AttachmentIndex", 0},
                 {"MACAddress", t.mac},
                 {"PrivateDNSName", t.private_name}};
  if (subnet) n["IPv4SubnetCIDRBlock"] = subnet->cidr;
  return n;
}

struct Facts {
  store::Scope scope;
  Task task;
  TaskStatus status;
  model::TaskDefinition* definition = nullptr;
  std::optional<ec2::Subnet> subnet;
};

json::object container_document(const Facts& f, const model::ContainerDefinition& c) {
  const ContainerStatus* s = const_cast<TaskStatus&>(f.status).find(c.name.sv());
  json::object o;
  auto id = f.task.runtime_ids.find(api::str(c.name));
  o["DockerId"] = id == f.task.runtime_ids.end() ? "" : id->second;
  o["Name"] = std::string(c.name.sv());
  o["DockerName"] = std::string(c.name.sv());
  o["Image"] = std::string(c.image.sv());
  o["ImageID"] = s && !s->image_digest.empty() ? s->image_digest : "";
  o["Labels"] = json::object{{"com.amazonaws.ecs.cluster", cluster_arn(f.scope, f.task.cluster)},
                             {"com.amazonaws.ecs.container-name", std::string(c.name.sv())},
                             {"com.amazonaws.ecs.task-arn", task_arn(f.scope, f.task.cluster, f.task.id)},
                             {"com.amazonaws.ecs.task-definition-family", f.task.family},
                             {"com.amazonaws.ecs.task-definition-version",
                              f.task.definition_arn.substr(f.task.definition_arn.rfind(':') + 1)}};
  o["DesiredStatus"] = f.task.stop ? "STOPPED" : "RUNNING";
  o["KnownStatus"] = s ? s->status : "PENDING";
  o["Limits"] = json::object{{"CPU", c.cpu.value_or(0)}, {"Memory", c.memory.value_or(0)}};
  o["CreatedAt"] = iso8601(f.task.created, true);
  if (s && s->started_at) o["StartedAt"] = iso8601(s->started_at, true);
  o["Type"] = "NORMAL";
  if (logs_to_cloudwatch(c)) {
    o["LogDriver"] = "awslogs";
    o["LogOptions"] = json::object{
        {"awslogs-group", log_option(c, "awslogs-group")},
        {"awslogs-region", log_option(c, "awslogs-region")},
        {"awslogs-stream",
         fmt::format("{}/{}/{}", log_option(c, "awslogs-stream-prefix"), c.name.sv(), f.task.id)}};
  }
  o["ContainerARN"] = arn("ecs", f.scope.region, f.scope.account,
                          fmt::format("container/{}/{}/{}", f.task.cluster, f.task.id, c.name.sv()));
  o["Networks"] = json::array{networks(f.task, f.subnet ? &*f.subnet : nullptr)};
  o["Snapshotter"] = "overlayfs";
  return o;
}

json::object task_document(const Facts& f) {
  json::object o;
  o["Cluster"] = cluster_arn(f.scope, f.task.cluster);
  o["TaskARN"] = task_arn(f.scope, f.task.cluster, f.task.id);
  o["Family"] = f.task.family;
  o["Revision"] = f.task.definition_arn.substr(f.task.definition_arn.rfind(':') + 1);
  o["DesiredStatus"] = f.task.stop ? "STOPPED" : "RUNNING";
  o["KnownStatus"] = f.status.last_status;
  o["Limits"] = json::object{{"CPU", std::atof(std::string(f.definition->cpu.sv()).c_str()) / 1024.0},
                             {"Memory", std::atoi(std::string(f.definition->memory.sv()).c_str())}};
  if (f.status.pull_started) o["PullStartedAt"] = iso8601(f.status.pull_started, true);
  if (f.status.pull_stopped) o["PullStoppedAt"] = iso8601(f.status.pull_stopped, true);
  o["AvailabilityZone"] = f.task.zone;
  o["LaunchType"] = "FARGATE";
  o["FaultInjectionEnabled"] = false;
  if (!f.task.service.empty()) o["ServiceName"] = f.task.service;
  json::array containers;
  for (const auto& c : f.definition->container_definitions) containers.push_back(container_document(f, c));
  o["Containers"] = std::move(containers);
  return o;
}

}  // namespace

struct TaskMetadata::Endpoint final : http::Application {
  explicit Endpoint(TaskMetadata& o) : owner(o) {}
  std::unique_ptr<http::Receiver> begin(http::HeadPtr head) override {
    if (head->method != "GET") return http::answer_with(trouble(405, "MethodNotAllowed", "only GET"));
    std::string key;
    {
      std::lock_guard lock(owner.mutex_);
      if (auto it = tasks.find(head->peer_ip); it != tasks.end()) key = it->second;
    }
    if (key.empty()) return http::answer_with(trouble(404, "NotFound", "no task has this address"));
    return http::collect(1024, [this, head, key](std::string, http::Respond respond) {
      owner.ask({key, std::string(head->path), std::move(respond)});
    });
  }
  TaskMetadata& owner;
  uint64_t handle = 0;
  std::map<std::string, std::string> tasks;  // address → task key
};

TaskMetadata::TaskMetadata(api::Cloud& cloud, http::Server& server) : cloud_(cloud), server_(server) {
  thread_ = std::thread([this] { run(); });
}

TaskMetadata::~TaskMetadata() {
  std::map<std::string, std::unique_ptr<Endpoint>> endpoints;
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    endpoints.swap(open_);
  }
  asked_.notify_all();
  thread_.join();
  for (auto& [key, e] : endpoints) server_.close_listener(e->handle);
}

Status TaskMetadata::open(const std::string& task_key, const std::string& netns, const std::string& ip) {
  std::lock_guard one_at_a_time(opening_);
  {
    std::lock_guard lock(mutex_);
    if (auto it = open_.find(netns); it != open_.end()) {
      it->second->tasks[ip] = task_key;
      return {};
    }
  }
  auto endpoint = std::make_unique<Endpoint>(*this);
  endpoint->tasks[ip] = task_key;
  TRY_LET(endpoint->handle, server_.listen_in(netns, "169.254.170.2", 80, *endpoint));
  std::lock_guard lock(mutex_);
  open_.emplace(netns, std::move(endpoint));
  return {};
}

void TaskMetadata::close(const std::string& task_key) {
  std::lock_guard one_at_a_time(opening_);
  std::unique_ptr<Endpoint> idle;
  {
    std::lock_guard lock(mutex_);
    for (auto it = open_.begin(); it != open_.end(); ++it) {
      if (!std::erase_if(it->second->tasks, [&](const auto& t) { return t.second == task_key; })) continue;
      if (it->second->tasks.empty()) {
        // The socket would keep the namespace of a deleted VPC alive.
        idle = std::move(it->second);
        open_.erase(it);
      }
      break;
    }
  }
  if (idle) server_.close_listener(idle->handle);
}

void TaskMetadata::ask(Question q) {
  std::lock_guard lock(mutex_);
  questions_.push_back(std::move(q));
  asked_.notify_one();
}

void TaskMetadata::run() {
  for (;;) {
    Question q;
    {
      std::unique_lock lock(mutex_);
      asked_.wait(lock, [&] { return stop_ || !questions_.empty(); });
      if (stop_) return;
      q = std::move(questions_.front());
      questions_.pop_front();
    }
    try {
      q.respond(answer(q.task_key, q.path));
    } catch (const std::exception& e) {
      log_error("ecs", "metadata of {}: {}", q.task_key, e.what());
      q.respond(trouble(500, "InternalServerError", e.what()));
    }
  }
}

http::Answer TaskMetadata::answer(const std::string& task_key, const std::string& path) {
  const auto parsed = store::parse_key(task_key);
  Facts f;
  f.scope = {std::string(parsed.account), std::string(parsed.region)};
  Arena arena;
  {
    auto tx = cloud_.store->begin();
    auto task = tx->get<Task>(f.scope, parsed.id);
    if (!task) return trouble(404, "NotFound", "the task is gone");
    f.task = std::move(*task);
    f.status = tx->get<TaskStatus>(f.scope, parsed.id).value_or(TaskStatus{});
    if (auto d = need_definition(*tx, f.scope, f.task.definition_arn))
      f.definition = load_definition(arena, *d);
    f.subnet = ec2::find_subnet(*tx, f.scope, f.task.subnet_id);
  }
  if (!f.definition) return trouble(404, "NotFound", "the task's definition is gone");
  if (path == "/v2/credentials/" + f.task.credentials_id) return credentials(f.scope, f.task);
  if (path.starts_with("/v2/credentials/"))
    return trouble(400, "InvalidIdInRequest", "CredentialsV2Request: Credentials not found");
  constexpr std::string_view v4 = "/v4/";
  if (!path.starts_with(v4)) return trouble(404, "NotFound", "no such path");
  std::string id = path.substr(v4.size()), rest;
  if (size_t slash = id.find('/'); slash != std::string::npos) {
    rest = id.substr(slash);
    id.resize(slash);
  }
  for (const auto& c : f.definition->container_definitions) {
    auto runtime = f.task.runtime_ids.find(api::str(c.name));
    if (runtime == f.task.runtime_ids.end() || runtime->second != id) continue;
    if (rest.empty() || rest == "/") return json_answer(container_document(f, c));
    if (rest == "/task") return json_answer(task_document(f));
    if (rest == "/stats" || rest == "/task/stats") {
      json::object all;
      for (const auto& other : f.definition->container_definitions) {
        auto use = cloud_.containers->stats(
            container_name(host::installation_tag(cloud_.config.data_dir), f.task, other.name));
        json::object o;
        if (use)
          o = {{"memory_stats", json::object{{"usage", use->memory_bytes}, {"limit", use->memory_limit}}},
               {"cpu_stats", json::object{{"cpu_usage", json::object{{"total_usage", use->cpu_ns}}}}},
               {"pids_stats", json::object{{"current", use->pids}}}};
        if (rest == "/stats" && other.name == c.name.sv()) return json_answer(o);
        auto other_id = f.task.runtime_ids.find(api::str(other.name));
        if (other_id != f.task.runtime_ids.end()) all[other_id->second] = std::move(o);
      }
      return json_answer(all);
    }
  }
  return trouble(404, "NotFound", "V4 metadata handler: unable to get container ID from request");
}

http::Answer TaskMetadata::credentials(const store::Scope& scope, const Task& task) {
  const int64_t now = now_ms();
  Credentials& cached = credentials_[task.credentials_id];
  if (now < cached.renew_at) {
    http::Answer a(200, cached.json);
    a.headers = {{"Content-Type", "application/json"}};
    return a;
  }
  std::erase_if(credentials_, [&](const auto& e) {
    return e.first != task.credentials_id && e.second.renew_at < now - kSessionSeconds * 1000;
  });
  json::object out;
  int64_t expires = 0;
  auto made = cloud_.store->transact([&](store::Transaction& tx) -> Status {
    TRY_LET(Definition d, need_definition(tx, scope, task.definition_arn));
    Arena arena;
    const std::string role = task_role(task, *load_definition(arena, d));
    if (role.empty()) return fail("NoTaskRole", "the task has no role");
    TRY_LET(auto session,
            iam::issue_service_session(tx, scope.account, role, kTasksPrincipal, task.id, kSessionSeconds));
    expires = session.expires_ms;
    out = {{"RoleArn", role},
           {"AccessKeyId", session.access_key_id},
           {"SecretAccessKey", session.secret},
           {"Token", session.session_token},
           {"Expiration", iso8601(session.expires_ms)}};
    return {};
  });
  if (!made) return trouble(400, made.error().code, made.error().message);
  Credentials& fresh = credentials_[task.credentials_id];
  fresh.json = json::serialize(out);
  fresh.renew_at = expires - kRenewBeforeMs;
  return json_answer(out);
}

}  // namespace nubecita::ecs
