// Attribute values from and to JSON: {"S": "x"}, {"N": "1.5"}, {"L": [...]}.
#include <algorithm>
#include <numeric>

#include "base/ids.hpp"
#include "services/dynamodb/errors.hpp"
#include "services/dynamodb/number.hpp"
#include "services/dynamodb/value.hpp"

namespace nubecita::dynamodb {
namespace {

constexpr int kDeepest = 32;
constexpr std::string_view kInvalid = "One or more parameter values were invalid: ";

Result<std::string> read_value(JsonReader& in, int depth);

Result<std::string> read_binary(std::string_view text) {
  std::string bytes;
  if (!base64_decode(text, bytes)) return malformed("Base64 encoded length is unexpected or invalid");
  return bytes;
}

std::string bracketed(const std::vector<std::string>& elements) {
  std::string out = "[";
  for (auto& e : elements) out.append(out.size() > 1 ? ", " : "").append(e);
  return out + "]";
}

Result<std::string> read_set(JsonReader& in, Type type) {
  std::vector<std::string> elements;
  std::vector<std::string> shown;
  in.begin_array();
  while (in.next_element()) {
    const auto text = in.text();
    if (!in.ok()) break;
    shown.emplace_back(text);
    if (type == Type::number_set) {
      TRY_LET(elements.emplace_back(), parse_number(text));
    } else if (type == Type::binary_set) {
      TRY_LET(elements.emplace_back(), read_binary(text));
    } else {
      elements.emplace_back(text);
    }
  }
  TRY(in.failure());
  if (elements.empty())
    return invalid(std::string(kInvalid) + (type == Type::binary_set   ? "Binary sets should not be empty"
                                            : type == Type::number_set ? "An number set  may not be empty"
                                                                       : "An string set  may not be empty"));
  std::vector<std::string_view> views(elements.begin(), elements.end());
  std::ranges::sort(views);
  if (std::ranges::adjacent_find(views) != views.end())
    return invalid(type == Type::number_set
                       ? "Input collection contains duplicates"
                       : std::string(kInvalid) + "Input collection " + bracketed(shown) +
                             (type == Type::binary_set ? "of type BS" : "") + " contains duplicates.");
  return make_set(type, std::move(views));
}

Result<std::string> read_entries(JsonReader& in, int depth) {
  std::vector<std::pair<std::string_view, std::string>> read;
  std::string_view name;
  in.begin_object();
  while (in.next_member(name)) {
    TRY_LET(auto value, read_value(in, depth));
    read.emplace_back(name, std::move(value));
  }
  TRY(in.failure());
  std::vector<size_t> order(read.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return std::pair(read[i].first, i); });
  std::string out;
  for (size_t i = 0; i < order.size(); ++i) {
    auto& [n, v] = read[order[i]];
    if (i + 1 < order.size() && read[order[i + 1]].first == n)
      continue;  // of a name that comes twice, the last counts
    append_entry(out, n, v);
  }
  return out;
}

Result<std::string> read_typed(JsonReader& in, std::string_view type, int depth) {
  if (type == "S") return make_value(Type::string, in.text());
  if (type == "N") {
    const auto text = in.text();
    TRY(in.failure());
    TRY_LET(auto number, parse_number(text));
    return make_value(Type::number, number);
  }
  if (type == "B") {
    TRY_LET(auto bytes, read_binary(in.text()));
    return make_value(Type::binary, bytes);
  }
  if (type == "BOOL") return make_value(in.boolean() ? Type::true_ : Type::false_, {});
  if (type == "NULL") {
    const bool yes = in.boolean();
    TRY(in.failure());
    if (!yes)
      return invalid(std::string(kInvalid) + "Null attribute value types must have the value of true");
    return make_value(Type::null, {});
  }
  if (type == "SS") return read_set(in, Type::string_set);
  if (type == "NS") return read_set(in, Type::number_set);
  if (type == "BS") return read_set(in, Type::binary_set);
  if (type == "M") {
    TRY_LET(auto inside, read_entries(in, depth + 1));
    return make_value(Type::map, inside);
  }
  std::string inside;
  in.begin_array();
  while (in.next_element()) {
    TRY_LET(auto value, read_value(in, depth + 1));
    inside += value;
  }
  return make_value(Type::list, inside);
}

bool is_type(std::string_view name) {
  static constexpr std::string_view all[] = {"S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"};
  return std::ranges::find(all, name) != std::end(all);
}

Result<std::string> read_value(JsonReader& in, int depth) {
  if (depth > kDeepest)
    return invalid("Nesting Levels have exceeded supported limits: the attribute is nested too deeply");
  std::string out;
  std::string_view type;
  int types = 0;
  in.begin_object();
  while (in.next_member(type)) {
    if (!is_type(type) || in.peek() == JsonReader::Kind::null) {
      in.skip();
      continue;
    }
    ++types;
    TRY_LET(out, read_typed(in, type, depth));
  }
  TRY(in.failure());
  if (types == 0)
    return invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
  if (types > 1)
    return invalid(
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported "
        "datatypes");
  return out;
}

void write_scalar(std::string& json, Type type, std::string_view bytes) {
  if (type == Type::number || type == Type::number_set) {
    json.append("\"").append(format_number(bytes)).append("\"");
  } else if (type == Type::binary || type == Type::binary_set) {
    json.append("\"").append(base64(bytes)).append("\"");
  } else {
    append_json(json, bytes);
  }
}

}  // namespace

Result<std::string> read_value(JsonReader& in) { return read_value(in, 1); }
Result<std::string> read_item(JsonReader& in) { return read_entries(in, 1); }

void write_item(std::string& json, Item item) {
  json += '{';
  Entries all(item);
  bool first = true;
  for (Entry e; all.next(e); first = false) {
    if (!first) json += ',';
    append_json(json, e.name);
    json += ':';
    write_value(json, e.value);
  }
  json += '}';
}

void write_value(std::string& json, Value v) {
  const auto type = type_of(v);
  json.append("{\"").append(type_name(v)).append("\":");
  switch (type) {
    case Type::null:
    case Type::true_:
      json += "true";
      break;
    case Type::false_:
      json += "false";
      break;
    case Type::string:
    case Type::number:
    case Type::binary:
      write_scalar(json, type, payload(v));
      break;
    case Type::string_set:
    case Type::number_set:
    case Type::binary_set: {
      json += '[';
      Members all(v);
      bool first = true;
      for (std::string_view e; all.next(e); first = false) {
        if (!first) json += ',';
        write_scalar(json, type, e);
      }
      json += ']';
      break;
    }
    case Type::list: {
      json += '[';
      Elements all(v);
      bool first = true;
      for (Value e; all.next(e); first = false) {
        if (!first) json += ',';
        write_value(json, e);
      }
      json += ']';
      break;
    }
    case Type::map:
      write_item(json, payload(v));
      break;
  }
  json += '}';
}

}  // namespace nubecita::dynamodb
