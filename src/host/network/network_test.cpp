// Real packets through real namespaces. Needs root.
#include "host/network/network.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "base/ids.hpp"
#include "host/network/packets.hpp"

namespace nubecita::host {
namespace {

using packets::accept_from;
using packets::connect_to;
using packets::listen_at;
using packets::passes;

int counter = 0;

EniSpec eni(const std::string& id, const std::string& subnet, const std::string& address,
            std::vector<std::string> groups, const std::string& public_address = {}) {
  char mac[18];
  std::snprintf(mac, sizeof mac, "0a:00:00:00:%02x:%02x", counter / 256, counter % 256);
  ++counter;
  return {id, subnet, address, mac, public_address, false, true, true, std::move(groups)};
}

GroupRuleSpec rule_in(const std::string& protocol, int port, const std::string& cidr,
                      const std::string& group = {}) {
  return {false, protocol, port, port, cidr, group};
}
GroupRuleSpec all_out() { return {true, "-1", -1, -1, "0.0.0.0/0", {}}; }

/// A public subnet 10.0.1.0/24 (route to the internet), a private one 10.0.2.0/24, groups app and db.
VpcSpec small_vpc(const std::string& id) {
  VpcSpec v;
  v.id = id;
  v.cidrs = {"10.0.0.0/16"};
  v.internet = true;
  v.subnets = {{"subnet-pub", "10.0.1.0/24", "rtb-pub", "acl-1"},
               {"subnet-priv", "10.0.2.0/24", "rtb-priv", "acl-1"}};
  v.route_tables = {
      {"rtb-pub", {{"10.0.0.0/16", RouteSpec::To::local, {}}, {"0.0.0.0/0", RouteSpec::To::internet, {}}}},
      {"rtb-priv", {{"10.0.0.0/16", RouteSpec::To::local, {}}}}};
  v.acls = {{"acl-1", {{100, false, true}, {100, true, true}}}};
  v.groups = {{"sg-app", {all_out(), rule_in("tcp", 8080, "0.0.0.0/0")}},
              {"sg-db", {all_out(), rule_in("tcp", 5432, {}, "sg-app")}},
              {"sg-none", {all_out()}}};
  return v;
}

class NetworkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    tag_ = random_hex(4);
    // Loopback public addresses of tests that run at the same time must not meet.
    block_ = 128 + static_cast<int>(std::strtoul(tag_.c_str(), nullptr, 16) % 100);
    make();
  }
  void TearDown() override {
    if (network_) EXPECT_TRUE(network_->remove_everything().has_value());
    if (internet_) run("ip netns del x" + tag_);  // its link goes with it
    EXPECT_TRUE(!network_ || namespaces("n" + tag_).empty());
  }
  void make() {
    auto made = make_network({tag_, "127." + std::to_string(block_) + ".0.0/16"});
    ASSERT_TRUE(made) << made.error().message;
    network_ = std::move(*made);
  }
  void apply(const VpcSpec& spec) {
    auto done = network_->apply(spec);
    ASSERT_TRUE(done) << done.error().message;
    for (const auto& [id, error] : done->errors) FAIL() << id << ": " << error;
  }
  std::string ns(const std::string& id) { return network_->netns_path(id); }
  std::string pool(int last) { return "127." + std::to_string(block_) + ".0." + std::to_string(last); }
  static void run(const std::string& command) { ASSERT_EQ(0, std::system(command.c_str())) << command; }
  static std::string output(const std::string& command) {
    std::string out;
    if (FILE* p = ::popen(command.c_str(), "r")) {
      char b[4096];
      while (auto n = ::fread(b, 1, sizeof b, p)) out.append(b, n);
      ::pclose(p);
    }
    return out;
  }
  /// A namespace that plays the internet: 198.18.<block>.2, beyond the host.
  std::string internet() {
    if (!internet_) {
      internet_ = true;
      const auto b = "198.18." + std::to_string(block_) + ".";
      run("ip netns add x" + tag_ + " && ip link add x" + tag_ + " type veth peer name eth0 netns x" + tag_ +
          " && ip addr add " + b + "1/24 dev x" + tag_ + " && ip link set x" + tag_ + " up && ip -n x" +
          tag_ + " addr add " + b + "2/24 dev eth0 && ip -n x" + tag_ + " link set eth0 up");
    }
    return "198.18." + std::to_string(block_) + ".2";
  }
  std::string internet_ns() { return "/run/netns/x" + tag_; }

