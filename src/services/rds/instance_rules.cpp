#include "services/rds/instance_rules.hpp"

#include <algorithm>
#include <cstdio>
#include <set>

#include "base/ids.hpp"
#include "services/rds/catalog.hpp"

namespace nubecita::rds {
namespace {

constexpr int kDay = 24 * 60, kWeek = 7 * kDay;
constexpr std::string_view kDays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

std::unexpected<ApiError> bad(std::string message) {
  return fail("InvalidParameterValue", std::move(message));
}

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool digit(char c) { return c >= '0' && c <= '9'; }

/// Minutes of "hh:mm"; -1 if it is not one.
int minutes(std::string_view t) {
  if (t.size() != 5 || t[2] != ':' || !digit(t[0]) || !digit(t[1]) || !digit(t[3]) || !digit(t[4])) return -1;
  const int h = (t[0] - '0') * 10 + (t[1] - '0'), m = (t[3] - '0') * 10 + (t[4] - '0');
  return h < 24 && m < 60 ? h * 60 + m : -1;
}
/// Minutes of the week of "ddd:hh:mm"; -1 if it is not one.
int week_minutes(std::string_view t) {
  if (t.size() != 9 || t[3] != ':') return -1;
  std::string name(t.substr(0, 3));
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const auto at = std::find(std::begin(kDays), std::end(kDays), name);
  const int m = minutes(t.substr(4));
  return at == std::end(kDays) || m < 0 ? -1 : static_cast<int>(at - kDays) * kDay + m;
}
struct Window {
  int from = -1, to = -1;
  int length(int around) const { return (to - from + around) % around; }
};
Window week_window(std::string_view text) {
  const auto hyphen = text.find('-');
  if (hyphen == std::string_view::npos) return {};
  return {week_minutes(text.substr(0, hyphen)), week_minutes(text.substr(hyphen + 1))};
}
unsigned spread(std::string_view id) {
  const auto hash = sha256(id);
  return (static_cast<unsigned char>(hash[0]) << 8) | static_cast<unsigned char>(hash[1]);
}

}  // namespace

Status check_master_user(const std::string& engine, const std::string& user) {
  static const std::set<std::string> reserved = {"rdsadmin", "rds_superuser", "public",   "none",
                                                 "mysql",    "mariadb.sys",   "mysql.sys"};
  const size_t most = engine == "mysql" ? 32 : engine == "mariadb" ? 80 : 63;
  if (user.empty() || user.size() > most || !letter(user[0]) ||
      !std::all_of(user.begin(), user.end(), [](char c) { return letter(c) || digit(c) || c == '_'; }))
    return bad("MasterUsername must have 1 to " + std::to_string(most) +
               " letters, digits or underscores and begin with a letter: '" + user + "'.");
  std::string low = user;
  for (char& c : low) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (reserved.contains(low) || (engine == "postgres" && (low == "admin" || low.starts_with("pg_"))))
    return bad("MasterUsername " + user + " cannot be used as it is a reserved word used by the engine");
  return {};
}

Status check_password(const std::string& engine, std::string_view password) {
  const size_t most = engine == "postgres" ? 128 : 41;
  if (password.size() < 8 || password.size() > most)
    return bad("The parameter MasterUserPassword is not a valid password because it is " +
               std::string(password.size() < 8 ? "shorter than 8" : "longer than " + std::to_string(most)) +
               " characters.");
  for (unsigned char c : password)
    if (c <= 0x20 || c >= 0x7f || c == '/' || c == '@' || c == '"')
      return bad(
          "The parameter MasterUserPassword is not a valid password. Only printable ASCII characters besides "
          "'/', '@', '\"', ' ' may be used.");
  return {};
}

Status check_database_name(const std::string& engine, const std::string& name) {
  const size_t most = engine == "postgres" ? 63 : 64;
  if (name.empty() || name.size() > most || !letter(name[0]) ||
      !std::all_of(name.begin(), name.end(), [](char c) { return letter(c) || digit(c) || c == '_'; }))
    return bad(
        "DBName must begin with a letter and contain only alphanumeric characters and underscores, at most " +
        std::to_string(most) + ": '" + name + "'.");
  static const std::set<std::string> reserved = {
      "mysql", "sys", "information_schema", "performance_schema", "template0", "template1", "rdsadmin"};
  if (reserved.contains(name)) return bad("DBName " + name + " is reserved by the engine.");
  return {};
}

Status check_class(const std::string& name) {
  if (class_memory(name)) return {};
  return bad("Invalid DB Instance class: " + name +
             ". DescribeOrderableDBInstanceOptions lists those that can be had.");
}

Status check_port(int port) {
  if (port >= 1150 && port <= 65535) return {};
  return bad("Invalid port " + std::to_string(port) + ": it must be from 1150 to 65535.");
}

Status check_storage(int gib, const std::string& type) {
  if (type != "gp2" && type != "gp3" && type != "standard")
    return bad("Invalid storage type: " + type +
               ". Served are gp2, gp3 and standard; provisioned IOPS are not.");
  if (gib < 5 || gib > 65536)
    return bad("Invalid storage size for " + type + ": " + std::to_string(gib) +
               " GiB. It must be from 5 to 65536.");
  return {};
}

Status check_retention(int days) {
  if (days == 0) return {};
  return bad("BackupRetentionPeriod " + std::to_string(days) +
             ": automated backups are not served yet, and a period without backups "
             "would be a false promise. Set it to 0.");
}

Status check_backup_window(const std::string& window) {
  const Window w{window.size() == 11 ? minutes(std::string_view(window).substr(0, 5)) : -1,
                 window.size() == 11 ? minutes(std::string_view(window).substr(6)) : -1};
  if (w.from < 0 || w.to < 0 || window[5] != '-' || w.length(kDay) < 30)
    return bad("Invalid backup window format: " + window +
               ". Should be specified as a range hh24:mi-hh24:mi (24H Clock UTC) of at least 30 minutes. "
               "Example: 04:00-04:30");
  return {};
}

Status check_maintenance_window(const std::string& window) {
  const Window w = week_window(window);
  if (w.from < 0 || w.to < 0 || w.length(kWeek) < 30 || w.length(kWeek) > kDay)
    return bad("Invalid maintenance window format: " + window +
               ". Should be specified as a range ddd:hh24:mi-ddd:hh24:mi (24H Clock UTC) of 30 minutes to 24 "
               "hours. Example: Sun:23:45-Mon:00:15");
  return {};
}

int64_t until_window(const std::string& maintenance_window, int64_t now_ms) {
  const Window w = week_window(maintenance_window);
  if (w.from < 0) return int64_t{kWeek} * 60000;
  const int64_t minute = 60000, week = kWeek * minute;
  // The epoch was a Thursday: three days after a Monday.
  const int64_t now = (now_ms + 3 * kDay * minute) % week;
  const int64_t since = (now - w.from * minute + week) % week;
  return since < w.length(kWeek) * minute ? 0 : week - since;
}

std::string chosen_backup_window(std::string_view resource_id) {
  const unsigned start = spread(resource_id) % (8 * 60);  // 00:00 to 08:29
  char text[16];
  std::snprintf(text, sizeof text, "%02u:%02u-%02u:%02u", start / 60, start % 60, (start + 30) / 60,
                (start + 30) % 60);
  return text;
}

std::string chosen_maintenance_window(std::string_view resource_id) {
  const unsigned n = spread(resource_id), start = 10 * 60 + n % (8 * 60);  // 10:00 to 18:29
  const auto day = kDays[n % 7];
  char text[32];
  std::snprintf(text, sizeof text, "%.3s:%02u:%02u-%.3s:%02u:%02u", day.data(), start / 60, start % 60,
                day.data(), (start + 30) / 60, (start + 30) % 60);
  return text;
}

}  // namespace nubecita::rds
