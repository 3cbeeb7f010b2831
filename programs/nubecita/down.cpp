// `nubecita down`: ends the server and everything that it runs on the machine. The data directory stays as it
// is, and the next `serve` brings everything back.
#include <csignal>
#include <iostream>
#include <thread>

#include "base/json.hpp"
#include "commands.hpp"
#include "installation.hpp"
#include "machine.hpp"

namespace nubecita::commands {
namespace {

Status end_server(const std::string& data) {
  if (!running_endpoint(data)) return {};
  TRY_LET(auto text, read_file(data + "/run/pid"));
  const auto pid = static_cast<pid_t>(std::atol(text.c_str()));
  if (pid <= 1) return fail("BadPid", data + "/run/pid does not hold a process id");
  ::kill(pid, SIGTERM);
  for (int i = 0; i < 600; ++i) {
    if (::kill(pid, 0) != 0) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return fail("StillRunning",
              "the server (process " + std::to_string(pid) + ") did not end within 30 seconds");
}

Status end_all(const Common& common) {
  TRY(end_server(common.data));
  TRY_LET(auto config, load_config(common.data));
  TRY_LET(auto machine, Machine::make(config));
  return machine->remove_everything();
}
}  // namespace

int down(const Common& common) {
  auto done = end_all(common);
  if (!done) return complain(common, done.error());
  if (common.json)
    std::cout << "{\"down\":true}\n";
  else
    std::cout << "nothing of " << common.data << " runs any more; its data stay\n";
  return 0;
}

}  // namespace nubecita::commands
