// Deletes what nobody may read any more: events beyond their group's retention, and those of deleted groups
// and streams.
#include "services/logs/controller.hpp"

#include "base/clock.hpp"
#include "control/engine.hpp"
#include "services/logs/events.hpp"
#include "services/logs/logs.hpp"
#include "store/store.hpp"

namespace nubecita::logs {
namespace {

constexpr size_t kBatch = 1000;  // events per transaction: appends to the same stream must not wait long
constexpr auto kLookAgain = std::chrono::minutes(10);

// Deletes up to a batch of a stream's events before `cutoff`; true if there may be more.
Result<bool> delete_batch(store::Store& store, const store::Scope& scope, const std::string& stream_key,
                          int64_t cutoff, const std::string& group_name) {
  bool more = false;
  TRY(store.transact([&](store::Transaction& tx) -> Status {
    more = false;
    auto group = tx.get<Group>(scope, group_name);
    auto stream = tx.get<Stream>(scope, stream_key);
    if (!group || !stream || !group->retention_days) return {};
    const auto old = first_events(tx, scope, *group, *stream, kStart, Place{cutoff, 0}, kBatch);
    if (old.empty()) return {};
    for (const auto& e : old) {
      tx.erase(store::make_key(kEventTable, scope, event_id(*group, *stream, e.at)));
      stream->bytes -= static_cast<int64_t>(e.message.size()) + kEventOverhead;
    }
    const auto left = first_events(tx, scope, *group, *stream, kStart, kEnd, 1);
    if (!left.empty()) stream->first_event = left[0].at.time;
    tx.put(scope, *stream);
    more = true;
    return {};
  }));
  return more;
}

Result<control::Again> expire_group(store::Store& store, const store::Scope& scope, const std::string& name) {
  std::vector<std::string> streams;
  std::optional<Group> group;
  {
    auto tx = store.begin();
    group = tx->get<Group>(scope, name);
    if (!group || !group->retention_days) return control::done();
    for (auto& s : tx->list<Stream>(scope, name + ":"))
      if (s.bytes > 0) streams.push_back(s.key());
  }
  const int64_t cutoff = now_ms() - group->retention_days * int64_t{86400000};
  for (const auto& key : streams) {
    for (bool more = true; more;) {
      TRY_LET(more, delete_batch(store, scope, key, cutoff, name));
    }
  }
  return control::again_in(kLookAgain);
}

Result<control::Again> sweep(store::Store& store, const store::Scope& scope, const std::string& prefix) {
  for (bool more = true; more;) {
    TRY(store.transact([&](store::Transaction& tx) -> Status {
      size_t n = 0;
      std::vector<std::string> keys;
      tx.scan(store::make_key(kEventTable, scope, prefix), {}, [&](std::string_view key, std::string_view) {
        keys.emplace_back(key);
        return ++n < kBatch;
      });
      for (auto& k : keys) tx.erase(k);
      more = n == kBatch;
      if (!more) tx.erase<Garbage>(scope, prefix);
      return {};
    }));
  }
  return control::done();
}

}  // namespace

Result<control::Again> reconcile(store::Store& store, const std::string& key) {
  const auto parts = store::parse_key(key);
  const store::Scope scope{std::string(parts.account), std::string(parts.region)};
  if (parts.table == Garbage::kTable) return sweep(store, scope, std::string(parts.id));
  return expire_group(store, scope, std::string(parts.id));
}

void add_controllers(api::Cloud& cloud) {
  control::Controller c;
  c.name = "logs.retention";
  c.tables = {std::string(Group::kTable), std::string(Garbage::kTable)};
  c.workers = 1;
  c.reconcile = [&cloud](const std::string& key) { return reconcile(*cloud.store, key); };
  cloud.engine->add(std::move(c));
}

}  // namespace nubecita::logs
