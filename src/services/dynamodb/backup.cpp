// CreateBackup, DescribeBackup, ListBackups, DeleteBackup, RestoreTableFromBackup; the switch of
// point-in-time recovery and RestoreTableToPointInTime. A backup is a copy of the items as they stood at one
// moment, made by the controller; so is a restored table.
#include <algorithm>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "models/dynamodb.hpp"
#include "services/dynamodb/changes.hpp"
#include "services/dynamodb/controller.hpp"
#include "services/dynamodb/encryption.hpp"
#include "services/dynamodb/errors.hpp"
#include "services/dynamodb/recovery.hpp"
#include "services/dynamodb/table_describe.hpp"
#include "services/dynamodb/table_schema.hpp"
#include "services/dynamodb/value.hpp"

namespace nubecita::dynamodb {
namespace {

constexpr size_t kBatch = 1000;

std::string backup_arn(const store::Scope& scope, const Backup& b) {
  return table_arn(scope, b.table.name) + "/backup/" + b.id;
}

Result<Backup> find_backup(api::Call& call, wire::Text arn) {
  TRY(call.authorize(arn));
  const auto text = arn.sv();
  const auto at = text.rfind("/backup/");
  if (!text.starts_with("arn:") || at == std::string_view::npos)
    return invalid("Invalid BackupArn: " + api::str(arn));
  auto b = call.tx.get<Backup>(call.scope(), text.substr(at + 8));
  if (!b || backup_arn(call.scope(), *b) != text)
    return fail("BackupNotFoundException", "Backup not found: " + api::str(arn));
  return *b;
}

model::BackupDetails* details(api::Call& call, const Backup& b, wire::Text status = {}) {
  auto* d = call.make<model::BackupDetails>();
  d->backup_arn = call.text(backup_arn(call.scope(), b));
  d->backup_name = call.text(b.name);
  d->backup_size_bytes = b.bytes;
  d->backup_status = status.has() ? status : b.building ? wire::Text("CREATING") : wire::Text("AVAILABLE");
  d->backup_type = "USER";
  d->backup_creation_date_time = wire::Timestamp{b.created};
  return d;
}

model::BackupDescription* description(api::Call& call, const Backup& b, wire::Text status = {}) {
  auto* d = call.make<model::BackupDescription>();
  d->backup_details = details(call, b, status);
  auto* source = d->source_table_details = call.make<model::SourceTableDetails>();
  source->table_name = call.text(b.table.name);
  source->table_id = call.text(b.table.id);
  source->table_arn = call.text(table_arn(call.scope(), b.table.name));
  source->table_size_bytes = b.bytes;
  source->item_count = b.items;
  source->key_schema = describe(call, b.table.keys);
  source->table_creation_date_time = wire::Timestamp{b.table.created};
  source->provisioned_throughput = call.make<model::ProvisionedThroughput>();
  source->provisioned_throughput->read_capacity_units = b.table.read_units;
  source->provisioned_throughput->write_capacity_units = b.table.write_units;
  source->billing_mode = b.table.on_demand ? wire::Text("PAY_PER_REQUEST") : wire::Text("PROVISIONED");
  d->source_table_feature_details = call.make<model::SourceTableFeatureDetails>();
  bool accessible = true;
  d->source_table_feature_details->sse_description = describe_encryption(call, b.table, accessible);
  return d;
}

/// Copies everything below `from` to below `to` as it stands in `reader`, in batches.
Result<Size> copy_items(store::Store& store, store::Transaction& reader, const std::string& from,
                        const std::string& to) {
  Size size;
  std::string next;
  bool more = true;
  while (more) {
    std::vector<std::pair<std::string, std::string>> items;
    more = false;
    reader.scan(from, next, [&](std::string_view key, std::string_view item) {
      if (items.size() == kBatch) {
        next = key;
        more = true;
        return false;
      }
      items.emplace_back(key.substr(from.size()), item);
      return true;
    });
    TRY(store.transact([&](store::Transaction& tx) -> Status {
      for (auto& [place, item] : items) tx.put(to + place, item);
      return {};
    }));
    size.items += static_cast<int64_t>(items.size());
    for (auto& [place, item] : items) size.bytes += static_cast<int64_t>(stored_size(item));
  }
  return size;
}

/// What an earlier try has left.
Status clear(store::Store& store, const std::string& prefix) {
  bool more = true;
  while (more) {
    TRY(store.transact([&](store::Transaction& tx) -> Status {
      std::vector<std::string> keys;
      tx.scan(prefix, {}, [&](std::string_view key, std::string_view) {
        keys.emplace_back(key);
        return keys.size() < kBatch;
      });
      for (auto& k : keys) tx.erase(k);
      more = keys.size() == kBatch;
      return {};
    }));
  }
  return {};
}

}  // namespace

Status copy_backup(store::Store& store, const store::Scope& scope, const std::string& id) {
  std::optional<Backup> b = store.begin()->get<Backup>(scope, id);
  if (!b || !b->building) return {};
  const auto to = item_prefix(scope, b->uid);
  TRY(clear(store, to));
  auto reader = store.begin();  // one snapshot for all batches
  // The key that the items are sealed with may have come after the backup was asked for.
  auto source = reader->get<Table>(scope, b->table.name);
  if (!source || source->uid != b->table.uid) source = b->table;
  TRY_LET(auto size, copy_items(store, *reader, item_prefix(scope, b->table.uid), to));
  return store.transact([&](store::Transaction& tx) -> Status {
    auto now = tx.get<Backup>(scope, id);
    if (!now) {  // deleted meanwhile
      drop_items(tx, scope, b->uid);
      return {};
    }
    now->building = false;
    now->table.kms_key = source->kms_key;
    now->table.data_key = source->data_key;
    now->table.sealing = source->sealing;
    now->items = size.items;
    now->bytes = size.bytes;
    tx.put(scope, *now);
    return {};
  });
}

namespace {

/// The source as it is now, less what was noted since the moment that is wanted.
Status copy_as_of(store::Store& store, const store::Scope& scope, const Table& table, const std::string& to) {
  auto reader = store.begin();
  const auto name = table.restored_table.substr(table.restored_table.rfind('/') + 1);
  auto source = reader->get<Table>(scope, name);
  if (!source || source->uid != table.restored_uid || source->journal_uid.empty())
    return fail("TableNotFoundException", "The source of the restore is gone: " + name);
  TRY(copy_items(store, *reader, item_prefix(scope, source->uid), to));
  return undo_since(store, *reader, note_prefix(scope, source->journal_uid), to, table.restored);
}

}  // namespace

Status finish_restore(store::Store& store, const store::Scope& scope, const Table& table) {
  const auto to = item_prefix(scope, table.uid);
  TRY(clear(store, to));
  if (!table.restored_uid.empty()) {
    TRY(copy_as_of(store, scope, table, to));
  } else if (auto backup = store.begin()->get<Backup>(
                 scope, table.restored_backup.substr(table.restored_backup.rfind('/') + 1))) {
    auto reader = store.begin();
    TRY(copy_items(store, *reader, item_prefix(scope, backup->uid), to));
  }
  return store.transact([&](store::Transaction& tx) -> Status {
    auto now = tx.get<Table>(scope, table.name);
    if (!now || now->uid != table.uid) {
      drop_items(tx, scope, table.uid);
      return {};
    }
    now->restoring = false;
    put_table(tx, scope, *now);
    return {};
  });
}

Status create_backup(api::Call& call, const model::CreateBackupInput& in, model::CreateBackupOutput& out) {
  TRY_LET(auto name, table_name(call, in.table_name));
  TRY(call.authorize(table_arn(call.scope(), name)));
  auto table = find_table(call.tx, call.scope(), name);
  if (!table) return fail("TableNotFoundException", "Table not found: " + std::string(name));
  if (table->restoring) return fail("TableInUseException", "Table is being restored: " + table->name);
  Backup b;
  std::string time = std::to_string(call.now);
  b.id = std::string(14 - std::min<size_t>(14, time.size()), '0') + time + "-" + random_hex(8);
  b.name = api::str(in.backup_name);
  b.uid = random_hex(16);
  b.created = call.now;
  b.building = true;
  b.table = *table;
  call.tx.put(call.scope(), b);
  out.backup_details = details(call, b);
  return {};
}

Status describe_backup(api::Call& call, const model::DescribeBackupInput& in,
                       model::DescribeBackupOutput& out) {
  TRY_LET(auto b, find_backup(call, in.backup_arn));
  out.backup_description = description(call, b);
  return {};
}

Status delete_backup(api::Call& call, const model::DeleteBackupInput& in, model::DeleteBackupOutput& out) {
  TRY_LET(auto b, find_backup(call, in.backup_arn));
  if (b.building) return fail("BackupInUseException", "Backup is being created: " + api::str(in.backup_arn));
  drop_items(call.tx, call.scope(), b.uid);
  call.tx.erase<Backup>(call.scope(), b.id);
  out.backup_description = description(call, b, "DELETED");
  return {};
}

Status list_backups(api::Call& call, const model::ListBackupsInput& in, model::ListBackupsOutput& out) {
  TRY(call.authorize("*"));
  std::string_view table;
  if (in.table_name.has()) {
    TRY_LET(table, table_name(call, in.table_name));
  }
  auto all = call.tx.list<Backup>(call.scope());
  const auto lower = in.time_range_lower_bound.value_or({0}).ms,
             upper = in.time_range_upper_bound.value_or({INT64_MAX}).ms;
  std::erase_if(all, [&](auto& b) {
    return (in.table_name.has() && b.table.name != table) || b.created < lower || b.created >= upper ||
           (in.backup_type.has() && in.backup_type != "USER" && in.backup_type != "ALL");
  });
  if (in.exclusive_start_backup_arn.has()) {
    const auto after =
        in.exclusive_start_backup_arn.sv().substr(in.exclusive_start_backup_arn.sv().rfind('/') + 1);
    std::erase_if(all, [&](auto& b) { return b.id <= after; });
  }
  const auto limit = static_cast<size_t>(in.limit.value_or(100));
  if (all.size() > limit) {
    all.resize(limit);
    out.last_evaluated_backup_arn = call.text(backup_arn(call.scope(), all.back()));
  }
  out.backup_summaries = call.list<model::BackupSummary>(all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    auto& s = out.backup_summaries[i];
    const auto* d = details(call, all[i]);
    s.table_name = call.text(all[i].table.name);
    s.table_id = call.text(all[i].table.id);
    s.table_arn = call.text(table_arn(call.scope(), all[i].table.name));
    s.backup_arn = d->backup_arn;
    s.backup_name = d->backup_name;
    s.backup_creation_date_time = d->backup_creation_date_time;
    s.backup_status = d->backup_status;
    s.backup_type = d->backup_type;
    s.backup_size_bytes = d->backup_size_bytes;
  }
  return {};
}

namespace {

/// A new table with the schema, the throughput and the encryption of `source`, but for what `in` asks for;
/// its items are still to come.
template <class In>
Result<Table> restored(api::Call& call, const Table& source, std::string_view name, const In& in) {
  if (find_table(call.tx, call.scope(), name))
    return fail("TableAlreadyExistsException", "Table already exists: " + std::string(name));
  // As on AWS, stream, expiry, tags and policy do not come back.
  Table table;
  table.name = name;
  table.uid = random_hex(16);
  table.id = uuid();
  table.created = table.restored = call.now;
  table.keys = source.keys;
  table.attributes = source.attributes;
  table.on_demand = source.on_demand;
  table.on_demand_since = source.on_demand_since;
  table.read_units = source.read_units;
  table.write_units = source.write_units;
  table.indexes = source.indexes;
  if (in.billing_mode_override.has()) table.on_demand = in.billing_mode_override == "PAY_PER_REQUEST";
  if (table.on_demand) {
    table.read_units = table.write_units = 0;
    for (auto& i : table.indexes) i.read_units = i.write_units = 0;
  }
  if (in.provisioned_throughput_override) {
    table.read_units = *in.provisioned_throughput_override->read_capacity_units;
    table.write_units = *in.provisioned_throughput_override->write_capacity_units;
  }
  auto keep_only = [&](bool global, auto& given) {
    if (!given.has()) return;
    std::erase_if(table.indexes, [&](auto& i) {
      return i.global == global &&
             std::ranges::none_of(given, [&](auto& g) { return g.index_name.sv() == i.name; });
    });
  };
  keep_only(true, in.global_secondary_index_override);
  keep_only(false, in.local_secondary_index_override);
  for (auto& i : table.indexes) {
    i.uid = random_hex(16);
    i.building = true;
  }
  std::erase_if(table.attributes, [&](auto& a) {
    auto uses = [&](const Schema& s) {
      return std::ranges::find(s.hash, a.name, &KeyPart::name) != s.hash.end() ||
             std::ranges::find(s.range, a.name, &KeyPart::name) != s.range.end();
    };
    return !uses(table.keys) && std::ranges::none_of(table.indexes, [&](auto& i) { return uses(i.keys); });
  });
  TRY(check_table(table));
  // Items are copied as they are: the new table has the same data key, sealed anew for its own name.
  TRY_LET(auto data_key, data_key_of(call, source));
  table.kms_key = source.kms_key;
  // Some of the items may be from before the key came.
  table.sealing = !source.data_key.empty();
  if (in.sse_specification_override)
    TRY(change_encryption(call, *in.sse_specification_override, table, data_key));
  else if (!data_key.empty())
    TRY(wrap_data_key(call, table, data_key));
  table.restoring = true;
  table.restored_table = table_arn(call.scope(), source.name);
  return table;
}

}  // namespace

Status restore_table_from_backup(api::Call& call, const model::RestoreTableFromBackupInput& in,
                                 model::RestoreTableFromBackupOutput& out) {
  TRY_LET(auto b, find_backup(call, in.backup_arn));
  TRY_LET(auto name, table_name(call, in.target_table_name));
  TRY(call.authorize(table_arn(call.scope(), name)));
  if (b.building) return fail("BackupInUseException", "Backup is being created: " + api::str(in.backup_arn));
  TRY_LET(auto table, restored(call, b.table, name, in));
  table.restored_backup = api::str(in.backup_arn);
  put_table(call.tx, call.scope(), table);
  out.table_description = describe(call, table);
  return {};
}

namespace {

constexpr int64_t kUsualDays = 35;

struct Known {
  TablePtr table;
  std::optional<Journal> journal;
};

Result<Known> known_table(api::Call& call, std::string_view name) {
  TRY(call.authorize(table_arn(call.scope(), name)));
  auto table = find_table(call.tx, call.scope(), name);
  if (!table) return fail("TableNotFoundException", "Table not found: " + std::string(name));
  return Known{table, call.tx.get<Journal>(call.scope(), table->journal_uid)};
}

model::ContinuousBackupsDescription* continuous(api::Call& call, const std::optional<Journal>& journal) {
  auto* d = call.make<model::ContinuousBackupsDescription>();
  d->continuous_backups_status = "ENABLED";
  auto* p = d->point_in_time_recovery_description = call.make<model::PointInTimeRecoveryDescription>();
  p->point_in_time_recovery_status = journal ? wire::Text("ENABLED") : wire::Text("DISABLED");
  if (!journal) return d;
  p->recovery_period_in_days = static_cast<int32_t>(journal->days);
  p->earliest_restorable_date_time = wire::Timestamp{earliest(*journal, call.now)};
  p->latest_restorable_date_time = wire::Timestamp{call.now};
  return d;
}

}  // namespace

Status describe_continuous_backups(api::Call& call, const model::DescribeContinuousBackupsInput& in,
                                   model::DescribeContinuousBackupsOutput& out) {
  TRY_LET(auto name, table_name(call, in.table_name));
  TRY_LET(auto at, known_table(call, name));
  out.continuous_backups_description = continuous(call, at.journal);
  return {};
}

Status update_continuous_backups(api::Call& call, const model::UpdateContinuousBackupsInput& in,
                                 model::UpdateContinuousBackupsOutput& out) {
  TRY_LET(auto name, table_name(call, in.table_name));
  TRY_LET(auto at, known_table(call, name));
  const auto& asked = *in.point_in_time_recovery_specification;
  const bool on = *asked.point_in_time_recovery_enabled;
  if (!on && asked.recovery_period_in_days.has())
    return invalid("RecoveryPeriodInDays can be given only when point in time recovery is enabled");
  if (at.table->restoring)
    return fail("ContinuousBackupsUnavailableException", "Table is being restored: " + at.table->name);
  Table table = *at.table;
  if (on)
    open_journal(call.tx, call.scope(), table, asked.recovery_period_in_days.value_or(kUsualDays), call.now);
  else
    close_journal(call.tx, call.scope(), table);
  if (table.journal_uid != at.table->journal_uid) put_table(call.tx, call.scope(), table);
  out.continuous_backups_description =
      continuous(call, call.tx.get<Journal>(call.scope(), table.journal_uid));
  return {};
}

Status restore_table_to_point_in_time(api::Call& call, const model::RestoreTableToPointInTimeInput& in,
                                      model::RestoreTableToPointInTimeOutput& out) {
  if (in.source_table_arn.has() == in.source_table_name.has()) {
    TRY(call.authorize("*"));
    return invalid("Exactly one of SourceTableArn and SourceTableName must be given");
  }
  TRY_LET(auto source,
          table_name(call, in.source_table_arn.has() ? in.source_table_arn : in.source_table_name));
  TRY_LET(auto at, known_table(call, source));
  TRY_LET(auto name, table_name(call, in.target_table_name));
  TRY(call.authorize(table_arn(call.scope(), name)));
  if (!at.journal)
    return fail("PointInTimeRecoveryUnavailableException",
                "Point in time recovery is not enabled for table '" + at.table->name + "'");
  const bool latest = in.use_latest_restorable_time.value_or(false);
  if (latest == in.restore_date_time.has())
    return invalid("Exactly one of RestoreDateTime and UseLatestRestorableTime must be given");
  const int64_t moment = latest ? call.now : (*in.restore_date_time).ms;
  if (moment < earliest(*at.journal, call.now) || moment > call.now)
    return fail("InvalidRestoreTimeException",
                "The restore time is not between EarliestRestorableDateTime and LatestRestorableDateTime");
  TRY_LET(auto table, restored(call, *at.table, name, in));
  table.restored_uid = at.table->uid;
  table.restored = moment;
  put_table(call.tx, call.scope(), table);
  out.table_description = describe(call, table);
  return {};
}

}  // namespace nubecita::dynamodb
