// Tasks and services against a fake machine: operations, the controllers' turns, adoption.
#include <gtest/gtest.h>

#include "api/testing.hpp"
#include "control/engine.hpp"
#include "host/processes/processes.hpp"
#include "services/ec2/ec2.hpp"
#include "services/ecs/common.hpp"
#include "services/ecs/health_controller.hpp"
#include "services/ecs/service_controller.hpp"
#include "services/ecs/task_controller.hpp"
#include "services/ecs/testing/fake_containers.hpp"

namespace nubecita::ecs {
namespace {

class EcsTest : public ::testing::Test {
 protected:
  EcsTest() {
    engine = std::make_unique<control::Engine>(*bench.cloud.store);
    bench.cloud.engine = engine.get();
    bench.cloud.containers = &machine;
    control::Controller asked;  // never started: the tests take the turns themselves
    asked.name = "ecs.task";
    engine->add(std::move(asked));
    tasks = std::make_unique<TaskController>(bench.cloud, nullptr);
    services = std::make_unique<ServiceController>(bench.cloud);
    health = std::make_unique<HealthController>(bench.cloud);
    EXPECT_TRUE(bench.transact([&](store::Transaction& tx) -> Status {
      ec2::Vpc vpc;
      vpc.id = "vpc-1";
      vpc.cidr = "10.0.0.0/16";
      vpc.default_group = "sg-1";
      tx.put(scope(), vpc);
      ec2::SecurityGroup group;
      group.id = "sg-1";
      group.vpc_id = "vpc-1";
      group.name = "default";
      tx.put(scope(), group);
      for (int i = 0; i < 2; ++i) {
        ec2::Subnet s;
        s.id = "subnet-" + std::to_string(i);
        s.vpc_id = "vpc-1";
        s.cidr = "10.0." + std::to_string(i) + ".0/24";
        s.zone = i ? "us-east-1b" : "us-east-1a";
        tx.put(scope(), s);
      }
      return {};
    }));
    model::CreateClusterRequest in;
    in.cluster_name = "c";
    EXPECT_TRUE(bench.run("CreateCluster", create_cluster, in));
  }
  ~EcsTest() override { set_test_clock(-1); }

  store::Scope scope() { return {bench.account, bench.region}; }

  model::ContainerDefinition container(std::string_view name) {
    model::ContainerDefinition c;
    c.name = bench.text(name);
    c.image = "example.org/app:1";
    return c;
  }
  std::string define(std::initializer_list<model::ContainerDefinition> containers,
                     std::string_view family = "f") {
    model::RegisterTaskDefinitionRequest in;
    in.family = bench.text(family);
    in.network_mode = "awsvpc";
    in.requires_compatibilities = bench.texts({"FARGATE"});
    in.cpu = "256";
    in.memory = "512";
    in.container_definitions = bench.list<model::ContainerDefinition>(containers);
    auto out = bench.run("RegisterTaskDefinition", register_task_definition, in);
    EXPECT_TRUE(out) << out.error().message;
    return out ? api::str(out->task_definition->task_definition_arn) : "";
  }
  model::NetworkConfiguration* network() {
    auto* n = bench.make<model::NetworkConfiguration>();
    n->awsvpc_configuration = bench.make<model::AwsVpcConfiguration>();
    n->awsvpc_configuration->subnets = bench.texts({"subnet-0", "subnet-1"});
    return n;
  }
  std::string run(const std::string& definition) {
    model::RunTaskRequest in;
    in.cluster = "c";
    in.task_definition = bench.text(definition);
    in.network_configuration = network();
    auto out = bench.run("RunTask", run_task, in);
    EXPECT_TRUE(out) << out.error().message;
    return out ? last_part(out->tasks[0].task_arn) : "";
  }
  std::string key(const std::string& id) { return store::make_key(Task::kTable, scope(), "c/" + id); }
  Task task(const std::string& id) {
    return bench.look([&](store::Transaction& tx) { return *tx.get<Task>(scope(), "c/" + id); });
  }
  TaskStatus status(const std::string& id) {
    return bench.look([&](store::Transaction& tx) { return *tx.get<TaskStatus>(scope(), "c/" + id); });
  }
  void interface_ready(const std::string& id) {
    auto t = task(id);
    EXPECT_TRUE(bench.transact([&](store::Transaction& tx) -> Status {
      ec2::InterfaceStatus s;
      s.id = t.eni_id;
      s.ready = true;
      s.netns = "/run/netns/" + t.eni_id;
      tx.put(scope(), s);
      return {};
    }));
  }
  control::Again turn(const std::string& id) {
    auto r = tasks->reconcile(key(id));
    EXPECT_TRUE(r) << r.error().message;
    return r.value_or(control::Again{});
  }
  std::string name(const std::string& id, std::string_view c) {
    return container_name(host::installation_tag(bench.cloud.config.data_dir), task(id), c);
  }
  std::string running(std::initializer_list<model::ContainerDefinition> containers) {
    std::string id = run(define(containers));
    interface_ready(id);
    turn(id);
    EXPECT_EQ(status(id).last_status, "RUNNING");
    return id;
  }
  void stop(const std::string& id) {
    model::StopTaskRequest in;
    in.cluster = "c";
    in.task = bench.text(id);
    EXPECT_TRUE(bench.run("StopTask", stop_task, in));
  }

