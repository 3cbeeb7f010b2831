// Expressions come from outside: any text parses or is refused, and what parses can be asked and done.
#include "services/dynamodb/expression.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nubecita;
  using namespace nubecita::dynamodb;
  Arena arena;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Input in(arena);
  (void)in.parse(
      R"({"ExpressionAttributeValues":{":n":{"N":"1"},":s":{"S":"x"},":l":{"L":[{"N":"2"}]},":S":{"SS":["a","b"]}},
                     "ExpressionAttributeNames":{"#a":"a","#b":"b"}})");
  Placeholders names;
  (void)names.read(in);
  constexpr std::string_view json =
      R"({"a":{"M":{"b":{"L":[{"N":"1"},{"M":{"c":{"S":"x"}}}]}}},"b":{"SS":["a","c"]},"n":{"N":"5"}})";
  JsonReader reader(json, arena);
  const std::string item = *read_item(reader);
  if (auto c = parse_condition(text, "ConditionExpression", names, arena)) (void)holds(**c, item, arena);
  if (auto u = parse_update(text, names, arena))
    if (auto out = apply(*u, item, arena)) (void)item_size(*out);
  if (auto p = parse_projection(text, names, arena)) (void)project(item, *p);
  return 0;
}
