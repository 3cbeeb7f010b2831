// The inside of the store, shared by its .cpp files only.
//
// Order of locks: none is taken while another is held. `live_mutex` guards the snapshots of running transactions,
// `queue_mutex` the commits that wait, `watch_mutex` the watchers. Everything else belongs to the commit thread.
#pragma once

#include <rocksdb/db.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "store/recent_writes.hpp"
#include "store/store.hpp"

namespace nubecita::store {

struct Transaction::State {
  explicit State(Store::Impl& s) : store(s) {}
  ~State();

  /// The snapshot, taken at the first read so that a transaction which waits before it reads meets fewer conflicts.
  const rocksdb::Snapshot* view();

  Store::Impl& store;
  const rocksdb::Snapshot* snapshot = nullptr;
  std::map<std::string, std::optional<std::string>, std::less<>> writes;  // nothing: erased
  std::set<std::string, std::less<>> read_keys;
  std::vector<KeyRange> read_ranges;
};

struct Commit {
  std::unique_ptr<Transaction> tx;
  CommitDone done;
};

struct Store::Impl {
  explicit Impl(std::unique_ptr<rocksdb::DB> database, bool sync_writes);
  ~Impl();

  void run();                                      // the commit thread
  void commit_group(std::vector<Commit>& group);
  bool valid(const Transaction::State& tx, const RecentWrites& of_group) const;
  rocksdb::Status write(rocksdb::WriteBatch& batch);
  void prune();
  void notify(const ChangedKeys& keys);

  std::unique_ptr<rocksdb::DB> db;
  const bool sync;

  std::mutex live_mutex;
  std::multiset<Sequence> live;  // sequences of the snapshots in use

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

  RecentWrites recent;
  bool broken = false;  // the last write failed

  std::thread committer;  // last: it uses all of the above
};

}  // namespace nubecita::store
