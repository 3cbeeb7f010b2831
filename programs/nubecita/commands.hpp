// One function per command, each in the file of its name. All answer the process's exit code: 0 done, 1
// failed, 2 wrong usage. Texts go to standard output, complaints to standard error; with `json` one JSON
// document goes to standard output.
#pragma once

#include <string>
#include <vector>

#include "base/config.hpp"
#include "base/result.hpp"

namespace nubecita::commands {

struct Common {
  std::string data;  // absolute path of the data directory
  bool json = false;
};

struct ServeOptions {
  std::string listen;  // empty: the configuration's
  bool verbose = false;
  bool accept_loss = false;  // of what was written after the damage in the store's log
};
struct InitOptions {
  std::string profile = "nubecita";  // name of the AWS profile that is written
  std::string profile_file;  // besides <data>/credentials; empty: ~/.aws/credentials; "-": nowhere else
  std::string account;       // makes a further account of this name instead (profile of the same name)
};

int serve(const Common&, const ServeOptions&);
int init(const Common&, const InitOptions&);
int env(const Common&, const std::string& profile);
int as(const Common&, const std::string& profile, const std::vector<std::string>& command);
int status(const Common&);
int doctor(const Common&);
int down(const Common&);
int version(const Common&);

/// Prints an error as text or JSON on standard error and answers 1.
int complain(const Common&, const ApiError& error);

}  // namespace nubecita::commands
