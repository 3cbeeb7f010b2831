// Projections: the parts of an item that paths lead to.
#include "services/dynamodb/expression.hpp"

namespace nubecita::dynamodb {
namespace {

struct Rest {
  std::span<const Step> steps;
};

// What `paths` leave of `v`; empty: nothing.
std::string reduce(Value v, const std::vector<Rest>& paths) {
  for (auto& p : paths)
    if (p.steps.empty()) return std::string(v);
  std::string inside;
  if (type_of(v) == Type::map) {
    Entries all(payload(v));
    for (Entry e; all.next(e);) {
      std::vector<Rest> deeper;
      for (auto& p : paths)
        if (p.steps[0].index < 0 && p.steps[0].name == e.name) deeper.push_back({p.steps.subspan(1)});
      if (deeper.empty()) continue;
      if (auto part = reduce(e.value, deeper); !part.empty()) append_entry(inside, e.name, part);
    }
  } else if (type_of(v) == Type::list) {
    Elements all(v);
    int64_t i = 0;
    for (Value e; all.next(e); ++i) {
      std::vector<Rest> deeper;
      for (auto& p : paths)
        if (p.steps[0].index == i) deeper.push_back({p.steps.subspan(1)});
      if (!deeper.empty()) inside += reduce(e, deeper);
    }
  }
  if (inside.empty()) return {};
  return make_value(type_of(v), inside);
}

}  // namespace

std::string project(Item item, std::span<const Path> paths) {
  std::string out;
  Entries all(item);
  for (Entry e; all.next(e);) {
    std::vector<Rest> of_entry;
    for (auto& p : paths)
      if (p.root == e.name) of_entry.push_back({p.rest});
    if (of_entry.empty()) continue;
    if (auto part = reduce(e.value, of_entry); !part.empty()) append_entry(out, e.name, part);
  }
  return out;
}

}  // namespace nubecita::dynamodb