  std::string tag_;
  int block_ = 0;
  bool internet_ = false;
  std::unique_ptr<Network> network_;
};

TEST_F(NetworkTest, DatabaseAnswersItsGroupOnly) {
  auto v = small_vpc("vpc-1");
  v.enis = {eni("eni-db", "subnet-priv", "10.0.2.10", {"sg-db"}),
            eni("eni-app", "subnet-priv", "10.0.2.11", {"sg-app"}),
            eni("eni-far", "subnet-pub", "10.0.1.11", {"sg-app"}),
            eni("eni-other", "subnet-priv", "10.0.2.12", {"sg-none"})};
  apply(v);
  auto db = listen_at(ns("eni-db"), "0.0.0.0", 5432), ssh = listen_at(ns("eni-db"), "0.0.0.0", 22);
  ASSERT_TRUE(db);
  EXPECT_TRUE(connect_to(ns("eni-app"), "10.0.2.10", 5432));
  EXPECT_TRUE(connect_to(ns("eni-far"), "10.0.2.10", 5432));
  EXPECT_FALSE(connect_to(ns("eni-app"), "10.0.2.10", 22));
  EXPECT_FALSE(connect_to(ns("eni-other"), "10.0.2.10", 5432));
  EXPECT_EQ(output("ip route get 10.0.2.10").find("n" + tag_), std::string::npos) << "the host has no way in";
}

TEST_F(NetworkTest, RevokedRuleStopsNewConnectionsAndKeepsOldOnes) {
  auto v = small_vpc("vpc-1");
  v.enis = {eni("eni-db", "subnet-priv", "10.0.2.10", {"sg-db"}),
            eni("eni-app", "subnet-priv", "10.0.2.11", {"sg-app"})};
  apply(v);
  auto db = listen_at(ns("eni-db"), "0.0.0.0", 5432);
  auto old = connect_to(ns("eni-app"), "10.0.2.10", 5432);
  auto old_end = accept_from(db);
  ASSERT_TRUE(old && old_end);
  auto without = v;
  without.groups[1].rules.pop_back();
  apply(without);
  EXPECT_FALSE(connect_to(ns("eni-app"), "10.0.2.10", 5432));
  EXPECT_TRUE(passes(old, old_end));
  apply(v);
  EXPECT_TRUE(connect_to(ns("eni-app"), "10.0.2.10", 5432));
  auto outsider = v;
  outsider.enis[1].groups = {"sg-none"};
  apply(outsider);
  EXPECT_FALSE(connect_to(ns("eni-app"), "10.0.2.10", 5432));
}

TEST_F(NetworkTest, EgressRulesFilter) {
  auto v = small_vpc("vpc-1");
  v.groups.push_back({"sg-narrow", {{true, "tcp", 5432, 5432, {}, "sg-db"}}});
  v.groups[1].rules = {all_out(), rule_in("tcp", 5432, "0.0.0.0/0"), rule_in("tcp", 22, "0.0.0.0/0")};
  v.enis = {eni("eni-db", "subnet-priv", "10.0.2.10", {"sg-db"}),
            eni("eni-app", "subnet-priv", "10.0.2.11", {"sg-narrow"}),
            eni("eni-two", "subnet-priv", "10.0.2.12", {"sg-narrow", "sg-app"})};
  apply(v);
  auto db = listen_at(ns("eni-db"), "0.0.0.0", 5432), ssh = listen_at(ns("eni-db"), "0.0.0.0", 22);
  EXPECT_TRUE(connect_to(ns("eni-app"), "10.0.2.10", 5432));
  EXPECT_FALSE(connect_to(ns("eni-app"), "10.0.2.10", 22));
  EXPECT_TRUE(connect_to(ns("eni-two"), "10.0.2.10", 22));  // any of its groups may allow
}

