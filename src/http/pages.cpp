#include "http/pages.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace nubecita::http {
namespace {
constexpr int kCapacity = 256 * 1024;  // bytes; where so much is not allowed, the kernel's default stays
}

bool Pages::open() {
  if (in_ >= 0) return true;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return false;
  ::fcntl(ends[1], F_SETPIPE_SZ, kCapacity);
  out_ = ends[0];
  in_ = ends[1];
  return true;
}

Pages::~Pages() {
  if (in_ < 0) return;
  ::close(out_);
  ::close(in_);
}

bool Pages::take(int file, uint64_t offset, size_t size) {
  auto at = static_cast<loff_t>(offset);
  while (size > 0) {
    const auto n = ::splice(file, &at, in_, nullptr, size, SPLICE_F_NONBLOCK);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN && held_ > 0) return true;
    if (n == 0) errno = 0;
    if (n <= 0) return false;
    held_ += static_cast<size_t>(n);
    size -= static_cast<size_t>(n);
  }
  return true;
}

void Pages::lend(int file, uint64_t offset, size_t size, std::shared_ptr<const void> keep) {
  lent_ = file;
  lent_at_ = static_cast<int64_t>(offset);
  lent_size_ = size;
  keep_ = std::move(keep);
}

ptrdiff_t Pages::give(int socket, bool more) {
  ptrdiff_t given = 0;
  while (held() > 0) {
    const auto flags = SPLICE_F_NONBLOCK | (more || lent_size_ > 0 ? SPLICE_F_MORE : 0u);
    const auto n = held_ > 0 ? ::splice(out_, nullptr, socket, nullptr, held_, flags)
                             : ::sendfile(socket, lent_, &lent_at_, lent_size_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n <= 0) return -1;
    (held_ > 0 ? held_ : lent_size_) -= static_cast<size_t>(n);
    given += n;
  }
  if (lent_size_ == 0) keep_.reset();
  return given;
}

}  // namespace nubecita::http
