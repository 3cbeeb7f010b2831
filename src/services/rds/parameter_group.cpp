// DB parameter groups.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithParamGroups.html
#include <algorithm>

#include "services/rds/catalog.hpp"
#include "services/rds/parameters.hpp"
#include "services/rds/render.hpp"

namespace nubecita::rds {
namespace {

void render_setting(Call& call, const host::DatabaseParameter& p, const ParameterValue* value,
                    model::Parameter& out) {
  out.parameter_name = call.text(p.name);
  if (value)
    out.parameter_value = call.text(value->value);
  else if (!p.default_value.empty())
    out.parameter_value = call.text(p.default_value);
  out.description = call.text(p.description);
  out.source = value ? wire::Text("user") : wire::Text("engine-default");
  out.apply_type = p.dynamic ? wire::Text("dynamic") : wire::Text("static");
  out.data_type = call.text(p.type);
  if (!p.allowed.empty()) out.allowed_values = call.text(p.allowed);
  out.is_modifiable = p.modifiable;
  out.apply_method = value && !value->at_reboot ? wire::Text("immediate") : wire::Text("pending-reboot");
}

/// A stored group that the caller may act on.
Result<ParameterGroup> need_group(Call& call, wire::Text given) {
  const std::string name = lower(given);
  auto g = find_group(call.tx, call.scope(), call.cloud, name);
  TRY(call.authorize(parameter_group_arn(call, name), g ? resource_tags(g->tags, "pg-tag") : Conditions{}));
  if (!g) return fail(no_parameter_group(name));
  return *g;
}

Status refuse_default(const ParameterGroup& g) {
  if (!g.name.starts_with("default.")) return {};
  return fail("InvalidParameterValue", "The parameter group " + g.name +
                                           " is a default one and cannot be changed: make one of your own.");
}

Result<std::shared_ptr<const Settings>> settings_of_family(Call& call, const std::string& family) {
  auto offer = offer_of_family(call.cloud, family);
  if (!offer)
    return fail("InvalidParameterValue",
                "ParameterGroupFamily " + family + " is not a valid parameter group family on this machine.");
  return settings(call.cloud, offer->host_engine);
}

/// The settings that requests name, each checked.
Result<std::vector<std::pair<const host::DatabaseParameter*, const model::Parameter*>>> named(
    const Settings& all, const wire::List<model::Parameter>& list) {
  std::vector<std::pair<const host::DatabaseParameter*, const model::Parameter*>> out;
  for (auto& p : list) {
    auto* setting = find_setting(all, p.parameter_name.sv());
    if (!setting)
      return fail("InvalidParameterValue",
                  "Could not find parameter with name: " + api::str(p.parameter_name));
    if (!setting->modifiable)
      return fail("InvalidParameterValue", "The parameter " + setting->name + " cannot be modified.");
    if (p.apply_method.sv() == "immediate" && !setting->dynamic)
      return fail("InvalidParameterCombination",
                  "cannot use immediate apply method for static parameter: " + setting->name);
    out.emplace_back(setting, &p);
  }
  return out;
}

}  // namespace

void render(Call& call, const ParameterGroup& g, model::DBParameterGroup& out) {
  out.db_parameter_group_name = call.text(g.name);
  out.db_parameter_group_family = call.text(g.family);
  out.description = call.text(g.description);
  out.db_parameter_group_arn = call.text(parameter_group_arn(call, g.name));
}

Status create_db_parameter_group(Call& call, const model::CreateDBParameterGroupMessage& in,
                                 model::CreateDBParameterGroupResult& out) {
  TRY_LET(auto tags, new_tags(in.tags));
  ParameterGroup g{lower(in.db_parameter_group_name),
                   api::str(in.db_parameter_group_family),
                   api::str(in.description),
                   {},
                   tags};
  TRY(call.authorize(parameter_group_arn(call, g.name), request_tags(tags)));
  TRY(check_identifier("DBParameterGroupName", g.name, 255));
  TRY_LET([[maybe_unused]] auto known, settings_of_family(call, g.family));
  if (call.tx.get<ParameterGroup>(call.scope(), g.name))
    return fail("DBParameterGroupAlreadyExists", "Parameter group " + g.name + " already exists");
  call.tx.put(call.scope(), g);
  out.db_parameter_group = call.make<model::DBParameterGroup>();
  render(call, g, *out.db_parameter_group);
  return {};
}

Status describe_db_parameter_groups(Call& call, const model::DescribeDBParameterGroupsMessage& in,
                                    model::DBParameterGroupsMessage& out) {
  std::vector<ParameterGroup> found;
  if (!in.db_parameter_group_name.empty()) {
    TRY_LET(auto g, need_group(call, in.db_parameter_group_name));
    found.push_back(std::move(g));
  } else {
    TRY(call.authorize(parameter_group_arn(call, "*")));
    found = call.tx.list<ParameterGroup>(call.scope());
    for (auto& o : offers(call.cloud))
      found.push_back(*find_group(call.tx, call.scope(), call.cloud, default_group(o.family)));
    std::sort(found.begin(), found.end(), [](auto& a, auto& b) { return a.name < b.name; });
    found.erase(std::unique(found.begin(), found.end(), [](auto& a, auto& b) { return a.name == b.name; }),
                found.end());
  }
  TRY(apply_filters<ParameterGroup>(found, in.filters, {}));
  TRY_LET(found,
          one_page(
              call, std::move(found), in.marker, in.max_records, [](auto& g) { return g.name; }, out.marker));
  out.db_parameter_groups = call.list<model::DBParameterGroup>(found.size());
  for (size_t i = 0; i < found.size(); ++i) render(call, found[i], out.db_parameter_groups[i]);
  return {};
}

Status describe_db_parameters(Call& call, const model::DescribeDBParametersMessage& in,
                              model::DBParameterGroupDetails& out) {
  TRY_LET(auto g, need_group(call, in.db_parameter_group_name));
  TRY_LET(auto all, settings_of_family(call, g.family));
  const auto source = in.source.sv();
  if (!source.empty() && source != "user" && source != "system" && source != "engine-default")
    return fail("InvalidParameterValue",
                "Source must be user, system or engine-default, not " + std::string(source) + ".");
  std::vector<const host::DatabaseParameter*> found;
  for (auto& p : *all) {
    const bool user = g.parameters.contains(p.name);
    if (source.empty() || (source == "user" ? user : source == "engine-default" && !user))
      found.push_back(&p);
  }
  TRY_LET(found, one_page(
                     call, std::move(found), in.marker, in.max_records, [](auto& p) { return p->name; },
                     out.marker));
  out.parameters = call.list<model::Parameter>(found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    auto value = g.parameters.find(found[i]->name);
    render_setting(call, *found[i], value == g.parameters.end() ? nullptr : &value->second,
                   out.parameters[i]);
  }
  return {};
}

Status describe_engine_default_parameters(Call& call, const model::DescribeEngineDefaultParametersMessage& in,
                                          model::DescribeEngineDefaultParametersResult& out) {
  TRY(call.authorize("*"));
  TRY_LET(auto all, settings_of_family(call, api::str(in.db_parameter_group_family)));
  out.engine_defaults = call.make<model::EngineDefaults>();
  out.engine_defaults->db_parameter_group_family = call.text(in.db_parameter_group_family);
  TRY_LET(auto found, one_page(
                          call, *all, in.marker, in.max_records, [](auto& p) { return p.name; },
                          out.engine_defaults->marker));
  out.engine_defaults->parameters = call.list<model::Parameter>(found.size());
  for (size_t i = 0; i < found.size(); ++i)
    render_setting(call, found[i], nullptr, out.engine_defaults->parameters[i]);
  return {};
}

Status modify_db_parameter_group(Call& call, const model::ModifyDBParameterGroupMessage& in,
                                 model::DBParameterGroupNameMessage& out) {
  TRY_LET(auto g, need_group(call, in.db_parameter_group_name));
  TRY(refuse_default(g));
  TRY_LET(auto all, settings_of_family(call, g.family));
  TRY_LET(auto changes, named(*all, in.parameters));
  for (auto& [setting, p] : changes) {
    const std::string value = api::str(p->parameter_value);
    if (!p->parameter_value.has())
      return fail("InvalidParameterCombination",
                  "The parameter " + setting->name + " needs a ParameterValue.");
    TRY(check_value(*setting, value));
    g.parameters[setting->name] = {value, p->apply_method.sv() != "immediate"};
  }
  call.tx.put(call.scope(), g);
  out.db_parameter_group_name = call.text(g.name);
  return {};
}

Status reset_db_parameter_group(Call& call, const model::ResetDBParameterGroupMessage& in,
                                model::DBParameterGroupNameMessage& out) {
  TRY_LET(auto g, need_group(call, in.db_parameter_group_name));
  TRY(refuse_default(g));
  TRY_LET(auto all, settings_of_family(call, g.family));
  if (in.reset_all_parameters.value_or(false)) {
    if (!in.parameters.empty())
      return fail("InvalidParameterCombination",
                  "ResetAllParameters and Parameters cannot be given together.");
    g.parameters.clear();
  } else {
    TRY_LET(auto changes, named(*all, in.parameters));
    if (changes.empty()) return fail("InvalidParameterCombination", "Give ResetAllParameters or Parameters.");
    for (auto& [setting, p] : changes) g.parameters.erase(setting->name);
  }
  call.tx.put(call.scope(), g);
  out.db_parameter_group_name = call.text(g.name);
  return {};
}

Status delete_db_parameter_group(Call& call, const model::DeleteDBParameterGroupMessage& in,
                                 model::DeleteDBParameterGroupResponse&) {
  TRY_LET(auto g, need_group(call, in.db_parameter_group_name));
  if (g.name.starts_with("default."))
    return fail("InvalidDBParameterGroupState", "Default parameter groups cannot be deleted: " + g.name);
  for (auto& i : call.tx.list<Instance>(call.scope()))
    if (i.parameter_group == g.name)
      return fail("InvalidDBParameterGroupState",
                  "One or more database instances are still members of this parameter group " + g.name +
                      ", so the group cannot be deleted");
  call.tx.erase<ParameterGroup>(call.scope(), g.name);
  return {};
}

}  // namespace nubecita::rds
