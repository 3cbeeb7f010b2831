#include "host/databases/server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <sstream>

namespace nubecita::host {

Status Server::sql(const std::vector<std::string>& client, const Place& place,
                   const std::string& text) const {
  RunOptions options;
  options.input = text;
  options.directory = place.data();
  options.environment = {"PATH=/usr/bin:/bin", "HOME=/nonexistent", "LC_ALL=C.UTF-8"};
  options.timeout = std::chrono::seconds(30);
  TRY_LET(auto result, processes_.run(client, options));
  // The text may hold a password: only what the client says about it is told.
  if (!result.ok()) return fail("DatabaseFailed", client[0] + ": " + result.err.substr(0, 500), 500);
  return {};
}

std::vector<std::unique_ptr<Server>> find_servers(Processes& processes) {
  auto all = find_postgres(processes);
  for (auto& server : find_mariadb(processes)) all.push_back(std::move(server));
  return all;
}

int connect_local(const std::string& directory, const std::string& name) {
  const int dir = ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) return -1;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", dir, name.c_str());
  int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd);
    fd = -1;
  }
  ::close(dir);
  return fd;
}

bool listens(int pid, const std::string& address, int port) {
  in_addr wanted{};
  if (::inet_pton(AF_INET, address.c_str(), &wanted) != 1) return false;
  char needle[32];
  std::snprintf(needle, sizeof needle, "%08X:%04X", wanted.s_addr,
                static_cast<unsigned>(port));  // as the kernel prints it
  std::istringstream table(read_text("/proc/" + std::to_string(pid) + "/net/tcp"));
  std::string line, slot, local, remote, state;
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    if (fields >> slot >> local >> remote >> state && local == needle && state == "0A") return true;
  }
  return false;
}

}  // namespace nubecita::host
