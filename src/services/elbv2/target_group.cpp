// Target groups of type ip: how targets are reached and checked, and their attributes.
#include <algorithm>
#include <set>

#include "base/ids.hpp"
#include "services/ec2/ec2.hpp"
#include "services/elbv2/attributes.hpp"
#include "services/elbv2/common.hpp"

namespace nubecita::elbv2 {

namespace {

constexpr size_t kMostGroups = 3000;

void render(Call& call, const TargetGroup& g, model::TargetGroup& out) {
  out.target_group_arn = call.text(g.arn);
  out.target_group_name = call.text(g.name);
  out.protocol = call.text(g.protocol);
  out.port = g.port;
  out.vpc_id = call.text(g.vpc_id);
  out.health_check_protocol = call.text(g.check_protocol);
  out.health_check_port = call.text(g.check_port);
  out.health_check_enabled = true;
  out.health_check_interval_seconds = g.interval_s;
  out.health_check_timeout_seconds = g.timeout_s;
  out.healthy_threshold_count = g.healthy;
  out.unhealthy_threshold_count = g.unhealthy;
  out.health_check_path = call.text(g.check_path);
  out.matcher = call.make<model::Matcher>();
  out.matcher->http_code = call.text(g.matcher);
  std::set<std::string> lbs;
  for (auto& a : attachments_of(call.tx, call.scope(), g)) lbs.insert(lb_arn(call.scope(), a.lb_key));
  out.load_balancer_arns = call.texts({lbs.begin(), lbs.end()});
  out.target_type = "ip";
  out.protocol_version = "HTTP1";
  out.ip_address_type = "ipv4";
}

bool number(std::string_view s, int from, int to) {
  if (s.empty() || s.size() > 5 || !std::ranges::all_of(s, [](unsigned char c) { return isdigit(c); }))
    return false;
  int n = std::stoi(std::string(s));
  return n >= from && n <= to;
}

// "200", "200,202", "200-299", any mix; each code from 200 to 499.
bool good_matcher(std::string_view text) {
  while (true) {
    auto comma = text.find(',');
    auto part = text.substr(0, comma);
    auto dash = part.find('-');
    auto first = part.substr(0, dash), last = dash == std::string_view::npos ? first : part.substr(dash + 1);
    if (first.size() != 3 || last.size() != 3 || !number(first, 200, 499) || !number(last, 200, 499) ||
        first > last)
      return false;
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

// The members that creating and modifying share.
template <class In>
Status read_check(const In& in, TargetGroup& g) {
  if (in.health_check_enabled.has() && !*in.health_check_enabled)
    return invalid("Health check enabled must be true for target groups with target type 'ip'");
  if (!in.health_check_protocol.empty()) g.check_protocol = api::str(in.health_check_protocol);
  if (!in.health_check_port.empty()) g.check_port = api::str(in.health_check_port);
  if (!in.health_check_path.empty()) g.check_path = api::str(in.health_check_path);
  if (in.health_check_interval_seconds.has()) g.interval_s = *in.health_check_interval_seconds;
  if (in.health_check_timeout_seconds.has()) g.timeout_s = *in.health_check_timeout_seconds;
  if (in.healthy_threshold_count.has()) g.healthy = *in.healthy_threshold_count;
  if (in.unhealthy_threshold_count.has()) g.unhealthy = *in.unhealthy_threshold_count;
  if (in.matcher && !in.matcher->http_code.empty()) g.matcher = api::str(in.matcher->http_code);
  if (g.check_protocol != "HTTP" && g.check_protocol != "HTTPS")
    return invalid("Health check protocol '" + g.check_protocol + "' is not supported: HTTP or HTTPS");
  if (g.check_port != "traffic-port" && !number(g.check_port, 1, 65535))
    return invalid("Health check port '" + g.check_port +
                   "' must be 'traffic-port' or in the range [1, 65535]");
  if (!g.check_path.starts_with("/") || g.check_path.size() > 1024 || !printable(g.check_path) ||
      g.check_path.contains(' '))
    return invalid(
        "Health check path '" + g.check_path +
        "' must begin with a '/' character, and can only contain printable ASCII characters, without spaces");
  if (g.timeout_s > g.interval_s)
    return invalid("Health check timeout '" + std::to_string(g.timeout_s) +
                   "' must be smaller than or equal to the interval '" + std::to_string(g.interval_s) + "'");
  if (g.interval_s < 5 || g.interval_s > 300 || g.timeout_s < 2 || g.timeout_s > 120 || g.healthy < 2 ||
      g.healthy > 10 || g.unhealthy < 2 || g.unhealthy > 10)
    return invalid("Health check: interval 5 to 300 seconds, timeout 2 to 120 seconds, thresholds 2 to 10");
  if (!good_matcher(g.matcher))
    return invalid("Health check matcher HTTP code '" + g.matcher + "' must be within '200-499' inclusive");
  return {};
}

bool same(const TargetGroup& a, const TargetGroup& b) {
  auto tie = [](const TargetGroup& g) {
    return std::tie(g.protocol, g.port, g.vpc_id, g.check_protocol, g.check_port, g.check_path, g.matcher,
                    g.interval_s, g.timeout_s, g.healthy, g.unhealthy);
  };
  return tie(a) == tie(b);
}

}  // namespace

Status create_target_group(Call& call, const model::CreateTargetGroupInput& in,
                           model::CreateTargetGroupOutput& out) {
  TRY_LET(auto tags, read_tags(in.tags));
  TRY(allow_create(call, make_arn(call.scope(), "targetgroup/" + api::str(in.name) + "/*"), tags));
  TRY(check_name(in.name, "Target group"));
  auto type = in.target_type.value_or("instance");
  if (type != "ip")
    return not_served("A target group of type '" + std::string(type) + "' (use target type 'ip')");
  if (!in.protocol_version.empty() && in.protocol_version.sv() != "HTTP1")
    return not_served("Protocol version " + api::str(in.protocol_version));
  if (!in.ip_address_type.empty() && in.ip_address_type.sv() != "ipv4")
    return not_served("IP address type " + api::str(in.ip_address_type));
  TargetGroup g;
  g.name = api::str(in.name);
  g.protocol = api::str(in.protocol);
  if (g.protocol.empty()) return invalid("A protocol must be specified");
  if (g.protocol != "HTTP" && g.protocol != "HTTPS")
    return not_served("A target group with protocol " + g.protocol);
  if (!in.port.has()) return invalid("A port must be specified");
  if (in.vpc_id.empty()) return invalid("A VPC ID must be specified");
  g.port = *in.port;
  g.vpc_id = api::str(in.vpc_id);
  if (!call.tx.get<ec2::Vpc>(call.scope(), g.vpc_id))
    return invalid("The VPC ID '" + g.vpc_id + "' is not found");
  g.check_protocol = "HTTP";
  TRY(read_check(in, g));
  if (auto other = call.tx.get<TargetGroup>(call.scope(), g.name)) {
    if (!same(*other, g))
      return fail("DuplicateTargetGroupName",
                  "A target group with the same name '" + g.name + "' exists, but with different settings");
    g = std::move(*other);
  } else {
    if (call.tx.list<TargetGroup>(call.scope()).size() >= kMostGroups)
      return fail("TooManyTargetGroups",
                  "The limit of target groups has been reached: " + std::to_string(kMostGroups));
    g.id = random_hex(16);
    g.arn = make_arn(call.scope(), "targetgroup/" + g.name + "/" + g.id);
    g.tags = std::move(tags);
    call.tx.put(call.scope(), g);
  }
  out.target_groups = call.list<model::TargetGroup>(1);
  render(call, g, out.target_groups[0]);
  return {};
}

Status modify_target_group(Call& call, const model::ModifyTargetGroupInput& in,
                           model::ModifyTargetGroupOutput& out) {
  TRY_LET(auto g, need_group(call, in.target_group_arn));
  TRY(read_check(in, g));
  call.tx.put(call.scope(), g);
  out.target_groups = call.list<model::TargetGroup>(1);
  render(call, g, out.target_groups[0]);
  return {};
}

Status delete_target_group(Call& call, const model::DeleteTargetGroupInput& in,
                           model::DeleteTargetGroupOutput&) {
  auto g = find_group(call.tx, call.scope(), in.target_group_arn);
  TRY(allow(call, in.target_group_arn, g ? &g->tags : nullptr));
  if (!g) return {};  // as AWS
  if (!attachments_of(call.tx, call.scope(), *g).empty())
    return fail("ResourceInUse", "Target group '" + g->arn + "' is currently in use by a listener or a rule");
  for (auto& t : targets_of(call.tx, call.scope(), *g)) call.tx.erase<Target>(call.scope(), t.key());
  call.tx.erase<TargetGroup>(call.scope(), g->key());
  return {};
}

Status describe_target_groups(Call& call, const model::DescribeTargetGroupsInput& in,
                              model::DescribeTargetGroupsOutput& out) {
  TRY(allow_read(call));
  std::vector<TargetGroup> found;
  const int ways = !in.load_balancer_arn.empty() + !in.names.empty() + !in.target_group_arns.empty();
  if (ways > 1)
    return invalid(
        "You can specify only one of the following: a load balancer ARN, target group ARNs, or target group "
        "names");
  for (auto& arn : in.target_group_arns) {
    auto g = find_group(call.tx, call.scope(), arn);
    if (!g) return no_such_group();
    found.push_back(std::move(*g));
  }
  for (auto& name : in.names) {
    auto g = call.tx.get<TargetGroup>(call.scope(), name);
    if (!g) return no_such_group();
    found.push_back(std::move(*g));
  }
  if (in.target_group_arns.empty() && in.names.empty()) found = call.tx.list<TargetGroup>(call.scope());
  if (!in.load_balancer_arn.empty()) {
    auto lb = find_lb(call.tx, call.scope(), in.load_balancer_arn);
    if (!lb) return no_such_lb();
    std::erase_if(found, [&](auto& g) {
      return std::ranges::none_of(attachments_of(call.tx, call.scope(), g),
                                  [&](auto& a) { return a.lb_key == lb->key(); });
    });
  }
  std::ranges::sort(found, {}, &TargetGroup::name);
  std::string next;
  TRY_LET(auto page, api::page(
                         std::move(found), in.marker, page_size(in.page_size), [](auto& g) { return g.name; },
                         next, "ValidationError"));
  out.target_groups = call.list<model::TargetGroup>(page.size());
  for (size_t i = 0; i < page.size(); ++i) render(call, page[i], out.target_groups[i]);
  if (!next.empty()) out.next_marker = call.text(next);
  return {};
}

namespace {

void render_attributes(Call& call, const TargetGroup& g, wire::List<model::TargetGroupAttribute>& out) {
  auto all = with_defaults(group_attributes(), g.attributes);
  out = call.list<model::TargetGroupAttribute>(all.size());
  size_t i = 0;
  for (auto& [k, v] : all) out[i++] = {call.text(k), call.text(v)};
}

}  // namespace

Status describe_target_group_attributes(Call& call, const model::DescribeTargetGroupAttributesInput& in,
                                        model::DescribeTargetGroupAttributesOutput& out) {
  TRY(allow_read(call));
  auto g = find_group(call.tx, call.scope(), in.target_group_arn);
  if (!g) return no_such_group();
  render_attributes(call, *g, out.attributes);
  return {};
}

Status modify_target_group_attributes(Call& call, const model::ModifyTargetGroupAttributesInput& in,
                                      model::ModifyTargetGroupAttributesOutput& out) {
  TRY_LET(auto g, need_group(call, in.target_group_arn));
  for (auto& a : in.attributes)
    TRY(set_attribute(group_attributes(), "Target group", g.attributes, a.key, a.value));
  auto value = [&](std::string_view key) { return value_of(group_attributes(), g.attributes, key); };
  if (value("stickiness.enabled") == "true" && value("stickiness.type") == "app_cookie" &&
      value("stickiness.app_cookie.cookie_name").empty())
    return bad_config("Stickiness of type app_cookie needs 'stickiness.app_cookie.cookie_name'");
  if (value("slow_start.duration_seconds") != "0" && value("load_balancing.algorithm.type") != "round_robin")
    return bad_config("Slow start is possible with the algorithm round_robin only");
  call.tx.put(call.scope(), g);
  render_attributes(call, g, out.attributes);
  return {};
}

}  // namespace nubecita::elbv2
