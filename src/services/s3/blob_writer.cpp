#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/crc.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "services/s3/blob_cipher.hpp"
#include "services/s3/blobs.hpp"

namespace nubecita::s3 {
namespace {

// Written at a time, at multiples of it: the page cache holds a file in the pieces that it was written in,
// and large ones cost less, now and at every read. More than a value inside the store.
constexpr size_t kWrite = 128 << 10;
constexpr int64_t kWriteBehind = 8 << 20;  // the disk begins with this much while the rest still comes

std::unexpected<ApiError> storage(const std::string& what) {
  const bool full = errno == ENOSPC || errno == EDQUOT;
  const std::string why = std::strerror(errno);
  log_error("s3", "{}: {}", what, why);
  if (full) return fail("ServiceUnavailable", what + ": " + why + ". Make room and try again.", 503);
  return fail("InternalError", what + ": " + why + ".", 500);
}

void append_crc(std::string& table, uint32_t crc) {
  for (int i = 0; i < 4; ++i) table += static_cast<char>(crc >> (8 * i) & 255);
}

}  // namespace

Blobs::Writer::Writer(Blobs& blobs, bool encrypt) : blobs_(blobs), id_(blobs.new_id()), encrypt_(encrypt) {}

Blobs::Writer::~Writer() {
  delete static_cast<Ctr*>(cipher_);
  if (fd_ < 0) return;
  ::close(fd_);
  if (!taken_) ::unlink(blobs_.path(id_).c_str());
  std::lock_guard lock(blobs_.mutex_);
  blobs_.writing_.erase(id_);
}

Status Blobs::Writer::write(std::string_view bytes) {
  if (bytes.empty()) return {};
  if (!encrypt_) return put_out(bytes);
  if (!cipher_) {
    const auto key = random_bytes(kKeySize);
    TRY_LET(sealed_, blobs_.keys.seal(key));
    cipher_ = new Ctr(key, 0);
  }
  scratch_.resize(bytes.size());
  static_cast<Ctr*>(cipher_)->apply(bytes.data(), scratch_.data(), bytes.size());
  return put_out(scratch_);
}

Status Blobs::Writer::put_out(std::string_view bytes) {
  for (auto rest = bytes; !rest.empty();) {
    const auto room = static_cast<size_t>(kChunk - size_ % kChunk);
    const auto part = rest.substr(0, room);
    crc_ = crc32c(crc_, part);
    size_ += static_cast<int64_t>(part.size());
    if (size_ % kChunk == 0) append_crc(table_, std::exchange(crc_, 0));
    rest.remove_prefix(part.size());
  }
  if (fd_ < 0 && size_ <= kInside) {
    memory_.append(bytes);
    return {};
  }
  if (fd_ < 0) TRY(start_file());
  while (!bytes.empty()) {
    const auto part = bytes.substr(0, kWrite - memory_.size());
    memory_.append(part);
    bytes.remove_prefix(part.size());
    if (memory_.size() < kWrite) break;
    TRY(flush(memory_));
    memory_.clear();
  }
  return {};
}

Status Blobs::Writer::start_file() {
  if (!blobs_.make_root()) return storage("Cannot make the directories of objects");
  {
    std::lock_guard lock(blobs_.mutex_);
    blobs_.writing_.insert(id_);
  }
  fd_ = ::open(blobs_.path(id_).c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (fd_ < 0) {
    auto failed = storage("Cannot make a file for the object");
    std::lock_guard lock(blobs_.mutex_);
    blobs_.writing_.erase(id_);
    return failed;
  }
  memory_.reserve(kWrite);
  return {};
}

Status Blobs::Writer::flush(std::string_view bytes) {
  const auto before = flushed_;
  while (!bytes.empty()) {
    const auto n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return storage("Cannot write the object");
    flushed_ += n;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  if (before / kWriteBehind != flushed_ / kWriteBehind)
    ::sync_file_range(fd_, flushed_ / kWriteBehind * kWriteBehind - kWriteBehind, kWriteBehind,
                      SYNC_FILE_RANGE_WRITE);
  return {};
}

Status Blobs::Writer::finish() {
  if (std::exchange(finished_, true)) return {};
  if (size_ % kChunk) append_crc(table_, crc_);
  memory_ += table_;
  if (fd_ < 0) return {};
  return flush(std::exchange(memory_, {}));
}

Status Blobs::Writer::sync() {
  if (fd_ < 0) return {};
  if (::fdatasync(fd_)) return storage("Cannot write the object to the disk");
  const auto path = blobs_.path(id_);
  int directory = ::open(path.substr(0, path.rfind('/')).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = directory >= 0 && ::fsync(directory) == 0;
  if (directory >= 0) ::close(directory);
  if (!synced) return storage("Cannot write the object's directory to the disk");
  return {};
}

Piece Blobs::Writer::put(store::Transaction& tx) const {
  if (size_ == 0) return {};
  Piece piece{id_, 0, size_, size_, fd_ < 0, sealed_, {}};
  if (size_ <= kInRecord)
    piece.blob.value = memory_;
  else if (piece.inside)
    tx.put(store::make_key("s3.bytes", kEverywhere, id_), memory_);
  else
    tx.put(store::make_key("s3.file", kEverywhere, id_), "1");
  return piece;
}

void Blobs::Writer::taken() { taken_ = true; }

}  // namespace nubecita::s3
