// What goes on behind the answers. All work is in batches, so that a batch and the writes of clients seldom
// meet and a crash loses none of it: what is to be done stands in the records.
#include "services/dynamodb/controller.hpp"

#include "base/clock.hpp"
#include "control/engine.hpp"
#include "services/dynamodb/changes.hpp"
#include "services/dynamodb/dynamodb.hpp"
#include "services/dynamodb/encryption.hpp"
#include "services/dynamodb/keys.hpp"
#include "services/dynamodb/recovery.hpp"
#include "services/dynamodb/tables.hpp"
#include "services/dynamodb/write.hpp"

namespace nubecita::dynamodb {
namespace {

constexpr size_t kBatch = 500;  // items per transaction
constexpr int64_t kStreamLife = 24 * 3600 * 1000;
constexpr int64_t kTokenLife = 10 * 60 * 1000;
constexpr uint64_t kTooOld = 5 * 365 * 24 * 3600ull;
constexpr std::chrono::milliseconds kExpiryPause{1000}, kStreamPause{600'000};

/// Calls `visit` with a batch of the keys and values below `prefix` from `from` on, in one transaction; the
/// key to go on from, empty at the end.
Result<std::string> batch(
    store::Store& store, const std::string& prefix, const std::string& from,
    const std::function<Status(store::Transaction&, const std::vector<std::pair<std::string, std::string>>&)>&
        visit) {
  std::string next;
  TRY(store.transact([&](store::Transaction& tx) -> Status {
    std::vector<std::pair<std::string, std::string>> found;
    next.clear();
    tx.scan(prefix, from, [&](std::string_view key, std::string_view value) {
      if (found.size() == kBatch) {
        next = key;
        return false;
      }
      found.emplace_back(key, value);
      return true;
    });
    return visit(tx, found);
  }));
  return next;
}

/// Seals what stands below `prefix` (the table's items, or an index's) from before the table had a key.
Status seal(api::Cloud& cloud, const store::Scope& scope, const TableInfo& table, const std::string& prefix) {
  std::string from;
  do {
    TRY_LET(from, batch(*cloud.store, prefix, from, [&](store::Transaction& tx, auto& values) -> Status {
              auto now = find_table(tx, scope, table.name);
              if (!now || now->uid != table.uid) return {};
              TRY(open_table(cloud, tx, *now));
              for (auto& [key, value] : values)
                if (!is_sealed(value))
                  tx.put(key, seal_value(now->plain_key.get(), value,
                                         std::string_view(key).substr(prefix.size())));
              return {};
            }));
  } while (!from.empty());
  return {};
}

/// Fills the indexes and the expiry entries that are being built, and seals what is not sealed yet.
Status build(api::Cloud& cloud, const store::Scope& scope, const std::string& name) {
  store::Store& store = *cloud.store;
  TablePtr table;
  {
    auto tx = store.begin();
    table = find_table(*tx, scope, name);
  }
  if (!table) return {};
  std::string from;
  do {
    TRY_LET(from, batch(store, table->items, from, [&](store::Transaction& tx, auto& items) -> Status {
              auto now = find_table(tx, scope, name);
              if (!now || now->uid != table->uid) return {};
              TRY(open_table(cloud, tx, *now));
              for (auto& [key, stored] : items) {
                const std::string place = key.substr(now->items.size());
                const auto item = open_value(now->plain_key.get(), stored, place);
                for (size_t i = 0; i < now->indexes.size(); ++i) {
                  if (!now->indexes[i].building) continue;
                  if (auto at = index_place(now->indexes[i], item, place))
                    tx.put(now->index_items[i] + *at,
                           seal_value(now->plain_key.get(), projected(*now, now->indexes[i], item), *at));
                }
                if (!now->ttl_building) continue;
                if (auto at = expiry_place(*now, item, place)) tx.put(now->expiry_items + *at, {});
              }
              return {};
            }));
  } while (!from.empty());
  if (table->sealing) {
    TRY(seal(cloud, scope, *table, table->items));
    for (auto& prefix : table->index_items) TRY(seal(cloud, scope, *table, prefix));
  }
  // Those that stood in the table when the work began are full now; others begin again.
  return store.transact([&](store::Transaction& tx) -> Status {
    auto now = find_table(tx, scope, name);
    if (!now || now->uid != table->uid) return {};
    Table done = *now;
    for (auto& index : done.indexes)
      if (const Index* began = table->index(index.name); began && began->uid == index.uid)
        index.building = false;
    if (done.ttl_uid == table->ttl_uid) done.ttl_building = false;
    if (table->sealing) done.sealing = false;
    put_table(tx, scope, done);
    return {};
  });
}

bool needs_building(const Table& table) {
  bool any = table.ttl_building || table.sealing;
  for (auto& i : table.indexes) any |= i.building;
  return any;
}

Result<control::Again> expire(api::Cloud& cloud, const store::Scope& scope, const TableInfo& table) {
  const auto seconds = static_cast<uint64_t>(now_ms() / 1000);
  bool more = true;
  while (more) {
    TRY(batch(*cloud.store, table.expiry_items, {}, [&](store::Transaction& tx, auto& entries) -> Status {
      more = false;
      auto now = find_table(tx, scope, table.name);
      if (!now || now->ttl_uid != table.ttl_uid) return {};
      bool open = false;
      for (auto& [key, nothing] : entries) {
        uint64_t at = 0;
        const std::string_view rest = std::string_view(key).substr(now->expiry_items.size());
        for (char c : rest.substr(0, 8)) at = at << 8 | static_cast<uint8_t>(c);
        if (at > seconds) return {};
        if (!std::exchange(open, true)) TRY(open_table(cloud, tx, *now));
        const std::string place(rest.substr(8));
        auto old = read_item_at(tx, *now, place);
        tx.erase(key);
        // AWS leaves alone what claims to have expired more than five years ago.
        if (old && at + kTooOld > seconds) write(tx, {*now, place, old, nullptr, true}, now_ms());
        more = true;
      }
      return {};
    }));
  }
  return control::again_in(kExpiryPause);
}

Result<control::Again> look_after_table(api::Cloud& cloud, const store::Scope& scope,
                                        const std::string& name) {
  store::Store& store = *cloud.store;
  TablePtr table;
  {
    auto tx = store.begin();
    table = find_table(*tx, scope, name);
  }
  if (!table) return control::done();
  if (table->restoring) {
    TRY(finish_restore(store, scope, *table));
  }
  if (needs_building(*table)) {
    TRY(build(cloud, scope, name));
    return control::again_in(std::chrono::milliseconds(0));
  }
  if (table->ttl_uid.empty()) return control::done();
  return expire(cloud, scope, *table);
}

Result<control::Again> sweep(store::Store& store, const store::Scope& scope, const std::string& prefix) {
  bool more = true;
  while (more) {
    TRY(batch(store, prefix, {}, [&](store::Transaction& tx, auto& found) -> Status {
      for (auto& [key, value] : found) tx.erase(key);
      more = found.size() == kBatch;
      if (!more) tx.erase<Garbage>(scope, prefix);
      return {};
    }));
  }
  return control::done();
}

/// Records older than a day go; a stream that was closed a day ago goes with them.
Result<control::Again> trim(store::Store& store, const store::Scope& scope, const std::string& uid) {
  const int64_t now = now_ms();
  const auto prefix = change_prefix(scope, uid);
  bool more = true, gone = false;
  while (more) {
    TRY(batch(store, prefix, {}, [&](store::Transaction& tx, auto& records) -> Status {
      more = false;
      auto stream = tx.get<Stream>(scope, uid);
      gone = !stream || (stream->closed && stream->closed + kStreamLife < now);
      for (auto& [key, record] : records) {
        if (!gone && change_time(record) + kStreamLife > now) return {};
        tx.erase(key);
        more = true;
      }
      if (gone && !more) tx.erase<Stream>(scope, uid);
      return {};
    }));
  }
  return gone ? control::done() : control::again_in(kStreamPause);
}

/// Notes that are older than their journal promises go.
Result<control::Again> trim_notes(store::Store& store, const store::Scope& scope, const std::string& uid) {
  auto journal = store.begin()->get<Journal>(scope, uid);
  if (!journal) return control::done();
  const int64_t first = earliest(*journal, now_ms());
  bool more = true;
  while (more) {
    more = false;
    std::vector<std::string> old;
    store.begin()->scan(note_prefix(scope, uid), {}, [&](std::string_view key, std::string_view bytes) {
      const auto note = decode_note(bytes);
      if (note && note->at >= first) return false;
      old.emplace_back(key);
      more = old.size() == kBatch;
      return !more;
    });
    if (old.empty()) break;
    TRY(store.transact([&](store::Transaction& tx) -> Status {
      for (auto& key : old) tx.erase(key);
      return {};
    }));
  }
  return control::again_in(kStreamPause);
}

Result<control::Again> forget_token(store::Store& store, const store::Scope& scope, const std::string& id) {
  int64_t left = 0;
  TRY(store.transact([&](store::Transaction& tx) -> Status {
    auto token = tx.get<Token>(scope, id);
    left = token ? token->at + kTokenLife - now_ms() : 0;
    if (token && left <= 0) tx.erase<Token>(scope, id);
    return {};
  }));
  return left > 0 ? control::again_in(std::chrono::milliseconds(left)) : control::done();
}

Result<control::Again> reconcile(api::Cloud& cloud, const std::string& key) {
  store::Store& store = *cloud.store;
  const auto parts = store::parse_key(key);
  const store::Scope scope{std::string(parts.account), std::string(parts.region)};
  const std::string id(parts.id);
  if (parts.table == Table::kTable) return look_after_table(cloud, scope, id);
  if (parts.table == Garbage::kTable) return sweep(store, scope, id);
  if (parts.table == Stream::kTable) return trim(store, scope, id);
  if (parts.table == Token::kTable) return forget_token(store, scope, id);
  if (parts.table == Journal::kTable) return trim_notes(store, scope, id);
  TRY(copy_backup(store, scope, id));
  return control::done();
}

}  // namespace

void add_controllers(api::Cloud& cloud) {
  control::Controller c;
  c.name = "dynamodb";
  for (auto table :
       {Table::kTable, Garbage::kTable, Stream::kTable, Journal::kTable, Token::kTable, Backup::kTable})
    c.tables.emplace_back(table);
  c.workers = 2;
  c.reconcile = [&cloud](const std::string& key) { return reconcile(cloud, key); };
  cloud.engine->add(std::move(c));
}

}  // namespace nubecita::dynamodb
