#include "host/proxies/config.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "base/ids.hpp"
#include "host/proxies/groups.hpp"
#include "host/proxies/quote.hpp"
#include "host/proxies/rules.hpp"

namespace nubecita::host {

namespace {

// What takes a connection before it is a request may not hold a slot for longer than this, whatever the idle
// timeout.
constexpr int kHeaderTimeout = 60;

std::string global_section(const std::string& id, const ConfigPaths& p) {
  std::string out = "global\n";
  out += fmt::format("  stats socket {}/cli mode 600 level admin expose-fd listeners\n", p.dir);
  out += fmt::format("  server-state-file {}/state\n", p.dir);
  if (!p.user.empty()) out += worker_lines(p);
  out += fmt::format("  log {} local0 notice\n  log-tag {}\n", p.user.empty() ? p.jail + "/log" : "/log", id);
  out += fmt::format("  maxconn {}\n  nbthread {}\n", p.max_connections, p.threads);
  // Without noreuseport two proxies could share a port by mistake, each getting some of the connections.
  out += "  noreuseport\n";
  // Old workers keep upgraded connections for this long after a reload.
  out += "  hard-stop-after 1h\n  tune.ssl.default-dh-param 2048\n";
  out += "  description @FINGERPRINT@\n";
  return out;
}

std::string defaults_section(int idle, int keep_alive, const ConfigPaths& p) {
  std::string out = "defaults\n  mode http\n  load-server-state-from-file global\n";
  // A target on the same machine answers a connection within microseconds or not at all; the time is for a
  // full queue.
  out += "  timeout connect 3s\n";
  out += fmt::format("  timeout client {0}s\n  timeout server {0}s\n  timeout tunnel {0}s\n", idle);
  out += fmt::format("  timeout http-request {}s\n", std::min(idle, kHeaderTimeout));
  out += fmt::format("  timeout http-keep-alive {}s\n", std::min(idle, keep_alive));
  out += "  timeout queue 10s\n";
  // A failed connection, or a target that dies without having answered, sends the request to another target;
  // the second only for methods that may be repeated (see the frontends).
  out += "  retries 3\n  option redispatch 1\n  retry-on conn-failure empty-response 0rtt-rejected\n";
  for (auto& [name, text] : error_files())
    if (name.size() == 8) out += fmt::format("  errorfile {} {}/{}\n", name.substr(0, 3), p.errors, name);
  return out;
}

Result<std::string> tls_options(const ProxySpec& spec, const ProxyListener& l, const ConfigPaths& p,
                                ConfigText& out) {
  if (!l.https) return std::string();
  std::string list;
  for (auto& c : l.certificates) {
    out.files["cert-" + c.id + ".pem"] = c.pem;
    list += fmt::format("{}/cert-{}.pem\n", p.dir, c.id);
  }
  if (list.empty())
    return fail("ProxyFailed", fmt::format("the listener on port {} has no certificate", l.port));
  out.files[fmt::format("certs-{}.list", l.port)] = list;
  std::string options = fmt::format(" ssl crt-list {}/certs-{}.list alpn {}", p.dir, l.port,
                                    spec.http2 ? "h2,http/1.1" : "http/1.1");
  if (!l.tls_min.empty()) options += " ssl-min-ver " + l.tls_min;
  if (!l.tls_max.empty()) options += " ssl-max-ver " + l.tls_max;
  if (!l.ciphers.empty()) {
    TRY_LET(auto ciphers, quoted(l.ciphers));
    options += " ciphers " + ciphers;
  }
  return options;
}

Result<std::string> binds(const ProxySpec& spec, const ProxyListener& l, const ConfigPaths& p,
                          ConfigText& files) {
  TRY_LET(auto tls, tls_options(spec, l, p, files));
  std::string out;
  if (!spec.public_address.empty())
    out += fmt::format("  bind {}:{}{}{} id 1\n", spec.public_address, l.port,
                       p.host_netns.empty() ? "" : " namespace " + p.host_netns, tls);
  int id = 10;
  for (auto& a : spec.private_addresses)
    out += fmt::format("  bind {}:{}{}{} id {}\n", a.ip, l.port,
                       a.netns.empty() ? "" : " namespace " + a.netns, tls, id++);
  if (!spec.public_address.empty()) {
    std::string owner = p.user.empty() ? "" : " " + p.user;
    out += fmt::format("  bind unix@{} mode 600{} accept-proxy{} id 2\n",
                       inner_socket(p.jail, spec.id, l.port), owner, tls);
  }
  return out;
}

// The public address is outside the VPC, so its packets pass no security group: its rules are enforced here.
// What comes to the private addresses (ids from 10) has passed the interface's own.
std::string guard(const ProxyListener& l) {
  bool all = std::ranges::find(l.sources, "0.0.0.0/0") != l.sources.end();
  if (all) return {};
  std::string out;
  for (auto& cidr : l.sources) out += fmt::format("  acl allowed src {}\n", cidr);
  out += fmt::format("  tcp-request session reject if {{ so_id lt 10 }}{}\n",
                     l.sources.empty() ? "" : " !allowed");
  return out;
}

std::string headers(const ProxySpec& spec, const ProxyListener& l) {
  std::string out;
  if (spec.drop_invalid_headers) out += "  http-request del-header [^-A-Za-z0-9] -m reg\n";
  std::string client = spec.client_port ? "%[src]:%[src_port]" : "%[src]";
  if (spec.forwarded_for == ProxySpec::Forwarded::append) {
    out += fmt::format(
        "  http-request set-header X-Forwarded-For \"%[req.fhdr(x-forwarded-for)], {}\" if {{ "
        "req.fhdr(x-forwarded-for) -m found }}\n",
        client);
    if (spec.client_port)
      out += fmt::format(
          "  http-request set-header X-Forwarded-For \"{}\" unless {{ req.fhdr(x-forwarded-for) -m found "
          "}}\n",
          client);
    else
      out +=
          "  option forwardfor if-none\n";  // the cheaper way for nearly all requests; comes after the rules
  } else if (spec.forwarded_for == ProxySpec::Forwarded::remove) {
    out += "  http-request del-header X-Forwarded-For\n";
  }
  out += fmt::format("  http-request set-header X-Forwarded-Proto {}\n", l.https ? "https" : "http");
  out += fmt::format("  http-request set-header X-Forwarded-Port {}\n", l.port);
  // Twice twelve digits that stand for 32 random bits each: decimal ones are hexadecimal ones, too, and made
  // without conversions. (Two UUIDs cost a quarter of all that the proxy does for a request.)
  constexpr std::string_view kRandom = "%[rand,mul(209),add(100000000000)]";
  std::string id = fmt::format("1-%[date,bytes(4,4),hex,lower]-{0}{0}", kRandom);
  out += fmt::format(
      "  http-request set-header X-Amzn-Trace-Id \"Self={};%[req.hdr(x-amzn-trace-id)]\" if {{ "
      "req.hdr(x-amzn-trace-id) -m sub Root= }}\n",
      id);
  out += fmt::format(
      "  http-request set-header X-Amzn-Trace-Id \"Root={}\" unless {{ req.hdr(x-amzn-trace-id) -m sub Root= "
      "}}\n",
      id);
  if (l.https && spec.tls_headers) {
    out += "  http-request set-header X-Amzn-Tls-Version %[ssl_fc_protocol]\n";
    out += "  http-request set-header X-Amzn-Tls-Cipher-Suite %[ssl_fc_cipher]\n";
  }
  if (!spec.preserve_host && l.port != 80 && l.port != 443)
    out += fmt::format(
        "  http-request set-header Host \"%[req.hdr(host)]:{}\" unless {{ req.hdr(host) -m reg :[0-9]+$ }}\n",
        l.port);
  return out;
}

Result<std::string> frontend(const ProxySpec& spec, const ProxyListener& l, const ConfigPaths& p,
                             ConfigText& files) {
  std::string out = fmt::format("frontend l_{}\n", l.port);
  TRY_LET(auto bind_lines, binds(spec, l, p, files));
  out += bind_lines;
  // A client that reuses its connection just when a reload closes it would see an error; so idle ones are
  // told to close.
  out += "  option idle-close-on-response\n";
  out += guard(l);
  TRY_LET(auto rule_lines, rules_text(l, p.dir, files.files));
  out += rule_lines.before;
  out += headers(spec, l);
  out += "  http-request disable-l7-retry unless METH_GET || { method HEAD PUT DELETE OPTIONS TRACE }\n";
  out += rule_lines.after;
  return out;
}

}  // namespace

std::string worker_lines(const ConfigPaths& p) {
  auto gid = p.user.find(" gid");
  return fmt::format("  {}\n {}\n  chroot {}\n", p.user.substr(0, gid), p.user.substr(gid), p.jail);
}

std::string inner_socket(const std::string& jail, const std::string& id, int port) {
  return fmt::format("{}/{}-{}", jail, id, port);
}

std::map<std::string, std::string> error_files() {
  auto page = [](std::string_view status, std::string_view title) {
    std::string body = fmt::format(
        "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n</"
        "body>\r\n</html>\r\n",
        title);
    return fmt::format(
        "HTTP/1.1 {}\r\nServer: awselb/2.0\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: "
        "close\r\n\r\n{}",
        status, body.size(), body);
  };
  return {{"400.http", page("400 Bad Request", "400 Bad Request")},
          {"408.http", page("408 Request Time-out", "408 Request Time-out")},
          {"500.http", page("500 Internal Server Error", "500 Internal Server Error")},
          {"502.http", page("502 Bad Gateway", "502 Bad Gateway")},
          {"503.http", page("503 Service Unavailable", "503 Service Temporarily Unavailable")},
          {"504.http", page("504 Gateway Time-out", "504 Gateway Time-out")}};
}

Result<ConfigText> render(const ProxySpec& spec, const Slots& slots, const ConfigPaths& paths) {
  ConfigText out;
  std::string shape =
      global_section(spec.id, paths) + defaults_section(spec.idle_timeout_s, spec.client_keep_alive_s, paths);
  for (auto& l : spec.listeners) {
    TRY_LET(auto text, frontend(spec, l, paths, out));
    shape += text;
  }
  // Without a listener HAProxy does not start; a load balancer without one is there all the same.
  if (spec.listeners.empty())
    shape += fmt::format("frontend none\n  bind unix@{}/none mode 600\n  http-request return status 503\n",
                         paths.dir);
  std::string real = shape;
  for (auto& g : spec.groups) {
    auto it = slots.find(g.id);
    std::vector<Slot> places = it == slots.end() ? std::vector<Slot>(8) : it->second;
    TRY_LET(auto text, group_text(g, places, paths.errors));
    TRY_LET(auto blank, group_text(g, std::vector<Slot>(places.size()), paths.errors));
    real += text;
    shape += blank;
  }
  std::string all = shape;
  for (auto& [name, text] : out.files) all += name + "\n" + text;
  out.fingerprint = to_hex(sha256(all)).substr(0, 24);
  constexpr std::string_view kMark = "@FINGERPRINT@";
  real.replace(real.find(kMark), kMark.size(), out.fingerprint);
  out.text = std::move(real);
  return out;
}

}  // namespace nubecita::host
