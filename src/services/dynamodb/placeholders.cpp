// ExpressionAttributeNames and ExpressionAttributeValues.
#include <algorithm>

#include "services/dynamodb/errors.hpp"
#include "services/dynamodb/expression.hpp"

namespace nubecita::dynamodb {
namespace {

Status check_placeholder(std::string_view parameter, std::string_view key, char mark) {
  bool good = key.size() > 1 && key[0] == mark;
  for (size_t i = 1; i < key.size() && good; ++i) {
    const char c = key[i];
    good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  }
  if (!good)
    return invalid(std::string(parameter) + " contains invalid key: Syntax error; key: \"" +
                   std::string(key) + "\"");
  if (key.size() > 255)
    return invalid(std::string(parameter) +
                   " contains invalid key: Key length exceeds the limit of 255; key: \"" + std::string(key) +
                   "\"");
  return {};
}

std::string unused(const std::vector<std::string_view>& keys) {
  std::string out = "{";
  for (auto k : keys) out.append(out.size() > 1 ? ", " : "").append(k);
  return out + "}";
}

}  // namespace

Status Placeholders::read(const Input& in) {
  constexpr std::string_view kNames = "ExpressionAttributeNames", kValues = "ExpressionAttributeValues";
  if (in.has(kNames)) {
    has_names_ = true;
    auto json = in.reader(kNames);
    json.begin_object();
    for (std::string_view key; json.next_member(key);) {
      const auto name = json.text();
      if (!json.ok()) break;
      TRY(check_placeholder(kNames, key, '#'));
      if (name.empty())
        return invalid(std::string(kNames) + " contains invalid value: Empty attribute name for key " +
                       std::string(key));
      if (name.size() > 65535)
        return invalid(std::string(kNames) +
                       " contains invalid value: Attribute name exceeds the limit of 65535 bytes");
      names_.push_back({key, name});
    }
    TRY(json.failure());
    if (names_.empty()) return invalid(std::string(kNames) + " must not be empty");
  }
  if (in.has(kValues)) {
    has_values_ = true;
    auto json = in.reader(kValues);
    json.begin_object();
    for (std::string_view key; json.next_member(key);) {
      auto value = read_value(json);
      if (!value) {
        auto error = std::move(value).error();
        if (error.code == "ValidationException")
          error.message = std::string(kValues) + " contains invalid value: " + error.message + " for key " +
                          std::string(key);
        return fail(std::move(error));
      }
      TRY(check_placeholder(kValues, key, ':'));
      values_.push_back({key, in.arena().copy(*value)});
    }
    TRY(json.failure());
    if (values_.empty()) return invalid(std::string(kValues) + " must not be empty");
  }
  return {};
}

const std::string_view* Placeholders::name(std::string_view placeholder) {
  auto found = std::ranges::find(names_, placeholder, &Named<std::string_view>::placeholder);
  if (found == names_.end()) return nullptr;
  found->used = true;
  return &found->value;
}
const Value* Placeholders::value(std::string_view placeholder) {
  auto found = std::ranges::find(values_, placeholder, &Named<Value>::placeholder);
  if (found == values_.end()) return nullptr;
  found->used = true;
  return &found->value;
}

Status Placeholders::check_all_used() const {
  std::vector<std::string_view> left;
  for (auto& n : names_)
    if (!n.used) left.push_back(n.placeholder);
  if (!left.empty())
    return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: " + unused(left));
  for (auto& v : values_)
    if (!v.used) left.push_back(v.placeholder);
  if (!left.empty())
    return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: " +
                   unused(left));
  return {};
}

std::string show(const Path& path) {
  std::string out = "[" + std::string(path.root);
  for (auto& s : path.rest) {
    if (s.index < 0)
      out.append(", ").append(s.name);
    else
      out.append(", [").append(std::to_string(s.index)).append("]");
  }
  return out + "]";
}

Status check_overlaps(std::span<const Path> paths, std::string_view what) {
  for (size_t i = 0; i < paths.size(); ++i)
    for (size_t k = 0; k < i; ++k) {
      const Path &a = paths[k], &b = paths[i];
      if (a.root != b.root) continue;
      const size_t n = std::min(a.rest.size(), b.rest.size());
      size_t same = 0;
      while (same < n && a.rest[same].name == b.rest[same].name && a.rest[same].index == b.rest[same].index)
        ++same;
      const std::string both = "path one: " + show(a) + ", path two: " + show(b);
      if (same == n)
        return invalid(
            "Invalid " + std::string(what) +
            ": Two document paths overlap with each other; must remove or rewrite one of these paths; " +
            both);
      if ((a.rest[same].index < 0) != (b.rest[same].index < 0))
        return invalid(
            "Invalid " + std::string(what) +
            ": Two document paths conflict with each other; must remove or rewrite one of these paths; " +
            both);
    }
  return {};
}

}  // namespace nubecita::dynamodb
