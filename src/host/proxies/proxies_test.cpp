// With a real HAProxy: targets and clients are threads of the test, on loopback addresses in the host's
// namespace.
#include "host/proxies/proxies.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "host/proxies/testing.hpp"

namespace nubecita::host {
namespace {

using namespace std::chrono_literals;
using testing::bound, testing::Client, testing::free_port, testing::Load, testing::Target;

bool have_haproxy() { return access("/usr/sbin/haproxy", X_OK) == 0; }

class ProxiesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!have_haproxy()) GTEST_SKIP() << "haproxy is not installed";
    char name[] = "/tmp/nbc-px-XXXXXX";
    dir_ = mkdtemp(name);
    open();
    spec_.id = "aaaa0000bbbb1111";
    spec_.public_address = "127.0.0.1";
    ProxyListener l;
    l.port = free_port("127.0.0.1");
    l.sources = {"0.0.0.0/0"};
    l.default_action.kind = ProxyAction::Kind::forward;
    l.default_action.shares = {{"one", 1}};
    spec_.listeners = {l};
    ProxyGroup g;
    g.id = "one";
    g.check.interval_s = 5;
    spec_.groups = {g};
  }
  void TearDown() override {
    if (proxies_) EXPECT_TRUE(proxies_->remove_all());
    proxies_.reset();
    if (processes_) EXPECT_TRUE(processes_->stop_all(1s));
    std::filesystem::remove_all(dir_);
  }
  void open() {
    proxies_.reset();
    processes_ = std::move(*make_processes(dir_));
    proxies_ = std::move(*make_proxies(*processes_, {dir_}));
  }
  void apply() {
    auto s = proxies_->apply(spec_);
    ASSERT_TRUE(s) << s.error().message;
  }
  int port() const { return spec_.listeners[0].port; }
  std::vector<ProxyTarget>& targets() { return spec_.groups[0].targets; }
  // Applies until every enabled target has a slot and passes its checks.
  void apply_until_up() {
    for (int i = 0; i < 400; ++i) {
      apply();
      auto seen = proxies_->observe(spec_.id);
      ASSERT_TRUE(seen);
      size_t up = 0;
      for (auto& t : *seen) up += t.phase == ProxyTargetState::Phase::serving && t.up;
      size_t wanted = 0;
      for (auto& g : spec_.groups)
        for (auto& t : g.targets) wanted += !t.draining;
      if (up >= wanted) return;
      std::this_thread::sleep_for(20ms);
    }
    FAIL() << "the targets did not come up";
  }
  std::string get(const std::string& path, const std::string& headers = "") {
    return Client("127.0.0.1", port()).get(path, headers);
  }
  int pid() { return processes_->pid("proxy-" + spec_.id).value_or(0); }

  std::string dir_;
  std::unique_ptr<Processes> processes_;
  std::unique_ptr<Proxies> proxies_;
  ProxySpec spec_;
};

