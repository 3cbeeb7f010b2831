// MariaDB, and MySQL where a real mysqld is installed: the same files and protocol, two different installers.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <set>
#include <sstream>

#include "host/databases/server.hpp"

namespace nubecita::host {
namespace {

const char* const kSocket = "admin.sock";  // inside the data directory

std::string literal(std::string_view text) {  // with an sql_mode that has no NO_BACKSLASH_ESCAPES
  std::string out = "'";
  for (char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}
std::string identifier(std::string_view text) {
  std::string out = "`";
  for (char c : text) out.append(c == '`' ? 2 : 1, c);
  return out + "`";
}
bool number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("-0123456789.") == std::string::npos;
}
/// Option files understand quotes and these escapes.
std::string config_value(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

class MariaDb : public Server {
 public:
  using Server::Server;
  const char* user() const override { return "mysql"; }
  int stop_signal() const override { return SIGTERM; }
  bool mysql() const { return engine_.engine == "mysql"; }

  Result<std::vector<DatabaseParameter>> parameters() override {
    TRY_LET(auto printed, processes_.run({engine_.program, "--no-defaults", "--verbose", "--help"}));
    if (printed.out.empty())
      return fail("DatabaseFailed", engine_.program + " --verbose --help: " + printed.err.substr(0, 500),
                  500);
    return parse_mariadb_settings(printed.out);
  }

  Status initialise(const std::string& data, Owner owner) override {
    RunOptions options;
    options.uid = owner.uid;
    options.gid = owner.gid;
    options.timeout = std::chrono::minutes(2);
    options.environment = {"PATH=/usr/bin:/bin:/usr/sbin:/sbin"};
    std::vector<std::string> argv;
    if (mysql()) {
      argv = {engine_.program, "--no-defaults", "--initialize-insecure", "--datadir=" + data,
              "--auto-generate-certs=OFF"};
    } else {
      // nosync: for this step only; the copy that is made of it is synced.
      argv = {"mariadb-install-db",
              "--no-defaults",
              "--datadir=" + data,
              "--auth-root-authentication-method=socket",
              "--auth-root-socket-user=root",
              "--skip-test-db",
              "--skip-name-resolve",
              "--innodb-flush-method=nosync",
              "--innodb-log-file-size=8M"};
    }
    TRY_LET(auto made, processes_.run(argv, options));
    if (!made.ok())
      return fail("DatabaseFailed", argv[0] + ": " + (made.err + made.out).substr(0, 1000), 500);
    return {};
  }

  Status write_config(const DatabaseSpec& spec, const Place& place, Owner owner) override {
    const int64_t memory = std::max<int64_t>(spec.memory_bytes, 256 << 20);
    std::string text = "# Written by nubecita.\n[mysqld]\n";
    auto set = [&](std::string name, const std::string& value) {
      std::replace(name.begin(), name.end(), '_', '-');
      text.append(name).append(" = ").append(config_value(value)).append("\n");
    };
    set("innodb_buffer_pool_size", std::to_string(memory / 4));
    set("max_connections", std::to_string(std::min<int64_t>(memory / 12582880, 16000)));
    set("default_time_zone", "+00:00");
    set("character_set_server", "utf8mb4");
    for (auto& [name, value] : spec.parameters) set(name, value);
    // Ours come last: the last one counts.
    set("datadir", place.data());
    set("socket", kSocket);
    set("pid_file", "server.pid");
    set("bind_address", spec.address);
    set("port", std::to_string(spec.port));
    text += "skip-name-resolve\n";
    // LOAD DATA and SELECT INTO OUTFILE reach no file of the machine: only an empty directory that is not the
    // server's.
    TRY(make_directory(place.root + "/none", 0700, {}));
    set("secure_file_priv", place.root + "/none");
    set("local_infile", "0");
    if (mysql()) set("mysqlx", "0");
    return write_durably(place.config(), text, 0600, owner);
  }

  std::vector<std::string> command(const Place& place) const override {
    return {engine_.program, "--defaults-file=" + place.config()};
  }

  // The server speaks first: length (3 bytes), sequence, then protocol version 10; 0xff instead is a refusal.
  // https://mariadb.com/kb/en/connection/#initial-handshake-packet
  bool ping(const DatabaseSpec&, const Place& place) const override {
    const int fd = connect_local(place.data(), kSocket);
    if (fd < 0) return false;
    unsigned char head[5] = {};
    const bool ready =
        ::recv(fd, head, sizeof head, MSG_WAITALL) == static_cast<ssize_t>(sizeof head) && head[4] == 10;
    ::close(fd);
    return ready;
  }

  Status make_master(const DatabaseSpec& spec, const Place& place) override {
    const std::string user = literal(spec.master_user) + "@'%'";
    std::string text = kQuiet;
    text += "CREATE USER IF NOT EXISTS " + user + ";\n";
    text += "ALTER USER " + user + " IDENTIFIED BY " + literal(spec.master_password) + ";\n";
    // What RDS gives its master user: everything but the rights over files, the server itself and its
    // plugins.
    text +=
        "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW "
        "DATABASES, "
        "CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, "
        "SHOW VIEW, "
        "CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER ON *.* TO " +
        user + " WITH GRANT OPTION;\n";
    if (!spec.first_database.empty())
      text += "CREATE DATABASE IF NOT EXISTS " + identifier(spec.first_database) + ";\n";
    return sql(client(), place, text);
  }

  Status set_password(const DatabaseSpec& spec, const Place& place, const std::string& password) override {
    return sql(client(), place,
               kQuiet + ("ALTER USER " + literal(spec.master_user) + "@'%' IDENTIFIED BY " +
                         literal(password) + ";\n"));
  }

  Status apply(const DatabaseSpec&, const Place& place, const std::string&,
               const std::map<std::string, std::optional<std::string>>& changed) override {
    std::string text = kQuiet;
    for (auto& [name, value] : changed)
      text += "SET GLOBAL " + identifier(name) + " = " +
              (!value           ? "DEFAULT"
               : number(*value) ? *value
                                : literal(*value)) +
              ";\n";
    return sql(client(), place, text);
  }

 private:
  std::vector<std::string> client() const {
    return {mysql() ? "mysql" : "mariadb", "--no-defaults", "--batch", "--user=root",
            std::string("--socket=") + kSocket};
  }
  // Neither the general log nor the binary log gets to see a password.
  static constexpr const char* kQuiet =
      "SET SESSION sql_mode = '', SESSION sql_log_off = 1, SESSION sql_log_bin = 0;\n";
};

/// Variables that can be set at start only (information_schema.system_variables says so, but only in a
/// running server).
bool read_only(const std::string& name) {
  static const std::set<std::string> names = {"allow_suspicious_udfs",
                                              "aria_block_size",
                                              "aria_pagecache_buffer_size",
                                              "aria_pagecache_file_hash_size",
                                              "back_log",
                                              "binlog_optimize_thread_scheduling",
                                              "core_file",
                                              "encrypt_binlog",
                                              "encrypt_tmp_files",
                                              "extra_port",
                                              "ft_max_word_len",
                                              "ft_min_word_len",
                                              "ft_query_expansion_limit",
                                              "ft_stopword_file",
                                              "ignore_db_dirs",
                                              "init_file",
                                              "innodb_adaptive_hash_index_parts",
                                              "innodb_autoinc_lock_mode",
                                              "innodb_buffer_pool_chunk_size",
                                              "innodb_buffer_pool_load_at_startup",
                                              "innodb_buffer_pool_size_max",
                                              "innodb_data_file_path",
                                              "innodb_doublewrite",
                                              "innodb_encrypt_log",
                                              "innodb_encrypt_temporary_tables",
                                              "innodb_fatal_semaphore_wait_threshold",
                                              "innodb_flush_method",
                                              "innodb_force_recovery",
                                              "innodb_ft_max_token_size",
                                              "innodb_ft_min_token_size",
                                              "innodb_ft_sort_pll_degree",
                                              "innodb_log_buffer_size",
                                              "innodb_log_write_ahead_size",
                                              "innodb_numa_interleave",
                                              "innodb_open_files",
                                              "innodb_page_size",
                                              "innodb_read_only",
                                              "innodb_rollback_on_timeout",
                                              "innodb_sort_buffer_size",
                                              "innodb_temp_data_file_path",
                                              "innodb_undo_tablespaces",
                                              "innodb_use_atomic_writes",
                                              "innodb_use_native_aio",
                                              "large_pages",
                                              "lc_messages_dir",
                                              "locked_in_memory",
                                              "log_bin",
                                              "log_slave_updates",
                                              "log_tc_size",
                                              "lower_case_table_names",
                                              "max_digest_length",
                                              "metadata_locks_cache_size",
                                              "metadata_locks_hash_instances",
                                              "myisam_block_size",
                                              "myisam_mmap_size",
                                              "myisam_recover_options",
                                              "open_files_limit",
                                              "performance_schema",
                                              "proxy_protocol_networks",
                                              "replicate_annotate_row_events",
                                              "skip_external_locking",
                                              "skip_show_database",
                                              "slave_skip_errors",
                                              "slave_transaction_retry_errors",
                                              "table_open_cache_instances",
                                              "thread_handling",
                                              "thread_stack",
                                              "tls_version",
                                              "transaction_isolation",
                                              "transaction_read_only",
                                              "default_time_zone",
                                              "character_set_client_handshake",
                                              "event_scheduler"};
  return names.contains(name) || name.starts_with("performance_schema_");
}

/// Options that are no settings of a database, or that are ours, or that reach the machine.
bool ours(const std::string& name) {
  static const std::set<std::string> names = {"basedir",
                                              "bind_address",
                                              "bootstrap",
                                              "character_sets_dir",
                                              "chroot",
                                              "console",
                                              "datadir",
                                              "debug",
                                              "debug_gdb",
                                              "defaults_file",
                                              "exit_info",
                                              "gdb",
                                              "general_log_file",
                                              "help",
                                              "init_file",
                                              "innodb_data_home_dir",
                                              "innodb_log_group_home_dir",
                                              "innodb_tmpdir",
                                              "innodb_undo_directory",
                                              "language",
                                              "lc_messages_dir",
                                              "local_infile",
                                              "log_bin_index",
                                              "log_error",
                                              "log_basename",
                                              "log_tc",
                                              "aria_log_dir_path",
                                              "pid_file",
                                              "plugin_dir",
                                              "plugin_load",
                                              "plugin_load_add",
                                              "plugin_maturity",
                                              "port",
                                              "relay_log",
                                              "relay_log_index",
                                              "relay_log_info_file",
                                              "safe_user_create",
                                              "secure_file_priv",
                                              "server_id",
                                              "skip_grant_tables",
                                              "skip_name_resolve",
                                              "skip_networking",
                                              "skip_stack_trace",
                                              "slave_load_tmpdir",
                                              "slow_query_log_file",
                                              "socket",
                                              "symbolic_links",
                                              "sysdate_is_now",
                                              "tc_heuristic_recover",
                                              "tmpdir",
                                              "transaction_isolation",
                                              "transaction_read_only",
                                              "user",
                                              "verbose",
                                              "version",
                                              "des_key_file",
                                              "master_info_file",
                                              "memlock",
                                              "one_thread",
                                              "stack_trace",
                                              "external_locking",
                                              "feedback_http_proxy",
                                              "init_rpl_role",
                                              "abort_slave_event_count",
                                              "disconnect_slave_event_count",
                                              "innodb_flush_method",
                                              "innodb_force_recovery",
                                              "innodb_data_file_path",
                                              "init_connect",
                                              "core_file",
                                              "large_pages",
                                              "extra_port",
                                              "innodb_page_size",
                                              "port_open_timeout",
                                              "gtid_pos_auto_engines",
                                              "feedback_url"};
  return names.contains(name) || name.starts_with("ssl") || name.starts_with("wsrep") ||
         name.starts_with("replicate_") || name.starts_with("report_") || name.starts_with("feedback") ||
         name.starts_with("binlog_do") || name.starts_with("binlog_ignore") || name.starts_with("debug_") ||
         name.starts_with("mysqlx") || name.starts_with("tls_") || name.starts_with("plugin_") ||
         name.ends_with("_dir") || name.ends_with("_dir_path");
}

}  // namespace

// First a description of each option, "  --name=#" for numbers, then a table of names and values.
std::vector<DatabaseParameter> parse_mariadb_settings(const std::string& printed) {
  std::map<std::string, DatabaseParameter> described;
  std::vector<DatabaseParameter> out;
  std::istringstream lines(printed);
  DatabaseParameter* current = nullptr;
  bool table = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Variables (--variable-name=value)")) {
      table = true;
      continue;
    }
    auto underscored = [](std::string name) {
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    };
    if (!table) {
      auto dashes = line.find("--");
      if (line.starts_with("  -") && dashes != std::string::npos && dashes < 8) {
        auto end = line.find_first_of(" =[", dashes);
        auto name = underscored(line.substr(dashes + 2, end == std::string::npos ? end : end - dashes - 2));
        current = &described[name];
        current->name = name;
        current->type = line.compare(end == std::string::npos ? 0 : end, 2, "=#") == 0 ? "integer" : "string";
        if (line.size() > 26 && end != std::string::npos && end < 24) current->description = line.substr(25);
      } else if (current && line.starts_with("                      ")) {
        if (!current->description.empty()) current->description += ' ';
        current->description += line.substr(22);
      } else {
        current = nullptr;
      }
      continue;
    }
    std::istringstream words(line);
    std::string name, value;
    if (!(words >> name) || name.starts_with("-") || name == "and") {
      if (!out.empty() && line.empty()) break;
      continue;
    }
    std::getline(words >> std::ws, value);
    name = underscored(name);
    auto found = described.find(name);
    DatabaseParameter p = found == described.end() ? DatabaseParameter{} : found->second;
    p.name = name;
    if (p.type.empty()) p.type = "string";
    p.default_value = value == "(No default value)" ? "" : value;
    if (value == "TRUE" || value == "FALSE") {
      p.type = "boolean";
      p.allowed = "0,1";
      p.default_value = value == "TRUE" ? "1" : "0";
    }
    // "One of: A, B, C" in the description.
    if (auto one = p.description.find("One of: "); p.type == "string" && one != std::string::npos) {
      std::string list = p.description.substr(one + 8);
      list = list.substr(0, list.find(". "));
      if (!list.empty() && list.back() == '.') list.pop_back();
      p.allowed.clear();
      for (size_t i = 0; i < list.size(); ++i)
        if (list[i] != ' ') p.allowed += list[i];
      if (p.allowed.find_first_of("()'") != std::string::npos)
        p.allowed.clear();
      else
        p.type = "list";
    }
    p.dynamic = !read_only(name);
    p.modifiable = !ours(name);
    if (!name.starts_with("skip_") || p.type == "boolean") out.push_back(std::move(p));
  }
  std::sort(out.begin(), out.end(), [](auto& a, auto& b) { return a.name < b.name; });
  out.erase(std::unique(out.begin(), out.end(), [](auto& a, auto& b) { return a.name == b.name; }),
            out.end());
  return out;
}

std::vector<std::unique_ptr<Server>> find_mariadb(Processes& processes) {
  std::vector<std::unique_ptr<Server>> out;
  for (std::string program : {"/usr/sbin/mariadbd", "/usr/sbin/mysqld"}) {
    std::error_code error;
    // Debian's mysqld is a link to mariadbd: only a program of its own is MySQL.
    if (::access(program.c_str(), X_OK) != 0) continue;
    if (std::filesystem::is_symlink(program, error)) continue;
    auto printed = processes.run(
        {program, "--no-defaults", "--version"});  // "mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for ..."
    if (!printed || !printed->ok()) continue;
    auto at = printed->out.find("Ver ");
    if (at == std::string::npos) continue;
    std::string version = printed->out.substr(at + 4);
    version = version.substr(0, version.find_first_not_of("0123456789."));
    const bool mariadb = printed->out.find("MariaDB") != std::string::npos;
    out.push_back(std::make_unique<MariaDb>(DatabaseEngine{mariadb ? "mariadb" : "mysql", version, program},
                                            processes));
  }
  return out;
}

}  // namespace nubecita::host
