#include "services/s3/blobs.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/memory.hpp"

namespace nubecita::s3 {
namespace {

std::string file_key(std::string_view id) { return store::make_key("s3.file", kEverywhere, id); }
std::string bytes_key(std::string_view id) { return store::make_key("s3.bytes", kEverywhere, id); }

int64_t count_of(const std::optional<std::string>& text) {
  int64_t n = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), n);
  return n;
}

}  // namespace

Blobs::Blobs(const std::string& data_dir)
    : keys(data_dir + "/s3.key"), checked(memory_of_the_machine() / 16), root_(data_dir + "/s3") {}

std::string Blobs::path(std::string_view id) const {
  return root_ + "/" + std::string(id.substr(id.size() - 2)) + "/" + std::string(id);
}

// In the order of their making, so that the store writes neighbours together.
std::string Blobs::new_id() {
  static std::atomic<uint32_t> count{0};
  char time[17];
  std::snprintf(time, sizeof time, "%012llx%04x", static_cast<unsigned long long>(now_ms()),
                count.fetch_add(1) & 0xffff);
  return std::string(time, 16) + random_hex(10);
}

// All directories at once, so that no write has to make and sync one.
bool Blobs::make_root() {
  std::lock_guard lock(mutex_);
  if (made_) return true;
  auto made = [](const std::string& path) { return ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST; };
  if (!made(root_)) return false;
  for (unsigned i = 0; i < 256; ++i) {
    char name[8];
    std::snprintf(name, sizeof name, "/%02x", i);
    if (!made(root_ + name)) return false;
  }
  for (const auto& directory : {root_, root_ + "/.."}) {
    int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = fd >= 0 && ::fsync(fd) == 0;
    if (fd >= 0) ::close(fd);
    if (!synced) return false;
  }
  return made_ = true;
}

void Blobs::need(store::Transaction& tx, const std::vector<Piece>& pieces) {
  for (auto& p : pieces) {
    if (p.in_record()) continue;
    const auto key = p.inside ? store::make_key("s3.shared", kEverywhere, p.id) : file_key(p.id);
    // A value is needed once unless it says otherwise, so that most need no count.
    tx.put(key, std::to_string(
                    (p.inside ? std::max<int64_t>(1, count_of(tx.get(key))) : count_of(tx.get(key))) + 1));
  }
}

void Blobs::release(store::Transaction& tx, const std::vector<Piece>& pieces,
                    std::vector<std::string>& doomed) {
  for (auto& p : pieces) {
    if (p.in_record()) continue;
    const auto key = p.inside ? store::make_key("s3.shared", kEverywhere, p.id) : file_key(p.id);
    const auto left = count_of(tx.get(key)) - 1;
    if (left > 0) {
      tx.put(key, std::to_string(left));
      continue;
    }
    if (left == 0) tx.erase(key);
    if (p.inside)
      tx.erase(bytes_key(p.id));
    else
      doomed.push_back(p.id);
  }
}

void Blobs::pin(const std::string& id) {
  std::lock_guard lock(mutex_);
  ++pinned_[id];
}
void Blobs::unpin(const std::string& id) {
  std::lock_guard lock(mutex_);
  auto it = pinned_.find(id);
  if (--it->second > 0) return;
  pinned_.erase(it);
  if (doomed_.erase(id)) unlink(id);
}
void Blobs::unlink(const std::string& id) {
  checked.forget(id);  // or its blocks would stay
  ::unlink(path(id).c_str());
}
void Blobs::remove(const std::vector<std::string>& doomed) {
  std::lock_guard lock(mutex_);
  for (auto& id : doomed) {
    if (pinned_.contains(id))
      doomed_.insert(id);
    else
      unlink(id);
  }
}

size_t Blobs::sweep(store::Store& store) {
  size_t removed = 0;
  for (unsigned i = 0; i < 256; ++i) {
    char name[8];
    std::snprintf(name, sizeof name, "/%02x", i);
    DIR* d = ::opendir((root_ + name).c_str());
    if (!d) continue;
    std::vector<std::string> found;
    while (auto* e = ::readdir(d))
      if (e->d_name[0] != '.') found.emplace_back(e->d_name);
    ::closedir(d);
    for (auto& id : found) {
      {
        std::lock_guard lock(mutex_);
        if (writing_.contains(id) || doomed_.contains(id)) continue;
      }
      // Looked at after the writers: one that has been taken meanwhile has its record by now.
      if (store.begin()->get(file_key(id))) continue;
      if (::unlink((root_ + name + "/" + id).c_str()) == 0) ++removed;
    }
  }
  if (removed) log_info("s3", "removed {} files that no object needs", removed);
  return removed;
}

std::vector<Piece> slice(const std::vector<Piece>& pieces, int64_t offset, int64_t size) {
  std::vector<Piece> out;
  for (auto p : pieces) {
    if (offset >= p.size) {
      offset -= p.size;
      continue;
    }
    p.offset += offset;
    p.size = std::min(p.size - offset, size);
    offset = 0;
    size -= p.size;
    if (p.size > 0) out.push_back(std::move(p));
    if (size <= 0) break;
  }
  return out;
}

}  // namespace nubecita::s3
