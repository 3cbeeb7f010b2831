#include "services/logs/filter.hpp"

#include <algorithm>
#include <vector>

#include "services/logs/filter_condition.hpp"
#include "services/logs/filter_kinds.hpp"

namespace nubecita::logs {
namespace {

class Everything final : public Filter::Impl {
 public:
  bool matches(std::string_view) const override { return true; }
};

// `a "b c" -d`: all of a and b c, not d. `?a ?b`: one of them; with other terms about, ? terms have no say
// (as AWS has it).
class Terms final : public Filter::Impl {
 public:
  struct Term {
    std::string text;
    bool regex = false;
    bool in(std::string_view message) const {
      return regex ? contains_regex(text, message) : message.find(text) != std::string_view::npos;
    }
  };
  std::vector<Term> wanted, excluded, optional;

  bool matches(std::string_view message) const override {
    auto in_message = [&](const Term& t) { return t.in(message); };
    if (std::ranges::any_of(excluded, in_message) || !std::ranges::all_of(wanted, in_message)) return false;
    return !wanted.empty() || !excluded.empty() || optional.empty() ||
           std::ranges::any_of(optional, in_message);
  }
};

Result<Terms::Term> read_term(Scanner& in) {
  Terms::Term term;
  if (in.peek() == '"') {
    in.take("\"");
    TRY_LET(term.text, in.quoted('"'));
    if (term.text.empty()) return in.error("an empty term");
    return term;
  }
  if (in.peek() == '%') {
    in.take("%");
    TRY_LET(term.text, in.quoted('%'));
    term.regex = true;
    if (auto bad = bad_regex(term.text)) return in.error(*bad);
    return term;
  }
  const Scanner before = in;
  term.text = in.until("");
  if (term.text.empty()) return before.error("a term is expected");
  for (const char c : term.text) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x80 && !std::isalnum(u) && c != '_')
      return before.error(
          "a term with other characters than letters, digits and _ must stand in double quotes");
  }
  return term;
}

Result<std::shared_ptr<const Filter::Impl>> parse_terms(std::string_view pattern) {
  auto terms = std::make_shared<Terms>();
  Scanner in(pattern);
  for (in.skip_spaces(); !in.done(); in.skip_spaces()) {
    auto* list = &terms->wanted;
    if (in.peek() == '-') list = &terms->excluded;
    if (in.peek() == '?') list = &terms->optional;
    if (list != &terms->wanted) in.take(std::string_view(list == &terms->excluded ? "-" : "?"));
    TRY_LET(auto term, read_term(in));
    list->push_back(std::move(term));
  }
  return terms;
}

}  // namespace

Result<Filter> Filter::parse(std::string_view pattern) {
  Scanner in(pattern);
  in.skip_spaces();
  if (in.done()) return Filter(std::make_shared<Everything>());
  std::shared_ptr<const Impl> impl;
  if (in.peek() == '{') {
    TRY_LET(impl, parse_json_filter(pattern));
  } else if (in.peek() == '[') {
    TRY_LET(impl, parse_fields_filter(pattern));
  } else {
    TRY_LET(impl, parse_terms(pattern));
  }
  return Filter(std::move(impl));
}

}  // namespace nubecita::logs
