// What ECS stores. Operations write clusters, definitions, services and tasks; the task controller alone
// writes TaskStatus, the health controller ContainerHealth, the service controller ServiceStatus: they do not
// conflict. Plain values, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace nubecita::ecs {

struct TagRecord {
  std::string name, value;
  template <class A>
  void fields(A& a) {
    a("k", name)("v", value);
  }
};

struct StrategyItem {
  std::string provider;
  int weight = 0, base = 0;
  template <class A>
  void fields(A& a) {
    a("provider", provider)("weight", weight)("base", base);
  }
};

struct Cluster {
  static constexpr std::string_view kTable = "ecs.cluster";
  std::string name;
  bool inactive = false;  // deleted: still described, for Terraform's sake
  std::vector<TagRecord> settings;
  std::vector<std::string> capacity_providers;
  std::vector<StrategyItem> strategy;
  std::vector<TagRecord> tags;
  int64_t created = 0;
  std::string key() const { return name; }
  template <class A>
  void fields(A& a) {
    a("name", name)("inactive", inactive)("settings", settings)("providers", capacity_providers)(
        "strategy", strategy)("tags", tags)("created", created);
  }
};

struct Family {
  static constexpr std::string_view kTable = "ecs.family";
  std::string name;
  int64_t last_revision = 0;
  std::string key() const { return name; }
  template <class A>
  void fields(A& a) {
    a("name", name)("last", last_revision);
  }
};

/// "<family>/<revision, ten digits>"
std::string definition_key(std::string_view family, int64_t revision);

struct Definition {
  static constexpr std::string_view kTable = "ecs.taskdef";
  std::string family;
  int64_t revision = 0;
  std::string status;  // ACTIVE, INACTIVE, DELETE_IN_PROGRESS
  std::string body;    // model::TaskDefinition as JSON, with AWS's defaults filled in
  int64_t registered = 0, deregistered = 0, delete_requested = 0;
  std::string registered_by;
  std::vector<TagRecord> tags;
  std::string key() const { return definition_key(family, revision); }
  template <class A>
  void fields(A& a) {
    a("family", family)("revision", revision)("status", status)("body", body)("registered", registered)(
        "deregistered", deregistered)("delete", delete_requested)("by", registered_by)("tags", tags);
  }
};

struct Network {  // awsvpc configuration
  std::vector<std::string> subnets, groups;
  bool public_ip = false;
  bool operator==(const Network&) const = default;
  template <class A>
  void fields(A& a) {
    a("subnets", subnets)("groups", groups)("public", public_ip);
  }
};

struct Target {  // a load balancer's target group and where it reaches the task
  std::string group_arn, container;
  int port = 0;
  bool operator==(const Target&) const = default;
  template <class A>
  void fields(A& a) {
    a("group", group_arn)("container", container)("port", port);
  }
};

struct Deployment {
  std::string id;      // "ecs-svc/<19 digits>"
  std::string status;  // PRIMARY, ACTIVE
  std::string definition_arn;
  Network network;
  std::string launch_type, platform_version;
  std::vector<StrategyItem> strategy;
  std::map<std::string, std::string>
      image_digests;  // container → digest of our registry when the deployment began
  int64_t created = 0, updated = 0;
  std::string rollout;  // IN_PROGRESS, COMPLETED, FAILED
  std::string rollout_reason;
  template <class A>
  void fields(A& a) {
    a("id", id)("status", status)("definition", definition_arn)("network", network)("launch", launch_type)(
        "platform", platform_version)("strategy", strategy)("digests", image_digests)("created", created)(
        "updated", updated)("rollout", rollout)("reason", rollout_reason);
  }
};

/// A deployment as it is told for 90 days: which revision took the place of which, and how that ended.
/// ECS's history beside `Service::deployments`, which knows what runs now. A revision is the Deployment that
/// it began with, and named by its id.
struct ServiceDeployment {
  static constexpr std::string_view kTable = "ecs.service_deployment";
  std::string cluster, service, id;
  Deployment revision;
  std::vector<Target> targets;
  std::vector<std::string> sources;  // deployment ids that had tasks when this one began
  std::string status;                // IN_PROGRESS, SUCCESSFUL, STOPPED, ROLLBACK_…
  std::string reason;
  std::string rollback_id, rollback_reason;  // the deployment that was gone back to
  int64_t created = 0, finished = 0, updated = 0, rollback_started = 0;
  int failures = 0, threshold = 0;  // of the circuit breaker; threshold 0: it is off
  bool open() const { return finished == 0; }
  std::string key() const { return cluster + "/" + service + "/" + id; }
  template <class A>
  void fields(A& a) {
    a("cluster", cluster)("service", service)("id", id)("revision", revision)("targets", targets)(
        "sources", sources)("status", status)("reason", reason)("rollback", rollback_id)(
        "rollback_reason", rollback_reason)("created", created)("finished", finished)("updated", updated)(
        "rollback_started", rollback_started)("failures", failures)("threshold", threshold);
  }
};

