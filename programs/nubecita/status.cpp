// `nubecita status`: asks the running server and prints tables.
#include <algorithm>
#include <iostream>

#include "base/json.hpp"
#include "commands.hpp"
#include "installation.hpp"

namespace nubecita::commands {
namespace {

/// Rows of objects as aligned columns, in the order of the first row's members.
void print_table(std::string_view title, const json::array& rows) {
  std::cout << title << ": " << rows.size() << "\n";
  if (rows.empty()) return;
  std::vector<std::string> names;
  for (auto& [k, v] : rows[0].as_object()) names.emplace_back(k);
  auto cell = [](const json::value& v) {
    if (auto* s = v.if_string()) return std::string(s->data(), s->size());
    return json::serialize(v);
  };
  std::vector<size_t> widths;
  for (auto& n : names) {
    size_t w = n.size();
    for (auto& r : rows)
      if (auto* v = r.as_object().if_contains(n)) w = std::max(w, cell(*v).size());
    widths.push_back(w);
  }
  auto line = [&](auto&& text_of) {
    std::cout << " ";
    for (size_t i = 0; i < names.size(); ++i) {
      std::string t = text_of(names[i]);
      t.resize(std::max(widths[i], t.size()), ' ');
      std::cout << " " << t;
    }
    std::cout << "\n";
  };
  line([](const std::string& n) { return n; });
  for (auto& r : rows)
    line([&](const std::string& n) {
      auto* v = r.as_object().if_contains(n);
      return v ? cell(*v) : std::string();
    });
}
}  // namespace

int status(const Common& common) {
  auto text = ask_server(common.data, "/_nubecita/status");
  if (!text) return complain(common, text.error());
  if (common.json) {
    std::cout << *text << "\n";
    return 0;
  }
  auto doc = json::parse(*text);
  if (!doc || !doc->is_object())
    return complain(common, {"BadAnswer", 500, "the server's answer is not JSON", {}});
  for (auto& [name, value] : doc->as_object()) {
    if (auto* rows = value.if_array())
      print_table(name, *rows);
    else
      std::cout << name << ": "
                << (value.is_string() ? std::string(value.as_string()) : json::serialize(value)) << "\n";
  }
  return 0;
}

}  // namespace nubecita::commands
