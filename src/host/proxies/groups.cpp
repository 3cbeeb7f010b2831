#include "host/proxies/groups.hpp"

#include <fmt/core.h>

#include "base/ids.hpp"
#include "host/proxies/quote.hpp"

namespace nubecita::host {

namespace {

Result<std::string> checks(const ProxyGroup& g) {
  TRY_LET(auto path, quoted(g.check.path));
  std::string out = fmt::format("  timeout check {}s\n  option httpchk\n", g.check.timeout_s);
  out += fmt::format(
      "  http-check send meth GET uri {} ver HTTP/1.1 hdr Host localhost hdr User-Agent "
      "ELB-HealthChecker/2.0 hdr Connection close\n",
      path);
  out += fmt::format("  http-check expect status {}\n", g.check.matcher);
  return out;
}

std::string transport(const ProxyGroup& g) {
  std::string out = g.https ? " ssl verify none" : "";
  // AWS does not verify what targets present either.
  if (g.check.https)
    out += g.https ? " check-ssl" : " check-ssl verify none";
  else if (g.https)
    out += " no-check-ssl";
  if (g.check.port) out += fmt::format(" port {}", g.check.port);
  return out;
}

Result<std::string> stickiness(const ProxyGroup& g) {
  auto& s = g.stickiness;
  if (s.kind == ProxyStickiness::Kind::none) return std::string();
  if (s.kind == ProxyStickiness::Kind::lb_cookie)
    // The value is made from the target's address: it means the same target after a reload and after a
    // restart.
    return fmt::format(
        "  cookie AWSALB insert nocache dynamic maxidle {0} attr \"Max-Age={0}\"\n  dynamic-cookie-key {1}\n",
        s.duration_s, to_hex(sha256("AWSALB" + g.id)).substr(0, 16));
  TRY(quoted(s.cookie));  // a name that no configuration can say
  return fmt::format(
      "  stick-table type string len 128 size 100k expire {}s\n  stick store-response res.cook({})\n"
      "  stick match req.cook({})\n",
      s.duration_s, s.cookie, s.cookie);
}

const char* balance(const ProxyGroup& g) {
  switch (g.balance) {
    case ProxyGroup::Balance::least_outstanding:
      return "leastconn";
    case ProxyGroup::Balance::random:
      return "random";
    default:
      return "roundrobin";
  }
}

}  // namespace

std::string probe_options(const ProxyGroup& g) {
  return fmt::format("check inter 300ms rise 1 fall 1 weight 0{}", transport(g));
}

Result<std::string> group_text(const ProxyGroup& g, const std::vector<Slot>& slots,
                               const std::string& errors) {
  TRY_LET(auto check_lines, checks(g));
  TRY_LET(auto sticky, stickiness(g));
  std::string out = fmt::format("backend t_{}\n  balance {}\n  log global\n  option log-health-checks\n{}{}",
                                g.id, balance(g), check_lines, sticky);
  // HAProxy says 503 when a connection to a target fails, where AWS says 502.
  out += fmt::format("  errorfile 503 {}/502.http\n", errors);
  out += fmt::format("  default-server inter {}s rise {} fall {}{}{}\n", g.check.interval_s,
                     g.check.healthy_threshold, g.check.unhealthy_threshold,
                     g.slow_start_s ? fmt::format(" slowstart {}s", g.slow_start_s) : "", transport(g));
  auto servers = [&](const char* options) {
    int n = 0;
    for (auto& s : slots)
      out += fmt::format("  server s{} {}:{}{} disabled\n", ++n, s.ip.empty() ? "0.0.0.0" : s.ip,
                         s.port ? s.port : 80, options);
  };
  servers(" check");
  // The same targets, whatever their health: for when none is healthy (see open_group()). Without any: 503. A
  // worker that a reload has replaced counts no servers any more, yet finishes its requests.
  out += fmt::format("backend {0}\n  balance {1}\n  errorfile 503 {2}/502.http\n", open_group(g.id),
                     balance(g), errors);
  out += fmt::format(
      "  http-request return status 503 errorfile {}/503.http if {{ nbsrv({}) eq 0 }} !{{ stopping }}\n",
      errors, open_group(g.id));
  if (g.https) out += "  default-server ssl verify none\n";
  servers("");
  out += fmt::format("backend p_{}\n  log global\n  option log-health-checks\n{}", g.id, check_lines);
  return out;
}

}  // namespace nubecita::host
