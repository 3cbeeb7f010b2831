#include "http/pages.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace nubecita::http {
namespace {
constexpr int kCapacity = 256 * 1024;  // bytes; where so much is not allowed, the kernel's default stays
}

std::unique_ptr<Pages> Pages::make() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return {};
  ::fcntl(ends[1], F_SETPIPE_SZ, kCapacity);
  return std::unique_ptr<Pages>(new Pages(ends[0], ends[1]));
}

Pages::~Pages() {
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

ptrdiff_t Pages::give(int socket, bool more) {
  ptrdiff_t given = 0;
  while (held_ > 0) {
    const auto n =
        ::splice(out_, nullptr, socket, nullptr, held_, SPLICE_F_NONBLOCK | (more ? SPLICE_F_MORE : 0u));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n <= 0) return -1;
    held_ -= static_cast<size_t>(n);
    given += n;
  }
  return given;
}

}  // namespace nubecita::http
