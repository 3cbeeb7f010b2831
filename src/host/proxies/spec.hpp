// What a load balancer's proxy shall be: plain values, compared and rendered, never mutated by this room.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace nubecita::host {

struct ProxyTarget {
  std::string ip;
  int port = 0;
  /// No new requests, those in flight finish. A target that is left out of the spec is cut off at once.
  bool draining = false;
  /// It has not passed its first check within the time given to it: no longer "initial", now unhealthy until
  /// it passes `healthy_threshold` regular checks.
  bool overdue = false;
  friend bool operator==(const ProxyTarget&, const ProxyTarget&) = default;
};

struct ProxyHealthCheck {
  bool https = false;
  std::string path = "/";
  int port = 0;  // 0: the target's own
  int interval_s = 30, timeout_s = 5, healthy_threshold = 5, unhealthy_threshold = 2;
  std::string matcher = "200";  // "200", "200-299", "200,301-308"
};

struct ProxyStickiness {
  enum class Kind { none, lb_cookie, app_cookie } kind = Kind::none;
  int duration_s = 86400;
  std::string cookie;  // of the application, for app_cookie
};

struct ProxyGroup {
  std::string id;  // [a-z0-9]+, unique within the spec
  bool https = false;
  std::vector<ProxyTarget> targets;
  ProxyHealthCheck check;
  ProxyStickiness stickiness;
  enum class Balance { round_robin, least_outstanding, random } balance = Balance::round_robin;
  int slow_start_s = 0;
};

struct ProxyCondition {
  enum class Field { host, path, header, method, query, source } field = Field::path;
  std::string name;                 // of the header
  std::vector<std::string> values;  // any of them; * and ? are wildcards in host, path, header and query
  std::vector<std::pair<std::string, std::string>> pairs;  // query: key (may be empty) and value
};

struct ProxyAction {
  enum class Kind { forward, redirect, fixed } kind = Kind::fixed;
  struct Share {
    std::string group;
    int weight = 1;
  };
  std::vector<Share> shares;  // forward
  int sticky_s = 0;           // forward: how long a client stays with one group of several; 0: not
  int status = 503;           // redirect, fixed
  std::string protocol = "#{protocol}", host = "#{host}", port = "#{port}", path = "/#{path}",
              query = "#{query}";
  std::string content_type = "text/plain", body;
};

struct ProxyRule {
  std::string id;
  std::vector<ProxyCondition> conditions;  // all of them
  ProxyAction action;
};

struct ProxyCertificate {
  std::string id;   // [A-Za-z0-9-]+
  std::string pem;  // certificate, chain and private key
};

struct ProxyListener {
  int port = 80;
  bool https = false;
  std::vector<ProxyCertificate> certificates;  // the first one is for clients without a matching SNI
  std::string tls_min = "TLSv1.2", tls_max;    // "TLSv1.3" ...; empty: no bound
  std::string ciphers;                         // OpenSSL list for TLS 1.2 and below; empty: HAProxy's default
  std::vector<std::string> sources;            // CIDRs that may connect to the public address
  std::vector<ProxyRule> rules;                // in the order of their priorities
  ProxyAction default_action;
};

struct ProxySpec {
  std::string id;              // [a-z0-9]{1,32}
  std::string public_address;  // in the host's namespace; empty: internal
  struct Private {
    std::string ip;
    std::string netns;  // a name in /run/netns; empty: the proxy's own
  };
  std::vector<Private> private_addresses;  // of the load balancer's interfaces
  std::string netns;  // where the proxy lives and reaches its targets from; empty: the host's
  std::vector<ProxyListener> listeners;
  std::vector<ProxyGroup> groups;
  int idle_timeout_s = 60, client_keep_alive_s = 3600;
  bool drop_invalid_headers = false, preserve_host = false, http2 = true, client_port = false;
  enum class Forwarded { append, preserve, remove } forwarded_for = Forwarded::append;
  bool tls_headers = false;  // X-Amzn-Tls-Version and X-Amzn-Tls-Cipher-Suite for the target
};

/// One more proxy, on the loopback address, that leads names to load balancers: HTTP by Host, TLS by SNI
/// (untouched).
struct FrontDoorSpec {
  std::string address = "127.0.0.1";
  int http_port = 80, https_port = 443;
  struct Route {
    std::string host;                  // lower case
    std::string proxy;                 // ProxySpec::id
    bool http = false, https = false;  // which of the standard ports (80, 443) it listens on
    friend bool operator==(const Route&, const Route&) = default;
  };
  std::vector<Route> routes;
};

/// What was seen of one target.
struct ProxyTargetState {
  std::string group, ip;
  int port = 0;
  enum class Phase { initial, serving, draining } phase = Phase::initial;
  bool up = false;    // passes its checks (meaningful when serving)
  std::string check;  // HAProxy's word: "L7OK", "L7STS", "L4CON", "L4TOUT", ...; empty: none yet
  int code = 0;       // status code of the last check
  int sessions = 0;   // requests and upgraded connections in flight
};

}  // namespace nubecita::host
