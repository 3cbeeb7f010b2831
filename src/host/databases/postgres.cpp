// PostgreSQL as Debian packages it: /usr/lib/postgresql/<major>/bin. One server per installed major version.
#include <unistd.h>

#include <sys/socket.h>
#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <set>
#include <sstream>

#include "base/log.hpp"
#include "host/databases/server.hpp"

namespace nubecita::host {
namespace {

const char* const kAdmin = "rdsadmin";

std::string literal(std::string_view text) {  // with standard_conforming_strings = on
  std::string out = "'";
  for (char c : text) out.append(c == '\'' ? 2 : 1, c);
  return out + "'";
}
std::string identifier(std::string_view text) {
  std::string out = "\"";
  for (char c : text) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}
std::string config_value(std::string_view text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'' || c == '\\') out += c == '\'' ? '\'' : '\\';
    out += c;
  }
  return out + "'";
}

class Postgres : public Server {
 public:
  Postgres(DatabaseEngine engine, Processes& processes)
      : Server(std::move(engine), processes), bin_(std::filesystem::path(engine_.program).parent_path()) {}

  const char* user() const override { return "postgres"; }
  int stop_signal() const override { return SIGINT; }  // "fast": ends sessions, keeps everything committed

  Result<std::vector<DatabaseParameter>> parameters() override {
    TRY_LET(auto printed, processes_.run({engine_.program, "--describe-config"}));
    if (!printed.ok()) return fail("DatabaseFailed", "postgres --describe-config: " + printed.err, 500);
    return parse_postgres_settings(printed.out);
  }

  Status initialise(const std::string& data, Owner owner) override {
    RunOptions options;
    options.uid = owner.uid;
    options.gid = owner.gid;
    options.timeout = std::chrono::minutes(2);
    // A known time zone: initdb would compare the machine's with every one that there is.
    options.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"};
    // -N: not synced now; the copy that is made of it is.
    TRY_LET(auto made, processes_.run({bin_ + "/initdb", "-N", "-D", data, "-U", kAdmin, "-E", "UTF8",
                                       "--locale=C.UTF-8", "--auth-local=trust", "--auth-host=scram-sha-256"},
                                      options));
    if (!made.ok()) return fail("DatabaseFailed", "initdb: " + made.err.substr(0, 1000), 500);
    return {};
  }

  Status write_config(const DatabaseSpec& spec, const Place& place, Owner owner) override {
    const std::string access = place.root + "/access.conf";
    // The local socket is in the data directory, which only root and the server's user may enter.
    TRY(write_durably(access,
                      std::string("local all ") + kAdmin + " trust\n" + "local all all reject\n" +
                          "host all " + kAdmin + " all reject\n" + "host all all all scram-sha-256\n",
                      0600, owner));
    const int64_t memory = std::max<int64_t>(spec.memory_bytes, 256 << 20);
    std::string text = "# Written by nubecita.\n";
    auto set = [&](std::string_view name, std::string_view value) {
      text.append(name).append(" = ").append(config_value(value)).append("\n");
    };
    set("shared_buffers", std::to_string(memory / 8 / 8192));
    set("max_connections", std::to_string(std::min<int64_t>(memory / 9531392, 5000)));
    set("password_encryption", "scram-sha-256");
    set("log_timezone", "UTC");
    set("timezone", "UTC");
    for (auto& [name, value] : spec.parameters) set(name, value);
    // Ours come last: the last one counts.
    set("listen_addresses", spec.address);
    set("port", std::to_string(spec.port));
    set("unix_socket_directories", ".");
    set("unix_socket_permissions", "0700");
    set("hba_file", access);
    set("ident_file", place.data() + "/pg_ident.conf");
    set("logging_collector", "off");
    set("log_destination", "stderr");
    return write_durably(place.config(), text, 0600, owner);
  }

  std::vector<std::string> command(const Place& place) const override {
    return {engine_.program, "-D", place.data(), "-c", "config_file=" + place.config()};
  }