TEST_F(NetworkTest, VpcsWithOneBlockDoNotMeet) {
  auto a = small_vpc("vpc-a"), b = small_vpc("vpc-b");
  a.enis = {eni("eni-a1", "subnet-pub", "10.0.1.10", {"sg-app"}),
            eni("eni-a2", "subnet-pub", "10.0.1.11", {"sg-app"})};
  b.enis = {eni("eni-b1", "subnet-pub", "10.0.1.10", {"sg-app"})};
  apply(a);
  apply(b);
  auto in_a = listen_at(ns("eni-a1"), "0.0.0.0", 8080), in_b = listen_at(ns("eni-b1"), "0.0.0.0", 8080);
  ASSERT_TRUE(connect_to(ns("eni-a2"), "10.0.1.10", 8080));
  EXPECT_TRUE(accept_from(in_a));
  EXPECT_FALSE(accept_from(in_b, nullptr, 50));
  EXPECT_FALSE(connect_to(ns("eni-b1"), "10.0.1.11", 8080));
}

TEST_F(NetworkTest, SpoofedSourceIsDropped) {
  auto v = small_vpc("vpc-1");
  v.enis = {eni("eni-srv", "subnet-priv", "10.0.2.10", {"sg-app"}),
            eni("eni-bad", "subnet-priv", "10.0.2.66", {"sg-app"})};
  apply(v);
  run("ip -n n" + tag_ + "-eni-bad addr add 10.0.2.11/32 dev lo");
  auto srv = packets::socket_in(ns("eni-srv"), SOCK_DGRAM);
  ASSERT_TRUE(packets::bind_to(srv, "0.0.0.0", 8080));
  v.groups[0].rules.push_back(rule_in("udp", 8080, "0.0.0.0/0"));
  apply(v);
  auto send_from = [&](const std::string& source) {
    auto s = packets::socket_in(ns("eni-bad"), SOCK_DGRAM);
    EXPECT_TRUE(packets::bind_to(s, source, 0));
    auto to = packets::address("10.0.2.10", 8080);
    ::sendto(s.get(), "x", 1, 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
    char c;
    return packets::ready(srv, POLLIN, 200) && ::recv(srv.get(), &c, 1, 0) == 1;
  };
  EXPECT_TRUE(send_from("10.0.2.66"));
  EXPECT_FALSE(send_from("10.0.2.11"));
  v.enis[1].source_dest_check = false;  // as for a router of one's own
  apply(v);
  EXPECT_TRUE(send_from("10.0.2.11"));
}

TEST_F(NetworkTest, PrivateSubnetGetsOutOnlyThroughNat) {
  const auto outside = internet();
  auto server = listen_at(internet_ns(), "0.0.0.0", 80);
  ASSERT_TRUE(server);
  auto v = small_vpc("vpc-1");
  v.enis = {eni("eni-priv", "subnet-priv", "10.0.2.10", {"sg-app"}),
            eni("eni-pub", "subnet-pub", "10.0.1.10", {"sg-app"}, pool(1)),
            eni("eni-poor", "subnet-pub", "10.0.1.11", {"sg-app"})};
  apply(v);
  EXPECT_FALSE(connect_to(ns("eni-priv"), outside, 80));
  EXPECT_TRUE(connect_to(ns("eni-pub"), outside, 80));
  EXPECT_FALSE(connect_to(ns("eni-poor"), outside, 80)) << "no public address, no way out, as on AWS";

  auto nat = eni("eni-nat", "subnet-pub", "10.0.1.5", {}, pool(2));
  nat.source_dest_check = nat.filtered = false;
  v.enis.push_back(nat);
  v.nats = {{"nat-1", "eni-nat"}};
  v.route_tables[1].routes.push_back({"0.0.0.0/0", RouteSpec::To::nat, "nat-1"});
  apply(v);
  EXPECT_TRUE(connect_to(ns("eni-priv"), outside, 80));
  EXPECT_FALSE(connect_to(ns("eni-poor"), outside, 80));

  v.route_tables[1].routes.pop_back();
  apply(v);
  EXPECT_FALSE(connect_to(ns("eni-priv"), outside, 80));
  v.route_tables[1].routes.push_back({outside + "/32", RouteSpec::To::nat, "nat-1"});
  apply(v);
  EXPECT_TRUE(connect_to(ns("eni-priv"), outside, 80)) << "a more specific route";
  v.route_tables[1].routes[1].to = RouteSpec::To::blackhole;
  apply(v);
  EXPECT_FALSE(connect_to(ns("eni-priv"), outside, 80));
}

TEST_F(NetworkTest, PublicAddressIsReachedFromTheHostAndFromVpcs) {
  auto v = small_vpc("vpc-1"), w = small_vpc("vpc-2");
  v.enis = {eni("eni-a", "subnet-pub", "10.0.1.10", {"sg-app"}, pool(1)),
            eni("eni-c", "subnet-pub", "10.0.1.12", {"sg-app"}, pool(3))};
  w.enis = {eni("eni-b", "subnet-pub", "10.0.1.11", {"sg-app"}, pool(2))};
  apply(v);
  apply(w);
  auto server = listen_at(ns("eni-a"), "0.0.0.0", 8080), hidden = listen_at(ns("eni-a"), "0.0.0.0", 22);
  EXPECT_TRUE(connect_to("", pool(1), 8080));
  EXPECT_TRUE(accept_from(server));
  EXPECT_FALSE(connect_to("", pool(1), 22)) << "its security group says no";
  std::string peer;
  EXPECT_TRUE(connect_to(ns("eni-b"), pool(1), 8080));
  EXPECT_TRUE(accept_from(server, &peer));
  EXPECT_EQ(peer, pool(2)) << "the other VPC is seen by its public address";
  EXPECT_TRUE(connect_to(ns("eni-c"), pool(1), 8080)) << "its own VPC too";
  EXPECT_TRUE(accept_from(server, &peer));
  EXPECT_EQ(peer, pool(3));
  v.enis[0].public_address.clear();
  apply(v);
  EXPECT_FALSE(connect_to("", pool(1), 8080));
}

TEST_F(NetworkTest, PublicAddressThatMovesLeavesNoConnectionBehind) {
  auto v = small_vpc("vpc-1");
  v.enis = {eni("eni-a", "subnet-pub", "10.0.1.10", {"sg-app"}, pool(1)),
            eni("eni-b", "subnet-pub", "10.0.1.11", {"sg-app"}),
            eni("eni-c", "subnet-pub", "10.0.1.12", {"sg-app"}, pool(3))};
  apply(v);
  auto a = listen_at(ns("eni-a"), "0.0.0.0", 8080), b = listen_at(ns("eni-b"), "0.0.0.0", 8080),
       c = listen_at(ns("eni-c"), "0.0.0.0", 8080);
  auto in = connect_to("", pool(1), 8080);
  auto in_end = accept_from(a);
  auto out = connect_to(ns("eni-a"), pool(3), 8080);
  auto out_end = accept_from(c);
  auto inside = connect_to(ns("eni-a"), "10.0.1.12", 8080);
  auto inside_end = accept_from(c);
  auto other = connect_to("", pool(3), 8080);
  auto other_end = accept_from(c);
  ASSERT_TRUE(in_end && out_end && inside_end && other_end);
  ASSERT_TRUE(passes(in, in_end) && passes(out, out_end));
  std::swap(v.enis[0].public_address, v.enis[1].public_address);
  apply(v);
  EXPECT_TRUE(connect_to("", pool(1), 8080));
  EXPECT_TRUE(accept_from(b)) << "the new owner";
  EXPECT_FALSE(passes(in, in_end)) << "what came for the address";
  EXPECT_FALSE(passes(out, out_end)) << "what left under it";
  EXPECT_TRUE(passes(inside, inside_end)) << "what had nothing to do with it";
  EXPECT_TRUE(passes(other, other_end)) << "what belongs to another address";
}

TEST_F(NetworkTest, HostListenersAreOutOfReachExceptPublicOnes) {
  auto v = small_vpc("vpc-1");
  auto nat = eni("eni-nat", "subnet-pub", "10.0.1.5", {}, pool(2));
  nat.source_dest_check = nat.filtered = false;
  v.enis = {nat, eni("eni-pub", "subnet-pub", "10.0.1.10", {"sg-app"}, pool(1)),
            eni("eni-priv", "subnet-priv", "10.0.2.10", {"sg-app"})};
  v.nats = {{"nat-1", "eni-nat"}};
  v.route_tables[1].routes.push_back({"0.0.0.0/0", RouteSpec::To::nat, "nat-1"});
  apply(v);
  const int port = 20000 + block_;
  auto balancer = listen_at("", pool(9), port), wildcard = listen_at("", "0.0.0.0", port + 1000),
       local = listen_at("", "127.0.0.1", port);
  ASSERT_TRUE(balancer && wildcard && local);
  std::string peer;
  EXPECT_TRUE(connect_to(ns("eni-pub"), pool(9), port));
  EXPECT_TRUE(accept_from(balancer, &peer));
  EXPECT_EQ(peer, pool(1));
  EXPECT_TRUE(connect_to(ns("eni-priv"), pool(9), port))
      << "an internet-facing load balancer, through the NAT gateway";
  EXPECT_TRUE(accept_from(balancer, &peer));
  EXPECT_EQ(peer, pool(2));
  const auto transit = output("ip -o -4 addr show | grep n" + tag_ + "-t | grep -o '169[0-9.]*' | head -1");
  auto outside = internet();
  outside.back() = '1';  // an address of the host's own
  for (const auto& from : {"eni-pub", "eni-priv"}) {
    EXPECT_FALSE(connect_to(ns(from), pool(9), port + 1000)) << "a listener on every address is not public";
    EXPECT_FALSE(connect_to(ns(from), transit.substr(0, transit.find('\n')), port + 1000));
    EXPECT_FALSE(connect_to(ns(from), outside, port + 1000));
    EXPECT_FALSE(connect_to(ns(from), "127.0.0.1", port));
  }
}

TEST_F(NetworkTest, LoadBalancersObeyTheirGroups) {
  auto v = small_vpc("vpc-1");
  const int port = 20000 + block_;
  v.groups.push_back({"sg-lb", {all_out(), rule_in("tcp", port, "0.0.0.0/0")}});
  auto balancer = eni("eni-lb", "subnet-pub", "10.0.1.20", {"sg-lb"}, pool(9));
  balancer.served_by_host = true;
  v.enis = {balancer, eni("eni-pub", "subnet-pub", "10.0.1.10", {"sg-app"}, pool(1))};
  apply(v);
  auto open = listen_at("", pool(9), port), closed = listen_at("", pool(9), port + 1000),
       other = listen_at("", pool(10), port);
  for (const auto& from : {std::string(), ns("eni-pub")}) {
    EXPECT_TRUE(connect_to(from, pool(9), port));
    EXPECT_FALSE(connect_to(from, pool(9), port + 1000));
    EXPECT_TRUE(connect_to(from, pool(10), port)) << "no interface of a load balancer";
  }
  v.groups.back().rules[1].cidr = pool(1) + "/32";
  apply(v);
  EXPECT_TRUE(connect_to(ns("eni-pub"), pool(9), port));
  EXPECT_FALSE(connect_to("", pool(9), port));
  make();
  apply(v);
  EXPECT_FALSE(connect_to("", pool(9), port));
  v.enis.erase(v.enis.begin());
  apply(v);
  EXPECT_TRUE(connect_to("", pool(9), port)) << "nobody's any more";
}

TEST_F(NetworkTest, PoolOfRealAddresses) {
  const auto outside = internet();
  const auto real = "203.0." + std::to_string(block_) + ".";
  auto made = make_network({tag_, real + "0/24"});
  ASSERT_TRUE(made);
  network_ = std::move(*made);
  run("ip -n x" + tag_ + " route add " + real + "0/24 via " + outside.substr(0, outside.size() - 1) + "1");
  auto v = small_vpc("vpc-1"), w = small_vpc("vpc-2");
  v.enis = {eni("eni-a", "subnet-pub", "10.0.1.10", {"sg-app"}, real + "1")};
  w.enis = {eni("eni-b", "subnet-pub", "10.0.1.10", {"sg-app"}, real + "2")};
  apply(v);
  apply(w);
  auto far = listen_at(internet_ns(), "0.0.0.0", 80), near = listen_at(ns("eni-a"), "0.0.0.0", 8080);
  std::string peer;
  EXPECT_TRUE(connect_to(ns("eni-a"), outside, 80));
  EXPECT_TRUE(accept_from(far, &peer));
  EXPECT_EQ(peer, real + "1") << "seen under its own public address";
  EXPECT_TRUE(connect_to(internet_ns(), real + "1", 8080)) << "from outside";
  EXPECT_TRUE(accept_from(near, &peer));
  EXPECT_EQ(peer, outside);
  EXPECT_TRUE(connect_to("", real + "1", 8080));
  EXPECT_TRUE(connect_to(ns("eni-b"), real + "1", 8080));
}

TEST_F(NetworkTest, AclIsStatelessAndOrdered) {
  auto v = small_vpc("vpc-1");
  v.subnets.push_back({"subnet-same", "10.0.3.0/24", "rtb-priv", "acl-1"});
  v.acls.push_back({"acl-2",
                    {{90, false, false, "tcp", "10.0.1.10/32", 8080, 8080},
                     {100, false, true, "tcp", "0.0.0.0/0", 8080, 8080},
                     {100, true, true, "tcp", "0.0.0.0/0", 1024, 65535}}});
  v.subnets[1].acl = "acl-2";
  v.enis = {eni("eni-s", "subnet-priv", "10.0.2.10", {"sg-app"}),
            eni("eni-n", "subnet-priv", "10.0.2.11", {"sg-app"}),
            eni("eni-denied", "subnet-pub", "10.0.1.10", {"sg-app"}),
            eni("eni-ok", "subnet-pub", "10.0.1.11", {"sg-app"})};
  apply(v);
  auto server = listen_at(ns("eni-s"), "0.0.0.0", 8080);
  EXPECT_TRUE(connect_to(ns("eni-ok"), "10.0.2.10", 8080));
  EXPECT_FALSE(connect_to(ns("eni-denied"), "10.0.2.10", 8080));
  v.acls[1].entries[0].number = 110;  // now after the one that allows
  apply(v);
  EXPECT_TRUE(connect_to(ns("eni-denied"), "10.0.2.10", 8080));
  v.acls[1].entries.pop_back();  // answers may not leave any more: no connection tracking here
  apply(v);
  EXPECT_FALSE(connect_to(ns("eni-ok"), "10.0.2.10", 8080));
  EXPECT_TRUE(connect_to(ns("eni-n"), "10.0.2.10", 8080)) << "inside a subnet its ACL does not apply";
}

TEST_F(NetworkTest, RouteToAnInterface) {
  auto v = small_vpc("vpc-1");
  v.enis = {eni("eni-a", "subnet-priv", "10.0.2.10", {"sg-app"}),
            eni("eni-mid", "subnet-pub", "10.0.1.10", {"sg-app"})};
  v.groups[0].rules.push_back(rule_in("-1", -1, "0.0.0.0/0"));
  v.route_tables[1].routes.push_back({"192.168.7.0/24", RouteSpec::To::interface, "eni-mid"});
  apply(v);
  run("ip -n n" + tag_ + "-eni-mid addr add 192.168.7.7/32 dev lo");
  auto server = listen_at(ns("eni-mid"), "0.0.0.0", 80);
  EXPECT_FALSE(connect_to(ns("eni-a"), "192.168.7.7", 80)) << "the destination check is on";
  v.enis[1].source_dest_check = false;
  apply(v);
  EXPECT_TRUE(connect_to(ns("eni-a"), "192.168.7.7", 80));
}

TEST_F(NetworkTest, AdoptsWhatRuns) {
  auto v = small_vpc("vpc-1");
  v.enis = {eni("eni-a", "subnet-priv", "10.0.2.10", {"sg-app"}),
            eni("eni-b", "subnet-pub", "10.0.1.10", {"sg-app"}, pool(1)),
            eni("eni-gone", "subnet-pub", "10.0.1.11", {"sg-app"})};
  apply(v);
  auto server = listen_at(ns("eni-a"), "0.0.0.0", 8080);
  auto client = connect_to(ns("eni-b"), "10.0.2.10", 8080);
  auto end = accept_from(server);
  ASSERT_TRUE(client && end);
  const auto show =
      "ip -n n" + tag_ + "-vpc-1 -o link | grep -v eni-gone; ip -n n" + tag_ +
      "-vpc-1 route show table all; ip -o route show table local proto 110; ip -o link | grep n" + tag_;
  auto before = output(show);
  make();  // as after a restart
  auto seen = network_->observe();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->vpcs, std::set<std::string>{"vpc-1"});
  EXPECT_EQ(seen->enis.size(), 3u);
  apply(v);
  EXPECT_EQ(before, output(show)) << "nothing was made anew";
  v.enis.pop_back();
  make();
  apply(v);
  EXPECT_FALSE(namespace_exists("n" + tag_ + "-eni-gone"));
  EXPECT_TRUE(passes(client, end));
}

