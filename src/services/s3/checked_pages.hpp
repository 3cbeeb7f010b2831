// Pages of blobs' files that were checked and have stayed in memory since: locked (mlock(2)), so that they
// cannot be dropped and come back from the disk as something else. What is held need not be checked again
// while the file has not been written to (its change time says so): as in file systems with checksums, bytes
// are checked when they come from the disk, not each time that they leave memory.
//
// Held are windows of files that were read twice within kUnread, up to a sixteenth of the machine's memory;
// what nobody has read for kUnread is let go. What may not be locked (RLIMIT_MEMLOCK without CAP_IPC_LOCK) is
// not held, and every read checks it. Any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace nubecita::s3 {

class CheckedPages {
 public:
  static constexpr int64_t kWindow = 1 << 20;  // bytes; a window begins at a multiple of it
  static constexpr std::chrono::seconds kUnread{10};

  /// `most`: bytes that may be held at a time.
  explicit CheckedPages(size_t most);
  ~CheckedPages();
  CheckedPages(const CheckedPages&) = delete;
  CheckedPages& operator=(const CheckedPages&) = delete;

  /// The pages stay in memory as long as somebody has this.
  using Held = std::shared_ptr<const void>;
  /// Null: the window at `offset` is not held, or the file has been written to since it was checked.
  Held find(std::string_view id, int64_t offset, int file);
  /// Holds the window's `size` bytes if it has been asked for before and there is room, and `right` says that
  /// they are what was written (it reads the file). Null: not held, for whatever reason.
  Held hold(std::string_view id, int64_t offset, size_t size, int file, const std::function<bool()>& right);
  /// The blob is being deleted.
  void forget(std::string_view id);
  /// Lets go what was not read for `unread`.
  void let_go(std::chrono::steady_clock::duration unread);
  size_t held_bytes() const;

 private:
  class Locked;
  struct Window {
    std::shared_ptr<const Locked> locked;  // null: it was asked for
    std::chrono::steady_clock::time_point read;
  };
  void run();
  bool may_let_go();
  Window* window(std::string_view id, int64_t offset);
  const size_t most_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, std::map<int64_t, Window>, std::less<>> blobs_;  // none of them empty
  size_t windows_ = 0;
  size_t held_ = 0;  // bytes, those that are being locked included
  bool stopping_ = false;
  std::thread letting_go_;  // from the first window on
};

}  // namespace nubecita::s3
