#include "host/containers/podman.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/log.hpp"
#include "host/processes/processes.hpp"
#include "http/client.hpp"

namespace nubecita::host {

using std::chrono::milliseconds;

namespace {
constexpr std::string_view kApi = "/v4.0.0/libpod/";  // what podman 4 and 5 both answer
constexpr const char* kService = "podman";

std::unexpected<ApiError> unavailable(std::string why) {
  return fail("ContainersUnavailable", std::move(why), 503);
}
}  // namespace

Podman::Podman(const std::string& data_dir, std::string program, Processes& processes)
    : paths_(data_dir), machine_(look_at_machine()), program_(std::move(program)), processes_(processes) {}

Status Podman::look_for_programs() const {
  if (access(program_.c_str(), X_OK) != 0)
    return unavailable(fmt::format(
        "containers cannot run: {} is missing. Install it with: apt-get install podman conmon runc netavark",
        program_));
  return {};
}

bool Podman::answers() const {
  http::RequestOptions options;
  options.connect_timeout = milliseconds(1000);
  options.timeout = milliseconds(5000);
  http::Request ping;
  ping.target = std::string(kApi) + "_ping";
  auto r = http::request(http::Endpoint::unix_path(paths_.socket), ping, options);
  return r && r->status == 200;
}

Status Podman::ensure_service() {
  std::lock_guard lock(starting_);
  TRY(look_for_programs());
  if (processes_.alive(kService)) {
    if (answers()) return {};
    log_warning("containers", "podman's service does not answer: starting it again");
    (void)processes_.stop(kService, milliseconds(2000));
  }
  TRY(write_settings(paths_, machine_));
  ::unlink(paths_.socket.c_str());
  ProcessSpec spec;
  spec.name = kService;
  spec.argv = {program_, "system", "service", "--time", "0", "unix://" + paths_.socket};
  spec.environment = paths_.environment();
  spec.log_file = paths_.log;
  if (auto pid = processes_.spawn(spec); !pid)
    return unavailable("podman's service cannot be started: " + pid.error().message);
  for (int i = 0; i < 500; ++i) {
    if (answers()) return {};
    if (!processes_.alive(kService)) break;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return unavailable(fmt::format("podman's service does not come up; its log is {}", paths_.log));
}

Status Podman::stop_service() { return processes_.stop(kService, milliseconds(5000)); }

Result<Podman::Answer> Podman::call(std::string_view method, const std::string& target, std::string body,
                                    milliseconds timeout) {
  http::Request request;
  request.method = method;
  request.target = std::string(kApi) + target;
  if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  request.body = std::move(body);
  http::RequestOptions options;
  options.timeout = timeout;
  auto response = http::request(http::Endpoint::unix_path(paths_.socket), request, options);
  if (!response && response.error().code == "ConnectFailed") {
    TRY(ensure_service());
    response = http::request(http::Endpoint::unix_path(paths_.socket), request, options);
  }
  if (!response) return unavailable("podman does not answer: " + response.error().message);
  Answer answer;
  answer.status = response->status;
  if (auto parsed = json::parse(response->body)) answer.body = std::move(*parsed);
  if (!answer.ok())
    answer.message =
        answer.body.is_object() ? json::text_or(answer.body.as_object(), "message") : response->body;
  return answer;
}

Result<Podman::Answer> Podman::stream(std::string_view method, const std::string& target,
                                      const std::vector<std::pair<std::string, std::string>>& headers,
                                      const std::function<bool(std::string_view line)>& line) {
  TRY(ensure_service());
  http::Request request;
  request.method = method;
  request.target = std::string(kApi) + target;
  request.headers = headers;
  std::string rest;
  bool wanted = true;
  http::RequestOptions options;
  options.timeout = milliseconds(0);
  options.idle_timeout = std::chrono::minutes(10);
  options.on_body = [&](std::string_view part) {
    rest += part;
    for (size_t end; wanted && (end = rest.find('\n')) != std::string::npos; rest.erase(0, end + 1))
      wanted = line(std::string_view(rest).substr(0, end));
    return wanted;
  };
  auto response = http::request(http::Endpoint::unix_path(paths_.socket), request, options);
  if (!wanted) return fail("Cancelled", "given up");
  if (!response) return unavailable("podman does not answer: " + response.error().message);
  if (!rest.empty() && response->status / 100 == 2) line(rest);
  Answer answer;
  answer.status = response->status;
  if (!answer.ok()) {
    auto parsed = json::parse(response->body);
    answer.message =
        parsed && parsed->is_object() ? json::text_or(parsed->as_object(), "message") : response->body;
  }
  return answer;
}

Result<std::string> Podman::runtime() {
  {
    std::lock_guard lock(starting_);
    if (!runtime_.empty()) return runtime_;
  }
  TRY_LET(Answer info, call("GET", "info"));
  std::string path;
  if (info.body.is_object())
    if (const json::object* h = json::object_at(info.body.as_object(), "host"))
      if (const json::object* r = json::object_at(*h, "ociRuntime")) path = json::text_or(*r, "path");
  if (path.empty()) return unavailable("podman does not tell its OCI runtime");
  std::lock_guard lock(starting_);
  return runtime_ = path;
}

}  // namespace nubecita::host
