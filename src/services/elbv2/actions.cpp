#include "services/elbv2/actions.hpp"

#include <algorithm>
#include <set>

namespace nubecita::elbv2 {

namespace {

std::unexpected<ApiError> bad_action(std::string message) {
  return fail("InvalidLoadBalancerAction", std::move(message));
}

Status check_group(Call& call, const TargetGroup& g, const LoadBalancer& lb) {
  if (g.vpc_id != lb.vpc_id)
    return bad_config("The following target groups are not in the VPC of the load balancer: " + g.arn);
  for (auto& a : attachments_of(call.tx, call.scope(), g))
    if (a.lb_key != lb.key())
      return fail(
          "TargetGroupAssociationLimit",
          "The following target groups cannot be associated with more than one load balancer: " + g.arn);
  return {};
}

Status read_forward(Call& call, const model::Action& in, const LoadBalancer& lb, Action& out) {
  if (auto* f = in.forward_config) {
    for (auto& g : f->target_groups)
      out.groups.push_back({api::str(g.target_group_arn), g.weight.value_or(1)});
    if (auto* s = f->target_group_stickiness_config) {
      out.sticky = s->enabled.value_or(false);
      out.sticky_s = s->duration_seconds.value_or(out.sticky ? 3600 : 0);
      if (out.sticky && (out.sticky_s < 1 || out.sticky_s > 604800))
        return invalid("Target group stickiness duration must be between 1 and 604800 seconds");
    }
  }
  if (!in.target_group_arn.empty()) {
    if (out.groups.empty())
      out.groups.push_back({api::str(in.target_group_arn), 1});
    else if (out.groups.size() > 1 || out.groups[0].target_group_arn != in.target_group_arn.sv())
      return bad_action(
          "You cannot specify both a target group ARN and a forward configuration with other target groups");
  }
  if (out.groups.empty()) return bad_action("A forward action needs a target group");
  if (out.groups.size() > 5)
    return fail("TooManyTargetGroups", "A forward action can have at most 5 target groups");
  std::set<std::string> seen;
  for (auto& g : out.groups) {
    auto group = find_group(call.tx, call.scope(), g.target_group_arn);
    if (!group) return fail("TargetGroupNotFound", "Target groups '" + g.target_group_arn + "' not found");
    if (g.weight < 0 || g.weight > 999)
      return invalid("The weight of a target group must be between 0 and 999");
    if (!seen.insert(g.target_group_arn).second)
      return bad_action("A target group must be named once only: " + g.target_group_arn);
    TRY(check_group(call, *group, lb));
  }
  return {};
}

Status read_redirect(const model::RedirectActionConfig& in, Action& out) {
  out.protocol = std::string(in.protocol.value_or("#{protocol}"));
  out.host = std::string(in.host.value_or("#{host}"));
  out.port = std::string(in.port.value_or("#{port}"));
  out.path = std::string(in.path.value_or("/#{path}"));
  out.query = std::string(in.query.value_or("#{query}"));
  out.status_code = api::str(in.status_code);
  for (auto* s : {&out.host, &out.port, &out.path, &out.query})
    if (!printable(*s) || s->size() > 256)
      return bad_action("A part of the redirect is not valid: '" + *s + "'");
  if (out.protocol != "#{protocol}" && out.protocol != "HTTP" && out.protocol != "HTTPS")
    return bad_action("The redirect protocol must be HTTP, HTTPS, or #{protocol}");
  if (!out.path.starts_with("/")) return bad_action("The redirect path must begin with '/'");
  if (out.port != "#{port}" &&
      (out.port.empty() || !std::ranges::all_of(out.port, [](unsigned char c) { return isdigit(c); })))
    return bad_action("The redirect port must be a number or #{port}");
  if (out.protocol == "#{protocol}" && out.host == "#{host}" && out.port == "#{port}" &&
      out.path == "/#{path}" && out.query == "#{query}")
    return bad_action(
        "The redirect configuration is not valid because it creates a loop: change at least one of protocol, "
        "host, port, path and query");
  return {};
}

Status read_fixed(const model::FixedResponseActionConfig& in, Action& out) {
  out.status_code = api::str(in.status_code);
  out.content_type = std::string(in.content_type.value_or("text/plain"));
  out.body = api::str(in.message_body);
  if (out.status_code.size() != 3 ||
      std::string_view("245").find(out.status_code[0]) == std::string_view::npos)
    return bad_action("The fixed response status code must be 2XX, 4XX, or 5XX");
  static const std::set<std::string> kTypes = {"text/plain", "text/css", "text/html",
                                               "application/javascript", "application/json"};
  if (!kTypes.contains(out.content_type))
    return bad_action("The content type '" + out.content_type + "' is not valid for a fixed response");
  if (out.body.size() > 1024)
    return bad_action("The message body of a fixed response has at most 1024 characters");
  return {};
}

}  // namespace

Result<std::vector<Action>> read_actions(Call& call, const wire::List<model::Action>& in,
                                         const LoadBalancer& lb) {
  if (in.size() != 1)
    return bad_action(
        "Exactly one action is needed, and it must be a forward, a redirect or a fixed response");
  Action a;
  a.type = api::str(in[0].type);
  a.order = in[0].order.value_or(1);
  if (a.type == "forward") {
    TRY(read_forward(call, in[0], lb, a));
  } else if (a.type == "redirect") {
    if (!in[0].redirect_config) return bad_action("A redirect action needs a redirect configuration");
    TRY(read_redirect(*in[0].redirect_config, a));
  } else if (a.type == "fixed-response") {
    if (!in[0].fixed_response_config)
      return bad_action("A fixed-response action needs a fixed response configuration");
    TRY(read_fixed(*in[0].fixed_response_config, a));
  } else {
    return not_served("An action of type " + a.type);
  }
  return std::vector<Action>{a};
}

void render_actions(Call& call, const std::vector<Action>& actions, wire::List<model::Action>& out) {
  out = call.list<model::Action>(actions.size());
  for (size_t i = 0; i < actions.size(); ++i) {
    const Action& a = actions[i];
    model::Action& o = out[i];
    o.type = call.text(a.type);
    o.order = a.order;
    if (a.type == "forward") {
      if (a.groups.size() == 1) o.target_group_arn = call.text(a.groups[0].target_group_arn);
      o.forward_config = call.make<model::ForwardActionConfig>();
      o.forward_config->target_groups = call.list<model::TargetGroupTuple>(a.groups.size());
      for (size_t k = 0; k < a.groups.size(); ++k) {
        o.forward_config->target_groups[k].target_group_arn = call.text(a.groups[k].target_group_arn);
        o.forward_config->target_groups[k].weight = a.groups[k].weight;
      }
      auto* s = o.forward_config->target_group_stickiness_config =
          call.make<model::TargetGroupStickinessConfig>();
      s->enabled = a.sticky;
      if (a.sticky_s > 0) s->duration_seconds = a.sticky_s;
    } else if (a.type == "redirect") {
      auto* r = o.redirect_config = call.make<model::RedirectActionConfig>();
      r->protocol = call.text(a.protocol);
      r->host = call.text(a.host);
      r->port = call.text(a.port);
      r->path = call.text(a.path);
      r->query = call.text(a.query);
      r->status_code = call.text(a.status_code);
    } else {
      auto* f = o.fixed_response_config = call.make<model::FixedResponseActionConfig>();
      f->status_code = call.text(a.status_code);
      f->content_type = call.text(a.content_type);
      if (!a.body.empty()) f->message_body = call.text(a.body);
    }
  }
}

void attach_groups(Call& call, const std::string& lb_key, const std::string& user,
                   const std::vector<Action>& before, const std::vector<Action>& after) {
  auto name_of = [&](const std::string& arn) {
    auto id = id_in(call.scope(), arn, "targetgroup").value_or("");
    return id.substr(0, id.find('/'));
  };
  for (auto& a : before)
    for (auto& g : a.groups)
      call.tx.erase<Attachment>(call.scope(), Attachment{name_of(g.target_group_arn), lb_key, user}.key());
  for (auto& a : after)
    for (auto& g : a.groups) call.tx.put(call.scope(), Attachment{name_of(g.target_group_arn), lb_key, user});
}

}  // namespace nubecita::elbv2
