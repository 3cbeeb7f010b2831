// Finding tables, for all operations. Every transaction reads its table's record (that is what makes a change
// of the table and a write to it meet). One thread at a time per transaction; what is found is shared.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.hpp"
#include "services/dynamodb/records.hpp"

namespace nubecita::dynamodb {

/// A table's data key in plain: set once, by whoever needs it first. Any thread.
class PlainKey {
 public:
  bool known() const { return known_.load(std::memory_order_acquire); }
  /// Empty until it is known.
  std::string_view get() const { return known() ? std::string_view(key_) : std::string_view(); }
  void set(std::string key) {
    std::lock_guard lock(mutex_);
    if (known_) return;
    key_ = std::move(key);
    known_.store(true, std::memory_order_release);
  }

 private:
  std::mutex mutex_;
  std::string key_;
  std::atomic<bool> known_ = false;
};

/// A decoded table with what item operations need again and again.
struct TableInfo : Table {
  std::string items;                        // prefix of its items' keys
  std::vector<std::string> index_items;     // and of the items of each index
  std::string expiry_items, change_prefix;  // of the entries by expiry time, of the stream
  std::string note_prefix;                  // of the journal
  Schema expiry_keys;
  std::string arn;
  store::Scope scope;
  /// Of a table with a data key: set by open_table() (encryption.hpp), needed before its items are touched.
  mutable PlainKey plain_key;
  /// null: no such index
  const Index* index(std::string_view index_name) const;
};
using TablePtr = std::shared_ptr<const TableInfo>;

std::string item_prefix(const store::Scope& scope, std::string_view uid);
std::string change_prefix(const store::Scope& scope, std::string_view uid);
std::string table_arn(const store::Scope& scope, std::string_view name);
std::string index_arn(const store::Scope& scope, std::string_view table, std::string_view index);
std::string stream_arn(const store::Scope& scope, std::string_view table, int64_t created);

/// null: no such table
TablePtr find_table(store::Transaction& tx, const store::Scope& scope, std::string_view name);
struct TablePlace {
  store::Scope scope;
  std::string_view name;
};
/// What a client gives as table: a name in its own account, or an ARN, of another account too; the region is
/// the call's. Errors: ValidationException, AccessDeniedException.
Result<TablePlace> table_place(const api::Call& call, std::string_view given);
/// The same where only the caller's own account will do.
Result<std::string_view> table_name(const api::Call& call, std::string_view given);

}  // namespace nubecita::dynamodb
