// What SQS does by itself: deletes messages beyond retention and boxes that were left, forgets deduplication
// ids after five minutes, moves the messages of move tasks.
#include <algorithm>
#include <charconv>

#include "base/clock.hpp"
#include "control/engine.hpp"
#include "services/sqs/sending.hpp"

namespace nubecita::sqs {
namespace {

constexpr size_t kBatch = 500;  // messages per transaction: others' commits must not wait long
constexpr size_t kMoveBatch = 100;
constexpr int64_t kDedupSweep = 5 * 60'000;
constexpr int64_t kSeldom = 3'600'000;

std::chrono::milliseconds until(int64_t when, int64_t now) {
  return std::chrono::milliseconds(std::clamp<int64_t>(when - now, 1000, kSeldom));
}

struct Swept {
  bool more = false;
  int64_t next = kNever;  // when the next one is due
};

/// Deletes the head of a queue as far as it is beyond retention. A queue that nobody uses and where nothing
/// is due stays out of memory.
Swept expire(Queues& all, store::Store& store, const View& view, int64_t now) {
  Swept out;
  auto tx = store.begin();
  std::vector<Place> old;
  const auto prefix = store::make_key(kMessages, view.scope, view.queue.box() + ":");
  tx->scan(prefix, {}, [&](std::string_view key, std::string_view value) {
    auto place = Place::parse(key.substr(prefix.size()));
    auto head = decode_head(value);
    if (!place || !head) return true;
    if (head->sent + view.settings.retention_ms > now) {
      out.next = head->sent + view.settings.retention_ms;
      return false;
    }
    if (old.size() == kBatch) {
      out.more = true;
      return false;
    }
    old.push_back(*place);
    return true;
  });
  if (old.empty()) return out;
  auto index = all.index(view);
  auto erase = store.begin();  // without having read: nobody's send makes it a conflict
  for (auto& p : old) {
    erase->erase(index->message_key(p));
    erase->erase(index->flight_key(p));
  }
  if (store.commit(std::move(erase)) == store::CommitResult::done) index->removed(old);
  return out;
}

/// Keys of a prefix, a batch at a time; `over` says of a value whether it goes.
Swept sweep(store::Store& store, const std::string& prefix,
            const std::function<bool(std::string_view value, int64_t& next)>& over) {
  Swept out;
  std::string from;
  for (bool more = true; more;) {
    more = false;
    std::vector<std::string> keys;
    size_t seen = 0;
    auto tx = store.begin();
    tx->scan(prefix, from, [&](std::string_view key, std::string_view value) {
      if (++seen > kBatch * 4 || keys.size() == kBatch) {
        from = key;
        more = true;
        return false;
      }
      if (over(value, out.next)) keys.emplace_back(key);
      return true;
    });
    tx.reset();
    if (keys.empty()) continue;
    auto erase = store.begin();
    for (auto& k : keys) erase->erase(k);
    if (store.commit(std::move(erase)) != store::CommitResult::done) out.more = true;
  }
  return out;
}

Result<control::Again> reconcile_queue(api::Cloud& cloud, const std::string& key) {
  auto& all = api::part<Queues>(cloud);
  const auto parts = store::parse_key(key);
  const store::Scope scope{std::string(parts.account), std::string(parts.region)};
  ViewPtr view;
  {
    auto tx = cloud.store->begin();
    view = all.find(*tx, scope, parts.id);
  }
  if (!view) return control::done();
  const int64_t now = now_ms();
  int64_t next = now + kSeldom;
  for (Swept s{true}; s.more;) {
    s = expire(all, *cloud.store, *view, now);
    if (s.next != kNever) next = std::min(next, s.next);
  }
  if (view->queue.fifo) {
    sweep(*cloud.store, store::make_key(kDedup, scope, view->queue.box() + ":"),
          [now](std::string_view value, int64_t&) {
            int64_t end = 0;
            std::from_chars(value.data(), value.data() + value.size(), end);
            return end <= now;
          });
    next = std::min(next, now + kDedupSweep);
  }
  return control::again_in(until(next, now));
}

Result<control::Again> reconcile_garbage(api::Cloud& cloud, const std::string& key) {
  const auto parts = store::parse_key(key);
  const store::Scope scope{std::string(parts.account), std::string(parts.region)};
  for (auto table : {kMessages, kFlights, kDedup}) {
    auto left = sweep(*cloud.store, store::make_key(table, scope, std::string(parts.id) + ":"),
                      [](std::string_view, int64_t&) { return true; });
    if (left.more) return fail("ServiceUnavailable", "the store cannot write", 503);
  }
  TRY(cloud.store->transact([&](store::Transaction& tx) -> Status {
    tx.erase(key);
    return {};
  }));
  return control::done();
}

/// Moves up to `most` messages; how many.
Result<size_t> move_some(api::Cloud& cloud, const store::Scope& scope, MoveTask& task, size_t most) {
  auto& all = api::part<Queues>(cloud);
  const int64_t now = now_ms();
  auto tx = cloud.store->begin();
  auto source = all.find(*tx, task.source);
  if (!source) return fail("AWS.SimpleQueueService.NonExistentQueue", "The source queue does not exist.");
  auto index = all.index(*source);
  bool over_limit = false;
  auto taken = index->take(now, most, now + 30'000, now - source->settings.retention_ms, over_limit);
  if (taken.empty()) return size_t{0};
  std::map<std::string, std::unique_ptr<Sending>> targets;
  std::vector<api::Afterwards> then;
  std::vector<Place> moved;
  Status good;
  for (auto& t : taken) {
    auto bytes = tx->get(index->message_key(t.place));
    auto message = bytes ? decode_message(*bytes) : std::nullopt;
    if (!message) continue;
    const auto to = task.destination.empty() ? message->dead_letter_source : task.destination;
    auto& sending = targets[to];
    if (!sending) {
      auto queue = all.find(*tx, to);
      if (!queue || queue->settings.fifo != source->settings.fifo) {
        good =
            fail("CouldNotDetermineMessageSource", to.empty() ? "A message has never been in another queue."
                                                              : "The queue " + to + " does not exist.");
        break;
      }
      sending = std::make_unique<Sending>(all, *tx, queue, now, std::string());
      then.push_back(sending->outcome());
    }
    message->dead_letter_source.clear();
    sending->move_in(std::move(*message));
    tx->erase(index->message_key(t.place));
    tx->erase(index->flight_key(t.place));
    moved.push_back(t.place);
  }
  bool done = false;
  if (good) {
    task.moved += static_cast<int64_t>(moved.size());
    tx->put(scope, task);
    done = cloud.store->commit(std::move(tx)) == store::CommitResult::done;
  }
  for (auto& f : then) f(done);
  if (done)
    index->removed(moved);
  else
    index->put_back(taken);
  TRY(good);
  return done ? moved.size() : most;  // of a conflict: as if there were more
}

Result<control::Again> reconcile_move(api::Cloud& cloud, const std::string& key) {
  const auto parts = store::parse_key(key);
  const store::Scope scope{std::string(parts.account), std::string(parts.region)};
  auto load = [&] {
    auto tx = cloud.store->begin();
    return tx->get<MoveTask>(scope, parts.id);
  };
  auto finish = [&](MoveTask task, std::string status, std::string failure) -> Result<control::Again> {
    TRY(cloud.store->transact([&](store::Transaction& tx) -> Status {
      auto now = tx.get<MoveTask>(scope, parts.id);
      if (!now) return {};
      now->status = status;
      now->failure = failure;
      now->moved = task.moved;
      tx.put(scope, *now);
      return {};
    }));
    return control::done();
  };
  auto task = load();
  if (!task) return control::done();
  if (task->status == "CANCELLING") return finish(*task, "CANCELLED", {});
  if (task->status != "RUNNING") return control::done();
  const size_t most =
      task->per_second ? std::min(kMoveBatch, static_cast<size_t>(task->per_second)) : kMoveBatch;
  auto moved = move_some(cloud, scope, *task, most);
  if (!moved) return finish(*task, "FAILED", moved.error().code);
  if (*moved == 0) return finish(*task, "COMPLETED", {});
  return control::again_in(std::chrono::milliseconds(
      task->per_second ? 1000 * static_cast<int64_t>(*moved) / task->per_second : 1));
}

}  // namespace

void add_controllers(api::Cloud& cloud) {
  auto add = [&](const char* name, std::string_view table,
                 Result<control::Again> (*reconcile)(api::Cloud&, const std::string&)) {
    control::Controller c;
    c.name = name;
    c.tables = {std::string(table)};
    c.reconcile = [&cloud, reconcile](const std::string& key) { return reconcile(cloud, key); };
    cloud.engine->add(std::move(c));
  };
  add("sqs.queue", Queue::kTable, reconcile_queue);
  add("sqs.garbage", Garbage::kTable, reconcile_garbage);
  add("sqs.move", MoveTask::kTable, reconcile_move);
}

}  // namespace nubecita::sqs
