#include "host/proxies/rules.hpp"

#include <fmt/core.h>

#include "base/ids.hpp"
#include "host/proxies/groups.hpp"
#include "host/proxies/quote.hpp"

namespace nubecita::host {

namespace {

// Lines `acl <name> <fetch> <flags> <value>`: lines of one name are alternatives.
Result<std::string> match(const std::string& acl, const std::string& fetch, const std::string& flags,
                          const std::string& value) {
  TRY_LET(auto v, quoted(value));
  return fmt::format("  acl {} {} {} -- {}\n", acl, fetch, flags, v);
}

Result<std::string> match_pattern(const std::string& acl, const std::string& fetch, bool ignore_case,
                                  const std::string& pattern) {
  std::string flags = ignore_case ? "-i " : "";
  if (!has_wildcard(pattern)) return match(acl, fetch, flags + "-m str", pattern);
  auto star = pattern.find_first_of("*?");
  if (star == pattern.size() - 1 && pattern[star] == '*')
    return match(acl, fetch, flags + "-m beg", pattern.substr(0, star));
  return match(acl, fetch, flags + "-m reg", wildcard_regex(pattern));
}

Result<std::string> match_query(const std::string& acl, const std::string& key, const std::string& value) {
  std::string k = key.empty() ? "([^&=]*=)?" : wildcard_regex(key, "[^&=]", false) + "=";
  return match(acl, "query", "-i -m reg", "(^|&)" + k + wildcard_regex(value, "[^&]", false) + "(&|$)");
}

bool header_name(const std::string& name) {
  for (char c : name)
    if (!isalnum(static_cast<unsigned char>(c)) &&
        std::string_view("*?!#$%&'+.^_`|~-").find(c) == std::string_view::npos)
      return false;
  return !name.empty() && name.find_first_of("(),\"\\ ") == std::string::npos;
}

Result<std::string> condition(const ProxyCondition& c, const std::string& acl) {
  using Field = ProxyCondition::Field;
  std::string out;
  for (auto& v : c.values) {
    Result<std::string> line;
    switch (c.field) {
      case Field::host:
        line = match_pattern(acl, "var(txn.host)", true, v);
        break;
      case Field::path:
        line = match_pattern(acl, "path", false, v);
        break;
      case Field::method:
        line = match(acl, "method", "-m str", v);
        break;
      case Field::source:
        line = match(acl, "src", "-m ip", v);
        break;
      case Field::header:
        if (!header_name(c.name)) return fail("ProxyFailed", "a condition names no possible header");
        line = match_pattern(acl, "req.fhdr(" + c.name + ")", true, v);
        break;
      case Field::query:
        line = match_query(acl, "", v);
        break;
    }
    TRY_LET(auto text, std::move(line));
    out += text;
  }
  for (auto& [k, v] : c.pairs) {
    TRY_LET(auto text, match_query(acl, k, v));
    out += text;
  }
  if (out.empty()) out = fmt::format("  acl {} always_false\n", acl);
  return out;
}

struct Writer {
  const std::string& dir;
  std::map<std::string, std::string>& files;
  int port;
  std::string out;

  // `when`: " if { ... }" or "" for a listener without rules.
  Status action(const ProxyAction& a, const std::string& rule, const std::string& when) {
    switch (a.kind) {
      case ProxyAction::Kind::fixed:
        return fixed(a, rule, when);
      case ProxyAction::Kind::redirect:
        return redirect(a, when);
      case ProxyAction::Kind::forward:
        forward(a, when);
        return {};
    }
    return {};
  }

  Status fixed(const ProxyAction& a, const std::string& rule, const std::string& when) {
    out += fmt::format("  http-request return status {} hdr Server awselb/2.0", a.status);
    if (!a.body.empty()) {
      std::string name = fmt::format("body-{}-{}", port, rule);
      files[name] = a.body;
      TRY_LET(auto type, quoted(a.content_type));
      out += fmt::format(" content-type {} file {}/{}", type, dir, name);
    }
    out += when + "\n";
    return {};
  }

  Status redirect(const ProxyAction& a, const std::string& when) {
    std::string target = a.protocol == "#{protocol}" ? "%[var(txn.proto)]"
                         : a.protocol == "HTTPS"     ? "https"
                                                     : "http";
    target += "://" + redirect_format(a.host) + ":" + redirect_format(a.port) + redirect_format(a.path);
    // "?" only where there is a query: %[query] alone may be empty.
    if (a.query == "#{query}")
      target += "%[var(txn.qs)]";
    else if (!a.query.empty())
      target += "?" + redirect_format(a.query);
    TRY_LET(auto location, quoted(target));
    out += fmt::format("  http-request redirect code {} location {}{}\n", a.status, location, when);
    return {};
  }