struct Service {
  static constexpr std::string_view kTable = "ecs.service";
  std::string cluster, name;
  std::string status;  // ACTIVE, DRAINING (being deleted), INACTIVE (deleted, described for an hour)
  int desired = 0;
  std::vector<Deployment> deployments;  // the PRIMARY first
  std::vector<Deployment> good;         // at most one: the last that was COMPLETED, to roll back to
  std::vector<Target> targets;
  std::string launch_type, platform_version;
  std::vector<StrategyItem> strategy;
  int minimum_percent1 = 0,
      maximum_percent = 0;  // the minimum is kept one higher, so that "absent" is told from 0
  bool breaker = false, breaker_rollback = false, managed_tags = false;
  std::string propagate_tags;
  int grace_seconds = 0;
  std::string created_by, client_token;
  std::string open_deployment;  // id of the ServiceDeployment in progress
  int64_t created = 0, deleted = 0;
  std::vector<TagRecord> tags;
  std::string key() const { return cluster + "/" + name; }
  int minimum_percent() const { return minimum_percent1 ? minimum_percent1 - 1 : 100; }
  int most_percent() const { return maximum_percent ? maximum_percent : 200; }
  template <class A>
  void fields(A& a) {
    a("cluster", cluster)("name", name)("status", status)("desired", desired)("deployments", deployments)(
        "good", good)("targets", targets)("launch", launch_type)("platform", platform_version)(
        "strategy", strategy)("minimum1", minimum_percent1)("maximum", maximum_percent)("breaker", breaker)(
        "rollback", breaker_rollback)("managed_tags", managed_tags)("propagate", propagate_tags)(
        "grace", grace_seconds)("by", created_by)("token", client_token)("created", created)(
        "deleted", deleted)("tags", tags)("open_deployment", open_deployment);
  }
};

struct Event {
  std::string id, message;
  int64_t at = 0;
  template <class A>
  void fields(A& a) {
    a("id", id)("text", message)("at", at);
  }
};

struct ServiceStatus {  // observed; by the service controller
  static constexpr std::string_view kTable = "ecs.service_status";
  std::string cluster, name;
  std::vector<Event> events;          // newest first, at most 100
  std::map<std::string, int> failed;  // deployment id → tasks that failed
  std::map<std::string, std::string>
      counted;              // task id → "1": its failure is counted (only while it is described)
  int launch_failures = 0;  // in a row: throttles
  int64_t next_launch = 0;
  bool steady = false;  // the last event said so
  std::string key() const { return cluster + "/" + name; }
  template <class A>
  void fields(A& a) {
    a("cluster", cluster)("name", name)("events", events)("failed", failed)("counted", counted)(
        "launch_failures", launch_failures)("next_launch", next_launch)("steady", steady);
  }
};

struct ContainerOverrideRecord {
  std::string name;
  std::vector<std::string> command;
  bool has_command = false;
  std::vector<TagRecord> environment;
  int cpu = 0, memory = 0, memory_reservation = 0;
  template <class A>
  void fields(A& a) {
    a("name", name)("command", command)("has_command", has_command)("env", environment)("cpu", cpu)(
        "memory", memory)("reservation", memory_reservation);
  }
};

