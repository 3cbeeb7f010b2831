// A spec as HAProxy's configuration. Pure functions.
//
// Names in it: frontend l_<port>; backend t_<group> with slots s1..sN (a slot is a place for a target: most
// changes are made in a running proxy by giving a slot another address); backend open_t_<group> with the same
// slots, unchecked, for requests while no target is healthy; backend p_<group> for probes of new targets.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/proxies/spec.hpp"

namespace nubecita::host {

struct ConfigPaths {
  std::string dir;         // of this proxy: configuration, sockets, certificates, bodies
  std::string jail;        // the worker's root; holds the log socket and the sockets for the front door
  std::string errors;      // directory of the error answers
  std::string host_netns;  // name in /run/netns of the host's namespace; empty: the proxy runs in it
  std::string user;        // of the worker, "uid N gid N"; empty: as we are
  int max_connections = 8192;
  int threads = 1;
};

/// Addresses of the occupied slots per group: they survive a reload by being written into the configuration.
struct Slot {
  std::string ip;
  int port = 0;
};
using Slots = std::map<std::string, std::vector<Slot>>;

struct ConfigText {
  std::string fingerprint;  // of everything but the addresses in slots: equal ones need no reload
  std::string text;         // haproxy.cfg
  std::map<std::string, std::string> files;  // further files in `dir`: bodies, certificate lists, PEMs
};

/// `slots[group].size()` is the number of slots made for it.
Result<ConfigText> render(const ProxySpec& spec, const Slots& slots, const ConfigPaths& paths);
Result<ConfigText> render_front_door(const FrontDoorSpec& spec, const ConfigPaths& paths);

/// Files of the error answers, by name ("502.http"): AWS's words, whole responses.
std::map<std::string, std::string> error_files();

/// Options for a probe of a new target, as on the `add server` command line.
std::string probe_options(const ProxyGroup& group);

/// The lines of the global section that make the worker nobody in an empty directory.
std::string worker_lines(const ConfigPaths& paths);

/// The socket on which the front door reaches a listener, as seen from outside the jail:
/// "<jail>/<id>-<port>".
std::string inner_socket(const std::string& jail, const std::string& id, int port);

}  // namespace nubecita::host
