// Files of the database servers: copies, durable writes. Any thread. Errors: "DatabaseDisk" when there is no
// room, else "DatabaseFailed", naming the file.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace nubecita::host {

struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

/// Error from errno, naming what was done to which path.
ApiError file_error(std::string_view what, const std::string& path);
Status make_directory(const std::string& path, mode_t mode, Owner owner);
/// Writes to a temporary name, syncs, renames, syncs the directory.
Status write_durably(const std::string& path, std::string_view text, mode_t mode, Owner owner);
/// Copies directories and plain files, modes kept, to a path that does not exist. Not synced.
Status copy_tree(const std::string& from, const std::string& to, Owner owner);
/// Everything below `path` is on the disk when it returns.
Status sync_tree(const std::string& path);
Status remove_tree(const std::string& path);
bool exists(const std::string& path);
std::string read_text(const std::string& path);
/// The last `lines` lines of a file, for messages.
std::string last_lines(const std::string& path, size_t lines);

}  // namespace nubecita::host
