// Hears what proxies log about the health of their targets: a datagram socket in the workers' root directory.
// Owns one thread; the function is called on it.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace nubecita::host {

class LogListener {
 public:
  LogListener(const std::string& path, std::function<void(const std::string& id)> changed);
  ~LogListener();
  LogListener(const LogListener&) = delete;
  LogListener& operator=(const LogListener&) = delete;

 private:
  void listen();
  int socket_ = -1, wake_ = -1;
  std::function<void(const std::string&)> changed_;
  std::thread thread_;
};

/// The tag of a syslog line "<133>Nov 22 18:24:05 tag[123]: text"; empty if it has none. Exposed for tests.
std::string log_tag(const std::string& line);

}  // namespace nubecita::host
