// The grammar of policy documents, with the errors that AWS gives.
#include <algorithm>
#include <cctype>
#include <set>

#include "base/json.hpp"
#include "services/iam/policy.hpp"

namespace nubecita::iam {

namespace {

std::unexpected<ApiError> malformed(std::string message) {
  return fail("MalformedPolicyDocument", std::move(message));
}
std::unexpected<ApiError> syntax(const std::string& where) {
  return malformed("Syntax errors in policy. (" + where + ")");
}

/// Elements in the document's own order and spelling; names of elements are matched exactly, as AWS does.
using Strings = std::vector<std::string>;

/// "x" or ["x", "y"]; numbers and booleans count as texts where `scalars` (conditions).
Result<Strings> texts(const json::value& v, const std::string& where, bool scalars = false) {
  Strings out;
  auto one = [&](const json::value& e) -> bool {
    if (auto* s = e.if_string())
      out.emplace_back(s->data(), s->size());
    else if (scalars && e.is_bool())
      out.emplace_back(e.get_bool() ? "true" : "false");
    else if (scalars && e.is_number())
      out.emplace_back(json::serialize(e));
    else
      return false;
    return true;
  };
  if (auto* a = v.if_array()) {
    for (auto& e : *a)
      if (!one(e)) return syntax(where + " must be text or a list of texts");
  } else if (!one(v)) {
    return syntax(where + " must be text or a list of texts");
  }
  return out;
}

bool is_account(std::string_view s) {
  return s.size() == 12 && std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Status check_action(const std::string& action) {
  if (action == "*") return {};
  auto colon = action.find(':');
  if (colon == std::string::npos || colon == 0)
    return malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
  if (action.find(':', colon + 1) != std::string::npos)
    return malformed("Actions/Condition can contain only one colon.");
  for (char c : action.substr(0, colon))
    if (!(std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.'))
      return malformed("Vendor " + action.substr(0, colon) + " is not valid");
  if (colon + 1 == action.size())
    return malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
  return {};
}

Status check_resource(const std::string& resource) {
  if (resource == "*") return {};
  if (!resource.starts_with("arn:") && !resource.starts_with("*") && !resource.starts_with("?"))
    return malformed("Resource " + resource + " must be in ARN format or \"*\".");
  if (resource.starts_with("arn:")) {
    auto second = resource.find(':', 4);
    auto partition = resource.substr(4, second == std::string::npos ? std::string::npos : second - 4);
    if (!partition.starts_with("aws") && partition.find('*') == std::string::npos &&
        partition.find('?') == std::string::npos && partition.find("${") == std::string::npos)
      return malformed("Partition \"" + partition + "\" is not valid for resource \"" + resource + "\".");
    if (second == std::string::npos && partition.find('*') == std::string::npos)
      return malformed("The policy failed legacy parsing");
  }
  return {};
}

}  // namespace

class PolicyParser {
 public:
  explicit PolicyParser(PolicyKind kind) : kind_(kind) {}

  Result<std::shared_ptr<const Policy>> parse(std::string_view document) {
    auto parsed = json::parse(document, 32);
    if (!parsed)
      return kind_ == PolicyKind::trust ? malformed("This policy contains invalid Json")
                                        : syntax(parsed.error().message);
    auto* top = parsed->if_object();
    if (!top) return syntax("a policy is a JSON object");
    for (auto& [name, v] : *top)
      if (name != "Version" && name != "Id" && name != "Statement")
        return syntax("unknown element " + std::string(name));
    TRY(version(*top));
    if (auto* id = top->if_contains("Id"); id && !id->is_string()) return syntax("Id must be text");
    auto* statements = top->if_contains("Statement");
    if (!statements) return syntax("Statement is missing");
    if (auto* list = statements->if_array()) {
      for (auto& s : *list) TRY(statement(s));
    } else {
      TRY(statement(*statements));
    }
    return std::shared_ptr<const Policy>(std::move(policy_));
  }

 private:
  Status version(const json::object& top) {
    auto* v = top.if_contains("Version");
    if (!v) return {};
    auto* s = v->if_string();
    if (s && *s == "2012-10-17")
      variables_ = true;
    else if (!s || *s != "2008-10-17")
      return malformed("Policy document must be version 2012-10-17 or greater.");
    return {};
  }

  std::string where() const { return "statement " + std::to_string(policy_->statements_.size() + 1); }

  Status statement(const json::value& value) {
    auto* o = value.if_object();
    if (!o) return syntax(where() + " is not an object");
    static const std::set<std::string_view> known = {"Sid",          "Effect",      "Principal",
                                                     "NotPrincipal", "Action",      "NotAction",
                                                     "Resource",     "NotResource", "Condition"};
    for (auto& [name, v] : *o)
      if (!known.contains(std::string_view(name)))
        return syntax(where() + ": unknown element " + std::string(name));
    Policy::Statement s;
    TRY(sid(*o, s));
    auto effect = json::text_or(*o, "Effect");
    if (effect != "Allow" && effect != "Deny") return syntax(where() + ": Effect must be Allow or Deny");
    s.deny = effect == "Deny";
    TRY(principals(*o, s));
    TRY(actions(*o, s));
    TRY(resources(*o, s));
    TRY(conditions(*o, s));
    policy_->statements_.push_back(std::move(s));
    return {};
  }

  Status sid(const json::object& o, Policy::Statement& s) {
    auto* v = o.if_contains("Sid");
    if (!v) return {};
    if (!v->is_string()) return syntax(where() + ": Sid must be text");
    s.sid = json::text_or(o, "Sid");
    if (kind_ == PolicyKind::identity)
      for (char c : s.sid)
        if (!std::isalnum(static_cast<unsigned char>(c)))
          return malformed(
              "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular "
              "expression [0-9A-Za-z]*");
    if (!s.sid.empty() && !sids_.insert(s.sid).second)
      return malformed("Statement IDs (SID) in a single policy must be unique.");
    return {};
  }

  /// The element or its Not- form; both at once is an error. Null: neither.
  Result<const json::value*> either(const json::object& o, std::string_view name, bool& negated) {
    auto* plain = o.if_contains(name);
    auto* inverted = o.if_contains("Not" + std::string(name));
    if (plain && inverted)
      return syntax(where() + ": both " + std::string(name) + " and Not" + std::string(name));
    negated = inverted != nullptr;
    return plain ? plain : inverted;
  }

  Status actions(const json::object& o, Policy::Statement& s) {
    TRY_LET(auto* v, either(o, "Action", s.not_action));
    if (!v) return malformed("Policy statement must contain actions.");
    TRY_LET(auto list, texts(*v, where() + ": Action"));
    if (list.empty()) return malformed("Policy statement must contain actions.");
    for (auto& a : list) {
      TRY(check_action(a));
      if (kind_ == PolicyKind::trust && a != "*" && !lowered(a).starts_with("sts:"))
        return malformed("AssumeRole policy may only specify STS AssumeRole actions.");
      s.actions.push_back(*Pattern::compile(a, {true, false, true}));
    }
    return {};
  }

  Status resources(const json::object& o, Policy::Statement& s) {
    TRY_LET(auto* v, either(o, "Resource", s.not_resource));
    if (kind_ == PolicyKind::trust) {
      if (v) return malformed("Has prohibited field Resource");
      return {};
    }
    if (!v) {
      if (kind_ == PolicyKind::identity) return malformed("Policy statement must contain resources.");
      return {};
    }
    TRY_LET(auto list, texts(*v, where() + ": Resource"));
    if (list.empty()) return malformed("Policy statement must contain resources.");
    s.has_resource = true;
    for (auto& r : list) {
      TRY(check_resource(r));
      auto p = Pattern::compile(r, {true, variables_, false});
      if (!p) return syntax(where() + ": bad policy variable in " + r);
      s.resources.push_back(std::move(*p));
    }
    return {};
  }

  Status principals(const json::object& o, Policy::Statement& s) {
    TRY_LET(auto* v, either(o, "Principal", s.not_principal));
    if (kind_ == PolicyKind::identity) {
      if (v) return malformed("Policy document should not specify a principal.");
      return {};
    }
    if (!v) return malformed("Missing required field Principal");
    if (s.not_principal && !s.deny && kind_ == PolicyKind::trust)
      return malformed("Allow with NotPrincipal is not allowed.");
    s.has_principal = true;
    if (auto* text = v->if_string()) {
      if (*text != "*")
        return malformed("Invalid principal in policy: \"STAR\":\"" + std::string(*text) + "\"");
      s.principals.everyone = true;
      return {};
    }
    auto* map = v->if_object();
    if (!map || map->empty()) return syntax(where() + ": Principal must be \"*\" or an object");
    for (auto& [type, names] : *map) {
      TRY_LET(auto list, texts(names, where() + ": Principal"));
      for (auto& name : list) TRY(principal(std::string_view(type), name, s.principals));
    }
    return {};
  }

  Status principal(std::string_view type, const std::string& name, Policy::Principals& out) {
    auto invalid = [&] {
      return malformed("Invalid principal in policy: \"" + std::string(type) + "\":\"" + name + "\"");
    };
    if (type == "Service") {
      if (name.find('.') == std::string::npos) return invalid();
      out.services.push_back(name);
    } else if (type == "AWS") {
      if (name == "*") {
        out.everyone = true;
      } else if (is_account(name)) {
        out.accounts.push_back(name);
      } else if (name.starts_with("arn:aws:iam::") || name.starts_with("arn:aws:sts::")) {
        auto account = name.substr(13, 12);
        auto rest = name.size() > 26 && name[25] == ':' ? name.substr(26) : std::string();
        if (!is_account(account) || rest.empty() || rest.find_first_of("*?") != std::string::npos)
          return invalid();
        if (rest == "root") {
          out.accounts.push_back(account);
        } else {
          out.arns.push_back(name);
          policy_->principal_arns_.push_back(name);
        }
      } else if (name.size() >= 16 && (name.starts_with("AIDA") || name.starts_with("AROA"))) {
        out.arns.push_back(name);
      } else {
        return invalid();
      }
    } else if (type == "Federated" || type == "CanonicalUser") {
      // Nobody can sign as one here: the statement is kept and names no one.
    } else {
      return syntax(where() + ": unknown kind of principal " + std::string(type));
    }
    return {};
  }

  Status conditions(const json::object& o, Policy::Statement& s) {
    auto* v = o.if_contains("Condition");
    if (!v) return {};
    auto* operators = v->if_object();
    if (!operators) return syntax(where() + ": Condition must be an object");
    for (auto& [op, keys] : *operators) {
      auto* map = keys.if_object();
      if (!map) return syntax(where() + ": Condition " + std::string(op) + " must be an object");
      for (auto& [key, values] : *map) {
        TRY_LET(auto list, texts(values, where() + ": Condition " + std::string(op), true));
        if (std::string_view(key).find(':') == std::string_view::npos)
          return malformed("Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
        std::string why;
        auto c = Condition::parse(std::string_view(op), std::string_view(key), list, variables_, why);
        if (!c) return malformed(why);
        s.conditions.push_back(std::move(*c));
      }
    }
    return {};
  }

  PolicyKind kind_;
  bool variables_ = false;
  std::set<std::string> sids_;
  std::shared_ptr<Policy> policy_ = std::make_shared<Policy>();
};

Result<std::shared_ptr<const Policy>> Policy::parse(std::string_view document, PolicyKind kind) {
  return PolicyParser(kind).parse(document);
}

}  // namespace nubecita::iam
