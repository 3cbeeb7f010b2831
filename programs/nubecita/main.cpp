// The command line of nubecita: reads the arguments and hands over to the command's own file.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "base/json.hpp"
#include "commands.hpp"

namespace nubecita::commands {

int complain(const Common& common, const ApiError& error) {
  if (common.json)
    std::cerr << json::serialize(json::object{{"error", error.code}, {"message", error.message}}) << "\n";
  else
    std::cerr << "nubecita: " << error.message << "\n";
  return 1;
}

}  // namespace nubecita::commands

namespace {
std::string default_data() {
  if (const char* set = std::getenv("NUBECITA_DATA"); set && *set) return set;
  return "/var/lib/nubecita";  // not below a home: the databases' own users must be able to pass through
}
}  // namespace

int main(int argc, char** argv) {
  using namespace nubecita::commands;
  CLI::App app("nubecita: your own little cloud. It speaks the AWS APIs and does for real what they ask.",
               "nubecita");
  app.require_subcommand(1);
  app.fallthrough();
  Common common;
  common.data = default_data();
  app.add_option("--data", common.data, "data directory (default: $NUBECITA_DATA or /var/lib/nubecita)");
  app.add_flag("--json", common.json, "answer in JSON");

  ServeOptions serve_options;
  auto* serve_command =
      app.add_subcommand("serve", "run the cloud until SIGTERM; what it runs goes on without it");
  serve_command->add_option("--listen", serve_options.listen,
                            "HOST:PORT (default: 127.0.0.1:4566; port 0: any)");
  serve_command->add_flag(
      "--accept-loss", serve_options.accept_loss,
      "start though the store's log is damaged, without what was written after the damage");
  serve_command->add_flag("--verbose", serve_options.verbose, "log every request and reconcile");

  InitOptions init_options;
  auto* init_command =
      app.add_subcommand("init", "make the data directory, an account and its administrator");
  init_command->add_option("--profile", init_options.profile,
                           "name of the AWS profile to write (default: nubecita)");
  init_command->add_option(
      "--profile-file", init_options.profile_file,
      "credentials file to write it to (default: ~/.aws/credentials; \"-\": only the data directory's)");
  init_command->add_option("--account", init_options.account,
                           "make a further account, with a profile of its name");

  std::string profile = "nubecita";
  auto* env_command = app.add_subcommand("env", "print the exports that point a shell's AWS clients here");
  env_command->add_option("profile", profile, "AWS profile (default: nubecita)");

  std::string as_profile;
  std::vector<std::string> as_words;
  auto* as_command =
      app.add_subcommand("as", "run any AWS client, unchanged, against this cloud: as PROFILE -- COMMAND...");
  as_command->add_option("profile", as_profile, "AWS profile")->required();
  as_command->add_option("command", as_words, "the command and its arguments, after --")->required();

  auto* status_command =
      app.add_subcommand("status", "what runs: accounts, services, tasks, databases, load balancers");
  auto* doctor_command = app.add_subcommand("doctor", "what this machine lacks and how to get it");
  auto* down_command =
      app.add_subcommand("down", "end everything that this cloud runs on the machine; the data stay");
  auto* version_command = app.add_subcommand("version", "the version");
  for (auto* sub : app.get_subcommands({})) sub->fallthrough();
  as_command->prefix_command(false);

  // Everything after "--" belongs to the command that `as` runs, options included.
  std::vector<std::string> ours, rest;
  bool after = false;
  for (int i = 1; i < argc; ++i) {
    if (!after && std::string(argv[i]) == "--") {
      after = true;
      continue;
    }
    (after ? rest : ours).push_back(argv[i]);
  }
  if (!rest.empty()) {
    ours.push_back(rest.front());  // satisfies "command"; replaced below
  }
  try {
    std::vector<std::string> reversed(ours.rbegin(), ours.rend());
    app.parse(reversed);
  } catch (const CLI::ParseError& e) {
    const int code = app.exit(e);
    return code == 0 ? 0 : 2;
  }
  if (!rest.empty()) as_words = rest;
  common.data = std::filesystem::absolute(common.data).lexically_normal();

  if (*serve_command) return serve(common, serve_options);
  if (*init_command) return init(common, init_options);
  if (*env_command) return env(common, profile);
  if (*as_command) return as(common, as_profile, as_words);
  if (*status_command) return status(common);
  if (*doctor_command) return doctor(common);
  if (*down_command) return down(common);
  if (*version_command) return version(common);
  return 2;
}
