#include "services/elbv2/proxy_spec.hpp"

#include <algorithm>
#include <set>

#include "services/ec2/ec2.hpp"
#include "services/elbv2/attributes.hpp"
#include "services/elbv2/common.hpp"
#include "services/elbv2/policies.hpp"
#include "services/iam/iam.hpp"

namespace nubecita::elbv2 {

namespace {

using host::ProxyAction;
using host::ProxyCondition;
using host::ProxyListener;
using host::ProxyStickiness;

int number(const Attributes& set, std::span<const AttributeKind> kinds, std::string_view key) {
  return atoi(value_of(kinds, set, key).c_str());
}

struct Builder {
  store::Transaction& tx;
  const Scope& scope;
  const LoadBalancer& lb;
  int64_t now;
  Plan plan;

  bool on(std::string_view key) { return value_of(lb_attributes(), lb.attributes, key) == "true"; }

  void addresses() {
    auto& s = plan.spec;
    s.id = lb.id;
    s.public_address = lb.public_address;
    plan.ready = !lb.zones.empty();
    for (auto& z : lb.zones) {
      auto status = ec2::interface_status(tx, scope, z.eni_id);
      if (!status || !status->ready) {
        plan.ready = false;
        return;
      }
      const bool home = s.netns.empty();
      if (home) {
        s.netns = status->netns;
        plan.home_eni = z.eni_id;
      }
      s.private_addresses.push_back(
          {z.private_ip, home ? "" : status->netns.substr(status->netns.rfind('/') + 1)});
    }
  }

  void attributes() {
    auto& s = plan.spec;
    s.idle_timeout_s = number(lb.attributes, lb_attributes(), "idle_timeout.timeout_seconds");
    s.client_keep_alive_s = number(lb.attributes, lb_attributes(), "client_keep_alive.seconds");
    s.drop_invalid_headers = on("routing.http.drop_invalid_header_fields.enabled");
    s.preserve_host = on("routing.http.preserve_host_header.enabled");
    s.http2 = on("routing.http2.enabled");
    s.client_port = on("routing.http.xff_client_port.enabled");
    s.tls_headers = on("routing.http.x_amzn_tls_version_and_cipher_suite.enabled");
    auto mode = value_of(lb_attributes(), lb.attributes, "routing.http.xff_header_processing.mode");
    s.forwarded_for = mode == "remove"     ? host::ProxySpec::Forwarded::remove
                      : mode == "preserve" ? host::ProxySpec::Forwarded::preserve
                                           : host::ProxySpec::Forwarded::append;
  }

  ProxyAction action(const Action& a) {
    ProxyAction out;
    if (a.type == "redirect") {
      out.kind = ProxyAction::Kind::redirect;
      out.status = a.status_code == "HTTP_302" ? 302 : 301;
      out.protocol = a.protocol;
      out.host = a.host;
      out.port = a.port;
      out.path = a.path;
      out.query = a.query;
    } else if (a.type == "fixed-response") {
      out.status = atoi(a.status_code.c_str());
      out.content_type = a.content_type;
      out.body = a.body;
    } else {
      out.kind = ProxyAction::Kind::forward;
      if (a.sticky) out.sticky_s = a.sticky_s;
      for (auto& g : a.groups)
        if (auto id = use(g.target_group_arn); !id.empty()) out.shares.push_back({id, g.weight});
      if (out.shares.empty()) out = ProxyAction{};  // its groups are gone: 503
    }
    return out;
  }

  ProxyCondition condition(const Condition& c) {
    using Field = ProxyCondition::Field;
    static const std::map<std::string, Field> kFields = {
        {"host-header", Field::host},   {"path-pattern", Field::path},
        {"http-header", Field::header}, {"http-request-method", Field::method},
        {"query-string", Field::query}, {"source-ip", Field::source}};
    ProxyCondition out;
    out.field = kFields.at(c.field);
    out.name = c.header;
    out.values = c.values;
    for (auto& p : c.pairs) out.pairs.emplace_back(p.name, p.value);
    return out;
  }

  void certificates(const Listener& l, ProxyListener& out) {
    std::vector<std::string> arns = l.certificates;
    arns.insert(arns.begin(), l.certificate);
    for (auto& arn : arns)
      if (auto c = iam::find_server_certificate(tx, scope.account, arn)) {
        auto part = [](const std::string& pem) {
          return pem.empty() || pem.back() == '\n' ? pem : pem + "\n";
        };
        out.certificates.push_back({c->id, part(c->body) + part(c->chain) + part(c->private_key)});
      }
    if (auto* policy = find_ssl_policy(l.ssl_policy)) {
      out.tls_min = policy->tls_min();
      out.tls_max = policy->tls_max();
      out.ciphers = policy->cipher_list();
    }
  }

  void listeners() {
    for (auto& l : listeners_of(tx, scope, lb)) {
      ProxyListener out;
      out.port = l.port;
      out.https = l.protocol == "HTTPS";
      if (out.https) certificates(l, out);
      if (!lb.public_address.empty()) out.sources = sources_for(tx, scope, lb.security_groups, l.port);
      for (auto& r : rules_of(tx, scope, l)) {
        host::ProxyRule rule;
        rule.id = r.id;
        for (auto& c : r.conditions) rule.conditions.push_back(condition(c));
        if (!r.actions.empty()) rule.action = action(r.actions[0]);
        out.rules.push_back(std::move(rule));
      }
      if (!l.actions.empty()) out.default_action = action(l.actions[0]);
      plan.spec.listeners.push_back(std::move(out));
    }
  }

