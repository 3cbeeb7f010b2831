#include "store/store.hpp"

#include <chrono>
#include <filesystem>
#include <future>
#include <random>

#include "store/changes.hpp"
#include "store/impl.hpp"

namespace nubecita::store {
Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::string& path, Options options) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error)
    return fail("StoreUnavailable", "The store's directory " + path + " cannot be made: " + error.message(),
                503);
  // It holds secrets, and database servers, which are other users, pass through the directory above it.
  std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  if (error)
    return fail("StoreUnavailable", "The store's directory " + path + " cannot be closed: " + error.message(),
                503);
  TRY_LET(auto db, Impl::open_database(path, options.accept_loss));
  return std::unique_ptr<Store>(new Store(std::make_unique<Impl>(path, std::move(db), options.sync)));
}

std::unique_ptr<Transaction> Store::begin() {
  return std::unique_ptr<Transaction>(new Transaction(std::make_unique<Transaction::State>(*impl_)));
}

void Store::commit(std::unique_ptr<Transaction> tx, CommitDone done) {
  // What it read is one snapshot, so it is already serializable: it stands at the moment of that snapshot.
  if (!tx->has_writes()) {
    bool stale;
    {
      std::shared_lock open(impl_->db_mutex);
      stale = tx->state().stale;
    }
    tx.reset();
    done(stale ? CommitResult::conflict : CommitResult::done, {});
    return;
  }
  {
    std::lock_guard lock(impl_->queue_mutex);
    impl_->queue.push_back({std::move(tx), std::move(done)});
  }
  impl_->queue_filled.notify_one();
}

CommitResult Store::commit(std::unique_ptr<Transaction> tx, std::string* reason) {
  // Shared: set_value() may still touch the promise after get() has returned here.
  auto answer = std::make_shared<std::promise<CommitResult>>();
  auto result = answer->get_future();
  commit(std::move(tx), [answer, reason](CommitResult r, std::string why) {
    if (reason) *reason = std::move(why);
    answer->set_value(r);
  });
  return result.get();
}

Status Store::transact(const std::function<Status(Transaction&)>& work) {
  thread_local std::minstd_rand random(std::random_device{}());
  for (int round = 0; round < 100; ++round) {
    // Those who keep losing step aside for a moment, each for another one, so that somebody gets through.
    if (round > 3) {
      const int most = 200 << std::min(round / 4, 8);  // microseconds: up to 51 ms
      std::this_thread::sleep_for(
          std::chrono::microseconds(std::uniform_int_distribution<int>(0, most)(random)));
    }
    auto tx = begin();
    TRY(work(*tx));
    std::string reason;
    switch (commit(std::move(tx), &reason)) {
      case CommitResult::done:
        return {};
      case CommitResult::failed:
        return fail("ServiceUnavailable", "The store cannot write: " + reason, 503);
      case CommitResult::conflict:
        break;
    }
  }
  return fail("ServiceUnavailable", "The same records are being changed by too many requests: try again.",
              503);
}

void Store::settle() {
  // The commit thread notifies before it takes the next group, and this empty commit is in a later one.
  auto passed = std::make_shared<std::promise<void>>();
  auto result = passed->get_future();
  {
    std::lock_guard lock(impl_->queue_mutex);
    impl_->queue.push_back({begin(), [passed](CommitResult, std::string) { passed->set_value(); }});
  }
  impl_->queue_filled.notify_one();
  result.get();
}

const std::atomic<uint64_t>& changes(Store& store, std::string_view prefix) {
  auto& impl = store.begin()->state().store;
  std::lock_guard lock(impl.change_mutex);
  return impl.change_counts.try_emplace(std::string(prefix)).first->second;
}

uint64_t Store::watch(std::string prefix, std::function<void(const ChangedKeys&)> notice) {
  std::lock_guard lock(impl_->watch_mutex);
  const uint64_t id = impl_->next_watch++;
  impl_->watchers[id] = std::make_shared<Impl::Watcher>(std::move(prefix), std::move(notice));
  return id;
}

void Store::unwatch(uint64_t id) {
  std::lock_guard lock(impl_->watch_mutex);
  impl_->watchers.erase(id);
}

}  // namespace nubecita::store