struct Task {  // what was asked: written by RunTask, StopTask and the service controller
  static constexpr std::string_view kTable = "ecs.task";
  std::string cluster, id;
  std::string definition_arn, family;
  std::string group, started_by, service, deployment;
  std::string eni_id, attachment_id, subnet_id, zone, mac, private_ip, private_name;
  std::vector<Target> targets;
  std::vector<ContainerOverrideRecord> overrides;
  std::string override_cpu, override_memory, override_task_role, override_execution_role;
  std::map<std::string, std::string> image_digests;
  std::map<std::string, std::string>
      runtime_ids;  // container → 32 hex digits, a dash, digits: in its metadata URI
  std::string credentials_id;
  std::string launch_type, capacity_provider, platform_version;
  bool managed_tags = false;
  bool stop = false;
  std::string stop_code, stop_reason;
  int64_t created = 0;
  std::string client_token;
  std::vector<TagRecord> tags;
  std::string key() const { return cluster + "/" + id; }
  template <class A>
  void fields(A& a) {
    a("cluster", cluster)("id", id)("definition", definition_arn)("family", family)("group", group)(
        "started_by", started_by)("service", service)("deployment", deployment)("eni", eni_id)(
        "attachment", attachment_id)("subnet", subnet_id)("zone", zone)("mac", mac)("ip", private_ip)(
        "private_name", private_name)("targets", targets)("overrides", overrides)("cpu", override_cpu)(
        "memory", override_memory)("role", override_task_role)("execution_role", override_execution_role)(
        "digests", image_digests)("runtime", runtime_ids)("credentials", credentials_id)(
        "launch", launch_type)("provider", capacity_provider)("platform", platform_version)(
        "managed_tags", managed_tags)("stop", stop)("stop_code", stop_code)("stop_reason", stop_reason)(
        "created", created)("token", client_token)("tags", tags);
  }
};

struct ContainerStatus {
  std::string name, status;  // PENDING, RUNNING, STOPPED
  std::string image_digest, image_id, reason;
  int exit_code = 0;
  bool exited = false, started = false, oom = false, ready = false;  // exited: exit_code is known
  int64_t started_at = 0, stopped_at = 0;
  template <class A>
  void fields(A& a) {
    a("name", name)("status", status)("digest", image_digest)("image", image_id)("reason", reason)(
        "exit", exit_code)("exited", exited)("started", started)("oom", oom)("ready", ready)(
        "started_at", started_at)("stopped_at", stopped_at);
  }
};

struct TaskStatus {  // observed; by the task controller
  static constexpr std::string_view kTable = "ecs.task_status";
  std::string cluster, id;
  std::string last_status;  // PROVISIONING ... STOPPED
  std::string stop_code, stopped_reason;
  std::vector<ContainerStatus> containers;
  int64_t pull_started = 0, pull_stopped = 0, started = 0, stopping = 0, execution_stopped = 0, stopped = 0;
  int64_t stop_deadline = 0;  // when SIGKILL is due
  int64_t drain_deadline = 0;
  bool registered = false, killed = false, eni_deleted = false;
  int64_t version = 0;
  std::string key() const { return cluster + "/" + id; }
  ContainerStatus* find(std::string_view name) {
    for (auto& c : containers)
      if (c.name == name) return &c;
    return nullptr;
  }
  template <class A>
  void fields(A& a) {
    a("cluster", cluster)("id", id)("last", last_status)("stop_code", stop_code)("reason", stopped_reason)(
        "containers", containers)("pull_started", pull_started)("pull_stopped", pull_stopped)(
        "started", started)("stopping", stopping)("execution_stopped", execution_stopped)("stopped", stopped)(
        "stop_deadline", stop_deadline)("drain_deadline", drain_deadline)("registered", registered)(
        "killed", killed)("eni_deleted", eni_deleted)("version", version);
  }
};

struct ContainerHealth {  // by the health controller
  static constexpr std::string_view kTable = "ecs.health";
  std::string cluster, task, container, status;  // HEALTHY, UNHEALTHY
  std::string output;
  std::string key() const { return cluster + "/" + task + "/" + container; }
  template <class A>
  void fields(A& a) {
    a("cluster", cluster)("task", task)("container", container)("status", status)("output", output);
  }
};

struct LogOffset {  // how much of a container's output has become log events
  static constexpr std::string_view kTable = "ecs.log_offset";
  std::string cluster, task, container;
  int64_t offset = 0;
  std::string key() const { return cluster + "/" + task + "/" + container; }
  template <class A>
  void fields(A& a) {
    a("cluster", cluster)("task", task)("container", container)("offset", offset);
  }
};

struct AccountSetting {
  static constexpr std::string_view kTable = "ecs.setting";
  std::string name, principal, value;  // principal empty: the account's default
  std::string key() const { return name + "/" + principal; }
  template <class A>
  void fields(A& a) {
    a("name", name)("principal", principal)("value", value);
  }
};

}  // namespace nubecita::ecs