  api::testing::Bench bench{"ecs"};
  testing::FakeContainers machine;
  std::unique_ptr<control::Engine> engine;
  std::unique_ptr<TaskController> tasks;
  std::unique_ptr<ServiceController> services;
  std::unique_ptr<HealthController> health;
};

TEST_F(EcsTest, ATaskWaitsForItsInterfaceThenRuns) {
  std::string id = run(define({container("web")}));
  EXPECT_TRUE(turn(id).after);
  EXPECT_EQ(status(id).last_status, "PROVISIONING");
  interface_ready(id);
  turn(id);
  EXPECT_EQ(status(id).last_status, "RUNNING");
  const auto& spec = machine.made.at(name(id, "web")).spec;
  EXPECT_EQ(spec.netns, "/run/netns/" + task(id).eni_id);
  EXPECT_EQ(spec.memory_bytes, int64_t{512} << 20);
  EXPECT_DOUBLE_EQ(spec.cpus, 0.25);
  EXPECT_EQ(spec.environment.at("AWS_REGION"), bench.region);
}

TEST_F(EcsTest, APublicAddressForThoseThatAskForOne) {
  auto where = network();
  where->awsvpc_configuration->assign_public_ip = "ENABLED";
  model::RunTaskRequest in;
  in.cluster = "c";
  in.task_definition = bench.text(define({container("web")}));
  in.network_configuration = where;
  auto out = bench.run("RunTask", run_task, in);
  ASSERT_TRUE(out) << out.error().message;
  ASSERT_EQ(out->tasks.size(), 1u);
  auto eni = bench.look([&](store::Transaction& tx) {
    return ec2::find_interface(tx, scope(), task(last_part(out->tasks[0].task_arn)).eni_id);
  });
  ASSERT_TRUE(eni);
  EXPECT_FALSE(eni->public_ip.empty());

  model::CreateServiceRequest service;
  service.cluster = "c";
  service.service_name = "public";
  service.task_definition = in.task_definition;
  service.desired_count = 1;
  service.network_configuration = where;
  ASSERT_TRUE(bench.run("CreateService", create_service, service));
  ASSERT_TRUE(services->reconcile(store::make_key(Service::kTable, scope(), "c/public")));
  auto tasks_now = bench.look([&](store::Transaction& tx) { return tx.list<Task>(scope(), "c/"); });
  EXPECT_EQ(tasks_now.size(), 2u);
}

TEST_F(EcsTest, AnEssentialContainersEndEndsTheTask) {
  std::string id = running({container("web")});
  std::string web = name(id, "web"), eni = task(id).eni_id;
  machine.end(web, 3);
  turn(id);
  auto s = status(id);
  EXPECT_EQ(s.last_status, "STOPPED");
  EXPECT_EQ(s.stop_code, "EssentialContainerExited");
  EXPECT_EQ(s.stopped_reason, "Essential container in task exited");
  EXPECT_EQ(s.containers[0].exit_code, 3);
  EXPECT_FALSE(machine.made.contains(web));
  EXPECT_FALSE(bench.look([&](store::Transaction& tx) { return ec2::find_interface(tx, scope(), eni); }));
}

TEST_F(EcsTest, MemoryThatRanOutIsTheReason) {
  std::string id = running({container("web")});
  machine.end(name(id, "web"), 137, true);
  turn(id);
  EXPECT_EQ(status(id).stopped_reason, "OutOfMemoryError: Container killed due to memory usage");
}

TEST_F(EcsTest, StoppingSignalsThenKills) {
  set_test_clock(1'000'000);
  auto c = container("web");
  c.stop_timeout = 5;
  std::string id = running({c});
  std::string web = name(id, "web");
  stop(id);
  EXPECT_EQ(turn(id).after->count(), 5000);
  EXPECT_EQ(machine.made.at(web).signals, std::vector<int>{3}) << "the image's stop signal";
  set_test_clock(1'004'000);
  turn(id);
  EXPECT_EQ(machine.made.at(web).signals.size(), 1u);
  set_test_clock(1'005'000);
  turn(id);
  EXPECT_EQ(machine.made.at(web).signals, (std::vector<int>{3, 9}));
  machine.end(web, 137);
  turn(id);
  EXPECT_EQ(status(id).last_status, "STOPPED");
  EXPECT_EQ(status(id).stop_code, "UserInitiated");
}

TEST_F(EcsTest, ContainersThatOthersNeedEndLast) {
  auto base = container("base"), app = container("app");
  app.depends_on = bench.list<model::ContainerDependency>({{bench.text("base"), "START"}});
  std::string id = running({base, app});
  stop(id);
  turn(id);
  EXPECT_EQ(machine.made.at(name(id, "base")).signals.size(), 0u);
  EXPECT_EQ(machine.made.at(name(id, "app")).signals.size(), 1u);
  machine.end(name(id, "app"), 0);
  turn(id);
  EXPECT_EQ(machine.made.at(name(id, "base")).signals.size(), 1u);
}

TEST_F(EcsTest, SuccessOfADependencyIsWaitedFor) {
  auto init = container("init"), app = container("app");
  init.essential = false;
  app.depends_on = bench.list<model::ContainerDependency>({{bench.text("init"), "SUCCESS"}});
  std::string id = run(define({init, app}));
  interface_ready(id);
  turn(id);
  EXPECT_EQ(status(id).last_status, "ACTIVATING");
  EXPECT_FALSE(machine.made.contains(name(id, "app")));
  machine.end(name(id, "init"), 0);
  turn(id);
  EXPECT_EQ(status(id).last_status, "RUNNING");
  EXPECT_TRUE(machine.made.contains(name(id, "app")));
}

TEST_F(EcsTest, AFailedPullIsTold) {
  machine.pull_error = "manifest unknown";
  std::string id = run(define({container("web")}));
  interface_ready(id);
  turn(id);
  EXPECT_EQ(status(id).last_status, "STOPPED");
  EXPECT_EQ(status(id).stop_code, "TaskFailedToStart");
  EXPECT_EQ(status(id).stopped_reason, "CannotPullContainerError: manifest unknown");
}

TEST_F(EcsTest, WithoutPodmanTasksWaitAndNothingIsLost) {
  machine.unavailable = true;
  std::string id = run(define({container("web")}));
  interface_ready(id);
  auto r = tasks->reconcile(key(id));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, "ContainersUnavailable");
  machine.unavailable = false;
  turn(id);
  EXPECT_EQ(status(id).last_status, "RUNNING");
}

TEST_F(EcsTest, TheNextProcessAdoptsWhatRuns) {
  std::string id = running({container("web")});
  ASSERT_EQ(machine.creations, 1);
  machine.watches.clear();
  tasks = std::make_unique<TaskController>(bench.cloud, nullptr);
  turn(id);
  EXPECT_EQ(status(id).last_status, "RUNNING");
  EXPECT_EQ(machine.creations, 1) << "nothing is made again";
  machine.end(name(id, "web"), 7);
  turn(id);
  EXPECT_EQ(status(id).containers[0].exit_code, 7);
}

TEST_F(EcsTest, TheNextProcessNoticesWhatEndedMeanwhile) {
  std::string id = running({container("web")});
  machine.watches.clear();
  machine.end(name(id, "web"), 9);
  tasks = std::make_unique<TaskController>(bench.cloud, nullptr);
  turn(id);
  EXPECT_EQ(status(id).last_status, "STOPPED");
  EXPECT_EQ(status(id).containers[0].exit_code, 9);
}

TEST_F(EcsTest, AdoptionWaitsForPodmanInsteadOfGivingTasksUp) {
  std::string id = running({container("web")});
  tasks = std::make_unique<TaskController>(bench.cloud, nullptr);
  machine.unavailable = true;
  EXPECT_FALSE(tasks->reconcile(key(id)));
  EXPECT_EQ(status(id).last_status, "RUNNING");
}

TEST_F(EcsTest, HealthChecksAreCounted) {
  set_test_clock(1'000'000);
  auto c = container("web");
  c.health_check = bench.make<model::HealthCheck>();
  c.health_check->command = bench.texts({"CMD", "true"});
  c.health_check->retries = 2;
  std::string id = running({c});
  std::string status_key = store::make_key(TaskStatus::kTable, scope(), "c/" + id);
  auto seen = [&] {
    return bench.look(
        [&](store::Transaction& tx) { return tx.get<ContainerHealth>(scope(), "c/" + id + "/web"); });
  };
  ASSERT_TRUE(health->reconcile(status_key));
  EXPECT_FALSE(seen());
  set_test_clock(1'001'000);
  ASSERT_TRUE(health->reconcile(status_key));
  ASSERT_TRUE(seen());
  EXPECT_EQ(seen()->status, "HEALTHY");
  machine.exec_code = 1;
  for (int i = 1; i <= 2; ++i) {
    set_test_clock(1'001'000 + i * 30'000);
    ASSERT_TRUE(health->reconcile(status_key));
    EXPECT_EQ(seen()->status, i == 2 ? "UNHEALTHY" : "HEALTHY");
  }
}

TEST_F(EcsTest, AServiceStartsReplacesAndRollsBack) {
  set_test_clock(1'000'000);
  define({container("web")}, "s");
  model::CreateServiceRequest in;
  in.cluster = "c";
  in.service_name = "s";
  in.task_definition = "s:1";
  in.desired_count = 2;
  in.network_configuration = network();
  in.deployment_configuration = bench.make<model::DeploymentConfiguration>();
  in.deployment_configuration->deployment_circuit_breaker = bench.make<model::DeploymentCircuitBreaker>();
  in.deployment_configuration->deployment_circuit_breaker->enable = true;
  in.deployment_configuration->deployment_circuit_breaker->rollback = true;
  auto made = bench.run("CreateService", create_service, in);
  ASSERT_TRUE(made) << made.error().message;
  const std::string service_key = store::make_key(Service::kTable, scope(), "c/s");
  int64_t clock = 1'000'000;
  // Brings every task as far as it gets, then the service, until nothing changes.
  auto settle = [&](bool with_tasks = true) {
    for (int i = 0; i < 30; ++i) {
      set_test_clock(clock += 1000);
      auto r = services->reconcile(service_key);
      ASSERT_TRUE(r) << r.error().message;
      if (!with_tasks) return;
      auto all = bench.look([&](store::Transaction& tx) { return tx.list<Task>(scope(), "c/"); });
      for (const auto& t : all) {
        if (status(t.id).last_status == "STOPPED") continue;
        interface_ready(t.id);
        turn(t.id);
        std::string web = name(t.id, "web");
        if (machine.made.contains(web) && !machine.made[web].signals.empty())
          machine.end(web, 0);
        else if (machine.made.contains(web) && t.definition_arn.ends_with(":2"))
          machine.end(web, 1);
        turn(t.id);
      }
    }
  };
  auto service = [&] {
    return bench.look([&](store::Transaction& tx) { return *tx.get<Service>(scope(), "c/s"); });
  };
  auto told = [&](std::string_view text) {
    auto s = bench.look([&](store::Transaction& tx) { return *tx.get<ServiceStatus>(scope(), "c/s"); });
    return std::any_of(s.events.begin(), s.events.end(),
                       [&](const Event& e) { return e.message.find(text) != std::string::npos; });
  };
  settle();
  EXPECT_EQ(service().deployments[0].rollout, "COMPLETED");
  EXPECT_TRUE(told("(service s) has started 2 tasks: (task "));
  EXPECT_TRUE(told("(service s) has reached a steady state."));
  std::set<std::string> zones;
  for (const auto& t : bench.look([&](store::Transaction& tx) { return tx.list<Task>(scope(), "c/"); }))
    zones.insert(t.zone);
  EXPECT_EQ(zones.size(), 2u);
  const std::string good = service().deployments[0].id;

  define({container("web")}, "s");
  model::UpdateServiceRequest update;
  update.cluster = "c";
  update.service = "s";
  update.task_definition = "s:2";
  ASSERT_TRUE(bench.run("UpdateService", update_service, update));
  settle();
  EXPECT_EQ(service().deployments[0].id, good);
  EXPECT_EQ(service().deployments[0].rollout, "COMPLETED");
  EXPECT_TRUE(told("deployment failed: tasks failed to start."));
  EXPECT_TRUE(told("rolling back to deployment " + good + "."));

  model::ListServiceDeploymentsRequest list;
  list.cluster = "c";
  list.service = "s";
  auto listed = bench.run("ListServiceDeployments", list_service_deployments, list);
  ASSERT_TRUE(listed) << listed.error().message;
  ASSERT_EQ(listed->service_deployments.size(), 2u);
  EXPECT_EQ(listed->service_deployments[0].status.sv(), "ROLLBACK_SUCCESSFUL");
  EXPECT_EQ(listed->service_deployments[1].status.sv(), "SUCCESSFUL");
  model::DescribeServiceDeploymentsRequest which;
  which.service_deployment_arns = bench.texts({listed->service_deployments[0].service_deployment_arn.sv()});
  auto described = bench.run("DescribeServiceDeployments", describe_service_deployments, which);
  ASSERT_TRUE(described) << described.error().message;
  const auto& bad = described->service_deployments[0];
  EXPECT_EQ(last_part(bad.rollback->service_revision_arn), last_part(good));
  EXPECT_EQ(bad.deployment_circuit_breaker->status.sv(), "TRIGGERED");
  EXPECT_GE(*bad.deployment_circuit_breaker->failure_count, *bad.deployment_circuit_breaker->threshold);
  ASSERT_EQ(bad.source_service_revisions.size(), 1u);
  EXPECT_EQ(*bad.source_service_revisions[0].running_task_count, 2);

  // Stopped by hand, a deployment gives way to the last good one, too; the count alone is no deployment.
  update.desired_count = 1;
  update.task_definition = "s:2";
  ASSERT_TRUE(bench.run("UpdateService", update_service, update));
  listed = bench.run("ListServiceDeployments", list_service_deployments, list);
  ASSERT_EQ(listed->service_deployments.size(), 3u);
  EXPECT_EQ(listed->service_deployments[0].status.sv(), "IN_PROGRESS");
  model::StopServiceDeploymentRequest halt;
  halt.service_deployment_arn = bench.text(listed->service_deployments[0].service_deployment_arn.sv());
  ASSERT_TRUE(bench.run("StopServiceDeployment", stop_service_deployment, halt));
  settle();
  EXPECT_EQ(service().deployments[0].id, good);
  model::UpdateServiceRequest scale;
  scale.cluster = "c";
  scale.service = "s";
  scale.desired_count = 2;
  ASSERT_TRUE(bench.run("UpdateService", update_service, scale));
  settle();
  listed = bench.run("ListServiceDeployments", list_service_deployments, list);
  ASSERT_EQ(listed->service_deployments.size(), 3u);
  EXPECT_EQ(listed->service_deployments[0].status.sv(), "ROLLBACK_SUCCESSFUL");
  auto again = bench.run("StopServiceDeployment", stop_service_deployment, halt);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, "ConflictException");
}

TEST(K8sLines, WholeLinesAndPartialOnes) {
  std::vector<LogLine> out;
  std::string text =
      "2026-11-22T18:28:06.252737993+00:00 stdout F one\n"
      "2026-11-22T18:28:06.300000000+00:00 stderr P two, \n"
      "2026-11-22T18:28:06.400000000+00:00 stderr F joined\n"
      "2026-11-22T18:28:07.000000000+00:00 stdout F \n"
      "2026-11-22T18:28:08.000000000+00:00 stdout F not yet";
  size_t taken = read_k8s_lines(text, false, out);
  ASSERT_EQ(out.size(), 3u);
  EXPECT_EQ(out[0].text, "one");
  EXPECT_EQ(out[0].timestamp_ms % 1000, 252);
  EXPECT_EQ(out[1].text, "two, joined");
  EXPECT_EQ(out[2].text, "");
  EXPECT_EQ(text.substr(taken).substr(0, 19), "2026-11-22T18:28:08");
  out.clear();
  EXPECT_EQ(read_k8s_lines(text.substr(taken), true, out), text.size() - taken);
  EXPECT_EQ(out.at(0).text, "not yet");
  out.clear();
  EXPECT_EQ(read_k8s_lines("2026-11-22T18:28:06.3+00:00 stderr P half\n", false, out), 0u)
      << "its other half is still to come";
}

TEST(SignalNumber, NamesAndNumbers) {
  EXPECT_EQ(signal_number("SIGQUIT"), 3);
  EXPECT_EQ(signal_number("INT"), 2);
  EXPECT_EQ(signal_number("9"), 9);
  EXPECT_EQ(signal_number(""), 15);
}

}  // namespace
}  // namespace nubecita::ecs
