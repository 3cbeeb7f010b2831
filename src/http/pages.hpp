// Bytes of a file on their way to a socket without passing through the process: a pipe of the kernel that
// holds the pages themselves (splice(2)). While they are in it they cannot leave the page cache, so what is
// read at their place in the file (a checksum, say) is what goes out. One owner, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace nubecita::http {

class Pages {
 public:
  /// Null: there are no descriptors left.
  static std::unique_ptr<Pages> make();
  ~Pages();
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  size_t held() const { return held_; }
  /// Takes up to `size` bytes of the file from `offset` on; fewer when the pipe is full. Waits for the disk.
  /// False: it cannot be read (errno), or ends there (0).
  bool take(int file, uint64_t offset, size_t size);
  /// Gives what the socket takes now; `more`: something else follows soon. Negative: the connection is
  /// broken; 0: it takes nothing now.
  ptrdiff_t give(int socket, bool more);

 private:
  Pages(int out, int in) : out_(out), in_(in) {}
  const int out_, in_;
  size_t held_ = 0;
};

}  // namespace nubecita::http
