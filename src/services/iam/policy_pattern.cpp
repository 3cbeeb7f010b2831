#include "services/iam/policy_pattern.hpp"

namespace nubecita::iam {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

bool same_text(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

namespace {

char16_t code(char c, bool fold) { return static_cast<unsigned char>(fold ? lower(c) : c); }

/// The inside of "${...}": a name, and a default in quotes after a comma.
struct Variable {
  std::string name;
  std::optional<std::string> otherwise;
};
std::optional<Variable> parse_variable(std::string_view inside) {
  auto trim = [](std::string_view s) {
    while (!s.empty() && s.front() == ' ') s.remove_prefix(1);
    while (!s.empty() && s.back() == ' ') s.remove_suffix(1);
    return s;
  };
  Variable v;
  auto comma = inside.find(',');
  if (comma != std::string_view::npos) {
    auto quoted = trim(inside.substr(comma + 1));
    if (quoted.size() < 2 || quoted.front() != '\'' || quoted.back() != '\'') return {};
    v.otherwise = std::string(quoted.substr(1, quoted.size() - 2));
    inside = inside.substr(0, comma);
  }
  v.name = lowered(trim(inside));
  if (v.name.empty()) return {};
  return v;
}

}  // namespace

std::optional<Pattern> Pattern::compile(std::string_view text, Options options) {
  Pattern p;
  p.source_ = std::string(text);
  p.fold_ = options.fold_case;
  std::u16string codes;
  bool wild = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (options.variables && text[i] == '$' && i + 1 < text.size() && text[i + 1] == '{') {
      auto close = text.find('}', i + 2);
      if (close == std::string_view::npos) return {};
      auto inside = text.substr(i + 2, close - i - 2);
      i = close;
      if (inside == "*" || inside == "?" || inside == "$") {
        codes += code(inside[0], false);
        continue;
      }
      auto variable = parse_variable(inside);
      if (!variable) return {};
      p.pieces_.push_back({std::move(codes), std::move(variable->name), std::move(variable->otherwise)});
      codes.clear();
    } else if (options.wildcards && (text[i] == '*' || text[i] == '?')) {
      wild = true;
      if (text[i] == '*' && !codes.empty() && codes.back() == kStar) continue;  // ** means *
      codes += text[i] == '*' ? kStar : kOne;
    } else {
      codes += code(text[i], options.fold_case);
    }
  }
  if (!p.pieces_.empty()) {
    p.kind_ = Kind::pieces;
    p.pieces_.push_back({std::move(codes), {}, {}});
  } else if (!wild) {
    p.kind_ = Kind::exact;
    for (char16_t c : codes) p.exact_ += static_cast<char>(c);
  } else {
    p.kind_ = codes == std::u16string(1, kStar) ? Kind::all : Kind::glob;
    p.codes_ = std::move(codes);
  }
  return p;
}

// Remembers only the last star: linear in memory, at worst pattern × text in time.
bool Pattern::glob(std::u16string_view pattern, std::string_view text, bool fold) {
  size_t p = 0, t = 0, star = std::u16string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == kStar) {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == kOne || pattern[p] == code(text[t], fold))) {
      ++p;
      ++t;
    } else if (star != std::u16string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == kStar) ++p;
  return p == pattern.size();
}

bool Pattern::matches(std::string_view text, const Context& context) const {
  switch (kind_) {
    case Kind::all:
      return true;
    case Kind::exact:
      return fold_ ? same_text(exact_, text) : exact_ == text;
    case Kind::glob:
      return glob(codes_, text, fold_);
    case Kind::pieces:
      break;
  }
  std::u16string whole;
  for (auto& piece : pieces_) {
    whole += piece.codes;
    if (piece.variable.empty()) continue;
    auto* values = context.find(piece.variable);
    const std::string* value = nullptr;
    if (values && values->size() == 1)
      value = &values->front();
    else if (!values && piece.otherwise)
      value = &*piece.otherwise;
    if (!value) return false;
    for (char c : *value) whole += code(c, fold_);  // wildcards in a value stand for themselves
  }
  return glob(whole, text, fold_);
}

}  // namespace nubecita::iam
