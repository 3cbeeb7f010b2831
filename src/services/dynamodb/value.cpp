#include "services/dynamodb/value.hpp"

#include <algorithm>

#include "services/dynamodb/number.hpp"

namespace nubecita::dynamodb {

std::string_view type_name(Value v) {
  switch (type_of(v)) {
    case Type::null:
      return "NULL";
    case Type::false_:
    case Type::true_:
      return "BOOL";
    case Type::string:
      return "S";
    case Type::number:
      return "N";
    case Type::binary:
      return "B";
    case Type::string_set:
      return "SS";
    case Type::number_set:
      return "NS";
    case Type::binary_set:
      return "BS";
    case Type::list:
      return "L";
    case Type::map:
      return "M";
  }
  return "";
}

void append_length(std::string& out, size_t n) {
  for (; n >= 0x80; n >>= 7) out += static_cast<char>(n | 0x80);
  out += static_cast<char>(n);
}

bool read_length(std::string_view& in, size_t& n) {
  n = 0;
  for (size_t i = 0; i < in.size() && i < 5; ++i) {
    const auto b = static_cast<uint8_t>(in[i]);
    n |= size_t{b & 0x7fu} << (7 * i);
    if (b < 0x80) {
      in.remove_prefix(i + 1);
      return n <= in.size();
    }
  }
  return false;
}

namespace {

bool bare(Type t) { return t == Type::null || t == Type::false_ || t == Type::true_; }

/// Takes a length and as many bytes from the front.
bool take(std::string_view& in, std::string_view& out) {
  size_t n = 0;
  if (!read_length(in, n)) return false;
  out = in.substr(0, n);
  in.remove_prefix(n);
  return true;
}

/// Takes one value from the front.
bool take_value(std::string_view& in, Value& v) {
  if (in.empty()) return false;
  const auto type = static_cast<Type>(in[0]);
  const std::string_view whole = in;
  in.remove_prefix(1);
  std::string_view ignored;
  if (!bare(type) && !take(in, ignored)) return false;
  v = whole.substr(0, whole.size() - in.size());
  return true;
}

}  // namespace

std::string_view payload(Value v) {
  if (v.empty() || bare(type_of(v))) return {};
  v.remove_prefix(1);
  std::string_view out;
  return take(v, out) ? out : std::string_view();
}

bool Entries::next(Entry& e) { return take(rest_, e.name) && take_value(rest_, e.value); }
bool Elements::next(Value& v) { return take_value(rest_, v); }
bool Members::next(std::string_view& element) { return take(rest_, element); }

Value find(Item item, std::string_view name) {
  Entries all(item);
  for (Entry e; all.next(e);) {
    if (e.name == name) return e.value;
    if (e.name > name) break;
  }
  return {};
}

Value at(Value list, size_t i) {
  Elements all(list);
  for (Value v; all.next(v);)
    if (i-- == 0) return v;
  return {};
}

size_t count(Value container) {
  size_t n = 0;
  const auto type = type_of(container);
  if (type == Type::list) {
    Elements all(container);
    for (Value v; all.next(v);) ++n;
  } else if (type == Type::map) {
    Entries all(payload(container));
    for (Entry e; all.next(e);) ++n;
  } else {
    Members all(container);
    for (std::string_view v; all.next(v);) ++n;
  }
  return n;
}

void append_value(std::string& out, Type type, std::string_view bytes) {
  out += static_cast<char>(type);
  if (bare(type)) return;
  append_length(out, bytes.size());
  out += bytes;
}

void append_entry(std::string& out, std::string_view name, Value value) {
  append_length(out, name.size());
  out.append(name).append(value);
}

std::string make_value(Type type, std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + 6);
  append_value(out, type, bytes);
  return out;
}

std::string make_item(std::vector<Entry> entries) {
  std::ranges::sort(entries, {}, &Entry::name);
  std::string out;
  size_t total = 0;
  for (auto& e : entries) total += e.name.size() + e.value.size() + 3;
  out.reserve(total);
  for (auto& e : entries) append_entry(out, e.name, e.value);
  return out;
}

std::string make_set(Type type, std::vector<std::string_view> elements, bool unique) {
  std::ranges::sort(elements);
  if (unique) elements.erase(std::ranges::unique(elements).begin(), elements.end());
  std::string inside;
  for (auto e : elements) {
    append_length(inside, e.size());
    inside += e;
  }
  return make_value(type, inside);
}

namespace {
size_t payload_size(Type type, std::string_view bytes) {
  return type == Type::number || type == Type::number_set ? number_size(bytes) : bytes.size();
}
}  // namespace

size_t value_size(Value v) {
  const auto type = type_of(v);
  switch (type) {
    case Type::null:
    case Type::false_:
    case Type::true_:
      return 1;
    case Type::string:
    case Type::binary:
    case Type::number:
      return payload_size(type, payload(v));
    case Type::string_set:
    case Type::number_set:
    case Type::binary_set: {
      size_t n = 0;
      Members all(v);
      for (std::string_view e; all.next(e);) n += payload_size(type, e);
      return n;
    }
    case Type::list: {
      size_t n = 3;
      Elements all(v);
      for (Value e; all.next(e);) n += value_size(e) + 1;
      return n;
    }
    case Type::map: {
      size_t n = 3;
      Entries all(payload(v));
      for (Entry e; all.next(e);) n += e.name.size() + value_size(e.value) + 1;
      return n;
    }
  }
  return 0;
}

size_t item_size(Item item) {
  size_t n = 0;
  Entries all(item);
  for (Entry e; all.next(e);) n += e.name.size() + value_size(e.value);
  return n;
}

}  // namespace nubecita::dynamodb