TEST_F(ProxiesTest, ForwardsWithTheHeadersOfAws) {
  Target t("first");
  targets() = {{"127.0.0.1", t.port}};
  apply_until_up();
  auto answer = get("/x?y=1", "X-Forwarded-For: 9.9.9.9\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
  EXPECT_NE(answer.find("first\nGET /x?y=1 HTTP/1.1"), std::string::npos) << answer;
  EXPECT_NE(answer.find("x-forwarded-for: 9.9.9.9, 127.0.0.1\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("x-forwarded-proto: http\r\n"), std::string::npos);
  EXPECT_NE(answer.find("x-forwarded-port: " + std::to_string(port()) + "\r\n"), std::string::npos);
  EXPECT_NE(answer.find("x-amzn-trace-id: Root=1-"), std::string::npos) << answer;
  EXPECT_NE(answer.find("host: app.test:" + std::to_string(port())), std::string::npos) << answer;
}

TEST_F(ProxiesTest, AnswersAsAwsWithoutTargets) {
  apply();
  auto answer = get("/");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << answer;
  EXPECT_NE(answer.find("503 Service Temporarily Unavailable"), std::string::npos);
  EXPECT_NE(answer.find("erver: awselb/2.0"), std::string::npos);
}

TEST_F(ProxiesTest, LivesWithoutListeners) {
  auto listeners = std::exchange(spec_.listeners, {});
  spec_.groups.clear();
  apply();
  EXPECT_NE(pid(), 0);
  int before = pid();
  spec_.groups = {ProxyGroup{.id = "one"}};
  spec_.listeners = listeners;
  apply();
  EXPECT_TRUE(get("/").starts_with("HTTP/1.1 503"));
  EXPECT_EQ(pid(), before);
}

TEST_F(ProxiesTest, ReturningTargetIsProbedAgain) {
  Target a("first"), b("second");
  targets() = {{"127.0.0.1", a.port}, {"127.0.0.1", b.port}};
  apply_until_up();
  targets()[0].draining = true;
  apply();
  a.status = 500;
  targets()[0].draining = false;
  apply();
  for (int i = 0; i < 10; ++i) EXPECT_NE(get("/").find("second\n"), std::string::npos);
  a.status = 200;
  apply_until_up();
  bool first = false;
  for (int i = 0; i < 10; ++i) first |= get("/").find("first\n") != std::string::npos;
  EXPECT_TRUE(first);
}

TEST_F(ProxiesTest, NewTargetGetsNothingBeforeItPasses) {
  Target t("first");
  t.status = 500;
  targets() = {{"127.0.0.1", t.port}};
  apply();
  std::this_thread::sleep_for(1500ms);
  apply();
  EXPECT_TRUE(get("/").starts_with("HTTP/1.1 503"));
  auto seen = proxies_->observe(spec_.id);
  ASSERT_EQ(seen->size(), 1u);
  EXPECT_EQ((*seen)[0].phase, ProxyTargetState::Phase::initial);
  EXPECT_EQ((*seen)[0].check, "L7STS");
  EXPECT_EQ((*seen)[0].code, 500);
  t.status = 200;
  apply_until_up();
  EXPECT_TRUE(get("/").starts_with("HTTP/1.1 200"));
}

// As AWS: a group of unhealthy targets only gets requests all the same, on all of them.
TEST_F(ProxiesTest, FailsOpenWhileNoTargetIsHealthy) {
  Target a("first"), b("second");
  spec_.groups[0].check.interval_s = 1;
  spec_.groups[0].check.unhealthy_threshold = spec_.groups[0].check.healthy_threshold = 2;
  targets() = {{"127.0.0.1", a.port}, {"127.0.0.1", b.port}};
  apply_until_up();
  auto up = [&] {
    size_t n = 0;
    auto seen = proxies_->observe(spec_.id);
    for (auto& t : *seen) n += t.up;
    return n;
  };
  auto until_up_are = [&](size_t n) {
    for (int i = 0; i < 500 && up() != n; ++i) std::this_thread::sleep_for(20ms);
    EXPECT_EQ(up(), n);
  };
  auto whose = [&] {
    std::set<std::string> out;
    for (int i = 0; i < 8; ++i) {
      auto answer = get("/");
      out.insert(answer.substr(answer.find("\r\n\r\n") + 4, 5));
    }
    return out;
  };
  a.status = b.status = 500;
  until_up_are(0);
  EXPECT_EQ(whose(), (std::set<std::string>{"first", "secon"}));
  EXPECT_TRUE(get("/").starts_with("HTTP/1.1 500")) << "the target's own answer";
  EXPECT_EQ(up(), 0u) << "the truth about health";
  // A rule leads there, too; a target that drains is no longer among them; without targets: 503.
  ProxyRule r;
  r.id = "r";
  r.conditions = {{ProxyCondition::Field::path, "", {"/rule"}, {}}};
  r.action.kind = ProxyAction::Kind::forward;
  r.action.shares = {{"one", 1}};
  spec_.listeners[0].rules = {r};
  apply();
  EXPECT_TRUE(get("/rule").starts_with("HTTP/1.1 500"));
  targets()[0].draining = true;
  apply();
  EXPECT_EQ(whose(), std::set<std::string>{"secon"});
  b.status = 200;
  until_up_are(1);
  EXPECT_EQ(whose(), std::set<std::string>{"secon"});
  targets().clear();
  apply();
  EXPECT_TRUE(get("/").starts_with("HTTP/1.1 503"));
}

TEST_F(ProxiesTest, AdoptsWhatRuns) {
  Target t("first");
  targets() = {{"127.0.0.1", t.port}};
  apply_until_up();
  int before = pid();
  Load load("127.0.0.1", port());
  open();
  apply();
  EXPECT_EQ(pid(), before);
  load.stop();
  EXPECT_EQ(load.bad, 0) << load.report();
}

TEST_F(ProxiesTest, LosesNothingOverReloadsAndChangesOfTargets) {
  Target a("first"), b("second"), c("third");
  targets() = {{"127.0.0.1", a.port}, {"127.0.0.1", b.port}};
  apply_until_up();
  Load load("127.0.0.1", port());
  for (int i = 0; i < 3; ++i) {
    ProxyRule r;
    r.id = "r" + std::to_string(i);
    r.conditions = {{ProxyCondition::Field::path, "", {"/other" + std::to_string(i) + "*"}, {}}};
    r.action.status = 404;
    spec_.listeners[0].rules.push_back(r);
    apply();  // a reload
    targets() = {{"127.0.0.1", a.port, true}, {"127.0.0.1", b.port}, {"127.0.0.1", c.port}};
    apply_until_up();
    targets() = {{"127.0.0.1", b.port}, {"127.0.0.1", c.port}};
    apply();
    targets() = {{"127.0.0.1", a.port}, {"127.0.0.1", b.port}, {"127.0.0.1", c.port, true}};
    apply_until_up();
  }
  load.stop();
  EXPECT_GT(load.total, 500);
  EXPECT_EQ(load.bad, 0) << load.report();
}

TEST_F(ProxiesTest, RetriesWhenATargetDies) {
  auto a = std::make_unique<Target>("first");
  Target b("second");
  targets() = {{"127.0.0.1", a->port}, {"127.0.0.1", b.port}};
  apply_until_up();
  a->delay_ms = 20;  // some requests are on it when it dies
  Load load("127.0.0.1", port());
  std::this_thread::sleep_for(300ms);
  a->kill();
  std::this_thread::sleep_for(700ms);
  load.stop();
  EXPECT_GT(load.total, 100);
  EXPECT_EQ(load.bad, 0) << load.report();
}

TEST_F(ProxiesTest, DrainingTargetFinishesWhatItHas) {
  Target a("first"), b("second");
  targets() = {{"127.0.0.1", a.port}};
  apply_until_up();
  a.delay_ms = 2000;
  std::string answer;
  std::thread slow([&] { answer = get("/slow"); });
  std::this_thread::sleep_for(200ms);
  targets() = {{"127.0.0.1", a.port, true}, {"127.0.0.1", b.port}};
  apply_until_up();
  bool draining = false;
  for (auto& t : *proxies_->observe(spec_.id))
    draining |= t.phase == ProxyTargetState::Phase::draining && t.sessions == 1;
  EXPECT_TRUE(draining);
  for (int i = 0; i < 10; ++i) EXPECT_NE(get("/").find("second\n"), std::string::npos);
  slow.join();
  EXPECT_NE(answer.find("first\n"), std::string::npos) << answer;
}

TEST_F(ProxiesTest, RulesChoose) {
  Target a("first"), b("second");
  targets() = {{"127.0.0.1", a.port}};
  ProxyGroup two = spec_.groups[0];
  two.id = "two";
  two.targets = {{"127.0.0.1", b.port}};
  spec_.groups.push_back(two);
  using F = ProxyCondition::Field;
  auto rule = [&](std::vector<ProxyCondition> c, ProxyAction action) {
    spec_.listeners[0].rules.push_back({"x", std::move(c), std::move(action)});
  };
  ProxyAction to_two;
  to_two.kind = ProxyAction::Kind::forward;
  to_two.shares = {{"two", 1}};
  auto fixed = [](int status, std::string body) {
    ProxyAction f;
    f.status = status;
    f.body = std::move(body);
    return f;
  };
  rule({{F::path, "", {"/api/*", "/v?"}, {}}}, to_two);
  rule({{F::host, "", {"*.Example.com"}, {}}, {F::method, "", {"GET"}, {}}},
       fixed(200, "line one\nline \"two\" %[src] ${HOME} \\ '#"));
  rule({{F::header, "X-Kind", {"*beta*"}, {}}}, fixed(201, "beta"));
  rule({{F::query, "", {}, {{"version", "v1*"}, {"", "any"}}}}, fixed(202, "query"));
  rule({{F::source, "", {"10.0.0.0/8"}, {}}}, fixed(203, "source"));
  ProxyAction redirect;
  redirect.kind = ProxyAction::Kind::redirect;
  redirect.status = 301;
  redirect.protocol = "HTTPS";
  redirect.port = "443";
  rule({{F::path, "", {"/old*"}, {}}}, redirect);
  apply_until_up();
  EXPECT_NE(get("/").find("first\n"), std::string::npos) << get("/");
  EXPECT_NE(get("/api/x").find("second\n"), std::string::npos);
  EXPECT_NE(get("/v2").find("second\n"), std::string::npos);
  EXPECT_NE(get("/v22").find("first\n"), std::string::npos);
  auto answer = get("/", "Host: a.example.COM:80\r\n");
  EXPECT_NE(answer.find("line one\nline \"two\" %[src] ${HOME} \\ '#"), std::string::npos) << answer;
  EXPECT_TRUE(get("/", "X-Kind: a BETA b\r\n").starts_with("HTTP/1.1 201"));
  EXPECT_TRUE(get("/?a=b&Version=v12").starts_with("HTTP/1.1 202"));
  EXPECT_TRUE(get("/?x=any").starts_with("HTTP/1.1 202"));
  EXPECT_TRUE(get("/?x=anyone").starts_with("HTTP/1.1 200"));
  answer = get("/old/page?q=1");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 301")) << answer;
  EXPECT_NE(answer.find("ocation: https://app.test:443/old/page?q=1\r\n"), std::string::npos) << answer;
  EXPECT_NE(get("/old").find("ocation: https://app.test:443/old\r\n"), std::string::npos) << get("/old");
}

TEST_F(ProxiesTest, SharesByWeightAndSticks) {
  Target a("first"), b("second");
  targets() = {{"127.0.0.1", a.port}};
  ProxyGroup two = spec_.groups[0];
  two.id = "two";
  two.targets = {{"127.0.0.1", b.port}};
  spec_.groups.push_back(two);
  auto& action = spec_.listeners[0].default_action;
  action.shares = {{"one", 90}, {"two", 10}};
  apply_until_up();
  int second = 0;
  Client c("127.0.0.1", port());
  for (int i = 0; i < 500; ++i) second += c.get("/").find("second\n") != std::string::npos;
  EXPECT_GT(second, 15);
  EXPECT_LT(second, 110);
  action.shares = {{"one", 50}, {"two", 50}};
  action.sticky_s = 60;
  apply();
  auto answer = get("/");
  auto at = answer.find("AWSALBTG=");
  ASSERT_NE(at, std::string::npos) << answer;
  auto cookie = "Cookie: " + answer.substr(at, answer.find(';', at) - at) + "\r\n";
  bool first = answer.find("first\n") != std::string::npos;
  for (int i = 0; i < 30; ++i) EXPECT_EQ(get("/", cookie).find("first\n") != std::string::npos, first);
}

TEST_F(ProxiesTest, StickyTargetsSurviveAReload) {
  Target a("first"), b("second");
  targets() = {{"127.0.0.1", a.port}, {"127.0.0.1", b.port}};
  spec_.groups[0].stickiness = {ProxyStickiness::Kind::lb_cookie, 100, ""};
  apply_until_up();
  auto answer = get("/");
  auto at = answer.find("AWSALB=");
  ASSERT_NE(at, std::string::npos) << answer;
  auto cookie = "Cookie: " + answer.substr(at, answer.find(';', at) - at) + "\r\n";
  bool first = answer.find("first\n") != std::string::npos;
  spec_.idle_timeout_s = 50;
  apply();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get("/", cookie).find("first\n") != std::string::npos, first);
}

TEST_F(ProxiesTest, TheApplicationsCookieSticksOverAReload) {
  Target a("first"), b("second");
  a.cookie = "SID=a1";
  b.cookie = "SID=b2";
  targets() = {{"127.0.0.1", a.port}, {"127.0.0.1", b.port}};
  spec_.groups[0].stickiness = {ProxyStickiness::Kind::app_cookie, 100, "SID"};
  apply_until_up();
  for (int i = 0; i < 4; ++i) get("/");  // both have given their cookie
  a.cookie = b.cookie = "";
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 6; ++i) {
      EXPECT_NE(get("/", "Cookie: SID=a1\r\n").find("first\n"), std::string::npos) << round;
      EXPECT_NE(get("/", "Cookie: SID=b2\r\n").find("second\n"), std::string::npos) << round;
    }
    spec_.idle_timeout_s = 50;
    apply();
  }
}

