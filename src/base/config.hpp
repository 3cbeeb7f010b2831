// What an installation is told: read once at start, constant afterwards.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace nubecita {

struct Config {
  std::string data_dir;                        // everything that must survive; mode 0700
  std::string listen = "127.0.0.1:4566";       // HTTP and TLS on one port
  std::string domain = "nubecita.localhost";   // public names end in it; *.localhost needs no set-up
  std::string home_region = "us-east-1";       // the region of global services' resources
  std::string public_pool = "127.100.0.0/16";  // addresses for load balancers, Elastic IPs, NAT gateways
  int http_port = 80;                          // where the front door for public names listens (HTTP)
  int https_port = 443;                        // likewise TLS
  bool mariadb_for_mysql = false;              // engine "mysql" served by MariaDB; shown by `status`
  std::string image_scanner;                   // path of a trivy-compatible scanner; empty: none
  std::string podman = "/usr/bin/podman";
  int io_threads = 2;

  std::string port() const { return listen.substr(listen.rfind(':') + 1); }
};

/// Reads `<data_dir>/nubecita.json` over the defaults; an absent file is fine, an unknown key or bad value an
/// error that names it.
Result<Config> load_config(const std::string& data_dir);

}  // namespace nubecita
