// The runtime socket of a HAProxy: commands, and what it answers, parsed. Any thread; waits (at most
// `kPatience`).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace nubecita::host {

class Runtime {
 public:
  explicit Runtime(std::string socket) : socket_(std::move(socket)) {}

  /// Sends commands (one line, ';' between them) and reads the whole answer. Error "ProxyFailed".
  Result<std::string> ask(const std::string& commands) const;

  /// The fingerprint that the running configuration carries, or nothing if the proxy does not answer.
  std::optional<std::string> fingerprint() const;

  struct Server {
    std::string backend, name, ip;
    int port = 0;
    int sessions = 0;
    bool maintenance = false;
    bool up = false;
    int weight = 0;
    std::string check;  // "" or "INI": none yet
    int code = 0;
  };
  /// Every server of every backend.
  Result<std::vector<Server>> servers() const;

  /// Which server a client's own cookie leads to: key → server id. A reload forgets these tables.
  using Sticky = std::vector<std::pair<std::string, int>>;
  Sticky sticky(const std::string& backend) const;
  void restore(const std::string& backend, const Sticky& entries) const;

 private:
  std::string socket_;
};

/// Entries of "show table": exposed for tests. Keys that a command line cannot carry are left out.
Runtime::Sticky parse_table(const std::string& text);

/// Rows of HAProxy's CSV ("# a,b,c" first), by column name. Exposed for tests.
std::vector<std::map<std::string, std::string>> parse_csv(const std::string& text);

}  // namespace nubecita::host
