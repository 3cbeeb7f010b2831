#include "host/proxies/config.hpp"

#include <gtest/gtest.h>

#include <random>
#include <regex>
#include <sstream>

#include "host/proxies/listener.hpp"
#include "host/proxies/quote.hpp"
#include "host/proxies/runtime.hpp"
#include "host/proxies/targets.hpp"

namespace nubecita::host {
namespace {

ConfigPaths paths() { return {"/d/x", "/d/jail", "/d/errors", "n1234-host", "uid 5 gid 6", 100, 1}; }

ProxySpec simple() {
  ProxySpec s;
  s.id = "x";
  s.public_address = "127.100.0.1";
  ProxyListener l;
  l.sources = {"0.0.0.0/0"};
  l.default_action.kind = ProxyAction::Kind::forward;
  l.default_action.shares = {{"g", 1}};
  s.listeners = {l};
  ProxyGroup g;
  g.id = "g";
  s.groups = {g};
  return s;
}

TEST(Quoted, KeepsItOneWord) {
  EXPECT_EQ(*quoted("a b"), "\"a b\"");
  EXPECT_EQ(*quoted("a\"b\\c$d"), "\"a\\\"b\\\\c\\$d\"");
  EXPECT_FALSE(quoted("a\nb"));
  EXPECT_EQ(*quoted_literal("50%[src]"), "\"50%%[src]\"");
}

TEST(WildcardRegex, MatchesAsAws) {
  auto matches = [](std::string_view pattern, const std::string& text) {
    return std::regex_match(text, std::regex(wildcard_regex(pattern)));
  };
  EXPECT_TRUE(matches("*.example.com", "a.b.example.com"));
  EXPECT_FALSE(matches("*.example.com", "example.com"));
  EXPECT_FALSE(matches("*.example.com", "aXexample.com"));
  EXPECT_TRUE(matches("/img/?.png", "/img/a.png"));
  EXPECT_FALSE(matches("/img/?.png", "/img/.png"));
  EXPECT_TRUE(matches("a+b(c)[d]", "a+b(c)[d]"));
}

TEST(RedirectFormat, TakesTemplatesOnly) {
  EXPECT_EQ(redirect_format("/#{path}x%[src]"), "/%[var(txn.path)]x%%[src]");
  EXPECT_EQ(redirect_format("#{nothing}"), "#{nothing}");
}

TEST(Render, FingerprintIgnoresTargets) {
  auto s = simple();
  auto one = render(s, {{"g", std::vector<Slot>(8)}}, paths());
  auto two = render(s,
                    {{"g",
                      [] {
                        std::vector<Slot> v(8);
                        v[0] = {"10.0.0.1", 80};
                        return v;
                      }()}},
                    paths());
  ASSERT_TRUE(one);
  ASSERT_TRUE(two);
  EXPECT_EQ(one->fingerprint, two->fingerprint);
  EXPECT_NE(one->text, two->text);
  EXPECT_NE(two->text.find("server s1 10.0.0.1:80 check disabled"), std::string::npos);
  EXPECT_NE(render(s, {{"g", std::vector<Slot>(16)}}, paths())->fingerprint, one->fingerprint);
  s.idle_timeout_s = 61;
  EXPECT_NE(render(s, {{"g", std::vector<Slot>(8)}}, paths())->fingerprint, one->fingerprint);
}

TEST(Render, BindsWhereItShould) {
  auto s = simple();
  s.private_addresses = {{"10.0.1.5", ""}, {"10.0.2.5", "n1234-eni-2"}};
  auto text = render(s, {}, paths())->text;
  EXPECT_NE(text.find("bind 127.100.0.1:80 namespace n1234-host id 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("bind 10.0.1.5:80 id 10\n"), std::string::npos);
  EXPECT_NE(text.find("bind 10.0.2.5:80 namespace n1234-eni-2 id 11\n"), std::string::npos);
  EXPECT_NE(text.find("bind unix@/d/jail/x-80 mode 600 uid 5 gid 6 accept-proxy id 2\n"), std::string::npos);
  EXPECT_NE(text.find("chroot /d/jail"), std::string::npos);
  s.public_address.clear();
  text = render(s, {}, paths())->text;
  EXPECT_EQ(text.find("n1234-host"), std::string::npos);
  EXPECT_EQ(text.find("accept-proxy"), std::string::npos);
}

// Whatever a user's value holds, it stays one word of one line: no line begins with something that we did not
// write.
TEST(Render, ValuesCannotBecomeDirectives) {
  std::mt19937 random(7);
  const std::string alphabet = "ab*?\"'\\$#{}%[] ();,|^/.\t\n\r\x01";
  for (int round = 0; round < 300; ++round) {
    auto value = [&] {
      std::string v;
      for (int i = 0; i < 12; ++i) v += alphabet[random() % alphabet.size()];
      return v;
    };
    auto s = simple();
    ProxyRule r;
    r.id = "r";
    r.conditions = {{ProxyCondition::Field::path, "", {value()}, {}},
                    {ProxyCondition::Field::header, "X-A", {value()}, {}},
                    {ProxyCondition::Field::query, "", {}, {{value(), value()}}}};
    r.action.kind = ProxyAction::Kind::redirect;
    r.action.status = 301;
    r.action.path = "/" + value();
    r.action.host = value();
    s.listeners[0].rules = {r};
    auto out = render(s, {}, paths());
    if (!out) continue;  // refused: a control character
    std::istringstream lines(out->text);
    for (std::string line; std::getline(lines, line);) {
      auto first = line.substr(0, line.find(' ', line.find_first_not_of(' ')));
      EXPECT_TRUE(std::regex_match(first, std::regex(" *[a-z][a-z-]*"))) << line;
      int quotes = 0;
      for (size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '\\')
          ++i;
        else
          quotes += line[i] == '"';
      }
      EXPECT_EQ(quotes % 2, 0) << line;
    }
  }
}

TEST(ErrorFiles, AreWholeResponses) {
  for (auto& [name, text] : error_files()) {
    EXPECT_TRUE(text.starts_with("HTTP/1.1 " + name.substr(0, 3)));
    EXPECT_NE(text.find("Server: awselb/2.0"), std::string::npos);
  }
}

Runtime::Server slot(std::string name, std::string ip, int port, bool maintenance) {
  Runtime::Server s;
  s.backend = "t_g";
  s.name = std::move(name);
  s.ip = std::move(ip);
  s.port = port;
  s.maintenance = maintenance;
  s.up = !maintenance;
  return s;
}

TEST(Commands, ProbeThenPlaceThenDrainThenFree) {
  ProxyGroup g;
  g.id = "g";
  g.targets = {{"10.0.0.1", 80}};
  std::vector<Runtime::Server> seen = {slot("s1", "0.0.0.0", 80, true), slot("s2", "0.0.0.0", 80, true)};
  auto c = commands_for(g, seen);
  ASSERT_EQ(c.size(), 1u);
  EXPECT_TRUE(c[0].starts_with("add server p_g/10-0-0-1_80 10.0.0.1:80 check")) << c[0];
  Runtime::Server probe;
  probe.backend = "p_g";
  probe.name = "10-0-0-1_80";
  probe.ip = "10.0.0.1";
  probe.port = 80;
  probe.up = true;
  probe.check = "INI";
  seen.push_back(probe);
  EXPECT_TRUE(commands_for(g, seen).empty()) << "not before its first check";
  seen[2].check = "L7OK";
  c = commands_for(g, seen);
  ASSERT_EQ(c.size(), 2u);
  EXPECT_TRUE(c[0].starts_with("set server t_g/s1 addr 10.0.0.1 port 80")) << c[0];
  EXPECT_TRUE(c[1].ends_with("del server p_g/10-0-0-1_80"));
  seen = {slot("s1", "10.0.0.1", 80, false), slot("s2", "0.0.0.0", 80, true)};
  EXPECT_TRUE(commands_for(g, seen).empty());
  g.targets[0].draining = true;
  c = commands_for(g, seen);
  ASSERT_EQ(c.size(), 1u);
  EXPECT_EQ(c[0], "set server t_g/s1 state maint");
  g.targets.clear();
  seen[0].maintenance = true;
  c = commands_for(g, seen);
  ASSERT_EQ(c.size(), 1u);
  EXPECT_NE(c[0].find("shutdown sessions"), std::string::npos);
}

TEST(Commands, TheOpenGroupFollows) {
  ProxyGroup g;
  g.id = "g";
  g.targets = {{"10.0.0.1", 80}};
  auto open = slot("s1", "0.0.0.0", 80, true);
  open.backend = "open_t_g";
  std::vector<Runtime::Server> seen = {slot("s1", "10.0.0.1", 80, false), open};
  using Lines = std::vector<std::string>;
  EXPECT_EQ(commands_for(g, seen),
            (Lines{"set server open_t_g/s1 addr 10.0.0.1 port 80", "set server open_t_g/s1 state ready"}));
  seen[1].ip = "10.0.0.1";
  seen[1].maintenance = false;
  EXPECT_TRUE(commands_for(g, seen).empty());
  seen[0].maintenance = g.targets[0].draining = true;
  EXPECT_EQ(commands_for(g, seen), Lines{"set server open_t_g/s1 state maint"});
  g.targets.clear();
  seen[0].ip = "0.0.0.0";
  auto c = commands_for(g, seen);
  ASSERT_EQ(c.size(), 1u);
  EXPECT_NE(c[0].find("shutdown sessions server open_t_g/s1"), std::string::npos);
  seen[1].sessions = 2;
  seen[0].ip = seen[1].ip = "10.0.0.1";
  EXPECT_EQ(states_of(seen).at(0).sessions, 2);
}

TEST(Slots, GrowWithTargets) {
  ProxySpec s = simple();
  EXPECT_EQ(slots_for(s, {})["g"].size(), 8u);
  for (int i = 0; i < 20; ++i) s.groups[0].targets.push_back({"10.0.0." + std::to_string(i + 1), 80});
  EXPECT_EQ(slots_for(s, {})["g"].size(), 32u);
  auto slots = slots_for(simple(), {slot("s3", "10.0.0.7", 80, false)});
  EXPECT_EQ(slots["g"][2].ip, "10.0.0.7");
}

TEST(Runtime, ParsesItsTables) {
  auto rows = parse_csv("# pxname,svname,last_chk\nt_g,s1,\"a, b\"\n\n");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["svname"], "s1");
  EXPECT_EQ(rows[0]["last_chk"], "a, b");
  EXPECT_EQ(log_tag("<133>Nov 22 18:24:05 abc[123]: Health check"), "abc");
  EXPECT_EQ(log_tag("nonsense"), "");
  auto sticky = parse_table(
      "# table: b, type: string, size:10240, used:2\n0x5: key=ab use=0 exp=59981 server_id=2 "
      "server_key=s2\n0x6: key=a;b use=0 exp=1 server_id=1 server_key=-\n");
  ASSERT_EQ(sticky.size(), 1u);
  EXPECT_EQ(sticky[0].first, "ab");
  EXPECT_EQ(sticky[0].second, 2);
}

}  // namespace
}  // namespace nubecita::host
