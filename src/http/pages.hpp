// Bytes of a file on their way to a socket without passing through the process. Taken: a pipe of the kernel
// holds the pages themselves (splice(2)); while they are in it they cannot leave the page cache, so what is
// read at their place in the file (a checksum, say) is what goes out. Lent: somebody else sees to it that the
// pages stay, and they go from the file to the socket at once (sendfile(2)). One owner, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace nubecita::http {

class Pages {
 public:
  Pages() = default;
  ~Pages();
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  size_t held() const { return held_ + lent_size_; }
  /// Before take(). False: there are no descriptors left.
  bool open();
  /// Takes up to `size` bytes of the file from `offset` on; fewer when the pipe is full. Waits for the disk.
  /// False: it cannot be read (errno), or ends there (0).
  bool take(int file, uint64_t offset, size_t size);
  /// Goes out after what was taken. `file` and the pages stay as long as `keep` is held. Once what was lent
  /// before is out.
  void lend(int file, uint64_t offset, size_t size, std::shared_ptr<const void> keep);
  /// Gives what the socket takes now; `more`: something else follows soon. Negative: the connection is
  /// broken; 0: it takes nothing now.
  ptrdiff_t give(int socket, bool more);

 private:
  int out_ = -1, in_ = -1;  // the pipe
  size_t held_ = 0;         // in it
  int lent_ = -1;
  int64_t lent_at_ = 0;
  size_t lent_size_ = 0;
  std::shared_ptr<const void> keep_;
};

}  // namespace nubecita::http
