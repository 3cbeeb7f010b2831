// `nubecita serve`: opens the rooms in order, waits for SIGTERM or SIGINT, closes them in reverse. What runs
// on the machine is left running: the next start adopts it.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "base/json.hpp"
#include "base/log.hpp"
#include "base/memory.hpp"
#include "commands.hpp"
#include "control/engine.hpp"
#include "gateway/gateway.hpp"
#include "http/authority.hpp"
#include "http/server.hpp"
#include "installation.hpp"
#include "machine.hpp"
#include "report.hpp"
#include "services.hpp"
#include "store/store.hpp"

#ifdef NUBECITA_MAKES_PROFILE
extern "C" int __llvm_profile_write_file(void);
#endif

namespace nubecita::commands {
namespace {
namespace fs = std::filesystem;

/// The signals that end us, blocked before any thread starts so that only wait() sees them.
class Ending {
 public:
  Ending() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
  }
  int wait() const {
    int signal = 0;
    sigwait(&set_, &signal);
    return signal;
  }

 private:
  sigset_t set_;
};

Status check_listen(const std::string& listen) {
  const auto host = listen.substr(0, listen.rfind(':'));
  if (host == "127.0.0.1" || host == "localhost" || host == "[::1]" || host.starts_with("127.")) return {};
  log_warning("serve", "listening on {}: only TLS is answered there, plain HTTP is refused", host);
  return {};
}

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

Status run(const Common& common, const ServeOptions& options) {
  Ending ending;
  raise_file_limit();
  TRY_LET(auto config, load_config(common.data));
  if (!options.listen.empty()) config.listen = options.listen;
  TRY(check_listen(config.listen));
  if (!fs::exists(common.data + "/token"))
    return fail("NotInitialized",
                common.data + " is no data directory yet; make it with: nubecita init --data " + common.data);
  const auto run_dir = common.data + "/run";
  fs::create_directories(run_dir);

  TRY_LET(auto store, store::Store::open(common.data + "/store", {.accept_loss = options.accept_loss}));
  TRY_LET(auto authority, http::Authority::open(common.data + "/ca"));
  TRY(authority->write_bundle(common.data + "/ca/bundle.pem"));
  TRY_LET(auto token, installation_token(common.data));
  control::Engine engine(*store);  // outlives the machine's parts, whose threads wake it
  TRY_LET(auto machine, Machine::make(config));

  api::Cloud cloud;
  cloud.config = config;
  cloud.store = store.get();
  machine->lend(cloud);
  cloud.engine = &engine;
  auto services = Services::make(cloud);

  gateway::Options gateway_options;
  gateway_options.services = services->tables();
  gateway_options.guests = services->guests();
  gateway_options.token = token;
  gateway_options.console = [&](std::string_view name, std::string_view body) {
    return console(cloud, name, body);
  };
  gateway::Gateway gateway(cloud, std::move(gateway_options));

  http::Options http_options;
  http_options.listen = {config.listen};
  http_options.threads = config.io_threads;
  http_options.authority = authority.get();
  http::Server server(std::move(http_options), gateway);
  TRY(server.start());
  cloud.config.listen = config.listen.substr(0, config.listen.rfind(':') + 1) + std::to_string(server.port());
  services->add_controllers(cloud, server);
  engine.start();

  TRY(write_private_file(run_dir + "/pid", std::to_string(::getpid())));
  TRY(write_private_file(run_dir + "/endpoint", "http://" + server.address()));
  log_info("serve", "ready on http://{} and https://{}", server.address(), server.address());
  give_back_memory();  // start-up runs once through much code
  const int signal = ending.wait();
  log_info("serve", "signal {}: stopping; tasks, databases and load balancers go on running", signal);
  server.stop();
  services->finish();
  engine.stop();
  fs::remove(run_dir + "/endpoint");
  fs::remove(run_dir + "/pid");
  // Everything answered is on the disk and every worker has ended; what is left are watch threads of the
  // machine's parts that know the engine, and controllers that know the server. Taking them apart in some
  // order proves nothing that kill -9 does not need anyway.
#ifdef NUBECITA_MAKES_PROFILE
  __llvm_profile_write_file();
#endif
  ::_exit(0);
}
}  // namespace

int serve(const Common& common, const ServeOptions& options) {
  if (options.verbose) set_log_level(LogLevel::debug);
  auto done = run(common, options);
  if (!done) return complain(common, done.error());
  return 0;
}

}  // namespace nubecita::commands
