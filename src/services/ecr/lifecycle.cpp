#include "services/ecr/lifecycle.hpp"

#include <algorithm>
#include <set>

#include "base/json.hpp"
#include "services/ecr/images.hpp"

namespace nubecita::ecr {
namespace {

constexpr int64_t kDayMs = 24LL * 3600 * 1000;

std::unexpected<ApiError> bad(const std::string& why) {
  return fail("InvalidParameterException",
              "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy "
              "validation failure: " +
                  why + "'");
}

// A member that we do not know would be a rule that we do not keep.
Status only(const json::object& o, std::initializer_list<std::string_view> known, const std::string& where) {
  for (auto& [k, v] : o)
    if (std::find(known.begin(), known.end(), std::string_view(k.data(), k.size())) == known.end())
      return bad("object has properties which are not served: [\"" + std::string(k) + "\"] in " + where);
  return {};
}

Result<int64_t> positive(const json::object& o, std::string_view name, const std::string& where) {
  auto v = json::int_or(o, name, 0);
  if (v < 1 || v > 1'000'000'000)
    return bad(where + "." + std::string(name) + " must be a whole number of at least 1");
  return v;
}

Result<std::vector<std::string>> texts(const json::object& o, std::string_view name,
                                       const std::string& where) {
  std::vector<std::string> out;
  auto* v = o.if_contains(name);
  if (!v) return out;
  if (!v->is_array() || v->get_array().empty())
    return bad(where + "." + std::string(name) + " must be a list with at least one element");
  for (auto& e : v->get_array()) {
    if (!e.is_string() || e.get_string().empty())
      return bad(where + "." + std::string(name) + " must hold text");
    out.emplace_back(e.get_string());
  }
  return out;
}

Result<LifecycleRule> parse_rule(const json::value& v, const std::string& where) {
  if (!v.is_object()) return bad(where + " must be an object");
  auto& o = v.get_object();
  TRY(only(o, {"rulePriority", "description", "selection", "action"}, where));
  LifecycleRule r;
  TRY_LET(auto priority, positive(o, "rulePriority", where));
  r.priority = static_cast<int>(priority);
  auto* s = json::object_at(o, "selection");
  auto* a = json::object_at(o, "action");
  if (!s || !a) return bad(where + " must have selection and action");
  TRY(only(*a, {"type"}, where + ".action"));
  if (json::text_or(*a, "type") != "expire") return bad(where + ".action.type must be \"expire\"");
  TRY(only(*s, {"tagStatus", "tagPrefixList", "tagPatternList", "countType", "countUnit", "countNumber"},
           where + ".selection"));
  auto status = json::text_or(*s, "tagStatus");
  if (status != "tagged" && status != "untagged" && status != "any")
    return bad(where + ".selection.tagStatus must be tagged, untagged or any");
  r.status = status == "tagged"     ? LifecycleRule::Status::tagged
             : status == "untagged" ? LifecycleRule::Status::untagged
                                    : LifecycleRule::Status::any;
  TRY_LET(r.prefixes, texts(*s, "tagPrefixList", where + ".selection"));
  TRY_LET(r.patterns, texts(*s, "tagPatternList", where + ".selection"));
  const bool lists = !r.prefixes.empty() || !r.patterns.empty();
  if (r.status == LifecycleRule::Status::tagged && !lists)
    return bad(where + ".selection needs tagPrefixList or tagPatternList for tagStatus tagged");
  if (r.status != LifecycleRule::Status::tagged && lists)
    return bad(where + ".selection may have tagPrefixList or tagPatternList only for tagStatus tagged");
  if (!r.prefixes.empty() && !r.patterns.empty())
    return bad(where + ".selection may not have both tagPrefixList and tagPatternList");
  for (auto& p : r.patterns)
    if (std::count(p.begin(), p.end(), '*') > 4)
      return bad(where + ".selection.tagPatternList: at most four wildcards in one pattern");
  auto type = json::text_or(*s, "countType");
  auto unit = json::text_or(*s, "countUnit");
  if (type != "imageCountMoreThan" && type != "sinceImagePushed")
    return bad(where + ".selection.countType must be imageCountMoreThan or sinceImagePushed");
  r.by_count = type == "imageCountMoreThan";
  if (r.by_count && !unit.empty()) return bad(where + ".selection.countUnit is only for sinceImagePushed");
  if (!r.by_count && unit != "days") return bad(where + ".selection.countUnit must be days");
  TRY_LET(r.number, positive(*s, "countNumber", where + ".selection"));
  return r;
}

bool selects(const LifecycleRule& r, const LifecycleImage& i) {
  if (r.status == LifecycleRule::Status::any) return true;
  if (r.status == LifecycleRule::Status::untagged) return i.tags.empty();
  auto any_tag = [&](auto test) { return std::any_of(i.tags.begin(), i.tags.end(), test); };
  for (auto& p : r.prefixes)
    if (!any_tag([&](auto& t) { return t.starts_with(p); })) return false;
  for (auto& p : r.patterns)
    if (!any_tag([&](auto& t) { return wildcard_match(p, t); })) return false;
  return !i.tags.empty();
}

}  // namespace

Result<std::vector<LifecycleRule>> parse_lifecycle(std::string_view text) {
  if (text.size() > 30720) return bad("the policy may have at most 30720 characters");
  auto parsed = json::parse(text);
  if (!parsed) return bad(parsed.error().message);
  if (!parsed->is_object()) return bad("the policy must be an object");
  TRY(only(parsed->get_object(), {"rules"}, "the policy"));
  auto* rules = json::array_at(parsed->get_object(), "rules");
  if (!rules || rules->empty()) return bad("rules must be a list with at least one rule");
  std::vector<LifecycleRule> out;
  std::set<int> priorities;
  for (size_t i = 0; i < rules->size(); ++i) {
    TRY_LET(auto r, parse_rule((*rules)[i], "rules[" + std::to_string(i) + "]"));
    if (!priorities.insert(r.priority).second)
      return bad("rulePriority " + std::to_string(r.priority) + " is used more than once");
    out.push_back(std::move(r));
  }
  std::sort(out.begin(), out.end(), [](auto& a, auto& b) { return a.priority < b.priority; });
  size_t last = 0;
  for (auto& r : out) {
    if (r.status == LifecycleRule::Status::any && &r != &out.back())
      return bad("a rule with tagStatus any must have the highest rulePriority");
    last += r.status == LifecycleRule::Status::untagged && r.by_count;
  }
  if (last > 1) return bad("there may be one rule with tagStatus untagged and countType imageCountMoreThan");
  return out;
}

// All rules look at all images; then each image belongs to the first rule that selects it, and expires if
// that rule says so: a later rule can neither expire nor save it.
std::vector<Expiry> evaluate_lifecycle(const std::vector<LifecycleRule>& rules,
                                       const std::vector<LifecycleImage>& images, int64_t now) {
  std::vector<int> owner(images.size(), -1);  // index of the rule
  std::vector<bool> expires(images.size(), false);
  for (size_t k = 0; k < rules.size(); ++k) {
    auto& r = rules[k];
    std::vector<size_t> chosen;
    for (size_t i = 0; i < images.size(); ++i)
      if (selects(r, images[i])) chosen.push_back(i);
    std::sort(chosen.begin(), chosen.end(), [&](size_t a, size_t b) {
      return images[a].pushed != images[b].pushed ? images[a].pushed > images[b].pushed : a < b;
    });
    for (size_t n = 0; n < chosen.size(); ++n) {
      auto i = chosen[n];
      if (owner[i] >= 0) continue;
      owner[i] = static_cast<int>(k);
      expires[i] =
          r.by_count ? n >= static_cast<size_t>(r.number) : now - images[i].pushed > r.number * kDayMs;
    }
  }
  std::vector<Expiry> out;
  for (size_t i = 0; i < images.size(); ++i)
    if (expires[i] && !images[i].needed) out.push_back({i, rules[static_cast<size_t>(owner[i])].priority});
  return out;
}

}  // namespace nubecita::ecr
