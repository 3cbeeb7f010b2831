#include <gtest/gtest.h>

#include "api/testing.hpp"
#include "models/elbv2.hpp"
#include "services/ec2/ec2.hpp"
#include "services/ec2/public_names.hpp"
#include "services/elbv2/attributes.hpp"
#include "services/elbv2/common.hpp"
#include "services/elbv2/policies.hpp"
#include "services/elbv2/proxy_spec.hpp"

namespace nubecita::elbv2 {
namespace {

class Elbv2Test : public ::testing::Test {
 protected:
  void SetUp() override {
    EXPECT_TRUE(bench_.transact([&](store::Transaction& tx) -> Status {
      auto scope = bench_.scope();
      ec2::Vpc vpc;
      vpc.id = "vpc-1";
      vpc.cidr = "10.0.0.0/16";
      vpc.default_group = "sg-default";
      tx.put(scope, vpc);
      for (auto* zone : {"a", "b"}) {
        ec2::Subnet s;
        s.id = std::string("subnet-") + zone;
        s.vpc_id = "vpc-1";
        s.cidr = *zone == 'a' ? "10.0.1.0/24" : "10.0.2.0/24";
        s.zone = std::string("us-east-1") + zone;
        tx.put(scope, s);
      }
      ec2::SecurityGroup g;
      g.id = "sg-default";
      g.vpc_id = "vpc-1";
      tx.put(scope, g);
      ec2::InternetGateway gateway;
      gateway.id = "igw-1";
      gateway.vpc_id = "vpc-1";
      tx.put(scope, gateway);
      return {};
    }));
  }
  std::string create_lb(std::string_view name = "web", bool internal = false) {
    model::CreateLoadBalancerInput in;
    in.name = bench_.text(name);
    in.subnets = bench_.texts({"subnet-a", "subnet-b"});
    if (internal) in.scheme = "internal";
    auto out = bench_.run("CreateLoadBalancer", create_load_balancer, in);
    EXPECT_TRUE(out) << out.error().message;
    return out ? api::str(out->load_balancers[0].load_balancer_arn) : "";
  }
  std::string create_group(std::string_view name = "app") {
    model::CreateTargetGroupInput in;
    in.name = bench_.text(name);
    in.protocol = "HTTP";
    in.port = 8080;
    in.vpc_id = "vpc-1";
    in.target_type = "ip";
    auto out = bench_.run("CreateTargetGroup", create_target_group, in);
    EXPECT_TRUE(out) << out.error().message;
    return out ? api::str(out->target_groups[0].target_group_arn) : "";
  }
  wire::List<model::Action> forward(const std::string& group) {
    model::Action a;
    a.type = "forward";
    a.target_group_arn = bench_.text(group);
    return bench_.list<model::Action>({a});
  }
  std::string create_listener_on(const std::string& lb, const std::string& group, int port = 80) {
    model::CreateListenerInput in;
    in.load_balancer_arn = bench_.text(lb);
    in.protocol = "HTTP";
    in.port = port;
    in.default_actions = forward(group);
    auto out = bench_.run("CreateListener", create_listener, in);
    EXPECT_TRUE(out) << out.error().message;
    return out ? api::str(out->listeners[0].listener_arn) : "";
  }
  Result<model::CreateRuleOutput> try_rule(const std::string& listener, int priority, const std::string& path,
                                           const std::string& group) {
    model::CreateRuleInput in;
    in.listener_arn = bench_.text(listener);
    in.priority = priority;
    model::RuleCondition c;
    c.field = "path-pattern";
    c.values = bench_.texts({path});
    in.conditions = bench_.list<model::RuleCondition>({c});
    in.actions = forward(group);
    return bench_.run("CreateRule", create_rule, in);
  }
  Status register_one(const std::string& group, std::string_view ip) {
    model::RegisterTargetsInput in;
    in.target_group_arn = bench_.text(group);
    model::TargetDescription t;
    t.id = bench_.text(ip);
    in.targets = bench_.list<model::TargetDescription>({t});
    auto out = bench_.run("RegisterTargets", register_targets, in);
    return out ? Status() : Status(std::unexpected(out.error()));
  }
  TargetHealth health(const std::string& group, const std::string& ip) {
    return bench_.look(
        [&](store::Transaction& tx) { return *target_health(tx, bench_.scope(), group, ip, 0); });
  }
  api::testing::Bench bench_{"elasticloadbalancing"};
};

TEST_F(Elbv2Test, LoadBalancerHasInterfacesAndAName) {
  auto arn = create_lb();
  EXPECT_TRUE(arn.starts_with("arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/web/"))
      << arn;
  auto lb = bench_.look([&](store::Transaction& tx) { return *find_lb(tx, bench_.scope(), arn); });
  EXPECT_EQ(lb.zones.size(), 2u);
  EXPECT_TRUE(lb.public_address.starts_with("127.100."));
  EXPECT_TRUE(lb.dns_name.starts_with("web-")) << lb.dns_name;
  EXPECT_TRUE(lb.dns_name.ends_with(".us-east-1.elb.nubecita.localhost")) << lb.dns_name;
  auto eni = bench_.look(
      [&](store::Transaction& tx) { return *ec2::find_interface(tx, bench_.scope(), lb.zones[0].eni_id); });
  EXPECT_EQ(eni.description, "ELB app/web/" + lb.id);
  EXPECT_EQ(eni.requester, "amazon-elb");
  EXPECT_EQ(eni.instance_owner_id, "amazon-elb");
  EXPECT_EQ(eni.security_groups, std::vector<std::string>{"sg-default"});
  EXPECT_EQ(create_lb(), arn) << "the same again is the same";
}

TEST_F(Elbv2Test, LoadBalancerIsRefused) {
  model::CreateLoadBalancerInput in;
  in.name = "web";
  in.subnets = bench_.texts({"subnet-a"});
  EXPECT_EQ(bench_.run("CreateLoadBalancer", create_load_balancer, in).error().code, "ValidationError");
  in.subnets = bench_.texts({"subnet-a", "subnet-x"});
  EXPECT_EQ(bench_.run("CreateLoadBalancer", create_load_balancer, in).error().code, "SubnetNotFound");
  in.subnets = bench_.texts({"subnet-a", "subnet-b"});
  in.type = "network";
  EXPECT_EQ(bench_.run("CreateLoadBalancer", create_load_balancer, in).error().code,
            "InvalidConfigurationRequest");
  in.type = "application";
  in.name = "-web";
  EXPECT_EQ(bench_.run("CreateLoadBalancer", create_load_balancer, in).error().code, "ValidationError");
  EXPECT_TRUE(bench_.transact([&](store::Transaction& tx) -> Status {
    tx.erase<ec2::InternetGateway>(bench_.scope(), "igw-1");
    return {};
  }));
  in.name = "web";
  EXPECT_EQ(bench_.run("CreateLoadBalancer", create_load_balancer, in).error().code, "InvalidSubnet");
  EXPECT_FALSE(create_lb("inner", true).empty());
}

TEST_F(Elbv2Test, DeletingTakesEverythingAlong) {
  auto lb = create_lb();
  auto group = create_group();
  create_listener_on(lb, group);
  model::DeleteTargetGroupInput drop;
  drop.target_group_arn = bench_.text(group);
  EXPECT_EQ(bench_.run("DeleteTargetGroup", delete_target_group, drop).error().code, "ResourceInUse");
  model::ModifyLoadBalancerAttributesInput protect;
  protect.load_balancer_arn = bench_.text(lb);
  protect.attributes = bench_.list<model::LoadBalancerAttribute>({{"deletion_protection.enabled", "true"}});
  EXPECT_TRUE(bench_.run("ModifyLoadBalancerAttributes", modify_load_balancer_attributes, protect));
  model::DeleteLoadBalancerInput in;
  in.load_balancer_arn = bench_.text(lb);
  EXPECT_EQ(bench_.run("DeleteLoadBalancer", delete_load_balancer, in).error().code, "OperationNotPermitted");
  protect.attributes = bench_.list<model::LoadBalancerAttribute>({{"deletion_protection.enabled", "false"}});
  EXPECT_TRUE(bench_.run("ModifyLoadBalancerAttributes", modify_load_balancer_attributes, protect));
  EXPECT_TRUE(bench_.run("DeleteLoadBalancer", delete_load_balancer, in));
  EXPECT_TRUE(bench_.run("DeleteLoadBalancer", delete_load_balancer, in)) << "gone already is fine";
  EXPECT_TRUE(bench_.run("DeleteTargetGroup", delete_target_group, drop));
  bench_.look([&](store::Transaction& tx) {
    EXPECT_TRUE(tx.list<Listener>(bench_.scope()).empty());
    EXPECT_TRUE(tx.list<Attachment>(bench_.scope()).empty());
    EXPECT_TRUE(tx.list<ec2::NetworkInterface>(bench_.scope()).empty());
    EXPECT_TRUE(tx.list<ec2::PrivateName>(ec2::public_names_scope()).empty());
    return 0;
  });
}

TEST_F(Elbv2Test, AttributesHaveAwsDefaultsAndWords) {
  auto lb = create_lb();
  model::DescribeLoadBalancerAttributesInput in;
  in.load_balancer_arn = bench_.text(lb);
  auto out = bench_.run("DescribeLoadBalancerAttributes", describe_load_balancer_attributes, in);
  ASSERT_TRUE(out);
  std::map<std::string, std::string> all;
  for (auto& a : out->attributes) all[api::str(a.key)] = api::str(a.value);
  EXPECT_EQ(all["idle_timeout.timeout_seconds"], "60");
  EXPECT_EQ(all["routing.http2.enabled"], "true");
  EXPECT_EQ(all["access_logs.s3.enabled"], "false");
  model::ModifyLoadBalancerAttributesInput set;
  set.load_balancer_arn = bench_.text(lb);
  set.attributes = bench_.list<model::LoadBalancerAttribute>({{"no.such", "x"}});
  auto bad = bench_.run("ModifyLoadBalancerAttributes", modify_load_balancer_attributes, set);
  EXPECT_EQ(bad.error().message, "Load balancer attribute key 'no.such' is not recognized");
  set.attributes = bench_.list<model::LoadBalancerAttribute>({{"access_logs.s3.enabled", "true"}});
  EXPECT_EQ(bench_.run("ModifyLoadBalancerAttributes", modify_load_balancer_attributes, set).error().code,
            "InvalidConfigurationRequest");
  set.attributes = bench_.list<model::LoadBalancerAttribute>({{"idle_timeout.timeout_seconds", "0"}});
  EXPECT_EQ(bench_.run("ModifyLoadBalancerAttributes", modify_load_balancer_attributes, set).error().code,
            "ValidationError");
}

TEST_F(Elbv2Test, RulesHavePriorities) {
  auto lb = create_lb();
  auto group = create_group(), other = create_group("other");
  auto listener = create_listener_on(lb, group);
  EXPECT_TRUE(try_rule(listener, 10, "/a/*", other));
  EXPECT_TRUE(try_rule(listener, 5, "/b/*", group));
  EXPECT_EQ(try_rule(listener, 10, "/c", other).error().code, "PriorityInUse");
  EXPECT_EQ(try_rule(listener, 11, "c", other).error().code, "ValidationError");
  EXPECT_EQ(try_rule(listener, 11, "/\x01", other).error().code, "ValidationError");
  EXPECT_EQ(try_rule(listener, 11, "/c", other + "0").error().code, "TargetGroupNotFound");
  model::DescribeRulesInput in;
  in.listener_arn = bench_.text(listener);
  auto out = bench_.run("DescribeRules", describe_rules, in);
  ASSERT_EQ(out->rules.size(), 3u);
  EXPECT_EQ(out->rules[0].priority, "5");
  EXPECT_EQ(out->rules[1].priority, "10");
  EXPECT_EQ(out->rules[2].priority, "default");
  EXPECT_TRUE(*out->rules[2].is_default);
  in.page_size = 2;
  out = bench_.run("DescribeRules", describe_rules, in);
  EXPECT_EQ(out->rules.size(), 2u);
  in.marker = out->next_marker;
  EXPECT_EQ(bench_.run("DescribeRules", describe_rules, in)->rules[0].priority, "default");
  model::DeleteRuleInput drop;
  drop.rule_arn = bench_.run("DescribeRules", describe_rules, in)->rules[0].rule_arn;
  EXPECT_EQ(bench_.run("DeleteRule", delete_rule, drop).error().code, "OperationNotPermitted");
  model::SetRulePrioritiesInput swap;
  swap.rule_priorities =
      bench_.list<model::RulePriorityPair>({{out->rules[0].rule_arn, 10}, {out->rules[1].rule_arn, 5}});
  EXPECT_TRUE(bench_.run("SetRulePriorities", set_rule_priorities, swap));
  swap.rule_priorities = bench_.list<model::RulePriorityPair>({{out->rules[0].rule_arn, 5}});
  EXPECT_EQ(bench_.run("SetRulePriorities", set_rule_priorities, swap).error().code, "PriorityInUse");
}

TEST_F(Elbv2Test, ListenersAreChecked) {
  auto lb = create_lb();
  auto group = create_group();
  create_listener_on(lb, group);
  model::CreateListenerInput in;
  in.load_balancer_arn = bench_.text(lb);
  in.protocol = "HTTP";
  in.port = 80;
  in.default_actions = forward(group);
  EXPECT_EQ(bench_.run("CreateListener", create_listener, in).error().code, "DuplicateListener");
  in.port = 443;
  in.protocol = "HTTPS";
  EXPECT_EQ(bench_.run("CreateListener", create_listener, in).error().message,
            "A certificate must be specified for HTTPS listeners");
  in.certificates =
      bench_.list<model::Certificate>({{"arn:aws:iam::111122223333:server-certificate/none", {}}});
  EXPECT_EQ(bench_.run("CreateListener", create_listener, in).error().code, "CertificateNotFound");
  in.protocol = "HTTP";
  in.certificates = {};
  auto second = create_lb("second");
  in.load_balancer_arn = bench_.text(second);
  EXPECT_EQ(bench_.run("CreateListener", create_listener, in).error().code, "TargetGroupAssociationLimit");
  model::Action a;
  a.type = "redirect";
  a.redirect_config = bench_.make<model::RedirectActionConfig>();
  a.redirect_config->status_code = "HTTP_301";
  in.default_actions = bench_.list<model::Action>({a});
  EXPECT_EQ(bench_.run("CreateListener", create_listener, in).error().code, "InvalidLoadBalancerAction")
      << "a loop";
  a.redirect_config->protocol = "HTTPS";
  auto out = bench_.run("CreateListener", create_listener, in);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(out->listeners[0].default_actions[0].redirect_config->path, "/#{path}");
}

TEST_F(Elbv2Test, TargetsComeAndGo) {
  auto group = create_group();
  EXPECT_EQ(register_one(group, "192.168.0.1").error().code, "InvalidTarget");
  EXPECT_TRUE(register_one(group, "10.0.1.9"));
  EXPECT_EQ(health(group, "10.0.1.9").state, "unused");
  EXPECT_EQ(health(group, "10.0.1.9").reason, "Target.NotInUse");
  EXPECT_EQ(health(group, "10.0.1.8").reason, "Target.NotRegistered");
  create_listener_on(create_lb(), group);
  EXPECT_EQ(health(group, "10.0.1.9").reason, "Elb.RegistrationInProgress");
  EXPECT_TRUE(bench_.transact([&](store::Transaction& tx) {
    return deregister_target(tx, bench_.scope(), group, "10.0.1.9", 8080);
  }));
  EXPECT_EQ(health(group, "10.0.1.9").state, "draining");
  EXPECT_TRUE(bench_.transact(
      [&](store::Transaction& tx) { return register_target(tx, bench_.scope(), group, "10.0.1.9", 8080); }));
  EXPECT_EQ(health(group, "10.0.1.9").state, "initial");
  auto ref = target_of_status_key(TargetStatus{group, "10.0.1.9", 8080, "", "", "", false}.key());
  ASSERT_TRUE(ref);
  EXPECT_EQ(ref->target_group_arn, group);
  EXPECT_EQ(ref->ip, "10.0.1.9");
  EXPECT_EQ(ref->port, 8080);
}

TEST_F(Elbv2Test, TargetGroupsAreChecked) {
  model::CreateTargetGroupInput in;
  in.name = "app";
  in.protocol = "HTTP";
  in.port = 80;
  in.vpc_id = "vpc-1";
  EXPECT_EQ(bench_.run("CreateTargetGroup", create_target_group, in).error().code,
            "InvalidConfigurationRequest")
      << "instances";
  in.target_type = "ip";
  for (auto* bad : {"600", "200-", "abc", "200,", "299-200"}) {
    in.matcher = bench_.make<model::Matcher>();
    in.matcher->http_code = bench_.text(bad);
    EXPECT_EQ(bench_.run("CreateTargetGroup", create_target_group, in).error().code, "ValidationError")
        << bad;
  }
  in.matcher->http_code = "200-299,301";
  in.health_check_path = "nopath";
  EXPECT_EQ(bench_.run("CreateTargetGroup", create_target_group, in).error().code, "ValidationError");
  in.health_check_path = "/health";
  EXPECT_TRUE(bench_.run("CreateTargetGroup", create_target_group, in));
  in.port = 81;
  EXPECT_EQ(bench_.run("CreateTargetGroup", create_target_group, in).error().code,
            "DuplicateTargetGroupName");
}

TEST_F(Elbv2Test, TagsAndPermissions) {
  auto lb = create_lb();
  model::AddTagsInput add;
  add.resource_arns = bench_.texts({lb});
  add.tags = bench_.list<model::Tag>({{"env", "test"}, {"a", "b"}});
  EXPECT_TRUE(bench_.run("AddTags", add_tags, add));
  model::RemoveTagsInput remove;
  remove.resource_arns = bench_.texts({lb});
  remove.tag_keys = bench_.texts({"a"});
  EXPECT_TRUE(bench_.run("RemoveTags", remove_tags, remove));
  model::DescribeTagsInput in;
  in.resource_arns = bench_.texts({lb});
  auto out = bench_.run("DescribeTags", describe_tags, in);
  ASSERT_EQ(out->tag_descriptions[0].tags.size(), 1u);
  EXPECT_EQ(out->tag_descriptions[0].tags[0].key, "env");
  bench_.authorizer.allow = [](auto&) { return false; };
  model::DeleteLoadBalancerInput drop;
  drop.load_balancer_arn = bench_.text(lb);
  EXPECT_EQ(bench_.run("DeleteLoadBalancer", delete_load_balancer, drop).error().code, "AccessDenied");
  EXPECT_TRUE(bench_.authorizer.was_asked("elasticloadbalancing:DeleteLoadBalancer", lb));
}

TEST_F(Elbv2Test, PlanFollowsTheStore) {
  auto arn = create_lb();
  auto group = create_group(), other = create_group("other");
  auto listener = create_listener_on(arn, group);
  EXPECT_TRUE(try_rule(listener, 5, "/b/*", other));
  EXPECT_TRUE(register_one(group, "10.0.1.9"));
  EXPECT_TRUE(bench_.transact([&](store::Transaction& tx) -> Status {
    auto g = *ec2::find_group(tx, bench_.scope(), "sg-default");
    ec2::GroupRule http, all;
    http.protocol = "tcp";
    http.from = 80;
    http.to = 81;
    http.cidr = "192.0.2.0/24";
    all.protocol = "-1";
    all.egress = true;
    all.cidr = "0.0.0.0/0";
    g.rules = {http, all};
    tx.put(bench_.scope(), g);
    return {};
  }));
  auto plan_of = [&] {
    return bench_.look([&](store::Transaction& tx) {
      return make_plan(tx, bench_.scope(), *find_lb(tx, bench_.scope(), arn), now_ms());
    });
  };
  EXPECT_FALSE(plan_of().ready) << "no interface is ready";
  EXPECT_TRUE(bench_.transact([&](store::Transaction& tx) -> Status {
    for (auto& eni : tx.list<ec2::NetworkInterface>(bench_.scope()))
      tx.put(bench_.scope(), ec2::InterfaceStatus{eni.id, true, "/run/netns/n0000-" + eni.id, ""});
    return {};
  }));
  auto plan = plan_of();
  EXPECT_TRUE(plan.ready);
  ASSERT_EQ(plan.spec.listeners.size(), 1u);
  EXPECT_EQ(plan.spec.listeners[0].sources, std::vector<std::string>{"192.0.2.0/24"});
  EXPECT_EQ(plan.spec.listeners[0].rules.size(), 1u);
  EXPECT_EQ(plan.spec.groups.size(), 2u);
  ASSERT_EQ(plan.spec.private_addresses.size(), 2u);
  EXPECT_EQ(plan.spec.private_addresses[0].netns, "");
  EXPECT_TRUE(plan.spec.private_addresses[1].netns.starts_with("n0000-eni-"));
}

TEST(StatusOf, SpeaksAsAws) {
  Plan::Group group;
  group.record.arn = "arn";
  Target t{"app", "10.0.0.1", "", 80, 1, 0};
  host::ProxyTargetState seen;
  seen.phase = host::ProxyTargetState::Phase::serving;
  seen.check = "L7STS";
  seen.code = 500;
  auto s = status_of(group, t, &seen, nullptr);
  EXPECT_EQ(s.reason, "Target.ResponseCodeMismatch");
  EXPECT_EQ(s.description, "Health checks failed with these codes: [500]");
  seen.check = "L4TOUT";
  EXPECT_EQ(status_of(group, t, &seen, nullptr).reason, "Target.Timeout");
  seen.check = "L4CON";
  EXPECT_EQ(status_of(group, t, &seen, nullptr).reason, "Target.FailedHealthChecks");
  seen.up = true;
  EXPECT_EQ(status_of(group, t, &seen, nullptr).state, "healthy");
  EXPECT_EQ(status_of(group, t, nullptr, nullptr).state, "initial");
  t.deregistered = 5;
  seen.sessions = 1;
  EXPECT_FALSE(status_of(group, t, &seen, nullptr).idle);
  seen.sessions = 0;
  EXPECT_TRUE(status_of(group, t, &seen, nullptr).idle);
}

TEST(SslPolicies, AreThere) {
  ASSERT_TRUE(find_ssl_policy(kDefaultSslPolicy));
  EXPECT_EQ(find_ssl_policy("ELBSecurityPolicy-TLS13-1-3-2021-06")->cipher_list(), "");
  EXPECT_EQ(find_ssl_policy("ELBSecurityPolicy-TLS13-1-2-2021-06")->tls_max(), "TLSv1.3");
}

}  // namespace
}  // namespace nubecita::elbv2
