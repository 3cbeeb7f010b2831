// What the controller asks of the machine, and what it writes back; the machine is a fake.
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>

#include "api/testing.hpp"
#include "control/engine.hpp"
#include "services/ec2/controller_spec.hpp"
#include "services/ec2/controllers.hpp"
#include "services/ec2/ec2.hpp"
#include "services/ec2/network.hpp"
#include "services/ec2/public_names.hpp"

namespace nubecita::ec2 {
namespace {

class FakeNetwork : public host::Network {
 public:
  Result<host::Applied> apply(const host::VpcSpec& spec) override {
    std::lock_guard lock(mutex);
    ++applies;
    if (broken) return fail("NetworkUnavailable", "broken", 500);
    vpcs[spec.id] = spec;
    host::Applied done;
    for (const auto& e : spec.enis)
      if (e.address == bad_address) done.errors[e.id] = "bad";
    return done;
  }
  Status remove_vpc(const std::string& id) override {
    std::lock_guard lock(mutex);
    vpcs.erase(id);
    left.vpcs.erase(id);
    return {};
  }
  Result<host::Observed> observe() override {
    std::lock_guard lock(mutex);
    return left;
  }
  Status remove_orphan(const std::string& id) override {
    std::lock_guard lock(mutex);
    left.enis.erase(id);
    return {};
  }
  Status remove_everything() override { return {}; }
  std::string netns_path(const std::string& eni) const override { return "/run/netns/ntest-" + eni; }
  std::string router_netns_path(const std::string& vpc) const override { return netns_path(vpc); }

  std::mutex mutex;
  std::map<std::string, host::VpcSpec> vpcs;
  host::Observed left;
  int applies = 0;
  bool broken = false;
  std::string bad_address = "-";
};

class FakeNames : public host::Names {
 public:
  Status apply(const host::NamesSpec& spec) override { return servers[spec.vpc] = spec, Status{}; }
  Status remove(const std::string& vpc) override { return servers.erase(vpc), Status{}; }
  std::vector<std::string> list() override { return {}; }
  Status remove_everything() override { return {}; }
  void on_down(std::function<void(const std::string&)>) override {}
  std::map<std::string, host::NamesSpec> servers;
};

class ControllerTest : public ::testing::Test {
 protected:
  ControllerTest() : bench_("ec2") {
    bench_.cloud.network = &network_;
    bench_.cloud.names = &names_;
    write([&](store::Transaction& tx) {
      vpc_ = make_vpc(tx, scope(), *Cidr::parse("10.0.0.0/16"), {});
      subnet_ = make_subnet(tx, scope(), vpc_, *Cidr::parse("10.0.1.0/24"), "us-east-1a", {});
    });
  }
  ~ControllerTest() override {
    if (engine_) engine_->stop();
  }
  void start() {
    engine_ = std::make_unique<control::Engine>(bench_.store());
    bench_.cloud.engine = engine_.get();
    add_controllers(bench_.cloud);
    engine_->start();
    settle();
  }
  void settle() { ASSERT_TRUE(engine_->wait_idle(std::chrono::seconds(10))); }
  template <class F>
  void write(F f) {
    ASSERT_TRUE(bench_.transact([&](store::Transaction& tx) -> Status { return f(tx), Status{}; }));
  }
  std::string new_eni(const std::string& requester = {}) {
    std::string id;
    write([&](store::Transaction& tx) {
      NewInterface in;
      in.subnet_id = subnet_.id;
      in.requester = requester;
      id = create_interface(tx, scope(), in)->id;
    });
    return id;
  }
  std::optional<InterfaceStatus> status(const std::string& id) {
    return bench_.look([&](store::Transaction& tx) { return interface_status(tx, scope(), id); });
  }
  store::Scope scope() { return bench_.scope(); }

