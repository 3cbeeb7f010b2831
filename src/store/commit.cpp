// The commit thread: takes every transaction that waits, validates them in order, and makes one durable write
// of the valid ones. While it waits for the disk the next group gathers, so the cost of a sync is shared by
// all who wait.

#include <rocksdb/table.h>

#include <algorithm>
#include <chrono>

#include "base/log.hpp"
#include "base/memory.hpp"
#include "store/impl.hpp"

namespace nubecita::store {
namespace {
constexpr size_t kGroupBytes =
    8u << 20;  // a group ends after this much, so that memory and waiting stay bounded
constexpr std::chrono::seconds kTryAgain{1};  // to open a database that could not be opened
constexpr std::chrono::seconds kRest{2};      // without a commit, without a read
constexpr uint64_t kWorthAFile = 1u << 20;    // bytes

std::string big_endian(uint64_t n) {
  std::string bytes(8, '\0');
  for (int i = 7; i >= 0; --i, n >>= 8) bytes[static_cast<size_t>(i)] = static_cast<char>(n & 0xff);
  return bytes;
}
}  // namespace

Store::Impl::Impl(std::string where, std::unique_ptr<rocksdb::DB> database, bool sync_writes)
    : path(std::move(where)), sync(sync_writes), db(std::move(database)), committer([this] { run(); }) {}

Store::Impl::~Impl() {
  {
    std::lock_guard lock(queue_mutex);
    stopping = true;
  }
  queue_filled.notify_one();
  committer.join();
  if (db) db->Close().PermitUncheckedError();  // what was acknowledged is in the log already
}

void Store::Impl::run() {
  for (;;) {
    std::vector<Commit> group;
    {
      std::unique_lock lock(queue_mutex);
      const auto asked = [this] { return stopping || !queue.empty(); };
      // Without a database every read throws, so that perhaps nobody comes as far as a commit.
      while (!asked() && !db)
        if (!queue_filled.wait_for(lock, kTryAgain, asked)) {
          lock.unlock();
          recover();
          if (!broken) notify(std::exchange(in_doubt, {}));
          lock.lock();
        }
      while (!asked()) {
        if (resting) {
          queue_filled.wait(lock, [&] { return asked() || !resting; });
        } else if (!queue_filled.wait_for(lock, kRest, asked)) {
          lock.unlock();
          rest();
          lock.lock();
        }
      }
      resting = flushed = false;
      if (queue.empty()) return;  // stopping, and everything asked for is answered
      group.swap(queue);
    }
    commit_group(group);
  }
}

bool Store::Impl::valid(const Transaction::State& tx, const GroupWrites& of_group) const {
  if (tx.stale) return false;
  if (!tx.snapshot) return true;  // it read nothing
  const Sequence at = tx.snapshot->GetSequenceNumber();
  auto changed = [&](const auto& what) { return recent.changed_since(what, at) || of_group.changed(what); };
  for (auto& key : tx.read_keys)
    if (changed(std::string_view(key))) return false;
  for (auto& range : tx.read_ranges)
    if (changed(range)) return false;
  return true;
}

void Store::Impl::commit_group(std::vector<Commit>& group) {
  for (size_t begin = 0; begin < group.size();) {
    std::string reason;
    if (broken) reason = recover();  // before validating: it makes running transactions stale
    GroupWrites of_group;            // not known to be durable yet, so kept apart from `recent`
    rocksdb::WriteBatch batch;
    std::vector<std::pair<CommitResult, ChangedKeys>> answers;
    // The number that the engine gives to the next write: it grows for ever, over restarts too. Without a
    // database nothing is written, whatever its key.
    const uint64_t next_number = db ? db->GetLatestSequenceNumber() + 1 : 0;
    size_t end = begin;
    for (; end < group.size() && batch.GetDataSize() < kGroupBytes; ++end) {
      auto& tx = group[end].tx->state();
      if (!valid(tx, of_group)) {
        answers.emplace_back(CommitResult::conflict, ChangedKeys{});
        continue;
      }
      ChangedKeys keys;
      keys.reserve(tx.writes.size() + tx.appends.size());
      while (!tx.writes.empty()) {
        auto write = tx.writes.extract(tx.writes.begin());
        if (write.mapped())
          batch.Put(write.key(), *write.mapped());
        else
          batch.Delete(write.key());
        keys.push_back(std::move(write.key()));
      }
      for (auto& [prefix, value] : tx.appends) {
        auto key = prefix + big_endian(next_number + batch.Count());
        batch.Put(key, value);
        keys.push_back(std::move(key));
      }
      of_group.keys.insert(keys.begin(), keys.end());
      answers.emplace_back(CommitResult::done, std::move(keys));
    }

    if (batch.Count() && reason.empty()) {
      const Sequence last = db->GetLatestSequenceNumber() + batch.Count();
      for (auto& [result, keys] : answers) records.forget(keys, last);
      reason = write(batch);
      if (!reason.empty()) {
        for (auto& [result, keys] : answers) in_doubt.insert(in_doubt.end(), keys.begin(), keys.end());
      } else {
        const Sequence at = db->GetLatestSequenceNumber();  // only this thread writes
        for (auto& [result, keys] : answers) {
          for (auto& key : keys) recent.add(key, at);
          count_changes(keys);
        }
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
    if (!broken && !in_doubt.empty()) notify(std::exchange(in_doubt, {}));
    prune();
    unweighed += batch.GetDataSize();
    if (!broken && unweighed >= kWeighEvery) weigh_garbage();
    begin = end;
  }
}

std::string Store::Impl::write(rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions options;
  options.sync = sync;
  auto status = db->Write(options, &batch);
  if (status.ok()) return {};
  broken = true;
  log_error("store", "cannot write: {}", status.ToString());
  return status.ToString();
}

// What the database holds in memory goes to a file of the tree: the next opening has less to read. Then, when
// nobody reads, what is kept for reading goes back to the machine.
void Store::Impl::rest() {
  if (flushed) {
    if (read_lately.exchange(false)) return;
    resting = true;  // first: who reads from here on wakes us again
    if (db && !broken)
      if (auto* table = db->GetOptions().table_factory->GetOptions<rocksdb::BlockBasedTableOptions>())
        table->block_cache->EraseUnRefEntries();
    records.drop();
    give_back_memory();
    return;
  }
  flushed = true;
  uint64_t in_memory = 0;
  if (!db || broken || !db->GetIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &in_memory) ||
      in_memory < kWorthAFile)
    return;
  rocksdb::FlushOptions later;
  later.wait = false;
  db->Flush(later).PermitUncheckedError();  // if it cannot, the log has it still
}

void Store::Impl::wake() {
  {
    std::lock_guard lock(queue_mutex);
    resting = false;
  }
  queue_filled.notify_one();
}

void Store::Impl::prune() {
  if (!db) return;
  std::lock_guard lock(live_mutex);
  recent.prune(live.empty() ? db->GetLatestSequenceNumber() : live.begin()->first);
}

void Store::Impl::count_changes(const ChangedKeys& keys) {
  std::lock_guard lock(change_mutex);
  for (auto& [prefix, count] : change_counts)
    for (auto& key : keys)
      if (key.starts_with(prefix)) {
        ++count;
        break;
      }
}

void Store::Impl::count_everything_changed() {
  std::lock_guard lock(change_mutex);
  for (auto& [prefix, count] : change_counts) ++count;
}

void Store::Impl::notify(const ChangedKeys& keys) {
  std::lock_guard lock(watch_mutex);
  std::vector<std::pair<uint64_t, std::shared_ptr<Watcher>>> concerned;
  for (auto& watcher : watchers)
    if (std::ranges::any_of(keys, [&](auto& key) { return key.starts_with(watcher.second->prefix); }))
      concerned.emplace_back(watcher);
  for (auto& [id, watcher] : concerned) {
    if (!watchers.contains(id)) continue;  // a notice before this one unwatched it
    ChangedKeys matching;
    for (auto& key : keys)
      if (key.starts_with(watcher->prefix)) matching.push_back(key);
    watcher->notice(matching);
  }
}

}  // namespace nubecita::store
