// Items and numbers come from outside: what is read writes back as the same, and stored bytes that are
// damaged are walked without harm.
#include <cstdlib>

#include "services/dynamodb/number.hpp"
#include "services/dynamodb/value.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nubecita;
  using namespace nubecita::dynamodb;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Arena arena;
  JsonReader in(text, arena);
  if (auto item = read_item(in)) {
    std::string json;
    write_item(json, *item);
    JsonReader again(json, arena);
    auto same = read_item(again);
    if (!same || *same != *item) std::abort();
    (void)item_size(*item);
  }
  if (auto n = parse_number(text)) {
    if (*parse_number(format_number(*n)) != *n || number_length(*n) != n->size()) std::abort();
    if (auto sum = add_numbers(*n, *n)) (void)number_size(*sum);
  }
  Entries all(text);
  for (Entry e; all.next(e);) {
    (void)payload(e.value);
    if (type_of(e.value) == Type::list) (void)at(e.value, 1);
  }
  return 0;
}