  api::testing::Bench bench_;
  FakeNetwork network_;
  FakeNames names_;
  Vpc vpc_;
  Subnet subnet_;
  std::unique_ptr<control::Engine> engine_;
};

TEST_F(ControllerTest, InterfaceBecomesReadyAndGoes) {
  start();
  EXPECT_TRUE(network_.vpcs.empty()) << "a VPC without interfaces costs nothing";
  const auto id = new_eni();
  settle();
  auto s = status(id);
  ASSERT_TRUE(s);
  EXPECT_TRUE(s->ready);
  EXPECT_EQ(s->netns, "/run/netns/ntest-" + id);
  const auto& spec = network_.vpcs.at(vpc_.id);
  EXPECT_EQ(spec.resolver, "10.0.0.2");
  ASSERT_EQ(spec.enis.size(), 1u);
  EXPECT_EQ(spec.enis[0].groups, std::vector<std::string>{vpc_.default_group});
  ASSERT_EQ(spec.subnets.size(), 1u);
  EXPECT_EQ(spec.subnets[0].route_table, vpc_.main_route_table);
  EXPECT_EQ(spec.subnets[0].acl, vpc_.default_acl);
  EXPECT_EQ(names_.servers.at(vpc_.id).netns, "/run/netns/ntest-" + vpc_.id);

  write([&](store::Transaction& tx) { delete_interface(tx, scope(), id); });
  settle();
  EXPECT_FALSE(status(id));
  EXPECT_TRUE(network_.vpcs.at(vpc_.id).enis.empty());
  write([&](store::Transaction& tx) { tx.erase<Vpc>(scope(), vpc_.id); });
  settle();
  EXPECT_TRUE(network_.vpcs.empty());
  EXPECT_TRUE(names_.servers.empty());
}

TEST_F(ControllerTest, OneBadInterfaceDoesNotHoldUpOthers) {
  const auto bad = new_eni();
  network_.bad_address =
      bench_.look([&](store::Transaction& tx) { return find_interface(tx, scope(), bad)->private_ip; });
  start();
  const auto good = new_eni();
  settle();
  EXPECT_TRUE(status(good)->ready);
  EXPECT_FALSE(status(bad)->ready);
  EXPECT_EQ(status(bad)->error, "bad");
}

TEST_F(ControllerTest, AFailureIsWrittenAndRetried) {
  network_.broken = true;
  const auto id = new_eni();
  start();
  ASSERT_TRUE(status(id));
  EXPECT_EQ(status(id)->error, "broken");
  {
    std::lock_guard lock(network_.mutex);
    network_.broken = false;
  }
  for (int i = 0; i < 500 && !status(id)->ready; ++i) ::usleep(10'000);
  EXPECT_TRUE(status(id)->ready);
}

TEST_F(ControllerTest, OnlyWhatChangedIsApplied) {
  new_eni();
  start();
  const int before = network_.applies;
  write([&](store::Transaction& tx) {
    auto v = *tx.get<Vpc>(scope(), vpc_.id);
    v.tags = {{"a", "b"}};
    tx.put(scope(), v);
    put_private_name(tx, scope(), vpc_.id, "db.example", {"10.0.1.9"});
  });
  settle();
  EXPECT_EQ(network_.applies, before) << "tags and names are no network";
  EXPECT_EQ(names_.servers.at(vpc_.id).records.at("db.example"), std::vector<std::string>{"10.0.1.9"});
}

TEST_F(ControllerTest, PublicNamesAreAnsweredInEveryVpc) {
  new_eni();
  start();
  // Of another account: this one has changed nothing.
  write([](store::Transaction& tx) { put_public_name(tx, "web.elb.example", {"127.100.0.7"}); });
  settle();
  EXPECT_EQ(names_.servers.at(vpc_.id).records.at("web.elb.example"),
            std::vector<std::string>{"127.100.0.7"});
  write([](store::Transaction& tx) { erase_public_name(tx, "web.elb.example"); });
  settle();
  EXPECT_FALSE(names_.servers.at(vpc_.id).records.contains("web.elb.example"));
}

TEST_F(ControllerTest, SweepsWhatACrashLeft) {
  const auto id = new_eni();
  network_.left = {{"vpc-gone", vpc_.id}, {"eni-gone", id}};
  start();
  EXPECT_EQ(network_.left.vpcs, std::set<std::string>{vpc_.id});
  EXPECT_EQ(network_.left.enis, std::set<std::string>{id});
}

TEST_F(ControllerTest, PlansRoutesGatewaysAndServices) {
  const auto nat_eni = new_eni("amazon-nat");
  write([&](store::Transaction& tx) {
    tx.put(scope(), InternetGateway{"igw-1", vpc_.id, {}});
    NatGateway nat;
    nat.id = "nat-1";
    nat.vpc_id = vpc_.id;
    nat.eni_id = nat_eni;
    nat.state = "available";
    tx.put(scope(), nat);
    auto table = *tx.get<RouteTable>(scope(), vpc_.main_route_table);
    table.routes.push_back({"0.0.0.0/0", "igw-1", "CreateRoute"});
    table.routes.push_back({"192.0.2.0/24", "nat-1", "CreateRoute"});
    table.routes.push_back({"198.51.100.0/24", "igw-other", "CreateRoute"});
    tx.put(scope(), table);
    NewInterface balancer;
    balancer.subnet_id = subnet_.id;
    balancer.requester = "amazon-elb";
    balancer.public_ip = true;
    balancer.public_pool = "127.100.0.0/16";
    ASSERT_TRUE(create_interface(tx, scope(), balancer));
  });
  const auto plan =
      bench_.look([&](store::Transaction& tx) { return plan_vpcs(tx, scope()); }).at(vpc_.id).network;
  EXPECT_TRUE(plan.internet);
  std::map<std::string, host::RouteSpec::To> to;
  for (const auto& r : plan.route_tables.at(0).routes) to[r.destination] = r.to;
  EXPECT_EQ(to["10.0.0.0/16"], host::RouteSpec::To::local);
  EXPECT_EQ(to["0.0.0.0/0"], host::RouteSpec::To::internet);
  EXPECT_EQ(to["192.0.2.0/24"], host::RouteSpec::To::nat);
  EXPECT_EQ(to["198.51.100.0/24"], host::RouteSpec::To::blackhole);
  for (const auto& e : plan.enis) {
    EXPECT_EQ(e.filtered, e.id != nat_eni);
    EXPECT_EQ(e.served_by_host, e.id != nat_eni);
  }
  EXPECT_EQ(plan.nats.at(0).eni, nat_eni);
}

}  // namespace
}  // namespace nubecita::ec2