TEST_F(NetworkTest, HalfMadeEniIsMadeAnew) {
  auto v = small_vpc("vpc-1");
  v.enis = {eni("eni-a", "subnet-priv", "10.0.2.10", {"sg-app"}),
            eni("eni-b", "subnet-priv", "10.0.2.11", {"sg-app"})};
  apply(v);
  run("ip -n n" + tag_ + "-vpc-1 link set e-b alias ''");  // a crash before the last step
  make();
  apply(v);
  auto server = listen_at(ns("eni-b"), "0.0.0.0", 8080);
  EXPECT_TRUE(connect_to(ns("eni-a"), "10.0.2.11", 8080));
  run("ip link set $(ip -o link | grep -o 'n" + tag_ +
      "-t[0-9]*' | head -1) alias ''");  // before the transit's last step
  make();
  apply(v);
  EXPECT_TRUE(connect_to(ns("eni-a"), "10.0.2.11", 8080));
  auto bad = v;
  bad.enis.push_back(eni("eni-bad", "subnet-priv", "not an address", {"sg-app"}));
  auto done = network_->apply(bad);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->errors.size(), 1u);
  EXPECT_TRUE(connect_to(ns("eni-a"), "10.0.2.11", 8080)) << "the others are served";
}

TEST_F(NetworkTest, LeavesTheMachineClean) {
  auto v = small_vpc("vpc-1");
  v.enis = {eni("eni-a", "subnet-pub", "10.0.1.10", {"sg-app"}, pool(1))};
  apply(v);
  EXPECT_NE(output("nft list tables").find("nubecita_" + tag_), std::string::npos);
  ASSERT_TRUE(network_->remove_vpc("vpc-1"));
  EXPECT_TRUE(namespaces("n" + tag_).empty());
  EXPECT_EQ(output("nft list tables").find("nubecita_" + tag_), std::string::npos);
  EXPECT_EQ(output("ip link").find("n" + tag_), std::string::npos);
  EXPECT_TRUE(network_->remove_vpc("vpc-1").has_value());
}

}  // namespace
}  // namespace nubecita::host
