#include "host/names/names.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/ids.hpp"
#include "host/network/network.hpp"
#include "host/network/packets.hpp"
#include "host/processes/processes.hpp"

namespace nubecita::host {
namespace {

/// One question of type A over UDP from a namespace; the first answer's address, "" for none, "timeout".
std::string ask(const std::string& netns, const std::string& server, const std::string& name,
                int tries = 10) {
  std::string q("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
  for (size_t at = 0; at < name.size();) {
    auto dot = std::min(name.find('.', at), name.size());
    q += static_cast<char>(dot - at);
    q += name.substr(at, dot - at);
    at = dot + 1;
  }
  q += std::string("\0\0\1\0\1", 5);
  auto s = packets::socket_in(netns, SOCK_DGRAM);
  auto to = packets::address(server, 53);
  for (int i = 0; i < tries; ++i) {  // a server that has just been started may not listen yet
    ::sendto(s.get(), q.data(), q.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
    char b[512];
    if (!packets::ready(s, POLLIN, 100)) continue;
    const auto n = ::recv(s.get(), b, sizeof b, 0);
    if (n < 0) {
      ::usleep(20'000);
      continue;
    }
    if (b[7] == 0) return "";
    char text[INET_ADDRSTRLEN];
    ::inet_ntop(AF_INET, b + n - 4, text, sizeof text);
    return text;
  }
  return "timeout";
}

TEST(Names, CommandAndRecords) {
  NamesSpec s{"vpc-1",        "/run/netns/x",  {"10.0.0.2"},
              "ec2.internal", {"10.0.0.0/16"}, {{"db.example", {"10.0.1.5", "10.0.1.6"}}}};
  EXPECT_EQ(records_text(s), "10.0.1.5 db.example\n10.0.1.6 db.example\n");
  auto c = server_command(s, "/f", {"192.0.2.1"});
  for (const char* word :
       {"--listen-address=10.0.0.2", "--synth-domain=ec2.internal,10.0.0.0/16,ip-", "--server=192.0.2.1"})
    EXPECT_NE(std::find(c.begin(), c.end(), word), c.end()) << word;
}

TEST(Names, UpstreamLeavesOutWhatOnlyTheHostReaches) {
  const auto file = testing::TempDir() + "resolv-" + random_hex(8);
  std::ofstream(file) << "# c\nnameserver 127.0.0.1\nnameserver 192.0.2.53\nnameserver ::1\nsearch x\n";
  EXPECT_EQ(upstream_servers(file), std::vector<std::string>{"192.0.2.53"});
  std::filesystem::remove(file);
}

class NamesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    tag_ = random_hex(4);
    data_ = testing::TempDir() + "names-" + tag_;
    std::filesystem::create_directories(data_);
    start();
    VpcSpec v;
    v.id = "vpc-1";
    v.cidrs = {"10.0.0.0/16"};
    v.resolver = "10.0.0.2";
    v.subnets = {{"subnet-1", "10.0.1.0/24", "rtb-1", ""}};
    v.route_tables = {{"rtb-1", {{"10.0.0.0/16", RouteSpec::To::local, {}}}}};
    v.enis = {
        {"eni-a", "subnet-1", "10.0.1.10", "0a:00:00:00:00:01", "", false, true, true, {}}};  // no group: no
                                                                                              // rule
    ASSERT_TRUE(network_->apply(v));
    spec_ = {"vpc-1",
             network_->router_netns_path("vpc-1"),
             {"10.0.0.2", "169.254.169.253"},
             "ec2.internal",
             {"10.0.0.0/16"},
             {{"db.example.internal", {"10.0.1.5"}}}};
  }
  void TearDown() override {
    if (names_) EXPECT_TRUE(names_->remove_everything());
    if (network_) EXPECT_TRUE(network_->remove_everything());
    names_.reset();
    processes_.reset();
    std::filesystem::remove_all(data_);
  }
  void start() {
    names_.reset();
    auto p = make_processes(data_);
    ASSERT_TRUE(p);
    processes_ = std::move(*p);
    auto n = make_network({tag_, "127.101.0.0/16"});
    ASSERT_TRUE(n);
    network_ = std::move(*n);
    names_ = std::move(*make_names(*processes_, tag_));
  }
  std::string tag_, data_;
  NamesSpec spec_;
  std::unique_ptr<Processes> processes_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Names> names_;
};

TEST_F(NamesTest, AnswersInsideTheVpcAndIsAdopted) {
  auto applied = names_->apply(spec_);
  ASSERT_TRUE(applied) << applied.error().message;
  const auto from = network_->netns_path("eni-a");
  EXPECT_EQ(ask(from, "10.0.0.2", "db.example.internal"), "10.0.1.5");
  EXPECT_EQ(ask(from, "169.254.169.253", "db.example.internal"), "10.0.1.5");
  EXPECT_EQ(ask(from, "10.0.0.2", "ip-10-0-1-77.ec2.internal"), "10.0.1.77");
  EXPECT_EQ(ask(from, "10.0.0.2", "nothing.ec2.internal"), "");

  const auto pid = processes_->pid("names-vpc-1");
  ASSERT_TRUE(pid);
  start();
  spec_.records["two.example.internal"] = {"10.0.1.6"};
  ASSERT_TRUE(names_->apply(spec_));
  EXPECT_EQ(processes_->pid("names-vpc-1"), pid) << "adopted";
  std::string answer;
  for (int i = 0; i < 50 && answer != "10.0.1.6"; ++i) answer = ask(from, "10.0.0.2", "two.example.internal");
  EXPECT_EQ(answer, "10.0.1.6");
}

TEST_F(NamesTest, IsStartedAgain) {
  std::atomic<bool> told = false;
  names_->on_down([&](const std::string& vpc) { told = vpc == "vpc-1"; });
  ASSERT_TRUE(names_->apply(spec_));
  const auto pid = processes_->pid("names-vpc-1");
  ASSERT_TRUE(pid);
  ::kill(*pid, SIGKILL);
  for (int i = 0; i < 200 && !told; ++i) ::usleep(10'000);
  EXPECT_TRUE(told);
  ASSERT_TRUE(names_->apply(spec_));
  EXPECT_EQ(ask(network_->netns_path("eni-a"), "10.0.0.2", "db.example.internal"), "10.0.1.5");
  ASSERT_TRUE(names_->remove("vpc-1"));
  EXPECT_FALSE(processes_->alive("names-vpc-1"));
  EXPECT_TRUE(names_->list().empty());
}

}  // namespace
}  // namespace nubecita::host
