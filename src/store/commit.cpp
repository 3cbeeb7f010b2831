// The commit thread: takes every transaction that waits, validates them in order, and makes one durable write of the
// valid ones. While it waits for the disk the next group gathers, so the cost of a sync is shared by all who wait.
#include "base/log.hpp"
#include "store/impl.hpp"

namespace nubecita::store {
namespace {
constexpr size_t kGroupBytes = 8u << 20;  // a group ends after this much, so that memory and waiting stay bounded
}  // namespace

Store::Impl::Impl(std::unique_ptr<rocksdb::DB> database, bool sync_writes)
    : db(std::move(database)), sync(sync_writes), committer([this] { run(); }) {}

Store::Impl::~Impl() {
  {
    std::lock_guard lock(queue_mutex);
    stopping = true;
  }
  queue_filled.notify_one();
  committer.join();
  db->Close().PermitUncheckedError();  // what was acknowledged is in the log already
}

void Store::Impl::run() {
  for (;;) {
    std::vector<Commit> group;
    {
      std::unique_lock lock(queue_mutex);
      queue_filled.wait(lock, [this] { return stopping || !queue.empty(); });
      if (queue.empty()) return;  // stopping, and everything asked for is answered
      group.swap(queue);
    }
    commit_group(group);
  }
}

bool Store::Impl::valid(const Transaction::State& tx, const RecentWrites& of_group) const {
  if (!tx.snapshot) return true;  // it read nothing
  const Sequence at = tx.snapshot->GetSequenceNumber();
  auto changed = [&](const auto& what) { return recent.changed_since(what, at) || of_group.changed_since(what, 0); };
  for (auto& key : tx.read_keys)
    if (changed(std::string_view(key))) return false;
  for (auto& range : tx.read_ranges)
    if (changed(range)) return false;
  return true;
}

void Store::Impl::commit_group(std::vector<Commit>& group) {
  for (size_t begin = 0; begin < group.size();) {
    RecentWrites of_group;  // not known to be durable yet, so kept apart from `recent`
    rocksdb::WriteBatch batch;
    std::vector<std::pair<CommitResult, ChangedKeys>> answers;
    size_t end = begin;
    for (; end < group.size() && batch.GetDataSize() < kGroupBytes; ++end) {
      auto& tx = group[end].tx->state();
      if (!valid(tx, of_group)) {
        answers.emplace_back(CommitResult::conflict, ChangedKeys{});
        continue;
      }
      ChangedKeys keys;
      for (auto& [key, value] : tx.writes) {
        if (value) batch.Put(key, *value);
        else batch.Delete(key);
        of_group.add(key, 1);
        keys.push_back(key);
      }
      answers.emplace_back(CommitResult::done, std::move(keys));
    }

    std::string reason;
    if (batch.Count()) {
      if (auto status = write(batch); !status.ok()) {
        reason = status.ToString();
      } else {
        const Sequence at = db->GetLatestSequenceNumber();  // only this thread writes
        for (auto& [result, keys] : answers)
          for (auto& key : keys) recent.add(key, at);
      }
    }
    for (size_t i = begin; i < end; ++i) {
      auto& [result, keys] = answers[i - begin];
      if (result == CommitResult::done && !reason.empty()) {
        result = CommitResult::failed;
        keys.clear();
      }
      group[i].tx.reset();
      group[i].done(result, result == CommitResult::failed ? reason : std::string());
      group[i].done = nullptr;
    }
    for (auto& [result, keys] : answers)
      if (!keys.empty()) notify(keys);
    prune();
    begin = end;
  }
}

/// After a failed write RocksDB refuses all further ones until it is told to look again: we look at every group, so
/// that writes come back by themselves once there is room on the disk.
rocksdb::Status Store::Impl::write(rocksdb::WriteBatch& batch) {
  if (broken) {
    auto status = db->Resume();
    if (!status.ok()) return status;
  }
  rocksdb::WriteOptions options;
  options.sync = sync;
  auto status = db->Write(options, &batch);
  if (!status.ok() && !broken) log_error("store", "cannot write: {}", status.ToString());
  if (status.ok() && broken) log_info("store", "writes again");
  broken = !status.ok();
  return status;
}

void Store::Impl::prune() {
  std::lock_guard lock(live_mutex);
  recent.prune(live.empty() ? db->GetLatestSequenceNumber() : *live.begin());
}

void Store::Impl::notify(const ChangedKeys& keys) {
  std::lock_guard lock(watch_mutex);
  std::vector<std::pair<uint64_t, std::shared_ptr<Watcher>>> now(watchers.begin(), watchers.end());
  for (auto& [id, watcher] : now) {
    if (!watchers.contains(id)) continue;  // a notice before this one unwatched it
    ChangedKeys matching;
    for (auto& key : keys)
      if (key.starts_with(watcher->prefix)) matching.push_back(key);
    if (!matching.empty()) watcher->notice(matching);
  }
}

}  // namespace nubecita::store
