#include "services/dynamodb/changes.hpp"

#include "base/ids.hpp"
#include "services/dynamodb/recovery.hpp"
#include "services/dynamodb/tables.hpp"

namespace nubecita::dynamodb {

void put_table(store::Transaction& tx, const store::Scope& scope, const Table& table) {
  tx.put(scope, table);
  if (table.stream_uid.empty()) return;
  Stream s;
  s.uid = table.stream_uid;
  s.table = table.name;
  s.view = table.stream_view;
  s.created = table.stream_created;
  s.keys = table.keys;
  s.kms_key = table.kms_key;
  s.data_key = table.data_key;
  tx.put(scope, s);
}

void drop_items(store::Transaction& tx, const store::Scope& scope, std::string_view uid) {
  tx.put(scope, Garbage{item_prefix(scope, uid)});
}

void drop_table(store::Transaction& tx, const store::Scope& scope, const Table& table, int64_t now) {
  drop_items(tx, scope, table.uid);
  for (auto& i : table.indexes) drop_items(tx, scope, i.uid);
  if (!table.ttl_uid.empty()) drop_items(tx, scope, table.ttl_uid);
  Table last = table;
  close_stream(tx, scope, last, now);
  close_journal(tx, scope, last);
  tx.erase<Table>(scope, table.name);
}

void open_journal(store::Transaction& tx, const store::Scope& scope, Table& table, int64_t days,
                  int64_t now) {
  auto journal = tx.get<Journal>(scope, table.journal_uid);
  if (journal) {  // what is older than it has been kept is gone, whatever is wanted from now on
    journal->since = earliest(*journal, now);
  } else {
    table.journal_uid = random_hex(16);
    journal = Journal{table.journal_uid, table.name, now, days};
  }
  journal->days = days;
  tx.put(scope, *journal);
}

void close_journal(store::Transaction& tx, const store::Scope& scope, Table& table) {
  if (table.journal_uid.empty()) return;
  tx.erase<Journal>(scope, table.journal_uid);
  tx.put(scope, Garbage{note_prefix(scope, table.journal_uid)});
  table.journal_uid.clear();
}

void open_stream(Table& table, std::string_view view, int64_t now) {
  table.stream_uid = table.last_stream_uid = random_hex(16);
  table.stream_created = table.last_stream_created = now;
  table.stream_view = view;
}

void close_stream(store::Transaction& tx, const store::Scope& scope, Table& table, int64_t now) {
  if (table.stream_uid.empty()) return;
  if (auto s = tx.get<Stream>(scope, table.stream_uid)) {
    s->closed = now;
    tx.put(scope, *s);
  }
  table.stream_uid.clear();
}

}  // namespace nubecita::dynamodb