  void forward(const ProxyAction& a, const std::string& when) {
    std::string also = when.empty() ? " if" : when;
    if (a.shares.size() == 1 && a.sticky_s == 0) {
      out += fmt::format("  http-request set-var(txn.be) str(t_{}){}\n", a.shares[0].group, when);
      return;
    }
    int total = 0;
    for (auto& s : a.shares) total += s.weight;
    if (total == 0) {
      out += fmt::format("  http-request return status 503{}\n", when);
      return;
    }
    if (a.sticky_s > 0)
      for (auto& s : a.shares)
        if (s.weight > 0)
          out +=
              fmt::format("  http-request set-var(txn.be) str(t_{}){} {{ req.cook(AWSALBTG) -m str {} }}\n",
                          s.group, also, group_token(s.group));
    out +=
        fmt::format("  http-request set-var(txn.dice) rand({}){} !{{ var(txn.be) -m found }}\n", total, also);
    int sum = 0;
    for (auto& s : a.shares) {
      sum += s.weight;
      if (s.weight == 0) continue;
      std::string chosen =
          fmt::format("{} {{ var(txn.dice) -m int lt {} }} !{{ var(txn.be) -m found }}", also, sum);
      out += fmt::format("  http-request set-var(txn.be) str(t_{}){}\n", s.group, chosen);
    }
    if (a.sticky_s == 0) return;
    for (auto& s : a.shares)
      out += fmt::format("  http-request set-var(txn.tg) str({}){} {{ var(txn.be) -m str t_{} }}\n",
                         group_token(s.group), also, s.group);
    // Once per listener would do, but each action has its own duration.
    out += fmt::format("  http-request set-var(txn.tg_age) str({}){}\n", a.sticky_s, when);
  }
};

bool any_sticky(const ProxyListener& l) {
  if (l.default_action.sticky_s > 0) return true;
  for (auto& r : l.rules)
    if (r.action.sticky_s > 0) return true;
  return false;
}

}  // namespace

std::string group_token(const std::string& group) { return to_hex(sha256("AWSALBTG" + group)).substr(0, 32); }

Result<RulesText> rules_text(const ProxyListener& l, const std::string& dir,
                             std::map<std::string, std::string>& files) {
  RulesText out;
  const bool plain = l.rules.empty() && l.default_action.kind == ProxyAction::Kind::forward &&
                     l.default_action.shares.size() == 1 && l.default_action.sticky_s == 0;
  if (plain) {  // the common case costs nothing per request
    auto& group = l.default_action.shares[0].group;
    out.after =
        fmt::format("  use_backend {0} if {{ nbsrv(t_{1}) eq 0 }} !{{ stopping }}\n  default_backend t_{1}\n",
                    open_group(group), group);
    return out;
  }
  out.before += "  http-request set-var(txn.host) req.hdr(host),field(1,:),lower\n";
  Writer w{dir, files, l.port, {}};
  w.out += "  http-request set-var(txn.path) path,regsub(^/,)\n";
  w.out += fmt::format("  http-request set-var(txn.port) str({})\n", l.port);
  w.out += fmt::format("  http-request set-var(txn.proto) str({})\n", l.https ? "https" : "http");
  w.out += "  http-request set-var-fmt(txn.qs) \"?%[query]\" if { query -m len gt 0 }\n";
  for (size_t i = 0; i < l.rules.size(); ++i) {
    std::string all;
    for (size_t c = 0; c < l.rules[i].conditions.size(); ++c) {
      auto acl = fmt::format("r{}_{}", i, c);
      TRY_LET(auto text, condition(l.rules[i].conditions[c], acl));
      out.before += text;
      all += " " + acl;
    }
    out.before +=
        fmt::format("  http-request set-var(txn.rule) str(r{}) if !{{ var(txn.rule) -m found }}{}\n", i, all);
    TRY(w.action(l.rules[i].action, fmt::format("r{}", i),
                 fmt::format(" if {{ var(txn.rule) -m str r{} }}", i)));
  }
  if (!l.rules.empty())
    out.before += "  http-request set-var(txn.rule) str(d) if !{ var(txn.rule) -m found }\n";
  TRY(w.action(l.default_action, "d", l.rules.empty() ? "" : " if { var(txn.rule) -m str d }"));
  w.out += "  use_backend open_%[var(txn.be)] if { var(txn.be),nbsrv eq 0 } !{ stopping }\n";
  w.out += "  use_backend %[var(txn.be)] if { var(txn.be) -m found }\n";
  if (any_sticky(l))
    w.out +=
        "  http-response add-header Set-Cookie \"AWSALBTG=%[var(txn.tg)]; Max-Age=%[var(txn.tg_age)]; "
        "Path=/\" if { var(txn.tg) -m found }\n";
  out.after = std::move(w.out);
  return out;
}

}  // namespace nubecita::host
