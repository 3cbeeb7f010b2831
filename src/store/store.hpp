// The one store: an ordered key-value map with snapshots, optimistic transactions and change notices, on
// RocksDB.
//
// Promise: when commit() has answered, the write survives kill -9 and a power cut (one fdatasync per group of
// commits). Keys are "<table>/<account>/<region>/<id>": by table first, so that a controller finds all of its
// kind, of every account and region, in one scan. Ids may contain '/'.
//
// Lifecycle: 1. open, 2. any thread begins transactions, 3. stop watchers, 4. destroy (after all
// transactions).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <typeinfo>
#include <vector>

#include "base/result.hpp"
#include "store/record.hpp"

namespace nubecita::store {

/// Where a record lives. Resources of global services (IAM) have region "global".
struct Scope {
  std::string account, region;
};

struct ParsedKey {
  std::string_view table, account, region, id;
};
/// Parts of a key, pointing into it.
ParsedKey parse_key(std::string_view key);
std::string make_key(std::string_view table, const Scope& scope, std::string_view id);

class Store;

/// A consistent view plus the writes made in it. One thread at a time. Reads see the snapshot taken at the
/// first read and the transaction's own writes. Everything read (keys and scanned ranges, as far as they were
/// visited) is checked at commit: if another transaction has changed it since, the commit answers `conflict`
/// and the caller runs its work again on a new transaction. One that wrote without reading never conflicts.
/// Reads throw std::runtime_error when the disk cannot be read.
class Transaction {
 public:
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  std::optional<std::string> get(std::string_view key);
  void put(std::string_view key, std::string value);
  void erase(std::string_view key);
  /// Keys that begin with `prefix` and are >= `from`, in order, until `visit` answers false. `visit` may
  /// write; a write to a key further on is visited too.
  void scan(std::string_view prefix, std::string_view from,
            const std::function<bool(std::string_view key, std::string_view value)>& visit);
  /// The same backwards: keys that begin with `prefix` and are < `before` (empty: all of them), from the
  /// last. `visit` may not write to keys that begin with `prefix`.
  void scan_back(std::string_view prefix, std::string_view before,
                 const std::function<bool(std::string_view key, std::string_view value)>& visit);
  /// Writes `value` under `prefix` and 8 bytes that sort after those of every commit before (and of every
  /// append before in this transaction): a log that many write and nobody has to count. Never conflicts; this
  /// transaction's own reads do not see it.
  void append(std::string prefix, std::string value);
  bool has_writes() const;

  // Typed records (store/record.hpp).
  template <class R>
  std::optional<R> get(const Scope& scope, std::string_view id) {
    auto bytes = get(make_key(R::kTable, scope, id));
    if (!bytes) return {};
    return decode_record<R>(*bytes);
  }
  /// The same, read and decoded once for all who ask again and again: for what many requests read and few
  /// change. Null: there is none. A few megabytes are kept in memory (shared_records.hpp).
  template <class R>
  std::shared_ptr<const R> shared(const Scope& scope, std::string_view id) {
    return shared<R>(make_key(R::kTable, scope, id), [](std::string_view bytes) {
      return std::make_shared<const R>(decode_record<R>(bytes));
    });
  }
  /// The same of any type: `make` gets the bytes and answers a std::shared_ptr<const T>, which depends on
  /// nothing else; any thread may hold it.
  template <class T, class Make>
  std::shared_ptr<const T> shared(std::string_view key, const Make& make) {
    return std::static_pointer_cast<const T>(shared_value(key, typeid(T), make));
  }
  template <class R>
  void put(const Scope& scope, const R& record) {
    put(make_key(R::kTable, scope, record.key()), encode_record(record));
  }
  template <class R>
  void erase(const Scope& scope, std::string_view id) {
    erase(make_key(R::kTable, scope, id));
  }
  /// All records of a kind in one account and region whose id begins with `id_prefix`, in the order of their
  /// ids.
  template <class R>
  std::vector<R> list(const Scope& scope, std::string_view id_prefix = {}) {
    std::vector<R> out;
    scan(make_key(R::kTable, scope, id_prefix), {}, [&](std::string_view, std::string_view v) {
      out.push_back(decode_record<R>(v));
      return true;
    });
    return out;
  }
  /// All records of a kind, everywhere.
  template <class R>
  void each(const std::function<bool(const Scope&, R&)>& visit) {
    scan(std::string(R::kTable) + "/", {}, [&](std::string_view key, std::string_view v) {
      auto parts = parse_key(key);
      R record = decode_record<R>(v);
      return visit(Scope{std::string(parts.account), std::string(parts.region)}, record);
    });
  }

  struct State;  // of the implementation
  State& state() { return *state_; }

 private:
  friend class Store;
  explicit Transaction(std::unique_ptr<State> state);
  using MakeShared = std::function<std::shared_ptr<const void>(std::string_view bytes)>;
  std::shared_ptr<const void> shared_value(std::string_view key, const std::type_info& type,
                                           const MakeShared& make);
  std::unique_ptr<State> state_;
};

enum class CommitResult { done, conflict, failed };
using CommitDone = std::function<void(CommitResult, std::string reason)>;

/// The keys that one commit wrote or erased, in order.
using ChangedKeys = std::vector<std::string>;

class Store {
 public:
  struct Options {
    bool sync = true;          // false only for tests that measure something else
    bool accept_loss = false;  // open though a log is damaged: what was written after the damage is gone
  };
  /// Makes the directory if it is missing. Error "StoreUnavailable" names the cause (locked, full, corrupt).
  static Result<std::unique_ptr<Store>> open(const std::string& path, Options options);
  static Result<std::unique_ptr<Store>> open(const std::string& path) { return open(path, Options{}); }
  ~Store();

  std::unique_ptr<Transaction> begin();

  /// Answers on the commit thread once the write is on the disk (or failed); the transaction is consumed.
  /// Commits whose transaction wrote nothing answer at once on the calling thread. `failed` comes with the
  /// reason (a full disk): nothing of it is visible, later commits try again and succeed once the cause is
  /// gone. `done` must be quick and not throw.
  void commit(std::unique_ptr<Transaction> tx, CommitDone done);
  /// The same, waiting. Not on an I/O thread.
  CommitResult commit(std::unique_ptr<Transaction> tx, std::string* reason = nullptr);

  /// Runs `work` until its commit meets no conflict (at most 100 times). `work` may run more than once: no
  /// effects outside the transaction. Its error is returned and nothing is written; "ServiceUnavailable"
  /// (503) if the store cannot write or the conflicts do not end. Waits: not on an I/O thread and not in a
  /// notice.
  Status transact(const std::function<Status(Transaction&)>& work);

  /// `notice` gets every commit whose keys begin with `prefix` (only those keys), in commit order, on the
  /// commit thread, after the commits of its group were answered: it must be quick and must not throw or wait
  /// for a commit. Returns an id for unwatch(), after which no notice runs any more (it may be called from a
  /// notice).
  uint64_t watch(std::string prefix, std::function<void(const ChangedKeys&)> notice);
  void unwatch(uint64_t id);
  /// Waits until the notices of all commits answered so far have run. For tests and orderly ends; not in a
  /// notice.
  void settle();

  struct Impl;

 private:
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nubecita::store
