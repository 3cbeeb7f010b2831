#include "services/dynamodb/write.hpp"

#include <algorithm>

#include "services/dynamodb/keys.hpp"
#include "services/dynamodb/number.hpp"
#include "services/dynamodb/recovery.hpp"
#include "services/dynamodb/sealed.hpp"
#include "services/dynamodb/stream_record.hpp"

namespace nubecita::dynamodb {

std::optional<std::string> read_item_at(store::Transaction& tx, const TableInfo& table,
                                        std::string_view place) {
  auto stored = tx.get(std::string(table.items).append(place));
  if (stored && is_sealed(*stored)) return open_value(table.plain_key.get(), *stored, place);
  return stored;
}

bool needs_old(const TableInfo& table) {
  return !table.indexes.empty() || !table.stream_uid.empty() || !table.ttl_uid.empty() ||
         !table.journal_uid.empty();
}

std::string projected(const Table& table, const Index& index, Item item) {
  if (index.projection == "ALL") return std::string(item);
  auto wanted = [&](std::string_view name) {
    for (auto* schema : {&table.keys, &index.keys})
      for (auto* parts : {&schema->hash, &schema->range})
        for (auto& p : *parts)
          if (p.name == name) return true;
    return index.projection == "INCLUDE" && std::ranges::find(index.included, name) != index.included.end();
  };
  std::string out;
  Entries all(item);
  for (Entry e; all.next(e);)
    if (wanted(e.name)) append_entry(out, e.name, e.value);
  return out;
}

namespace {

// What stood in the table before the index came may be too long for it, or empty: then it has no entry.
bool fits_index(const Index& index, Item item) {
  auto fit = [&](const std::vector<KeyPart>& parts, size_t most) {
    size_t total = 0;
    for (auto& p : parts) {
      const Value v = find(item, p.name);
      if (v.empty() || payload(v).empty()) return false;
      total += value_size(v);
    }
    return total <= most;
  };
  return fit(index.keys.hash, kMostHashBytes) && fit(index.keys.range, kMostRangeBytes);
}

}  // namespace

std::optional<std::string> index_place(const Index& index, Item item, std::string_view place) {
  auto out = fits_index(index, item) ? place_of(index.keys, item) : std::nullopt;
  if (out) out->append(place);
  return out;
}

// Entries by expiry: 8 bytes of time, then the item's place.
std::optional<std::string> expiry_place(const Table& table, Item item, std::string_view place) {
  if (table.ttl_attribute.empty()) return {};
  const Value v = find(item, table.ttl_attribute);
  int64_t seconds = 0;
  if (v.empty() || type_of(v) != Type::number || !number_to_int64(payload(v), seconds) || seconds < 0)
    return {};
  std::string out(8, '\0');
  for (int i = 7; i >= 0; --i, seconds >>= 8) out[static_cast<size_t>(i)] = static_cast<char>(seconds & 0xff);
  return out.append(place);
}

namespace {

void move_entry(store::Transaction& tx, const std::string& prefix, const std::optional<std::string>& from,
                const std::optional<std::string>& to, std::string value) {
  if (from && from != to) tx.erase(prefix + *from);
  if (to) tx.put(prefix + *to, std::move(value));
}

void write_index(store::Transaction& tx, const Change& c, size_t i, WriteCost* cost) {
  const Index& index = c.table.indexes[i];
  const auto from = c.old ? index_place(index, *c.old, c.place) : std::nullopt;
  const auto to = c.now ? index_place(index, *c.now, c.place) : std::nullopt;
  if (!from && !to) return;
  const std::string before = from ? projected(c.table, index, *c.old) : "";
  std::string after = to ? projected(c.table, index, *c.now) : "";
  if (from == to && before == after) return;
  if (cost)
    cost->index(index, from && from != to ? item_size(before) : 0,
                to ? std::max(item_size(after), from == to ? item_size(before) : 0) : 0);
  if (to && c.table.plain_key.known()) after = seal_value(c.table.plain_key.get(), after, *to);
  move_entry(tx, c.table.index_items[i], from, to, std::move(after));
}

}  // namespace

void write(store::Transaction& tx, const Change& c, int64_t now_ms, WriteCost* cost) {
  if (cost) cost->table(std::max(c.old ? item_size(*c.old) : 0, c.now ? item_size(*c.now) : 0));
  const bool unchanged = c.old && c.now && *c.old == *c.now;
  if (unchanged || (needs_old(c.table) && !c.old && !c.now)) return;
  for (size_t i = 0; i < c.table.indexes.size(); ++i) write_index(tx, c, i, cost);
  if (!c.table.ttl_uid.empty())
    move_entry(tx, c.table.expiry_items, c.old ? expiry_place(c.table, *c.old, c.place) : std::nullopt,
               c.now ? expiry_place(c.table, *c.now, c.place) : std::nullopt, {});
  if (!c.table.stream_uid.empty())
    tx.append(c.table.change_prefix,
              seal_stream_record(c.table.plain_key.get(),
                                 make_stream_record(c.table, c.old, c.now, now_ms, c.by_expiry), now_ms));
  if (!c.table.journal_uid.empty()) {
    Note note{now_ms, c.place, {}};
    std::string was;
    if (c.old) note.was = was = seal_value(c.table.plain_key.get(), *c.old, c.place);
    tx.append(c.table.note_prefix, encode_note(note));
  }
  std::string key = std::string(c.table.items).append(c.place);
  if (c.now)
    tx.put(key, seal_value(c.table.plain_key.get(), *c.now, c.place));
  else
    tx.erase(key);
}

}  // namespace nubecita::dynamodb
