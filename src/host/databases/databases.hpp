// Database servers of the machine: PostgreSQL and MariaDB (or MySQL) from the distribution, one process per
// database, in the network namespace of its interface, as an unprivileged user, in a control group, outliving
// nubecita.
//
// On disk, under <data>/db: `<id>/data` (the server's own), `<id>/server.conf` (written by us),
// `<id>/server.log`, and the marks `<id>/created` and `<id>/initialised`, each written once that step is on
// the disk, so that a step which was interrupted is done again. `.templates/<engine>-<version>` is made once
// per installation and copied for each database, because copying takes a fifth of the time of initialising;
// `<engine>-<version>.synced` beside it says that it is on the disk.
//
// Administration goes through a socket inside the data directory, which only root and the server's user may
// enter; clients from the network come by the master user. All functions may be called on any thread and wait
// for the machine; calls for one id must not overlap. All are idempotent.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace nubecita::host {

class Processes;

/// A server program that this machine has.
struct DatabaseEngine {
  std::string engine;   // "postgres", "mariadb" or "mysql"
  std::string version;  // "15.20", "10.11.19"
  std::string program;  // path of the server program
};

/// One setting of a server, as the server itself describes it.
struct DatabaseParameter {
  std::string name, description;
  std::string type;           // "integer", "float", "boolean", "string", "list" (one of `allowed`)
  std::string allowed;        // "1-100" or "on,off"; empty: any
  std::string default_value;  // empty: the program does not tell
  bool dynamic = false;       // takes effect without a restart
  bool modifiable = true;     // false: nubecita sets it, or it would open the machine
};

struct DatabaseSpec {
  std::string id;               // [a-z0-9-]+, unique in the installation
  std::string engine, version;  // of engines()
  std::string netns, address;   // where it listens: nowhere else
  int port = 0;
  std::string master_user;
  std::string master_password;                    // needed until initialised
  std::string first_database;                     // made once, owned by the master user; empty: none
  std::map<std::string, std::string> parameters;  // over the defaults; names of parameters()
  int64_t memory_bytes = 0;                       // limit of its control group; buffers are sized from it
};

struct DatabaseState {
  bool created = false, initialised = false;
  std::optional<int> pid;  // while it runs
  bool ready = false;      // answers its protocol, and listens on its address
};

class Databases {
 public:
  virtual ~Databases() = default;

  /// What is installed, newest first.
  virtual std::vector<DatabaseEngine> engines() = 0;
  /// The engine's settings in order of name. The first call per engine asks the program (up to 0.2 s), later
  /// ones do not. Error "EngineNotInstalled".
  virtual Result<std::shared_ptr<const std::vector<DatabaseParameter>>> parameters(
      const std::string& engine) = 0;

  /// Makes what a new database of that engine is copied from, so that ensure() need not (a second or more,
  /// once per installation). Error "EngineNotInstalled".
  virtual Status prepare(const std::string& engine) = 0;
  /// Makes the data directory if needed, starts the server if it does not run, waits until it is ready (at
  /// most a minute), makes the master user and first database if that is not done. Errors:
  /// "EngineNotInstalled", "DatabaseFailed" with the step and the last lines of the server's log,
  /// "DatabaseDisk" (no room).
  virtual Status ensure(const DatabaseSpec& spec) = 0;
  virtual DatabaseState observe(const DatabaseSpec& spec) = 0;
  /// Writes spec.parameters to the configuration and brings `changed` (nothing: back to the default) into the
  /// running server, which must be ready; only dynamic ones may be in `changed`.
  virtual Status reconfigure(const DatabaseSpec& spec,
                             const std::map<std::string, std::optional<std::string>>& changed) = 0;
  /// Durable when it returns; open connections stay. The server must be ready.
  virtual Status set_master_password(const DatabaseSpec& spec, const std::string& password) = 0;
  /// Lets transactions end (30 s at most), then ends the process.
  virtual Status stop(const DatabaseSpec& spec) = 0;
  /// Ends the process at once and removes everything of it.
  virtual Status remove(const std::string& id) = 0;
  /// Calls `gone` once, on another thread, when the process ends; it must be quick.
  virtual void watch(const std::string& id, std::function<void()> gone) = 0;
  /// Ids that have anything on this machine.
  virtual std::vector<std::string> list() = 0;
};

/// The real ones. `processes` must outlive it.
std::unique_ptr<Databases> make_databases(const std::string& data_dir, Processes& processes);

}  // namespace nubecita::host
