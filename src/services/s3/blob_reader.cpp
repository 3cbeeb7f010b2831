#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/crc.hpp"
#include "base/log.hpp"
#include "services/s3/blob_cipher.hpp"
#include "services/s3/blobs.hpp"

namespace nubecita::s3 {
namespace {

constexpr int64_t kPart = 2 * kChunk;  // read and sent at once

bool read_all(int fd, char* at, size_t n, int64_t offset) {
  while (n > 0) {
    const auto got = ::pread(fd, at, n, offset);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) errno = ENODATA;  // it is shorter than it was written
    if (got <= 0) return false;
    at += got;
    n -= static_cast<size_t>(got);
    offset += got;
  }
  return true;
}

uint32_t crc_at(std::string_view table, int64_t i) {
  uint32_t crc = 0;
  for (int k = 3; k >= 0; --k)
    crc = crc << 8 | static_cast<unsigned char>(table[static_cast<size_t>(i * 4 + k)]);
  return crc;
}

int64_t chunks(int64_t bytes) { return (bytes + kChunk - 1) / kChunk; }

}  // namespace

class Blobs::Reader::File {
 public:
  explicit File(int fd) : fd(fd) {}
  ~File() { ::close(fd); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  const int fd;
};

Blobs::Reader::Reader(Blobs& blobs, store::Transaction& tx, std::vector<Piece> pieces)
    : blobs_(blobs), pieces_(std::move(pieces)), values_(pieces_.size()) {
  for (size_t i = 0; i < pieces_.size(); ++i) {
    auto& p = pieces_[i];
    if (p.in_record()) {
      values_[i] = std::make_shared<const std::string>(std::move(p.blob.value));
    } else if (p.inside) {
      values_[i] = tx.shared<std::string>(
          store::make_key("s3.bytes", kEverywhere, p.id),
          [](std::string_view bytes) { return std::make_shared<const std::string>(bytes); });
      good_ = good_ && values_[i];
    } else {
      blobs_.pin(p.id);
      const bool there = i == 0 ? open_file() : ::access(blobs_.path(p.id).c_str(), F_OK) == 0;
      good_ = good_ && (there || errno != ENOENT);  // anything else is told when it is read
    }
  }
}

Blobs::Reader::~Reader() {
  for (auto& p : pieces_)
    if (!p.inside) blobs_.unpin(p.id);
}

bool Blobs::Reader::open_file() {
  const int fd = ::open(blobs_.path(pieces_[at_].id).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) file_ = std::make_shared<const File>(fd);
  return file_ != nullptr;
}

bool Blobs::Reader::open_piece() {
  auto& p = pieces_[at_];
  position_ = p.offset;
  key_.clear();
  table_.clear();
  if (!p.key.empty()) {
    auto key = blobs_.keys.open(p.key);
    if (!key) return log_error("s3", "blob {}: {}", p.id, key.error().message), false;
    key_ = std::move(*key);
  }
  if (p.inside) {
    if (values_[at_]->size() == static_cast<size_t>(p.whole + chunks(p.whole) * 4)) return true;
    return log_error("s3", "blob {} has a wrong size", p.id), false;
  }
  if (file_ || open_file()) return true;
  return log_error("s3", "blob {} cannot be read: {}", p.id, std::strerror(errno)), false;
}

// The checks of the chunks that are read, no others.
bool Blobs::Reader::read_table() {
  if (!table_.empty()) return true;
  const auto& p = pieces_[at_];
  const auto first = p.offset / kChunk, count = chunks(p.offset + p.size) - first;
  const auto at = p.whole + first * 4;
  table_.resize(static_cast<size_t>(count * 4));
  if (p.inside) {
    std::memcpy(table_.data(), values_[at_]->data() + at, table_.size());
    return true;
  }
  if (read_all(file_->fd, table_.data(), table_.size(), at)) return true;
  table_.clear();
  return log_error("s3", "blob {} cannot be read: {}", p.id, std::strerror(errno)), false;
}

bool Blobs::Reader::begin(bool plain) {
  plain_ = plain;
  began_ = read(ahead_);
  return began_;
}

bool Blobs::Reader::next(std::string& part) {
  if (!std::exchange(began_, false)) return read(part);
  part = std::exchange(ahead_, {});
  return true;
}

bool Blobs::Reader::check(std::string_view chunk, int64_t at) const {
  const auto& p = pieces_[at_];
  if (crc32c(0, chunk) == crc_at(table_, at / kChunk - p.offset / kChunk)) return true;
  log_error("s3", "blob {}: the bytes from {} on are not those that were written", p.id, at);
  return false;
}

void Blobs::Reader::advance(int64_t position) {
  position_ = position;
  if (position_ < pieces_[at_].offset + pieces_[at_].size) return;
  file_ = nullptr;
  values_[at_] = nullptr;
  ++at_;
  position_ = -1;
}

bool Blobs::Reader::read(std::string& part) {
  if (at_ >= pieces_.size()) return false;
  if (position_ < 0 && !open_piece()) return false;
  const auto& p = pieces_[at_];
  const auto end = p.offset + p.size;
  if (plain_ && file_ && key_.empty() && end - position_ >= kChunk) {
    const auto most =
        std::min(end, (position_ / CheckedPages::kWindow + 1) * CheckedPages::kWindow) - position_;
    if (!pages_) pages_ = std::make_unique<http::Pages>();
    part.clear();
    if (lend_window(most)) return true;
    if (pages_->open()) return read_pages(most);
  }
  if (!read_table()) return false;
  // Whole chunks, because their checks are of whole chunks.
  const auto from = position_ / kChunk * kChunk, to = std::min({from + kPart, chunks(end) * kChunk, p.whole});
  part.resize(static_cast<size_t>(to - from));
  if (p.inside)
    std::memcpy(part.data(), values_[at_]->data() + from, part.size());
  else if (!read_all(file_->fd, part.data(), part.size(), from))
    return log_error("s3", "blob {} cannot be read: {}", p.id, std::strerror(errno)), false;
  for (auto at = from; at < to; at += kChunk)
    if (!check(std::string_view(part).substr(static_cast<size_t>(at - from), kChunk), at)) return false;
  if (!key_.empty()) Ctr(key_, from).apply(part.data(), part.data(), part.size());
  const auto stop = std::min(to, end);
  part.resize(static_cast<size_t>(stop - from));
  part.erase(0, static_cast<size_t>(position_ - from));
  advance(stop);
  return true;
}

// What is checked is a copy of the pages, which stays in the processor's cache.
bool Blobs::Reader::check_chunks(int64_t from, int64_t to) {
  if (!read_table()) return false;
  thread_local std::string copy(kChunk, '\0');
  const auto& p = pieces_[at_];
  for (auto at = from / kChunk * kChunk; at < to; at += kChunk) {
    const auto size = static_cast<size_t>(std::min(kChunk, p.whole - at));
    if (!read_all(file_->fd, copy.data(), size, at))
      return log_error("s3", "blob {} cannot be read: {}", p.id, std::strerror(errno)), false;
    if (!check({copy.data(), size}, at)) return false;
  }
  return true;
}

// The pages go to the socket as they are; they are checked when they are held, so it is them.
bool Blobs::Reader::read_pages(int64_t most) {
  const auto& p = pieces_[at_];
  if (!pages_->take(file_->fd, static_cast<uint64_t>(position_), static_cast<size_t>(most)))
    return log_error("s3", "blob {} cannot be read: {}", p.id, std::strerror(errno ? errno : ENODATA)), false;
  const auto stop = position_ + static_cast<int64_t>(pages_->held());
  if (!check_chunks(position_, stop)) return false;
  advance(stop);
  return true;
}

// False: the window is not held, and this read does not make it so.
bool Blobs::Reader::lend_window(int64_t most) {
  const auto& p = pieces_[at_];
  const auto window = position_ / CheckedPages::kWindow * CheckedPages::kWindow;
  const auto size = std::min(CheckedPages::kWindow, p.whole - window);
  auto held = blobs_.checked.find(p.id, window, file_->fd);
  if (!held && position_ == window && most == size)
    held = blobs_.checked.hold(p.id, window, static_cast<size_t>(size), file_->fd,
                               [&] { return check_chunks(window, window + size); });
  if (!held) return false;
  pages_->lend(
      file_->fd, static_cast<uint64_t>(position_), static_cast<size_t>(most),
      std::make_shared<std::pair<std::shared_ptr<const File>, CheckedPages::Held>>(file_, std::move(held)));
  advance(position_ + most);
  return true;
}

}  // namespace nubecita::s3
