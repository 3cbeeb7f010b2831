// The web server that the tests run in containers: static, a few hundred kilobytes, no image beneath it.
//
//   GET /         200 {"revision":"$REVISION","hostname":"...","pid":1}
//   GET /health   200 ok
//   GET /env/X    the value of environment variable X
//   GET /slow/N   answers after N milliseconds
//   GET /cat/P    the file /P (metadata and credentials of a task are read by /get)
//   GET /get/HOST/PATH  the answer of http://HOST/PATH
//   GET /tcp/HOST/PORT  "open", or why not: whether a TCP connection is let through
//   GET /eat      allocates memory until it is killed; GET /exit/N ends the process
// Environment: PORT (default 80); FAIL_HEALTH=1: / and /health answer 500; EXIT_AT_START=N; START_DELAY_MS.
// Arguments: "healthcheck" asks its own /health and exits 0 or 1; "print N" prints N lines and exits.
// SIGTERM: requests in flight are answered, then it exits with 0.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>

namespace {

std::atomic<int> in_flight = 0;
std::atomic<bool> ending = false;
int listener = -1;

std::string env(const char* name, const char* otherwise = "") {
  const char* v = std::getenv(name);
  return v ? v : otherwise;
}
void sleep_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

int dial(const std::string& host, int port, int timeout_ms) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET, host.c_str(), &to.sin_addr) != 1) return -EINVAL;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  int error = 0;
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS) error = errno;
  pollfd p{fd, POLLOUT, 0};
  if (!error && poll(&p, 1, timeout_ms) <= 0) error = ETIMEDOUT;
  socklen_t size = sizeof error;
  if (!error) getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) {
    close(fd);
    return -error;
  }
  return fd;
}

std::string get(const std::string& host, int port, const std::string& path) {
  int fd = dial(host, port, 2000);
  if (fd < 0) return "";
  std::string request = "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n",
              answer;
  (void)!write(fd, request.data(), request.size());
  char buffer[4096];
  for (pollfd p{fd, POLLIN, 0}; poll(&p, 1, 2000) > 0;) {
    ssize_t n = read(fd, buffer, sizeof buffer);
    if (n <= 0) break;
    answer.append(buffer, static_cast<size_t>(n));
  }
  close(fd);
  return answer;
}

struct Reply {
  int status;
  std::string body;
};

Reply answer(const std::string& path) {
  auto rest = [&](const char* prefix) { return path.substr(std::strlen(prefix)); };
  const bool failing = env("FAIL_HEALTH") == "1";
  if (path == "/" || path == "/health") {
    if (failing) return {500, "failing as told\n"};
    if (path == "/health") return {200, "ok\n"};
    char name[256] = "";
    gethostname(name, sizeof name - 1);
    return {200, "{\"revision\":\"" + env("REVISION") + "\",\"hostname\":\"" + name +
                     "\",\"pid\":" + std::to_string(getpid()) + "}\n"};
  }
  if (path.starts_with("/env/")) return {200, env(rest("/env/").c_str())};
  if (path.starts_with("/slow/")) {
    sleep_ms(std::atoi(rest("/slow/").c_str()));
    return {200, "slow\n"};
  }
  if (path.starts_with("/cat/")) {
    std::ifstream in(rest("/cat"));
    if (!in) return {404, "no such file\n"};
    return {200, std::string(std::istreambuf_iterator<char>(in), {})};
  }
  if (path.starts_with("/get/")) {
    std::string url = rest("/get/");
    std::string host = url.substr(0, url.find('/'));
    int port = 80;
    std::string address = host.substr(0, host.find(':'));
    if (host.find(':') != std::string::npos) port = std::atoi(host.c_str() + host.find(':') + 1);
    std::string whole =
        get(address, port, url.find('/') == std::string::npos ? "/" : url.substr(url.find('/')));
    size_t body = whole.find("\r\n\r\n");
    return body == std::string::npos ? Reply{502, "no answer\n"} : Reply{200, whole.substr(body + 4)};
  }
  if (path.starts_with("/tcp/")) {
    std::string target = rest("/tcp/");
    size_t slash = target.find('/');
    int fd = dial(target.substr(0, slash), std::atoi(target.c_str() + slash + 1), 1500);
    if (fd < 0) return {200, std::strerror(-fd)};
    close(fd);
    return {200, "open"};
  }
  if (path.starts_with("/exit/")) std::_Exit(std::atoi(rest("/exit/").c_str()));
  if (path == "/eat")
    for (std::string eaten;;) eaten.append(1 << 20, 'x');
  return {404, "nothing here\n"};
}

void serve(int fd) {
  std::string in;
  char buffer[4096];
  for (;;) {
    size_t end;
    while ((end = in.find("\r\n\r\n")) == std::string::npos) {
      pollfd p{fd, POLLIN, 0};
      if (poll(&p, 1, ending ? 0 : 15000) <= 0) return void(close(fd));
      ssize_t n = read(fd, buffer, sizeof buffer);
      if (n <= 0 || in.size() > 65536) return void(close(fd));
      in.append(buffer, static_cast<size_t>(n));
    }
    ++in_flight;
    size_t a = in.find(' '), b = in.find(' ', a + 1);
    bool last = ending || in.find("onnection: close") < end;
    std::string path = in.substr(a + 1, b - a - 1);
    bool head = in.starts_with("HEAD ");
    in.erase(0, end + 4);
    Reply r = answer(path.substr(0, path.find('?')));
    std::string out = "HTTP/1.1 " + std::to_string(r.status) + (r.status == 200 ? " OK" : " Error") +
                      "\r\nContent-Type: " + (r.body.starts_with("{") ? "application/json" : "text/plain") +
                      "\r\nContent-Length: " + std::to_string(r.body.size()) +
                      (last ? "\r\nConnection: close" : "") + "\r\n\r\n" + (head ? "" : r.body);
    (void)!write(fd, out.data(), out.size());
    --in_flight;
    if (last) return void(close(fd));
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const int port = std::atoi(env("PORT", "80").c_str());
  std::string what = argc > 1 ? argv[1] : "";
  if (what == "healthcheck") return get("127.0.0.1", port, "/health").starts_with("HTTP/1.1 200") ? 0 : 1;
  if (what == "print") {
    for (int i = 1; i <= std::atoi(argv[2]); ++i) std::printf("line %d\n", i);
    return 0;
  }
  if (!env("EXIT_AT_START").empty()) return std::atoi(env("EXIT_AT_START").c_str());
  sleep_ms(std::atoi(env("START_DELAY_MS", "0").c_str()));

  std::signal(SIGPIPE, SIG_IGN);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  int one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<uint16_t>(port));
  if (bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || listen(listener, 512) != 0) {
    std::perror("listen");
    return 1;
  }
  std::signal(SIGTERM, [](int) {
    ending = true;
    shutdown(listener, SHUT_RDWR);
  });
  std::printf("listening on %d, revision %s\n", port, env("REVISION").c_str());
  while (!ending) {
    int fd = accept(listener, nullptr, nullptr);
    if (fd < 0) continue;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    std::thread(serve, fd).detach();
  }
  for (int i = 0; i < 500 && in_flight > 0; ++i) sleep_ms(10);
  sleep_ms(20);
  std::puts("bye");
  return 0;
}