  // A target group that is forwarded to: part of the plan from its first mention on.
  std::string use(const std::string& arn) {
    auto g = find_group(tx, scope, arn);
    if (!g) return {};
    if (!plan.groups.contains(g->id)) add(*g);
    return g->id;
  }

  void add(const TargetGroup& g) {
    auto& group = plan.groups[g.id];
    group.record = g;
    group.targets = targets_of(tx, scope, g);
    auto value = [&](std::string_view key) { return value_of(group_attributes(), g.attributes, key); };
    group.drain_ms = int64_t{1000} * atoi(value("deregistration_delay.timeout_seconds").c_str());
    host::ProxyGroup out;
    out.id = g.id;
    out.https = g.protocol == "HTTPS";
    out.check = {g.check_protocol == "HTTPS",
                 g.check_path,
                 g.check_port == "traffic-port" ? 0 : atoi(g.check_port.c_str()),
                 g.interval_s,
                 g.timeout_s,
                 g.healthy,
                 g.unhealthy,
                 g.matcher};
    out.slow_start_s = atoi(value("slow_start.duration_seconds").c_str());
    auto algorithm = value("load_balancing.algorithm.type");
    out.balance = algorithm == "least_outstanding_requests" ? host::ProxyGroup::Balance::least_outstanding
                  : algorithm == "weighted_random"          ? host::ProxyGroup::Balance::random
                                                            : host::ProxyGroup::Balance::round_robin;
    if (value("stickiness.enabled") == "true") {
      const bool app = value("stickiness.type") == "app_cookie";
      out.stickiness.kind = app ? ProxyStickiness::Kind::app_cookie : ProxyStickiness::Kind::lb_cookie;
      out.stickiness.cookie = value("stickiness.app_cookie.cookie_name");
      out.stickiness.duration_s =
          atoi(value(app ? "stickiness.app_cookie.duration_seconds" : "stickiness.lb_cookie.duration_seconds")
                   .c_str());
    }
    for (auto& t : group.targets) {
      if (t.deregistered && t.deregistered + group.drain_ms <= now) continue;
      const bool overdue = t.registered + int64_t{1000} * g.interval_s * g.unhealthy <= now;
      out.targets.push_back({t.ip, t.port, t.deregistered != 0, overdue});
    }
    plan.spec.groups.push_back(std::move(out));
  }
};

}  // namespace

std::vector<std::string> sources_for(store::Transaction& tx, const Scope& scope,
                                     const std::vector<std::string>& groups, int port) {
  std::set<std::string> out;
  for (auto& id : groups) {
    auto g = ec2::find_group(tx, scope, id);
    if (!g) continue;
    for (auto& r : g->rules) {
      if (r.egress || r.cidr.empty() || r.cidr.contains(':')) continue;
      const bool any = r.protocol == "-1";
      const bool tcp = r.protocol == "tcp" || r.protocol == "6";
      if (any || (tcp && (r.from == -1 || (r.from <= port && port <= r.to)))) out.insert(r.cidr);
    }
  }
  return {out.begin(), out.end()};
}

Plan make_plan(store::Transaction& tx, const Scope& scope, const LoadBalancer& lb, int64_t now) {
  Builder b{tx, scope, lb, now, {}};
  b.addresses();
  b.attributes();
  b.listeners();
  return std::move(b.plan);
}

TargetStatus status_of(const Plan::Group& group, const Target& t, const host::ProxyTargetState* seen,
                       const TargetStatus* before) {
  TargetStatus s{group.record.arn, t.ip, t.port, "", "", "", false};
  auto say = [&](std::string state, std::string reason, std::string text) {
    s.state = std::move(state);
    s.reason = std::move(reason);
    s.description = std::move(text);
    return s;
  };
  using Phase = host::ProxyTargetState::Phase;
  if (t.deregistered) {
    s.idle = !seen || seen->phase == Phase::initial || seen->sessions == 0;
    return say("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress");
  }
  if (!seen) return say("initial", "Elb.RegistrationInProgress", "Target registration is in progress");
  if (seen->phase != Phase::serving)
    return say("initial", "Elb.InitialHealthChecking", "Initial health checks in progress");
  if (seen->up) return say("healthy", "", "");
  auto& check = seen->check;
  // Nothing new is known while the first regular check, or any other, is still running.
  const bool unknown = check.empty() || (check == "L7STS" && seen->code == 0);
  if (unknown && before && before->state == "unhealthy") return *before;
  if (check == "L7STS")
    return say("unhealthy", "Target.ResponseCodeMismatch",
               "Health checks failed with these codes: [" + std::to_string(seen->code) + "]");
  if (check.ends_with("TOUT")) return say("unhealthy", "Target.Timeout", "Request timed out");
  return say("unhealthy", "Target.FailedHealthChecks", "Health checks failed");
}

}  // namespace nubecita::elbv2