TEST_F(ProxiesTest, GuardsThePublicAddress) {
  Target a("first");
  targets() = {{"127.0.0.1", a.port}};
  spec_.listeners[0].sources = {"10.0.0.0/8"};
  apply();
  EXPECT_EQ(get("/"), "");
  spec_.listeners[0].sources = {"10.0.0.0/8", "127.0.0.1/32"};
  apply_until_up();
  EXPECT_TRUE(get("/").starts_with("HTTP/1.1 200"));
  spec_.listeners[0].sources.clear();
  apply();
  EXPECT_EQ(get("/"), "");
}

TEST_F(ProxiesTest, BadConfigurationLeavesTheOldOne) {
  Target a("first");
  targets() = {{"127.0.0.1", a.port}};
  apply_until_up();
  int before = pid();
  auto good = spec_;
  spec_.groups[0].check.matcher = "nonsense";
  auto s = proxies_->apply(spec_);
  ASSERT_FALSE(s);
  EXPECT_NE(s.error().message.find("'http-check expect'"), std::string::npos) << s.error().message;
  spec_ = good;
  // An address that somebody else has: good configuration, refused by the machine.
  int taken = 0;
  int fd = bound("127.0.0.1", taken);
  listen(fd, 1);
  spec_.listeners.push_back(spec_.listeners[0]);
  spec_.listeners[1].port = taken;
  s = proxies_->apply(spec_);
  ASSERT_FALSE(s);
  EXPECT_NE(s.error().message.find("in use"), std::string::npos) << s.error().message;
  EXPECT_TRUE(get("/").starts_with("HTTP/1.1 200"));
  EXPECT_EQ(pid(), before);
  close(fd);
  spec_ = good;
  apply();
  EXPECT_TRUE(get("/").starts_with("HTTP/1.1 200"));
}

