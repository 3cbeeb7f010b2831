// Brings tasks to life and to their end: network interface, images, containers in the order of their
// dependencies, load balancer targets, stopping, removal. What it finds running after a restart it adopts:
// containers are never made twice.
//
//   PROVISIONING ─ interface ready ─▶ PENDING ─ images here ─▶ ACTIVATING ─ all started ─▶ RUNNING
//   any of these ─ stop wanted or an essential container ended ─▶ DEACTIVATING (targets drain) ─▶ STOPPING
//   (signals) ─▶ DEPROVISIONING (containers and interface go) ─▶ STOPPED
//
// The only writer of TaskStatus. reconcile() runs on the engine's workers, one per task at a time; the
// containers' ends come on the watch thread and only ask for another turn. Lives from add_controllers() to
// the end of the process.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "api/cloud.hpp"
#include "base/arena.hpp"
#include "control/engine.hpp"
#include "host/containers/containers.hpp"
#include "services/ecs/container_plan.hpp"
#include "services/ecs/log_pump.hpp"
#include "services/ecs/records.hpp"
#include "services/ecs/task_metadata.hpp"

namespace nubecita::ecs {

class TaskController {
 public:
  TaskController(api::Cloud& cloud, TaskMetadata* metadata);
  control::Controller controller();
  Result<control::Again> reconcile(const std::string& key);

 private:
  /// What is known of a task only while this process lives.
  struct Live {
    bool adopted = false;                              // this process has looked at its containers
    std::map<std::string, host::ContainerExit> exits;  // container → its end, not yet in the status
    std::map<std::string, int64_t> signalled;          // container → when it was told to stop
    std::set<std::string> killed;
  };
  /// One turn's view of a task.
  struct View {
    std::string key;
    store::Scope scope;
    Task task;
    TaskStatus status;
    Arena arena;
    model::TaskDefinition* definition = nullptr;
    std::map<std::string, std::string> health;
  };

  bool load(const std::string& key, View& v);
  Status save(View& v, const std::function<Status(store::Transaction&)>& with = {});
  Status adopt(View& v);
  void take_exits(View& v);
  bool judge_ends(View& v);

  Result<control::Again> provision(View& v);
  Result<control::Again> fetch(View& v);
  Result<control::Again> start_ready(View& v);
  Result<control::Again> stop_step(View& v);
  Result<control::Again> deactivate(View& v);
  Result<control::Again> signal_all(View& v);
  Result<control::Again> deprovision(View& v);

  Status fetch_image(View& v, const model::ContainerDefinition& c, ContainerStatus& out);
  Status prepare_files(const View& v);
  Status check_logs(const View& v);
  Status start_container(View& v, const model::ContainerDefinition& c, ContainerStatus& out);
  Status open_metadata(const View& v);
  Status watch(const View& v, const std::string& container);
  bool may_start(const View& v, const model::ContainerDefinition& c) const;
  bool stop_asked(const View& v);
  LogTarget log_target(const View& v, const model::ContainerDefinition& c) const;
  void fail_start(View& v, std::string reason);
  void forget(const std::string& key, const std::string& task_id);
  std::string name_of(const View& v, std::string_view container) const {
    return container_name(tag_, v.task, container);
  }
  TaskFiles files_of(const View& v) const { return TaskFiles(data_dir_, v.task.id); }

  api::Cloud& cloud_;
  TaskMetadata* metadata_;
  LogPump logs_;
  std::string tag_, data_dir_;
  std::mutex mutex_;
  std::map<std::string, Live> live_;                // by task key
  std::map<std::string, std::string> waiting_for_;  // ENI, or target as its status' key has it → task key
};

}  // namespace nubecita::ecs
