// The bytes of layers: files <data>/blobs/sha256/xx/<hex>, and of uploads: <data>/blobs/uploads/<id>. A file
// is written under its upload's name, synced, renamed, its directory synced: then the caller commits the
// record that needs it.
//
// Any thread. A digest's lock (hold()) is held by whoever adds a record that needs the file, from before the
// file is looked at until after the commit, and by the sweep from before it looks for such records until
// after the unlink: so that the sweep never takes a file that somebody has just begun to need.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/config.hpp"
#include "base/result.hpp"

namespace nubecita::ecr {

class Blobs {
 public:
  explicit Blobs(const Config& config) : root_(config.data_dir + "/blobs") {}

  std::string path(std::string_view digest) const;
  /// Its size, or -1 if it is not there.
  int64_t size(std::string_view digest) const;
  /// A descriptor to read it with, or -1. The caller closes it.
  int open(std::string_view digest) const;

  [[nodiscard]] static std::unique_lock<std::mutex> hold(std::string_view digest);

  // Uploads. Only one request works on an upload at a time (Busy).
  class Busy;
  /// Begins an empty one. Error "BlobStorageFailed".
  Status start(const std::string& id) const;
  /// How many bytes have come, or -1.
  int64_t received(const std::string& id) const;
  /// Opens it for appending; -1 with errno.
  int open_upload(const std::string& id) const;
  /// Makes the upload the blob `digest`: checks it, moves it to its place. Answers its size. Hold the
  /// digest's lock. Errors: "InvalidDigest" (the bytes are others; the upload stays), "BlobStorageFailed".
  Result<int64_t> finish(const std::string& id, std::string_view digest) const;
  /// The digest that finish() has made of an upload in this process; empty if it has not. A transaction that
  /// ran again after a conflict finds its own work by it.
  static std::string finished_as(const std::string& id);
  void discard(const std::string& id) const;

  /// For the sweep. `visit` gets each blob's digest and when it was last written (ms).
  void each(const std::function<void(const std::string& digest, int64_t written_ms)>& visit) const;
  void each_upload(const std::function<void(const std::string& id, int64_t written_ms)>& visit) const;
  void remove(std::string_view digest) const;

 private:
  std::string root_;
};

/// Claims an upload for one request; empty claim if another has it.
class Blobs::Busy {
 public:
  static Busy claim(const std::string& id);
  explicit operator bool() const { return !id_.empty(); }
  Busy(Busy&& o) noexcept : id_(std::exchange(o.id_, {})) {}
  Busy& operator=(Busy&&) = delete;
  ~Busy();

 private:
  explicit Busy(std::string id) : id_(std::move(id)) {}
  std::string id_;
};

/// Hashes what goes into an upload, so that a layer is not read again at its end. Remembered per upload in
/// memory only: after a restart, finish() reads the file.
class UploadHash {
 public:
  UploadHash();
  ~UploadHash();
  UploadHash(const UploadHash&) = delete;
  void add(std::string_view bytes);
  uint64_t bytes() const { return bytes_; }
  /// "sha256:..." of what was added.
  std::string digest() const;
  static std::shared_ptr<UploadHash> of(const std::string& id);  // null if there is none
  static void remember(const std::string& id, std::shared_ptr<UploadHash> hash);
  static void forget(const std::string& id);

 private:
  void* ctx_;
  uint64_t bytes_ = 0;
};

}  // namespace nubecita::ecr
