// Attribute values and items as bytes. A value is a tag and what follows it; an item is the inside of a map.
// Nothing is decoded that is not looked at: a value is handed around as a view of its bytes, equal values
// have equal bytes, and the members of maps and sets are sorted.
//
//   S, B                tag, length, bytes                      length and count: LEB128
//   N                   tag, length, bytes of number.hpp
//   true, false, null   tag
//   SS, NS, BS          tag, length of the rest, elements (each: length, bytes), sorted
//   L                   tag, length of the rest, values
//   M                   tag, length of the rest, entries (each: length of the name, name, value), sorted
//
// Pure functions and plain data, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "services/dynamodb/json_reader.hpp"

namespace nubecita::dynamodb {

enum class Type : char {
  null = '0',
  false_ = 'f',
  true_ = 't',
  string = 's',
  number = 'n',
  binary = 'b',
  string_set = 'S',
  number_set = 'N',
  binary_set = 'B',
  list = 'l',
  map = 'm',
};

/// One encoded value; empty: there is none.
using Value = std::string_view;
/// The inside of a map: entries.
using Item = std::string_view;

struct Entry {
  std::string_view name;
  Value value;
};

inline Type type_of(Value v) { return static_cast<Type>(v[0]); }
/// "S", "N", "BOOL", ... as clients write it.
std::string_view type_name(Value v);
inline bool is_set(Type t) { return t == Type::string_set || t == Type::number_set || t == Type::binary_set; }
inline bool is_set(Value v) { return is_set(type_of(v)); }
/// What follows tag and length.
std::string_view payload(Value v);

/// Iterates the entries of an item, the values of a list, the elements of a set. Bytes that this file did not
/// write end the iteration.
class Entries {
 public:
  explicit Entries(Item item) : rest_(item) {}
  bool next(Entry& e);

 private:
  std::string_view rest_;
};
class Elements {
 public:
  explicit Elements(Value list) : rest_(payload(list)) {}
  bool next(Value& v);

 private:
  std::string_view rest_;
};
class Members {
 public:
  explicit Members(Value set) : rest_(payload(set)) {}
  bool next(std::string_view& element);

 private:
  std::string_view rest_;
};

/// The attribute of that name; empty: absent.
Value find(Item item, std::string_view name);
/// The i-th value of a list; empty: it has fewer.
Value at(Value list, size_t i);
size_t count(Value container);  // elements of a list, set or map

void append_length(std::string& out, size_t n);
bool read_length(std::string_view& in, size_t& n);
void append_value(std::string& out, Type type, std::string_view payload);
void append_entry(std::string& out, std::string_view name, Value value);
std::string make_value(Type type, std::string_view payload);
/// Entries in any order, names distinct.
std::string make_item(std::vector<Entry> entries);
/// Sorts and joins; elements must be distinct (or `unique` drops repetitions).
std::string make_set(Type type, std::vector<std::string_view> elements, bool unique = false);

/// JSON as clients write it: {"S": "x"}. Errors in DynamoDB's words. At most 32 levels.
Result<std::string> read_value(JsonReader& in);
/// An object of values.
Result<std::string> read_item(JsonReader& in);
void write_value(std::string& json, Value v);
void write_item(std::string& json, Item item);

/// Bytes as AWS counts them.
size_t value_size(Value v);
size_t item_size(Item item);
inline constexpr size_t kMostItemBytes = size_t{400} * 1024;

}  // namespace nubecita::dynamodb
