// What JSON and space-delimited patterns share: reading a pattern, and one comparison such as `= 4*` or `>=
// 500`. Inside the logs service only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace nubecita::logs {

/// A cursor over the pattern's text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  void skip_spaces();
  bool done() const { return at_ >= text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }
  /// Takes `token` if it comes next (after spaces).
  bool take(std::string_view token);
  /// The same for a word: what follows must not go on with it.
  bool take_word(std::string_view word);
  /// Characters up to one of `ends` or a space.
  std::string_view until(std::string_view ends);
  /// After an opening quote or percent sign: the text up to the closing one; backslash takes it literally (a
  /// regular expression keeps its backslashes).
  Result<std::string> quoted(char quote);
  std::string rest() const { return std::string(text_.substr(at_, 20)); }
  std::unexpected<ApiError> error(std::string_view what) const;

 private:
  std::string_view text_;
  size_t at_ = 0;
};

std::unexpected<ApiError> bad_filter(std::string_view what);

struct Comparison {
  enum class Op { equal, not_equal, less, less_equal, greater, greater_equal } op = Op::equal;
  enum class Kind { text, number, regex } kind = Kind::text;
  std::string text;  // with * as a wildcard unless quoted with none
  double number = 0;

  /// A field's text, and its number if it is one.
  bool matches(std::string_view field, std::optional<double> field_number) const;
};

/// Reads "<op> <value>"; `ends` are the characters that end an unquoted value.
Result<Comparison> read_comparison(Scanner& in, std::string_view ends);
std::optional<double> to_number(std::string_view text);
bool matches_wildcard(std::string_view pattern, std::string_view text);
/// Finds the regular expression anywhere in the text, but where ^ or $ say.
bool contains_regex(std::string_view regex, std::string_view text);
/// Nothing, or why AWS or we do not take it.
std::optional<std::string> bad_regex(std::string_view regex);

}  // namespace nubecita::logs
