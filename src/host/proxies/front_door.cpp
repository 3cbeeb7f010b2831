// The front door's configuration: names to load balancers. It speaks to them over sockets that nobody else
// can open, and tells them who the client is (PROXY protocol), so their rules on source addresses hold.
#include <fmt/core.h>

#include <set>

#include "base/ids.hpp"
#include "host/proxies/config.hpp"
#include "host/proxies/quote.hpp"

namespace nubecita::host {

namespace {

std::string http_part(const FrontDoorSpec& spec, const ConfigPaths& p) {
  std::string out = fmt::format("frontend http\n  mode http\n  bind {}:{}\n  option idle-close-on-response\n",
                                spec.address, spec.http_port);
  out +=
      fmt::format("  use_backend %[req.hdr(host),field(1,:),lower,map({}/http.map,http_unknown)]\n", p.dir);
  out +=
      "backend http_unknown\n  mode http\n  http-request return status 404 content-type text/plain string "
      "\"There is no load balancer of this name here that listens on port 80.\\n\"\n";
  return out;
}

std::string tls_part(const FrontDoorSpec& spec, const ConfigPaths& p) {
  std::string out = fmt::format("frontend tls\n  mode tcp\n  bind {}:{}\n", spec.address, spec.https_port);
  out += "  tcp-request inspect-delay 5s\n  tcp-request content accept if { req.ssl_hello_type 1 }\n";
  out += fmt::format("  use_backend %[req.ssl_sni,lower,map({}/tls.map,tls_unknown)]\n", p.dir);
  out += "backend tls_unknown\n  mode tcp\n  tcp-request content reject\n";
  return out;
}

std::string backend(const FrontDoorSpec::Route& r, bool tls, const ConfigPaths& p) {
  // After the worker has changed its root, the jail is "/".
  std::string socket = inner_socket(p.user.empty() ? p.jail : "", r.proxy, tls ? 443 : 80);
  return fmt::format("backend {0}_{1}\n  mode {2}\n{3}  server it unix@{4} send-proxy-v2\n",
                     tls ? "tls" : "http", r.proxy, tls ? "tcp" : "http",
                     tls ? "" : "  retry-on conn-failure\n", socket);
}

}  // namespace

Result<ConfigText> render_front_door(const FrontDoorSpec& spec, const ConfigPaths& p) {
  ConfigText out;
  std::string text = "global\n";
  text += fmt::format("  stats socket {}/cli mode 600 level admin expose-fd listeners\n", p.dir);
  if (!p.user.empty()) text += worker_lines(p);
  text += fmt::format(
      "  maxconn {}\n  nbthread {}\n  noreuseport\n  hard-stop-after 1h\n  description @FINGERPRINT@\n",
      p.max_connections, p.threads);
  // The load balancers behind have the timeouts that their users asked for: these must only not be shorter.
  text +=
      "defaults\n  timeout connect 3s\n  timeout client 4000s\n  timeout server 4000s\n  timeout tunnel "
      "4000s\n  timeout http-request 60s\n  retries 3\n";
  text += http_part(spec, p) + tls_part(spec, p);
  std::string http_map, tls_map;
  std::set<std::string> made;  // several names may lead to one load balancer
  for (auto& r : spec.routes) {
    if (r.host.find_first_of(" \t\r\n") != std::string::npos)
      return fail("ProxyFailed", "a host name with spaces");
    if (r.http) {
      if (made.insert("http_" + r.proxy).second) text += backend(r, false, p);
      http_map += r.host + " http_" + r.proxy + "\n";
    }
    if (r.https) {
      if (made.insert("tls_" + r.proxy).second) text += backend(r, true, p);
      tls_map += r.host + " tls_" + r.proxy + "\n";
    }
  }
  out.files["http.map"] = http_map;
  out.files["tls.map"] = tls_map;
  out.fingerprint = to_hex(sha256(text + "\n" + http_map + "\n" + tls_map)).substr(0, 24);
  constexpr std::string_view kMark = "@FINGERPRINT@";
  text.replace(text.find(kMark), kMark.size(), out.fingerprint);
  out.text = std::move(text);
  return out;
}

}  // namespace nubecita::host
