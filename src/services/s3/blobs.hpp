// Bytes of objects. A blob is written once and never changed. The smallest stand in the record that needs
// them: one key to write and to read, but listings read past them. Small ones are values of the store,
// committed with their record, so that one synced write holds both; large ones are files <data>/s3/<xx>/<id>,
// synced before the record that names them is committed: nothing is renamed.
//
// All have the same form: the bytes (AES-256-CTR under a key of the blob's own if encrypted), then a CRC-32C
// for each 64 KiB of them, little-endian. It is checked whenever they are read, but for pages that were
// checked and have not left memory since (checked_pages.hpp): wrong bytes are never sent.
//
// A file belongs to its record "s3.file/<id>", which counts who needs it: copies share bytes. A file without
// one is an orphan of a request or a process that ended; sweep() removes it. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "http/message.hpp"
#include "services/s3/checked_pages.hpp"
#include "store/store.hpp"

namespace nubecita::s3 {

inline const store::Scope kEverywhere{"-", "-"};
constexpr int64_t kChunk = 64 * 1024;
constexpr int64_t kInRecord = 1024;     // at most this many bytes stand in the record,
constexpr int64_t kInside = 64 * 1024;  // this many are a value of the store

/// Some bytes of a blob.
struct Piece {
  std::string id;
  int64_t offset = 0, size = 0;  // what is meant
  int64_t whole = 0;             // bytes of the blob
  bool inside = false;           // in the store, not a file
  std::string key;               // the blob's data key, sealed; empty: not encrypted
  store::Bytes blob;             // itself, if it stands here: then nothing else needs it
  template <class A>
  void fields(A& a) {
    a("id", id)("offset", offset)("size", size)("whole", whole)("inside", inside)("key", key)("blob", blob);
  }
  bool in_record() const { return !blob.value.empty(); }
};

/// Seals the blobs' keys under the installation's, which is made at the first use in a file of mode 0600 and
/// never leaves it.
class Keyring {
 public:
  explicit Keyring(std::string file) : file_(std::move(file)) {}
  /// Error "InternalError" if the file cannot be made or read.
  Result<std::string> seal(std::string_view data_key);
  Result<std::string> open(std::string_view sealed);

 private:
  Result<std::string> master();
  std::string file_, master_;
  std::mutex mutex_;
};

class Blobs {
 public:
  explicit Blobs(const std::string& data_dir);
  std::string path(std::string_view id) const;
  std::string new_id();

  class Writer;
  class Reader;

  /// Says in the transaction that the pieces are needed (once more, or once less). Ids of files that nobody
  /// needs any more go to `doomed`: remove() them after the commit.
  static void need(store::Transaction& tx, const std::vector<Piece>& pieces);
  static void release(store::Transaction& tx, const std::vector<Piece>& pieces,
                      std::vector<std::string>& doomed);
  /// Unlinks files, at once or when the last reader is done with them.
  void remove(const std::vector<std::string>& doomed);
  /// Removes the files that no record needs and no writer holds. Waits for the disk.
  size_t sweep(store::Store& store);

  Keyring keys;
  CheckedPages checked;

 private:
  bool make_root();
  void pin(const std::string& id);
  void unpin(const std::string& id);
  void unlink(const std::string& id);
  std::string root_;
  bool made_ = false;  // the directories
  std::mutex mutex_;
  std::map<std::string, int> pinned_;  // being read
  std::set<std::string> doomed_;       // to be removed when no longer read
  std::set<std::string> writing_;      // not committed yet
};

/// Takes a blob's bytes. Until taken() it is nobody's, and its file is removed with the writer.
class Blobs::Writer {
 public:
  Writer(Blobs& blobs, bool encrypt);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  /// Errors: "InternalError", "InsufficientStorage" with the cause.
  Status write(std::string_view bytes);
  Status finish();
  bool is_file() const { return fd_ >= 0; }
  /// Makes a file durable. Waits: not on an I/O thread.
  Status sync();
  int64_t size() const { return size_; }
  /// Puts the blob's value or its file's record in the transaction, if it does not stand in the piece.
  Piece put(store::Transaction& tx) const;
  /// The commit has been made.
  void taken();

 private:
  Status put_out(std::string_view bytes);
  Status flush(std::string_view bytes);
  Status start_file();
  Blobs& blobs_;
  std::string id_, sealed_;
  bool encrypt_, taken_ = false, finished_ = false;
  void* cipher_ = nullptr;
  std::string scratch_;  // ciphertext
  std::string memory_;   // not in the file yet
  int fd_ = -1;
  int64_t size_ = 0, flushed_ = 0;
  uint32_t crc_ = 0;
  std::string table_;
};

/// Reads pieces one after the other, checking them.
class Blobs::Reader : public http::Source {
  class File;

 public:
  /// False from good(): a file is gone, because the object has been deleted since its record was read: read
  /// the record again.
  Reader(Blobs& blobs, store::Transaction& tx, std::vector<Piece> pieces);
  ~Reader() override;
  bool good() const { return good_; }
  /// Reads the first part ahead, so that it is known before an answer begins whether there is one. False: its
  /// file cannot be read, or is damaged; the log says why. On good pieces of at least one byte, once.
  /// `plain`: it goes out as it is, so that whole chunks of files may be had from pages().
  bool begin(bool plain = false);
  bool next(std::string& part) override;
  http::Pages* pages() override { return began_ ? nullptr : pages_.get(); }

 private:
  bool open_file();
  bool open_piece();
  bool read_table();
  bool read(std::string& part);
  bool read_pages(int64_t most);
  bool lend_window(int64_t most);
  bool check_chunks(int64_t from, int64_t to);
  bool check(std::string_view chunk, int64_t at) const;
  void advance(int64_t position);
  Blobs& blobs_;
  std::vector<Piece> pieces_;
  std::vector<std::shared_ptr<const std::string>> values_;  // of the pieces that are values of the store
  bool good_ = true;
  size_t at_ = 0;          // piece
  int64_t position_ = -1;  // in its blob; -1: not opened
  std::shared_ptr<const File> file_;
  std::string key_, table_;
  bool plain_ = false;
  std::unique_ptr<http::Pages> pages_;
  bool began_ = false;  // what begin() has read, in `ahead_` or in `pages_`, was not asked for yet
  std::string ahead_;
};

/// The pieces of `pieces` that hold `size` bytes from `offset` on.
std::vector<Piece> slice(const std::vector<Piece>& pieces, int64_t offset, int64_t size);

}  // namespace nubecita::s3
