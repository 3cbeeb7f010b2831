#include "services/s3/checked_pages.hpp"

#include <sys/mman.h>
#include <sys/stat.h>

#include <iterator>
#include <system_error>
#include <vector>

#include "base/clock.hpp"

namespace nubecita::s3 {
namespace {

constexpr size_t kMostWindows = 32'768;  // half of the mappings that Linux allows a process (max_map_count)

// Change times before Linux 6.13 are those of the last tick: a write right after the check could have the
// same. So a file that has just been written to is not held yet.
bool settled(const struct stat& s) { return now_ms() / 1000 - s.st_ctim.tv_sec >= 2; }

bool same(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

}  // namespace

// Never read through: where the file has been cut, a page of a mapping is a signal, not an error.
class CheckedPages::Locked {
 public:
  Locked(int file, int64_t offset, size_t size) : size_(size) {
    at_ = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file, offset);
    locked_ = at_ != MAP_FAILED && ::mlock2(at_, size, 0) == 0;  // mlock() does nothing under sanitizers
  }
  ~Locked() {
    if (at_ != MAP_FAILED) ::munmap(at_, size_);
  }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

  bool locked() const { return locked_; }
  size_t size() const { return size_; }
  timespec changed{};  // when it was checked

 private:
  void* at_;
  bool locked_;
  const size_t size_;
};

CheckedPages::CheckedPages(size_t most) : most_(most) {}

CheckedPages::~CheckedPages() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (letting_go_.joinable()) letting_go_.join();
}

CheckedPages::Window* CheckedPages::window(std::string_view id, int64_t offset) {
  const auto blob = blobs_.find(id);
  if (blob == blobs_.end()) return nullptr;
  const auto it = blob->second.find(offset);
  return it == blob->second.end() ? nullptr : &it->second;
}

CheckedPages::Held CheckedPages::find(std::string_view id, int64_t offset, int file) {
  std::shared_ptr<const Locked> found;
  {
    std::lock_guard lock(mutex_);
    auto* w = window(id, offset);
    if (!w || !w->locked) return {};
    w->read = std::chrono::steady_clock::now();
    found = w->locked;
  }
  struct stat s{};
  if (::fstat(file, &s) == 0 && same(s.st_ctim, found->changed)) return found;
  forget(id);
  return {};
}

CheckedPages::Held CheckedPages::hold(std::string_view id, int64_t offset, size_t size, int file,
                                      const std::function<bool()>& right) {
  {
    std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (size > most_) return {};
    auto* w = window(id, offset);
    if (!w) {
      if (windows_ >= kMostWindows || !may_let_go()) return {};
      if (++windows_ == 1) wake_.notify_all();
      blobs_[std::string(id)][offset].read = now;
      return {};
    }
    w->read = now;
    if (w->locked || held_ + size > most_) return {};
    held_ += size;
  }
  std::shared_ptr<Locked> locked;
  struct stat before{}, after{};
  if (::fstat(file, &before) == 0 && settled(before)) {
    locked = std::make_shared<Locked>(file, offset, size);
    locked->changed = before.st_ctim;
    if (!locked->locked() || !right() || ::fstat(file, &after) != 0 || !same(before.st_ctim, after.st_ctim))
      locked = nullptr;
  }
  std::lock_guard lock(mutex_);
  auto* w = window(id, offset);
  if (locked && w && !w->locked) return w->locked = locked;
  held_ -= size;
  return {};
}

void CheckedPages::forget(std::string_view id) {
  std::map<int64_t, Window> dropped;  // ends after the mutex is free: unlocking takes a while
  std::lock_guard lock(mutex_);
  const auto it = blobs_.find(id);
  if (it == blobs_.end()) return;
  dropped = std::move(it->second);
  blobs_.erase(it);
  windows_ -= dropped.size();
  for (auto& [offset, w] : dropped)
    if (w.locked) held_ -= w.locked->size();
}

void CheckedPages::let_go(std::chrono::steady_clock::duration unread) {
  std::vector<Window> dropped;
  std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  for (auto blob = blobs_.begin(); blob != blobs_.end();) {
    auto& windows = blob->second;
    for (auto w = windows.begin(); w != windows.end();) {
      if (now - w->second.read < unread) {
        ++w;
        continue;
      }
      if (w->second.locked) held_ -= w->second.locked->size();
      dropped.push_back(std::move(w->second));
      w = windows.erase(w);
      --windows_;
    }
    blob = windows.empty() ? blobs_.erase(blob) : std::next(blob);
  }
}

bool CheckedPages::may_let_go() {
  try {
    if (!letting_go_.joinable()) letting_go_ = std::thread([this] { run(); });
    return true;
  } catch (const std::system_error&) {  // no more threads: another time
    return false;
  }
}

size_t CheckedPages::held_bytes() const {
  std::lock_guard lock(mutex_);
  return held_;
}

void CheckedPages::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (windows_ == 0) {
      wake_.wait(lock);
      continue;
    }
    if (wake_.wait_for(lock, kUnread / 2, [this] { return stopping_; })) return;
    lock.unlock();
    let_go(kUnread);
    lock.lock();
  }
}

}  // namespace nubecita::s3
