// What is particular to one kind of database server. One object per installed program, made once; any thread.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/databases/databases.hpp"
#include "host/databases/files.hpp"
#include "host/processes/processes.hpp"

namespace nubecita::host {

/// Paths of one database.
struct Place {
  std::string root;  // <data>/db/<id>
  std::string data() const { return root + "/data"; }
  std::string config() const { return root + "/server.conf"; }
  std::string log() const { return root + "/server.log"; }
};

class Server {
 public:
  Server(DatabaseEngine engine, Processes& processes) : engine_(std::move(engine)), processes_(processes) {}
  virtual ~Server() = default;
  const DatabaseEngine& engine() const { return engine_; }
  std::mutex template_mutex;   // held while its prepared copy is made
  bool template_made = false;  // by this process; under template_mutex

  virtual const char* user() const = 0;  // of the machine
  virtual Result<std::vector<DatabaseParameter>> parameters() = 0;
  /// Makes an empty database in `data`, a directory that exists and belongs to `owner`.
  virtual Status initialise(const std::string& data, Owner owner) = 0;
  virtual Status write_config(const DatabaseSpec& spec, const Place& place, Owner owner) = 0;
  virtual std::vector<std::string> command(const Place& place) const = 0;
  virtual int stop_signal() const = 0;
  /// Whether it answers its protocol on its local socket.
  virtual bool ping(const DatabaseSpec& spec, const Place& place) const = 0;
  virtual Status make_master(const DatabaseSpec& spec, const Place& place) = 0;
  virtual Status set_password(const DatabaseSpec& spec, const Place& place, const std::string& password) = 0;
  virtual Status apply(const DatabaseSpec& spec, const Place& place, const std::string& process,
                       const std::map<std::string, std::optional<std::string>>& changed) = 0;

 protected:
  /// Runs a client with SQL on its standard input, in the data directory, where the socket is.
  Status sql(const std::vector<std::string>& client, const Place& place, const std::string& text) const;

  DatabaseEngine engine_;
  Processes& processes_;
};

std::vector<std::unique_ptr<Server>> find_servers(Processes& processes);
std::vector<std::unique_ptr<Server>> find_postgres(Processes& processes);
std::vector<std::unique_ptr<Server>> find_mariadb(Processes& processes);

/// A stream socket connected to `name` inside `directory` (which may be longer than a socket's address), with
/// short timeouts; -1 if nobody listens.
int connect_local(const std::string& directory, const std::string& name);
/// Whether process `pid` has a socket that listens on this IPv4 address and port in its network namespace.
bool listens(int pid, const std::string& address, int port);

// The settings tables, from what the programs print.
std::vector<DatabaseParameter> parse_postgres_settings(const std::string& printed);
std::vector<DatabaseParameter> parse_mariadb_settings(const std::string& printed);

}  // namespace nubecita::host