  // The start of the protocol: a startup message, and 'R' (authentication) as the first byte of the answer; a
  // server that is not ready yet answers 'E'. https://www.postgresql.org/docs/current/protocol-flow.html
  bool ping(const DatabaseSpec& spec, const Place& place) const override {
    const int fd = connect_local(place.data(), ".s.PGSQL." + std::to_string(spec.port));
    if (fd < 0) return false;
    std::string body("\0\3\0\0user\0", 9);
    body.append(kAdmin).append(1, '\0').append("database").append(1, '\0').append("postgres").append(2, '\0');
    const auto size = static_cast<uint32_t>(body.size() + 4);
    std::string message = {static_cast<char>(size >> 24), static_cast<char>(size >> 16),
                           static_cast<char>(size >> 8), static_cast<char>(size)};
    message += body;
    char first = 0;
    const bool ready =
        ::send(fd, message.data(), message.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(message.size()) &&
        ::recv(fd, &first, 1, 0) == 1 && first == 'R';
    if (ready) ::send(fd, "X\0\0\0\4", 5, MSG_NOSIGNAL);
    ::close(fd);
    return ready;
  }

  Status make_master(const DatabaseSpec& spec, const Place& place) override {
    const std::string user = identifier(spec.master_user);
    std::string text = kQuiet;
    auto unless = [&](const std::string& statement, const std::string& there) {
      text += "SELECT " + literal(statement) + " WHERE NOT EXISTS (" + there + ") \\gexec\n";
    };
    auto role = [](std::string_view name) { return "SELECT FROM pg_roles WHERE rolname = " + literal(name); };
    unless("CREATE ROLE rds_superuser NOLOGIN", role("rds_superuser"));
    text += "GRANT pg_monitor, pg_signal_backend TO rds_superuser WITH ADMIN OPTION;\n";
    unless("CREATE ROLE " + user + " LOGIN", role(spec.master_user));
    text += "ALTER ROLE " + user + " LOGIN CREATEDB CREATEROLE VALID UNTIL 'infinity' PASSWORD " +
            literal(spec.master_password) + ";\n";
    text += "GRANT rds_superuser TO " + user + ";\n";
    text += "ALTER DATABASE postgres OWNER TO " + user + ";\n";
    if (!spec.first_database.empty())
      unless("CREATE DATABASE " + identifier(spec.first_database) + " OWNER " + user,
             "SELECT FROM pg_database WHERE datname = " + literal(spec.first_database));
    return sql(client(spec), place, text);
  }

  Status set_password(const DatabaseSpec& spec, const Place& place, const std::string& password) override {
    return sql(
        client(spec), place,
        kQuiet + ("ALTER ROLE " + identifier(spec.master_user) + " PASSWORD " + literal(password) + ";\n"));
  }

  Status apply(const DatabaseSpec&, const Place&, const std::string& process,
               const std::map<std::string, std::optional<std::string>>&) override {
    return processes_.signal(process, SIGHUP);  // it reads its configuration again
  }

 private:
  std::vector<std::string> client(const DatabaseSpec& spec) const {
    return {bin_ + "/psql",
            "-X",
            "-q",
            "-t",
            "-A",
            "-o",
            "/dev/null",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "/proc/self/cwd",
            "-p",
            std::to_string(spec.port),
            "-U",
            kAdmin,
            "-d",
            "postgres"};
  }
  // Statements with passwords stay out of the server's log; parameters of the instance do not change our
  // syntax.
  static constexpr const char* kQuiet =
      "SET standard_conforming_strings = on; SET log_statement = 'none'; SET log_min_error_statement = "
      "'panic';\n"
      "SET log_min_duration_statement = -1; SET default_transaction_read_only = off;\n";
  std::string bin_;
};

std::vector<std::string> split(const std::string& line, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(line);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

bool ours(const std::string& name, const std::string& group) {
  static const std::set<std::string> names = {"listen_addresses",
                                              "port",
                                              "bonjour",
                                              "bonjour_name",
                                              "cluster_name",
                                              "event_source",
                                              "logging_collector",
                                              "log_destination",
                                              "log_directory",
                                              "log_filename",
                                              "log_file_mode",
                                              "dynamic_library_path",
                                              "local_preload_libraries",
                                              "session_preload_libraries",
                                              "jit_provider",
                                              "archive_library",
                                              "fsync",
                                              "full_page_writes",
                                              "zero_damaged_pages",
                                              "ignore_invalid_pages",
                                              "ignore_system_indexes",
                                              "allow_system_table_mods",
                                              "data_sync_retry",
                                              "external_pid_file",
                                              "dynamic_shared_memory_type",
                                              "shared_memory_type",
                                              "krb_server_keyfile",
                                              "password_encryption",
                                              "timezone_abbreviations"};
  return names.contains(name) || name.starts_with("unix_socket") || name.starts_with("ssl") ||
         name.starts_with("syslog") || name.starts_with("recovery_target") || name.ends_with("_command") ||
         name.starts_with("primary_") || name.starts_with("debug_") ||
         group.find("File Locations") != std::string::npos;
}

}  // namespace

// name, context, group, type, (default), minimum, maximum, two descriptions; separated by tabs.
std::vector<DatabaseParameter> parse_postgres_settings(const std::string& printed) {
  std::vector<DatabaseParameter> out;
  std::istringstream lines(printed);
  for (std::string line; std::getline(lines, line);) {
    auto f = split(line, '\t');
    if (f.size() < 8) continue;
    const std::string& context = f[1];
    if (context == "internal") continue;
    DatabaseParameter p;
    p.name = f[0];
    p.description = f[7];
    p.type = f[3] == "BOOLEAN"   ? "boolean"
             : f[3] == "INTEGER" ? "integer"
             : f[3] == "REAL"    ? "float"
                                 : "string";
    // Without a database the program prints 0 and FALSE for every default, so none is told.
    if (p.type == "boolean") {
      p.allowed = "0,1";
    } else if (!f[5].empty() && !f[6].empty()) {
      p.allowed = f[5] + "-" + f[6];
    }
    p.dynamic = context != "postmaster";
    p.modifiable = !ours(p.name, f[2]);
    if (p.name == "shared_preload_libraries") {
      p.type = "list";
      p.allowed = "auto_explain,pg_prewarm,pg_stat_statements";
    }
    out.push_back(std::move(p));
  }
  std::sort(out.begin(), out.end(), [](auto& a, auto& b) { return a.name < b.name; });
  return out;
}

std::vector<std::unique_ptr<Server>> find_postgres(Processes& processes) {
  std::vector<std::unique_ptr<Server>> out;
  std::error_code error;
  for (auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", error)) {
    const std::string program = entry.path().string() + "/bin/postgres";
    if (::access(program.c_str(), X_OK) != 0) continue;
    auto printed = processes.run({program, "-V"});  // "postgres (PostgreSQL) 15.20 (Debian ...)"
    if (!printed || !printed->ok()) continue;
    std::istringstream words(printed->out);
    std::string name, product, version;
    words >> name >> product >> version;
    out.push_back(std::make_unique<Postgres>(DatabaseEngine{"postgres", version, program}, processes));
  }
  std::sort(out.begin(), out.end(), [](auto& a, auto& b) {
    return std::atof(a->engine().version.c_str()) > std::atof(b->engine().version.c_str());
  });
  return out;
}

}  // namespace nubecita::host
