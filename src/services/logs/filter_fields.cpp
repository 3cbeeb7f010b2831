// `[ip, user, ..., request = "*html*", status = 4* && status != 404, size > 1000]`: fields that spaces
// separate; what stands in [ ] or " " is one field.
#include <vector>

#include "services/logs/filter_condition.hpp"
#include "services/logs/filter_kinds.hpp"

namespace nubecita::logs {
namespace {

struct Field {
  bool ellipsis = false;                              // any number of fields
  std::vector<std::vector<Comparison>> alternatives;  // one of them must hold, all its parts; empty: anything
  bool matches(std::string_view text) const {
    if (alternatives.empty()) return true;
    for (const auto& all : alternatives) {
      bool holds = true;
      for (const auto& c : all) holds = holds && c.matches(text, to_number(text));
      if (holds) return true;
    }
    return false;
  }
};

std::vector<std::string_view> split_fields(std::string_view line) {
  std::vector<std::string_view> out;
  size_t at = 0;
  while ((at = line.find_first_not_of(" \t\r\n", at)) != std::string_view::npos) {
    const char closing = line[at] == '[' ? ']' : line[at] == '"' ? '"' : '\0';
    const size_t end = closing ? line.find(closing, at + 1) : std::string_view::npos;
    if (closing && end != std::string_view::npos) {
      out.push_back(line.substr(at + 1, end - at - 1));
      at = end + 1;
    } else {
      const size_t stop = std::min(line.find_first_of(" \t\r\n", at), line.size());
      out.push_back(line.substr(at, stop - at));
      at = stop;
    }
  }
  return out;
}

class FieldsFilter final : public Filter::Impl {
 public:
  explicit FieldsFilter(std::vector<Field> fields) : fields_(std::move(fields)) {}

  // At most one ellipsis: what stands before it is matched from the start, what stands after it from the end.
  bool matches(std::string_view message) const override {
    const auto values = split_fields(message);
    size_t before = 0;
    while (before < fields_.size() && !fields_[before].ellipsis) ++before;
    const bool open = before < fields_.size();
    const size_t after = open ? fields_.size() - before - 1 : 0;
    if (open ? values.size() < before + after : values.size() != before) return false;
    for (size_t i = 0; i < before; ++i)
      if (!fields_[i].matches(values[i])) return false;
    for (size_t i = 0; i < after; ++i)
      if (!fields_[fields_.size() - 1 - i].matches(values[values.size() - 1 - i])) return false;
    return true;
  }

 private:
  std::vector<Field> fields_;
};

constexpr std::string_view kNameEnds = ",]=<>!&|()";

Result<std::vector<Comparison>> read_all(Scanner& in) {
  std::vector<Comparison> out;
  do {
    in.skip_spaces();
    in.until(kNameEnds);  // the name is the reader's; fields go by their places
    TRY_LET(auto c, read_comparison(in, ",]&|)"));
    out.push_back(std::move(c));
  } while (in.take("&&"));
  return out;
}

Result<Field> read_field(Scanner& in) {
  Field field;
  if (in.take("...")) {
    field.ellipsis = true;
    return field;
  }
  const bool parenthesis = in.take("(");
  Scanner ahead = in;
  ahead.skip_spaces();
  ahead.until(kNameEnds);
  ahead.skip_spaces();
  if (ahead.peek() == ',' || ahead.peek() == ']') {
    in = ahead;
    return field;
  }
  do {
    TRY_LET(auto all, read_all(in));
    field.alternatives.push_back(std::move(all));
  } while (in.take("||"));
  if (parenthesis && !in.take(")")) return in.error(") is expected");
  return field;
}

}  // namespace

Result<std::shared_ptr<const Filter::Impl>> parse_fields_filter(std::string_view pattern) {
  Scanner in(pattern);
  in.take("[");
  std::vector<Field> fields;
  bool open = false;
  do {
    TRY_LET(auto field, read_field(in));
    if (field.ellipsis && std::exchange(open, true)) return in.error("only one ... may stand in a pattern");
    fields.push_back(std::move(field));
  } while (in.take(","));
  if (!in.take("]")) return in.error("] is expected");
  in.skip_spaces();
  if (!in.done()) return in.error("nothing may follow the closing ]");
  return std::make_shared<FieldsFilter>(std::move(fields));
}

}  // namespace nubecita::logs
