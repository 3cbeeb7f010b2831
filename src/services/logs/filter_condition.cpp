#include "services/logs/filter_condition.hpp"

#include <cctype>
#include <charconv>

#include "wire/pattern.hpp"

namespace nubecita::logs {

std::unexpected<ApiError> bad_filter(std::string_view what) {
  return fail("InvalidParameterException", "Invalid filter pattern: " + std::string(what));
}

void Scanner::skip_spaces() {
  while (!done() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
}

bool Scanner::take(std::string_view token) {
  skip_spaces();
  if (!text_.substr(at_).starts_with(token)) return false;
  at_ += token.size();
  return true;
}

bool Scanner::take_word(std::string_view word) {
  skip_spaces();
  const size_t before = at_;
  if (!take(word)) return false;
  if (done() || !std::isalnum(static_cast<unsigned char>(text_[at_]))) return true;
  at_ = before;
  return false;
}

std::string_view Scanner::until(std::string_view ends) {
  const size_t from = at_;
  while (!done() && !std::isspace(static_cast<unsigned char>(text_[at_])) &&
         ends.find(text_[at_]) == std::string_view::npos)
    ++at_;
  return text_.substr(from, at_ - from);
}

Result<std::string> Scanner::quoted(char quote) {
  std::string out;
  for (; !done(); ++at_) {
    if (text_[at_] == quote) {
      ++at_;
      return out;
    }
    if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
      if (quote == '%') out += '\\';
      ++at_;
    }
    out += text_[at_];
  }
  return error(std::string("a closing ") + quote + " is missing");
}

std::unexpected<ApiError> Scanner::error(std::string_view what) const {
  return bad_filter(std::string(what) + (done() ? " at the end" : " at \"" + rest() + "\""));
}

std::optional<double> to_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double v = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  const bool digits =
      !text.empty() && (std::isdigit(static_cast<unsigned char>(text.back())) || text.back() == '.');
  if (error != std::errc() || end != text.data() + text.size() || !digits) return {};
  return v;
}

bool matches_wildcard(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, from = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool contains_regex(std::string_view regex, std::string_view text) {
  std::string whole = regex.starts_with('^') ? "" : "[\\s\\S]*";
  whole.append("(?:").append(regex).append(")");
  if (!regex.ends_with('$') || regex.ends_with("\\$")) whole += "[\\s\\S]*";
  return wire::matches_pattern(whole, text);
}

std::optional<std::string> bad_regex(std::string_view regex) {
  if (regex.empty()) return "an empty regular expression";
  // AWS's own restriction, which keeps alternatives with anchors and look-around out.
  if (regex.find_first_of("()!&<>\"'~`") != std::string_view::npos)
    return "a character that regular expressions may not have here";
  if (!wire::understands_pattern(regex)) return "a regular expression that is malformed or not served";
  return {};
}

bool Comparison::matches(std::string_view field, std::optional<double> field_number) const {
  if (kind == Kind::regex) return contains_regex(text, field) == (op == Op::equal);
  if (kind == Kind::text) {
    const bool equal = matches_wildcard(text, field);
    return op == Op::equal ? equal : !equal;
  }
  if (!field_number) return op == Op::not_equal;
  switch (op) {
    case Op::equal:
      return *field_number == number;
    case Op::not_equal:
      return *field_number != number;
    case Op::less:
      return *field_number < number;
    case Op::less_equal:
      return *field_number <= number;
    case Op::greater:
      return *field_number > number;
    default:
      return *field_number >= number;
  }
}

Result<Comparison> read_comparison(Scanner& in, std::string_view ends) {
  Comparison c;
  using Op = Comparison::Op;
  if (in.take("!="))
    c.op = Op::not_equal;
  else if (in.take("<="))
    c.op = Op::less_equal;
  else if (in.take(">="))
    c.op = Op::greater_equal;
  else if (in.take("="))
    c.op = Op::equal;
  else if (in.take("<"))
    c.op = Op::less;
  else if (in.take(">"))
    c.op = Op::greater;
  else
    return in.error("a comparison is expected");
  bool is_quoted = false;
  if (in.take("\"")) {
    TRY_LET(c.text, in.quoted('"'));
    is_quoted = true;
  } else if (in.take("%")) {
    TRY_LET(c.text, in.quoted('%'));
    if (auto bad = bad_regex(c.text)) return in.error(*bad);
    c.kind = Comparison::Kind::regex;
  } else {
    in.skip_spaces();
    c.text = in.until(ends);
    if (c.text.empty()) return in.error("a value is expected");
  }
  if (!is_quoted && c.kind == Comparison::Kind::text) {
    if (auto n = to_number(c.text)) {
      c.kind = Comparison::Kind::number;
      c.number = *n;
    }
  }
  if (c.op != Op::equal && c.op != Op::not_equal && c.kind != Comparison::Kind::number)
    return in.error("only numbers can be compared by size");
  return c;
}

}  // namespace nubecita::logs
