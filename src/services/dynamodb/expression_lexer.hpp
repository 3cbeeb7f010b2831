// Tokens of expressions. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nubecita::dynamodb {

struct Lexeme {
  enum class Kind { end, name, placeholder, value, number, symbol, bad } kind = Kind::end;
  std::string_view text;
  size_t at = 0;
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) { advance(); }
  const Lexeme& peek() const { return next_; }
  Lexeme take() {
    Lexeme l = next_;
    previous_ = l;
    advance();
    return l;
  }
  bool is(std::string_view symbol) const {
    return next_.kind == Lexeme::Kind::symbol && next_.text == symbol;
  }
  bool accept(std::string_view symbol) {
    if (!is(symbol)) return false;
    take();
    return true;
  }
  /// A keyword, in any case.
  bool is_word(std::string_view upper) const;
  bool accept_word(std::string_view upper) {
    if (!is_word(upper)) return false;
    take();
    return true;
  }
  /// What AWS says of a token that does not fit: Syntax error; token: "x", near: "a x b"
  std::string syntax_error() const;

 private:
  void advance();
  std::string_view text_;
  size_t at_ = 0;
  Lexeme next_, previous_;
};

}  // namespace nubecita::dynamodb
