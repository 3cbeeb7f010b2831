// The inside of the store, shared by its .cpp files only.
//
// Order of locks: `db_mutex` before `live_mutex` or `queue_mutex` (a reader that wakes the commit thread,
// which takes `db_mutex` only without it); the others are taken alone. `db_mutex` is shared by everybody who
// uses the database and taken alone only to close and open it again (database.cpp); `live_mutex` guards the
// snapshots of running transactions, `queue_mutex` the commits that wait, `watch_mutex` the watchers;
// `records` locks inside itself. Everything else belongs to the commit thread.
#pragma once

#include <rocksdb/db.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <unordered_set>

#include "store/recent_writes.hpp"
#include "store/shared_records.hpp"
#include "store/store.hpp"

namespace nubecita::store {

struct Transaction::State {
  explicit State(Store::Impl& s) : store(s) {}
  ~State();

  /// The snapshot, taken at the first read so that a transaction which waits before it reads meets fewer
  /// conflicts.
  const rocksdb::Snapshot* view();
  /// False: there is no such key.
  bool read(std::string_view key, rocksdb::PinnableSlice& value);
  void write(std::string_view key, std::optional<std::string> value);  // nothing: erases

  Store::Impl& store;
  const rocksdb::Snapshot* snapshot = nullptr;
  bool stale = false;  // the database was opened again underneath: what was read must be read again
  int depth = 0;       // reads within reads (a visitor that reads): only the outermost takes db_mutex
  std::map<std::string, std::optional<std::string>, std::less<>> writes;  // nothing: erased
  std::vector<std::pair<std::string, std::string>> appends;               // prefix, value
  std::vector<std::string> read_keys;
  std::vector<KeyRange> read_ranges;
};

struct Commit {
  std::unique_ptr<Transaction> tx;
  CommitDone done;
};

/// What transactions before one in its group write. Views of keys that live longer.
struct GroupWrites {
  std::unordered_set<std::string_view> keys;
  bool changed(std::string_view key) const { return keys.contains(key); }
  bool changed(const KeyRange& range) const {
    return std::ranges::any_of(keys, [&](auto key) { return range.has(key); });
  }
};

struct Store::Impl {
  Impl(std::string path, std::unique_ptr<rocksdb::DB> database, bool sync_writes);
  ~Impl();

  static Result<std::unique_ptr<rocksdb::DB>> open_database(const std::string& path, bool accept_loss);

  void run();  // the commit thread
  void commit_group(std::vector<Commit>& group);
  bool valid(const Transaction::State& tx, const GroupWrites& of_group) const;
  /// Empty, or why it failed.
  std::string write(rocksdb::WriteBatch& batch);
  std::string recover();
  void prune();
  /// A while has passed without a commit.
  void rest();
  /// Somebody reads. Any thread.
  void noticed_reading() {
    if (!read_lately.load(std::memory_order_relaxed)) read_lately.store(true, std::memory_order_relaxed);
    if (resting.load(std::memory_order_relaxed)) wake();
  }
  void wake();
  /// Switches the collecting of garbage in blob files: on when a fifth is dead, off below a tenth.
  void weigh_garbage();
  void count_changes(const ChangedKeys& keys);
  void count_everything_changed();
  void notify(const ChangedKeys& keys);

  const std::string path;
  const bool sync;

  std::shared_mutex db_mutex;
  std::unique_ptr<rocksdb::DB> db;  // null: it could not be opened again yet

  std::mutex live_mutex;
  std::multimap<Sequence, Transaction::State*> live;  // by the sequence of their snapshots

  // What reading has left in memory goes when nobody has read for a while, either.
  std::atomic<bool> read_lately = false;
  std::atomic<bool> resting = false;  // set by the commit thread, which sleeps until something is asked for

  std::mutex queue_mutex;
  std::condition_variable queue_filled;
  std::vector<Commit> queue;
  bool stopping = false;

  struct Watcher {
    std::string prefix;
    std::function<void(const ChangedKeys&)> notice;
  };
  // Recursive: a notice may watch or unwatch. Held while notices run, so that none runs after its unwatch().
  std::recursive_mutex watch_mutex;
  std::map<uint64_t, std::shared_ptr<Watcher>> watchers;
  uint64_t next_watch = 1;

  std::mutex change_mutex;  // for the map; the counts themselves are read without it
  std::map<std::string, std::atomic<uint64_t>, std::less<>> change_counts;  // by prefix

  SharedRecords records;  // any thread
  RecentWrites recent;
  static constexpr size_t kWeighEvery = 32u << 20;  // bytes written
  size_t unweighed = kWeighEvery;
  bool collecting = false;
  bool flushed = false;  // since the last commit
  bool broken = false;   // the last write failed
  ChangedKeys in_doubt;  // keys of the write that broke it

  std::thread committer;  // last: it uses all of the above
};

}  // namespace nubecita::store
