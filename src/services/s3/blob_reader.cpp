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

Blobs::Reader::Reader(Blobs& blobs, store::Transaction& tx, std::vector<Piece> pieces)
    : blobs_(blobs), pieces_(std::move(pieces)), values_(pieces_.size()) {
  for (size_t i = 0; i < pieces_.size(); ++i) {
    auto& p = pieces_[i];
    if (p.inside) {
      values_[i] = tx.shared<std::string>(
          store::make_key("s3.bytes", kEverywhere, p.id),
          [](std::string_view bytes) { return std::make_shared<const std::string>(bytes); });
      good_ = good_ && values_[i];
    } else {
      blobs_.pin(p.id);
      good_ = good_ && ::access(blobs_.path(p.id).c_str(), F_OK) == 0;
    }
  }
}

Blobs::Reader::~Reader() {
  if (fd_ >= 0) ::close(fd_);
  for (auto& p : pieces_)
    if (!p.inside) blobs_.unpin(p.id);
}

bool Blobs::Reader::open_piece() {
  auto& p = pieces_[at_];
  position_ = p.offset;
  key_.clear();
  if (!p.key.empty()) {
    auto key = blobs_.keys.open(p.key);
    if (!key) return log_error("s3", "blob {}: {}", p.id, key.error().message), false;
    key_ = std::move(*key);
  }
  // Only the checks of the chunks that are read.
  const auto first = p.offset / kChunk, count = chunks(p.offset + p.size) - first;
  table_.resize(static_cast<size_t>(count * 4));
  if (p.inside) {
    const auto& value = *values_[at_];
    if (value.size() != static_cast<size_t>(p.whole + chunks(p.whole) * 4))
      return log_error("s3", "blob {} has a wrong size", p.id), false;
    table_ = value.substr(static_cast<size_t>(p.whole + first * 4), table_.size());
    return true;
  }
  fd_ = ::open(blobs_.path(p.id).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0 || !read_all(fd_, table_.data(), table_.size(), p.whole + first * 4))
    return log_error("s3", "blob {} cannot be read: {}", p.id, std::strerror(errno)), false;
  return true;
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
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  values_[at_] = nullptr;
  ++at_;
  position_ = -1;
}

bool Blobs::Reader::read(std::string& part) {
  if (at_ >= pieces_.size()) return false;
  if (position_ < 0 && !open_piece()) return false;
  const auto& p = pieces_[at_];
  const auto end = p.offset + p.size;
  if (plain_ && fd_ >= 0 && key_.empty() && end - position_ >= kChunk) {
    if (!pages_) pages_ = http::Pages::make();
    part.clear();
    if (pages_) return read_pages();
  }
  // Whole chunks, because their checks are of whole chunks.
  const auto from = position_ / kChunk * kChunk, to = std::min({from + kPart, chunks(end) * kChunk, p.whole});
  part.resize(static_cast<size_t>(to - from));
  if (p.inside)
    std::memcpy(part.data(), values_[at_]->data() + from, part.size());
  else if (!read_all(fd_, part.data(), part.size(), from))
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

// The bytes go to the socket as the pages that they are; what is checked is a copy of the same pages, which
// stays in the processor's cache. It is read when the pages are held, so it is them.
bool Blobs::Reader::read_pages() {
  thread_local std::string copy(kChunk, '\0');
  const auto& p = pieces_[at_];
  const auto most = p.offset + p.size - position_;
  if (!pages_->take(fd_, static_cast<uint64_t>(position_), static_cast<size_t>(most)))
    return log_error("s3", "blob {} cannot be read: {}", p.id, std::strerror(errno ? errno : ENODATA)), false;
  const auto stop = position_ + static_cast<int64_t>(pages_->held());
  for (auto at = position_ / kChunk * kChunk; at < stop; at += kChunk) {
    const auto size = static_cast<size_t>(std::min(kChunk, p.whole - at));
    if (!read_all(fd_, copy.data(), size, at))
      return log_error("s3", "blob {} cannot be read: {}", p.id, std::strerror(errno)), false;
    if (!check({copy.data(), size}, at)) return false;
  }
  advance(stop);
  return true;
}

}  // namespace nubecita::s3
