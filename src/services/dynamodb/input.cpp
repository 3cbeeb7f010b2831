#include "services/dynamodb/input.hpp"

#include <algorithm>
#include <charconv>

#include "services/dynamodb/errors.hpp"

namespace nubecita::dynamodb {
namespace {
constexpr size_t kMostBytes = 16u << 20;
}

std::string member_path(std::string_view name) {
  std::string out(name);
  if (!out.empty() && out[0] >= 'A' && out[0] <= 'Z') out[0] = static_cast<char>(out[0] + 32);
  return out;
}

Status Input::parse(std::string_view object) {
  JsonReader in(object, *arena_);
  std::string_view name;
  in.begin_object();
  while (in.next_member(name)) {
    const bool null = in.peek() == JsonReader::Kind::null;
    const auto value = in.skip();
    if (!null) members_.emplace_back(name, value);
  }
  in.finish();
  return in.failure();
}

Status Input::parse_request(std::string_view body) {
  if (body.size() > kMostBytes)
    return fail("RequestEntityTooLarge", "Request size exceeds the limit of 16 MB", 413);
  return parse(body);
}

std::string_view Input::raw(std::string_view name) const {
  for (auto& [n, v] : members_)
    if (n == name) return v;
  return {};
}

Result<std::string_view> Input::text(std::string_view name) const {
  if (!has(name)) return std::string_view();
  auto in = reader(name);
  const auto text = in.text();
  TRY(in.failure());
  return text;
}

Result<std::string_view> Input::required_text(std::string_view name) const {
  if (!has(name)) return constraint("null", member_path(name), "Member must not be null");
  return text(name);
}

Result<std::optional<int64_t>> Input::integer(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  auto in = reader(name);
  const auto text = in.number();
  TRY(in.failure());
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  if (!(value > -9e18 && value < 9e18)) return malformed("NUMBER_VALUE cannot be converted to Integer");
  return static_cast<int64_t>(value);
}

Result<bool> Input::boolean(std::string_view name, bool otherwise) const {
  if (!has(name)) return otherwise;
  auto in = reader(name);
  const bool value = in.boolean();
  TRY(in.failure());
  return value;
}

Result<std::string> Input::item(std::string_view name) const {
  if (!has(name)) return constraint("null", member_path(name), "Member must not be null");
  auto in = reader(name);
  return read_item(in);
}

Result<std::string_view> Input::choice(std::string_view name,
                                       std::initializer_list<std::string_view> allowed) const {
  TRY_LET(auto given, text(name));
  if (!has(name)) return *allowed.begin();
  if (std::ranges::find(allowed, given) != allowed.end()) return given;
  std::string set;
  for (auto a : allowed) set.append(set.empty() ? "" : ", ").append(a);
  return constraint(given, member_path(name), "Member must satisfy enum value set: [" + set + "]");
}

Result<std::vector<std::string_view>> Input::texts(std::string_view name) const {
  std::vector<std::string_view> out;
  if (!has(name)) return out;
  auto in = reader(name);
  in.begin_array();
  while (in.next_element()) out.push_back(in.text());
  TRY(in.failure());
  return out;
}

Result<std::vector<Input>> Input::objects(std::string_view name) const {
  std::vector<Input> out;
  if (!has(name)) return out;
  auto in = reader(name);
  in.begin_array();
  while (in.next_element()) {
    TRY(out.emplace_back(*arena_).parse(in.skip()));
  }
  TRY(in.failure());
  return out;
}

Result<std::vector<std::pair<std::string_view, Input>>> Input::object_map(std::string_view name) const {
  std::vector<std::pair<std::string_view, Input>> out;
  if (!has(name)) return out;
  auto in = reader(name);
  std::string_view key;
  in.begin_object();
  while (in.next_member(key)) {
    TRY(out.emplace_back(key, Input(*arena_)).second.parse(in.skip()));
  }
  TRY(in.failure());
  return out;
}

}  // namespace nubecita::dynamodb
