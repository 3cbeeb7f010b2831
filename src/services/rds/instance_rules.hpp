// What may stand in the members of an instance, checked the same way at creation and modification. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace nubecita::rds {

Status check_master_user(const std::string& engine, const std::string& user);
Status check_password(const std::string& engine, std::string_view password);
Status check_database_name(const std::string& engine, const std::string& name);
Status check_class(const std::string& name);
Status check_port(int port);
Status check_storage(int gib, const std::string& type);
Status check_retention(int days);
/// "hh:mm-hh:mm", at least 30 minutes, UTC.
Status check_backup_window(const std::string& window);
/// "ddd:hh:mm-ddd:hh:mm", 30 minutes to a day, UTC.
Status check_maintenance_window(const std::string& window);

/// Milliseconds until the window opens; 0 while it is open.
int64_t until_window(const std::string& maintenance_window, int64_t now_ms);

/// Windows as AWS chooses them, spread by the instance's id and apart from each other.
std::string chosen_backup_window(std::string_view resource_id);
std::string chosen_maintenance_window(std::string_view resource_id);

}  // namespace nubecita::rds