TEST_F(ProxiesTest, TellsAboutHealth) {
  Target a("first"), b("second");
  targets() = {{"127.0.0.1", a.port}, {"127.0.0.1", b.port}};
  spec_.groups[0].check.interval_s = 1;
  spec_.groups[0].check.timeout_s = 1;
  std::atomic<int> told{0};
  proxies_->on_change([&](const std::string& id) { told += id == spec_.id; });
  apply_until_up();
  EXPECT_GT(told, 0);
  told = 0;
  a.status = 500;
  bool down = false;
  for (int i = 0; i < 400 && !down; ++i) {
    std::this_thread::sleep_for(10ms);
    for (auto& t : *proxies_->observe(spec_.id)) down |= t.port == a.port && !t.up && t.code == 500;
  }
  EXPECT_TRUE(down);
  EXPECT_GT(told, 0);
  EXPECT_TRUE(get("/").find("second") != std::string::npos);
  proxies_->on_change({});
}

TEST_F(ProxiesTest, FrontDoorLeadsByName) {
  Target a("first");
  targets() = {{"127.0.0.1", a.port}};
  spec_.public_address = "127.100.250." + std::to_string(getpid() % 250 + 1);
  spec_.listeners[0].port = 80;
  if (geteuid() != 0) GTEST_SKIP() << "port 80 needs root";
  apply_until_up();
  FrontDoorSpec door;
  door.http_port = free_port("127.0.0.1");
  door.https_port = free_port("127.0.0.1");
  door.routes = {{"app.test", spec_.id, true, false}};
  auto s = proxies_->apply_front_door(door);
  ASSERT_TRUE(s) << s.error().message;
  Client c("127.0.0.1", door.http_port);
  auto answer = c.get("/", "Host: App.Test:8080\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
  EXPECT_NE(answer.find("x-forwarded-for: 127.0.0.1\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(c.get("/", "Host: other.test\r\n").starts_with("HTTP/1.1 404"));
  door.routes.push_back({"more.test", spec_.id, true, false});
  s = proxies_->apply_front_door(door);
  ASSERT_TRUE(s) << s.error().message;
  c.drop();  // a kept connection is the old worker's for one more request
  EXPECT_TRUE(c.get("/", "Host: more.test\r\n").starts_with("HTTP/1.1 200"));
  door.http_port = 80;
  door.address = spec_.public_address;
  s = proxies_->apply_front_door(door);
  ASSERT_FALSE(s);
  EXPECT_NE(s.error().message.find("in use"), std::string::npos) << s.error().message;
}

}  // namespace
}  // namespace nubecita::host
