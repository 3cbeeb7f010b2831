#include "host/proxies/runtime.hpp"

#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <utility>

namespace nubecita::host {

namespace {

constexpr int kPatience = 5;  // seconds

struct Socket {
  int fd = -1;
  ~Socket() {
    if (fd >= 0) close(fd);
  }
};

std::string cause() {
  char buffer[128];
  return strerror_r(errno, buffer, sizeof buffer);
}

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> out(1);
  bool quoted = false;
  for (char c : line) {
    if (c == '"')
      quoted = !quoted;
    else if (c == ',' && !quoted)
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

int number(const std::string& s) { return atoi(s.c_str()); }

}  // namespace

std::vector<std::map<std::string, std::string>> parse_csv(const std::string& text) {
  std::vector<std::map<std::string, std::string>> rows;
  std::vector<std::string> names;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    if (line.starts_with("# ")) {
      names = split(line.substr(2));
      continue;
    }
    auto cells = split(line);
    auto& row = rows.emplace_back();
    for (size_t i = 0; i < cells.size() && i < names.size(); ++i) row[names[i]] = cells[i];
  }
  return rows;
}

Runtime::Sticky parse_table(const std::string& text) {
  Runtime::Sticky out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    auto key = line.find(" key="), use = line.rfind(" use="), id = line.rfind(" server_id=");
    if (key == std::string::npos || use == std::string::npos || id == std::string::npos || use < key)
      continue;
    auto value = line.substr(key + 5, use - key - 5);
    auto plain = [](unsigned char c) {
      return isalnum(c) || std::string_view("._~+/=%:-").find(static_cast<char>(c)) != std::string_view::npos;
    };
    if (value.empty() || !std::all_of(value.begin(), value.end(), plain)) continue;
    out.emplace_back(value, number(line.substr(id + 11)));
  }
  return out;
}

Runtime::Sticky Runtime::sticky(const std::string& backend) const {
  auto text = ask("show table " + backend);
  return text ? parse_table(*text) : Sticky{};
}

void Runtime::restore(const std::string& backend, const Sticky& entries) const {
  std::string commands;
  for (auto& [key, id] : entries) {
    commands += fmt::format("set table {} key {} data.server_id {};", backend, key, id);
    if (commands.size() > 8000) (void)ask(std::exchange(commands, {}));
  }
  if (!commands.empty()) (void)ask(commands);
}

Result<std::string> Runtime::ask(const std::string& commands) const {
  Socket s{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.size() >= sizeof address.sun_path)
    return fail("ProxyFailed", "the path is too long: " + socket_);
  std::memcpy(address.sun_path, socket_.c_str(), socket_.size() + 1);
  timeval patience{kPatience, 0};
  setsockopt(s.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(s.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(s.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return fail("ProxyFailed",
                fmt::format("the load balancer's proxy does not answer on {}: {}", socket_, cause()), 500);
  std::string line = commands + "\n";
  for (size_t at = 0; at < line.size();) {
    ssize_t n = send(s.fd, line.data() + at, line.size() - at, MSG_NOSIGNAL);
    if (n <= 0) return fail("ProxyFailed", "the load balancer's proxy takes no command: " + cause(), 500);
    at += static_cast<size_t>(n);
  }
  shutdown(s.fd, SHUT_WR);  // a master would wait for further commands
  std::string answer;
  char buffer[16384];
  for (;;) {
    ssize_t n = recv(s.fd, buffer, sizeof buffer, 0);
    if (n == 0) return answer;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail("ProxyFailed", "the load balancer's proxy does not answer: " + cause(), 500);
    answer.append(buffer, static_cast<size_t>(n));
  }
}

std::optional<std::string> Runtime::fingerprint() const {
  auto info = ask("show info");
  if (!info) return {};
  constexpr std::string_view kName = "\ndescription: ";
  auto at = info->find(kName);
  if (at == std::string::npos) return {};
  at += kName.size();
  return info->substr(at, info->find('\n', at) - at);
}

Result<std::vector<Runtime::Server>> Runtime::servers() const {
  TRY_LET(auto text, ask("show stat -1 4 -1"));
  std::vector<Server> out;
  for (auto& row : parse_csv(text)) {
    Server s;
    s.backend = row["pxname"];
    s.name = row["svname"];
    auto address = row["addr"];
    auto colon = address.rfind(':');
    if (colon != std::string::npos) {
      s.ip = address.substr(0, colon);
      s.port = number(address.substr(colon + 1));
    }
    s.sessions = number(row["scur"]);
    s.weight = number(row["weight"]);
    auto& status = row["status"];  // "UP", "UP 1/2", "DOWN", "DOWN 1/3", "MAINT", "NOLB", "DRAIN", "no check"
    s.maintenance = status.starts_with("MAINT");
    s.up = status.starts_with("UP") || status.starts_with("no check") || status.starts_with("DRAIN") ||
           status.starts_with("NOLB");
    s.check = row["check_status"];
    if (s.check.starts_with("* ")) s.check = s.check.substr(2);  // one is running: the last result
    s.code = number(row["check_code"]);
    out.push_back(std::move(s));
  }
  return out;
}

}  // namespace nubecita::host
