#include <algorithm>

#include "store/impl.hpp"

namespace nubecita::store {

std::string make_key(std::string_view table, const Scope& scope, std::string_view id) {
  std::string key;
  key.reserve(table.size() + scope.account.size() + scope.region.size() + id.size() + 3);
  key.append(table).append("/").append(scope.account).append("/").append(scope.region).append("/").append(id);
  return key;
}

ParsedKey parse_key(std::string_view key) {
  auto next = [&key] {
    auto slash = key.find('/');
    auto part = key.substr(0, slash);
    key = slash == std::string_view::npos ? std::string_view{} : key.substr(slash + 1);
    return part;
  };
  ParsedKey out;
  out.table = next();
  out.account = next();
  out.region = next();
  out.id = key;
  return out;
}

namespace {
/// Keeps the database open while one transaction reads.
class Reading {
 public:
  explicit Reading(Transaction::State& tx) : tx_(tx) {
    if (tx_.depth++ == 0) tx_.store.db_mutex.lock_shared();
  }
  ~Reading() {
    if (--tx_.depth == 0) tx_.store.db_mutex.unlock_shared();
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

 private:
  Transaction::State& tx_;
};
}  // namespace

Transaction::State::~State() {
  std::shared_lock open(store.db_mutex);
  if (!snapshot) return;
  {
    std::lock_guard lock(store.live_mutex);
    auto [first, last] = store.live.equal_range(snapshot->GetSequenceNumber());
    store.live.erase(std::find_if(first, last, [this](auto& entry) { return entry.second == this; }));
  }
  store.db->ReleaseSnapshot(snapshot);
}

const rocksdb::Snapshot* Transaction::State::view() {
  if (!store.db) throw std::runtime_error("the store is closed until the disk has room again");
  if (!snapshot) {
    store.noticed_reading();
    // Under the lock: otherwise the commit thread could forget writes between our snapshot and its entry in
    // `live`.
    std::lock_guard lock(store.live_mutex);
    snapshot = store.db->GetSnapshot();
    store.live.emplace(snapshot->GetSequenceNumber(), this);
  }
  return snapshot;
}

Transaction::Transaction(std::unique_ptr<State> state) : state_(std::move(state)) {}
Transaction::~Transaction() = default;

bool Transaction::has_writes() const { return !state_->writes.empty() || !state_->appends.empty(); }

bool Transaction::State::read(std::string_view key, rocksdb::PinnableSlice& value) {
  rocksdb::ReadOptions options;
  options.snapshot = view();
  auto& db = *store.db;
  auto status = db.Get(options, db.DefaultColumnFamily(), {key.data(), key.size()}, &value);
  if (!status.ok() && !status.IsNotFound())
    throw std::runtime_error("the store cannot read: " + status.ToString());
  return status.ok();
}

std::optional<std::string> Transaction::get(std::string_view key) {
  if (auto own = state_->writes.find(key); own != state_->writes.end()) return own->second;
  Reading reading(*state_);
  state_->read_keys.emplace_back(key);
  rocksdb::PinnableSlice value;
  if (!state_->read(key, value)) return {};
  return value.ToString();
}

std::shared_ptr<const void> Transaction::shared_value(std::string_view key, const std::type_info& type,
                                                      const MakeShared& make) {
  if (auto own = state_->writes.find(key); own != state_->writes.end())
    return own->second ? make(*own->second) : nullptr;
  Reading reading(*state_);
  const Sequence snapshot = state_->view()->GetSequenceNumber();
  state_->read_keys.emplace_back(key);
  auto& records = state_->store.records;
  if (auto known = records.find(key, type, snapshot)) return known;
  rocksdb::PinnableSlice value;
  if (!state_->read(key, value)) return nullptr;
  auto made = make(value.ToStringView());
  records.keep(key, type, snapshot, made, value.size());
  return made;
}

void Transaction::put(std::string_view key, std::string value) { state_->write(key, std::move(value)); }
void Transaction::erase(std::string_view key) { state_->write(key, std::nullopt); }

// Most of many writes come in their keys' order.
void Transaction::State::write(std::string_view key, std::optional<std::string> value) {
  if (writes.empty() || writes.rbegin()->first < key)
    writes.emplace_hint(writes.end(), key, std::move(value));
  else
    writes.insert_or_assign(std::string(key), std::move(value));
}

void Transaction::append(std::string prefix, std::string value) {
  state_->appends.emplace_back(std::move(prefix), std::move(value));
}

void Transaction::scan_back(std::string_view prefix, std::string_view before,
                            const std::function<bool(std::string_view key, std::string_view value)>& visit) {
  Reading reading(*state_);
  KeyRange range{std::string(prefix), end_of_prefix(prefix)};
  if (!before.empty() && (range.to.empty() || before < range.to)) range.to = before;
  if (!range.to.empty() && range.to <= range.from) return;
  rocksdb::ReadOptions options;
  options.snapshot = state_->view();
  rocksdb::Slice lower(range.from), upper(range.to);
  options.iterate_lower_bound = &lower;
  if (!range.to.empty()) options.iterate_upper_bound = &upper;
  auto& db = *state_->store.db;
  std::unique_ptr<rocksdb::Iterator> stored(db.NewIterator(options));
  stored->SeekToLast();
  const auto& writes = state_->writes;
  auto own = range.to.empty() ? writes.end() : writes.lower_bound(range.to);
  auto have_own = [&] { return own != writes.begin() && std::prev(own)->first >= range.from; };
  while (have_own() || stored->Valid()) {
    std::string key;
    bool more = true;
    if (have_own() && (!stored->Valid() || std::prev(own)->first >= stored->key().ToStringView())) {
      --own;
      key = own->first;
      if (stored->Valid() && key == stored->key().ToStringView()) stored->Prev();
      if (own->second) more = visit(key, *own->second);
    } else {
      key = stored->key().ToStringView();
      more = visit(key, stored->value().ToStringView());
      stored->Prev();
    }
    if (!more) {
      range.from = std::move(key);
      break;
    }
  }
  if (!stored->status().ok())
    throw std::runtime_error("the store cannot read: " + stored->status().ToString());
  state_->read_ranges.push_back(std::move(range));
}

void Transaction::scan(std::string_view prefix, std::string_view from,
                       const std::function<bool(std::string_view key, std::string_view value)>& visit) {
  Reading reading(*state_);
  KeyRange range{std::string(std::max(prefix, from)), end_of_prefix(prefix)};
  rocksdb::ReadOptions options;
  options.snapshot = state_->view();
  rocksdb::Slice upper(range.to);
  if (!range.to.empty()) options.iterate_upper_bound = &upper;
  auto& db = *state_->store.db;
  std::unique_ptr<rocksdb::Iterator> stored(db.NewIterator(options));

  // Two ordered sources, ours hiding the stored ones. `at` is the next own key to look at, found again at
  // each step because `visit` may write.
  std::string at = range.from;
  stored->Seek(at);
  for (;;) {
    auto own = state_->writes.lower_bound(at);
    const bool have_own = own != state_->writes.end() && (range.to.empty() || own->first < range.to);
    const bool have_stored = stored->Valid();
    if (!have_own && !have_stored) break;
    const std::string_view stored_key = have_stored ? stored->key().ToStringView() : std::string_view{};
    bool more = true;
    if (have_own && (!have_stored || own->first <= stored_key)) {
      at = own->first;
      if (have_stored && at == stored_key) stored->Next();
      if (own->second) {
        const std::string value = *own->second;
        more = visit(at, value);
      }
    } else {
      at = stored_key;
      more = visit(at, stored->value().ToStringView());
      stored->Next();
    }
    at += '\0';  // the smallest key after it
    if (!more) {
      range.to = at;
      break;
    }
  }
  if (!stored->status().ok())
    throw std::runtime_error("the store cannot read: " + stored->status().ToString());
  state_->read_ranges.push_back(std::move(range));
}

}  // namespace nubecita::store
