#include "services/dynamodb/keys.hpp"

#include <algorithm>

#include "services/dynamodb/errors.hpp"

namespace nubecita::dynamodb {
namespace {

std::string big_endian(uint32_t n) {
  std::string out(4, '\0');
  for (int i = 3; i >= 0; --i, n >>= 8) out[static_cast<size_t>(i)] = static_cast<char>(n & 0xff);
  return out;
}

// FNV-1a with a final mix: the result is stored, so it must never change.
uint32_t hash(std::string_view bytes) {
  uint64_t h = 0xcbf29ce484222325;
  for (char c : bytes) h = (h ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccd;
  h ^= h >> 33;
  return static_cast<uint32_t>(h >> 16);
}

bool append_parts(std::string& out, const std::vector<KeyPart>& parts, Item item) {
  for (auto& part : parts) {
    const Value v = find(item, part.name);
    if (v.empty() || !fits(part, v)) return false;
    append_key(out, v);
  }
  return true;
}

}  // namespace

void append_key(std::string& out, Value v, bool open) {
  const auto bytes = payload(v);
  if (type_of(v) == Type::number) {
    out += bytes;
    return;
  }
  for (size_t done = 0;;) {
    const auto zero = std::min(bytes.find('\0', done), bytes.size());
    out.append(bytes, done, zero - done);
    if (zero == bytes.size()) break;
    out.append("\0\xff", 2);
    done = zero + 1;
  }
  if (!open) out.append("\0\x01", 2);
}

std::optional<std::string> partition_of(const Schema& schema, Item item) {
  std::string out(4, '\0');
  if (!append_parts(out, schema.hash, item)) return {};
  out.replace(0, 4, big_endian(hash(std::string_view(out).substr(4))));
  return out;
}

std::optional<std::string> sort_of(const Schema& schema, Item item) {
  std::string out;
  if (!append_parts(out, schema.range, item)) return {};
  return out;
}

std::optional<std::string> place_of(const Schema& schema, Item item) {
  auto out = partition_of(schema, item);
  if (out && !append_parts(*out, schema.range, item)) out.reset();
  return out;
}

std::string segment_begin(int64_t segment, int64_t segments) {
  if (segment >= segments) return {};
  return big_endian(
      static_cast<uint32_t>((static_cast<uint64_t>(segment) << 32) / static_cast<uint64_t>(segments)));
}

bool fits(const KeyPart& part, Value v) {
  const auto t = type_of(v);
  return part.type == (t == Type::string ? "S" : t == Type::number ? "N" : t == Type::binary ? "B" : "");
}

std::string key_attributes(const Schema& schema, Item item) {
  std::vector<Entry> entries;
  for (auto* parts : {&schema.hash, &schema.range})
    for (auto& p : *parts)
      if (const Value v = find(item, p.name); !v.empty()) entries.push_back({p.name, v});
  return make_item(std::move(entries));
}

namespace {

Status check_sizes(const Table& table, Item item) {
  for (auto& p : table.keys.hash)
    if (value_size(find(item, p.name)) > kMostHashBytes)
      return invalid(
          "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit "
          "of" +
          std::to_string(kMostHashBytes) + " bytes");
  for (auto& p : table.keys.range)
    if (value_size(find(item, p.name)) > kMostRangeBytes)
      return invalid(
          "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the "
          "size limit of " +
          std::to_string(kMostRangeBytes) + " bytes");
  return {};
}

Status check_empty(const Table& table, Item item) {
  for (auto* parts : {&table.keys.hash, &table.keys.range})
    for (auto& p : *parts) {
      const Value v = find(item, p.name);
      if (payload(v).empty())
        return invalid(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
            "contain an empty " +
            std::string(type_of(v) == Type::string ? "string" : "binary") + " value. Key: " + p.name);
    }
  return {};
}

Status check_index(const Index& index, const std::vector<KeyPart>& parts, size_t most, std::string_view kind,
                   Item item) {
  size_t total = 0;
  for (auto& p : parts) {
    const Value v = find(item, p.name);
    if (v.empty()) continue;
    if (!fits(p, v))
      return invalid("One or more parameter values were invalid: Type mismatch for Index Key " + p.name +
                     " Expected: " + p.type + " Actual: " + std::string(type_name(v)) +
                     " IndexName: " + index.name);
    if (payload(v).empty())
      return invalid(
          "One or more parameter values are not valid. A value specified for a secondary index key is not "
          "supported. The "
          "AttributeValue for a key attribute cannot contain an empty " +
          std::string(type_of(v) == Type::string ? "string" : "binary") + " value. IndexName: " + index.name +
          ", IndexKey: " + p.name);
    total += value_size(v);
  }
  if (total > most)
    return invalid("One or more parameter values were invalid: Size of " + std::string(kind) +
                   " has exceeded the maximum size limit of " + std::to_string(most) + " bytes for index " +
                   index.name);
  return {};
}

}  // namespace

Status check_keys(const Table& table, Item item) {
  for (auto* parts : {&table.keys.hash, &table.keys.range})
    for (auto& p : *parts) {
      const Value v = find(item, p.name);
      if (v.empty())
        return invalid("One or more parameter values were invalid: Missing the key " + p.name +
                       " in the item");
      if (!fits(p, v))
        return invalid("One or more parameter values were invalid: Type mismatch for key " + p.name +
                       " expected: " + p.type + " actual: " + std::string(type_name(v)));
    }
  TRY(check_empty(table, item));
  TRY(check_sizes(table, item));
  for (auto& index : table.indexes) {
    TRY(check_index(index, index.keys.hash, kMostHashBytes, "hashkey", item));
    TRY(check_index(index, index.keys.range, kMostRangeBytes, "rangekey", item));
  }
  return {};
}

Status check_key_only(const Table& table, Item key) {
  size_t n = 0;
  Entries all(key);
  for (Entry e; all.next(e);) ++n;
  bool good = n == table.keys.hash.size() + table.keys.range.size();
  for (auto* parts : {&table.keys.hash, &table.keys.range})
    for (auto& p : *parts) {
      const Value v = find(key, p.name);
      good = good && !v.empty() && fits(p, v);
    }
  if (!good) return invalid("The provided key element does not match the schema");
  TRY(check_empty(table, key));
  return check_sizes(table, key);
}

}  // namespace nubecita::dynamodb
