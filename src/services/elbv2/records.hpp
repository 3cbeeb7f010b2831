// What load balancing keeps. Plain data. `...Status` records are what the controller observed; operations
// never write them. Keys of listeners and rules begin with their load balancer's, so that a change leads to
// it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "services/elbv2/elbv2.hpp"

namespace nubecita::elbv2 {

using Tags = std::map<std::string, std::string>;
using Attributes = std::map<std::string, std::string>;

struct Zone {
  std::string subnet_id, zone, eni_id, private_ip;
  template <class A>
  void fields(A& a) {
    a("subnet", subnet_id)("zone", zone)("eni", eni_id)("ip", private_ip);
  }
};

struct LoadBalancer {
  static constexpr std::string_view kTable = "elbv2.lb";
  std::string name, id;  // id: 16 hex digits, also the proxy's
  std::string arn, dns_name, vpc_id, ip_address_type = "ipv4", public_address;
  bool internal = false;
  std::vector<Zone> zones;
  std::vector<std::string> security_groups;
  Attributes attributes;  // those that differ from AWS's defaults
  Tags tags;
  int64_t created = 0;
  std::string key() const { return name + "/" + id; }
  template <class A>
  void fields(A& a) {
    a("name", name)("id", id)("arn", arn)("dns", dns_name)("vpc", vpc_id)("ip_type", ip_address_type)(
        "public", public_address)("internal", internal)("zones", zones)("groups", security_groups)(
        "attributes", attributes)("tags", tags)("created", created);
  }
};

struct LoadBalancerStatus {  // observed
  static constexpr std::string_view kTable = "elbv2.lb_status";
  std::string name, id;
  std::string state;   // "active", "failed"; no record: "provisioning"
  std::string reason;  // of "failed"
  std::string key() const { return name + "/" + id; }
  template <class A>
  void fields(A& a) {
    a("name", name)("id", id)("state", state)("reason", reason);
  }
};

struct GroupShare {
  GroupShare() = default;
  GroupShare(std::string arn, int w) : target_group_arn(std::move(arn)), weight(w) {}
  std::string target_group_arn;
  int weight = 1;
  template <class A>
  void fields(A& a) {
    a("arn", target_group_arn)("weight1", weight1());
    weight = weight1_ - 1;
  }

 private:
  int weight1_ = 0;
  int& weight1() {
    weight1_ = weight + 1;
    return weight1_;
  }  // kept one higher: zero is a weight
};

struct Action {
  std::string type;  // "forward", "redirect", "fixed-response"
  int order = 0;
  bool short_form = false;  // forward given by TargetGroupArn alone
  std::vector<GroupShare> groups;
  bool sticky = false;
  int sticky_s = 0;
  std::string protocol, host, port, path, query, status_code;  // redirect; status_code also of fixed-response
  std::string content_type, body;
  template <class A>
  void fields(A& a) {
    a("type", type)("order", order)("short", short_form)("groups", groups)("sticky", sticky)(
        "sticky_s", sticky_s)("protocol", protocol)("host", host)("port", port)("path", path)("query", query)(
        "status", status_code)("content_type", content_type)("body", body);
  }
};

struct Pair {
  std::string name, value;
  template <class A>
  void fields(A& a) {
    a("k", name)("v", value);
  }
};

struct Condition {
  std::string field, header;  // AWS's names: "path-pattern", ...
  std::vector<std::string> values;
  std::vector<Pair> pairs;  // query-string
  template <class A>
  void fields(A& a) {
    a("field", field)("header", header)("values", values)("pairs", pairs);
  }
};

struct Listener {
  static constexpr std::string_view kTable = "elbv2.listener";
  std::string lb_key, id;  // lb_key: LoadBalancer::key()
  std::string arn, lb_arn, protocol, ssl_policy;
  int port = 0;
  std::string certificate;                // the default one's ARN
  std::vector<std::string> certificates;  // further ones
  std::vector<Action> actions;
  std::string default_rule;  // id of its default rule, which is not a record of its own
  Attributes attributes;
  Tags tags;
  std::string key() const { return lb_key + "/" + id; }
  template <class A>
  void fields(A& a) {
    a("lb", lb_key)("id", id)("arn", arn)("lb_arn", lb_arn)("protocol", protocol)("ssl_policy", ssl_policy)(
        "port", port)("certificate", certificate)("certificates", certificates)("actions", actions)(
        "default_rule", default_rule)("attributes", attributes)("tags", tags);
  }
};

struct Rule {
  static constexpr std::string_view kTable = "elbv2.rule";
  std::string listener_key, id;  // listener_key: Listener::key()
  std::string arn;
  int priority = 0;
  std::vector<Condition> conditions;
  std::vector<Action> actions;
  Tags tags;
  std::string key() const { return listener_key + "/" + id; }
  template <class A>
  void fields(A& a) {
    a("listener", listener_key)("id", id)("arn", arn)("priority", priority)("conditions", conditions)(
        "actions", actions)("tags", tags);
  }
};

struct TargetGroup {
  static constexpr std::string_view kTable = "elbv2.tg";
  std::string name, id, arn, protocol, vpc_id;
  int port = 0;
  std::string check_protocol, check_port = "traffic-port", check_path = "/", matcher = "200";
  int interval_s = 30, timeout_s = 5, healthy = 5, unhealthy = 2;
  Attributes attributes;
  Tags tags;
  std::string key() const { return name; }
  template <class A>
  void fields(A& a) {
    a("name", name)("id", id)("arn", arn)("protocol", protocol)("vpc", vpc_id)("port", port)(
        "check_protocol", check_protocol)("check_port", check_port)("check_path", check_path)(
        "matcher", matcher)("interval", interval_s)("timeout", timeout_s)("healthy", healthy)(
        "unhealthy", unhealthy)("attributes", attributes)("tags", tags);
  }
};

/// Which load balancer a target group is used by: one at most, as in AWS. Kept by whoever writes listeners
/// and rules.
struct Attachment {
  static constexpr std::string_view kTable = "elbv2.attachment";
  std::string target_group, lb_key, user;  // user: key of the listener or rule
  std::string key() const { return target_group + "|" + user; }
  template <class A>
  void fields(A& a) {
    a("tg", target_group)("lb", lb_key)("user", user);
  }
};

struct Target {
  static constexpr std::string_view kTable = "elbv2.target";
  std::string target_group, ip, zone;  // target_group: its name
  int port = 0;
  int64_t registered = 0;
  int64_t deregistered = 0;  // since when it drains; 0: it does not
  std::string key() const { return target_group + "|" + ip + ":" + std::to_string(port); }
  template <class A>
  void fields(A& a) {
    a("tg", target_group)("ip", ip)("zone", zone)("port", port)("registered", registered)("deregistered",
                                                                                          deregistered);
  }
};

struct TargetStatus {  // observed
  static constexpr std::string_view kTable = kTargetStatusTable;
  std::string target_group_arn, ip;
  int port = 0;
  std::string state, reason, description;
  bool idle = false;  // draining, and nothing is in flight any more
  std::string key() const { return target_group_arn + "|" + ip + ":" + std::to_string(port); }
  template <class A>
  void fields(A& a) {
    a("tg", target_group_arn)("ip", ip)("port", port)("state", state)("reason", reason)("text", description)(
        "idle", idle);
  }
  friend bool operator==(const TargetStatus&, const TargetStatus&) = default;
};

}  // namespace nubecita::elbv2
