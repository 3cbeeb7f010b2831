#include "services/dynamodb/expression_lexer.hpp"

namespace nubecita::dynamodb {
namespace {
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool digit(char c) { return c >= '0' && c <= '9'; }
}  // namespace

void Lexer::advance() {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
    ++at_;
  const size_t from = at_;
  auto make = [&](Lexeme::Kind kind) { next_ = {kind, text_.substr(from, at_ - from), from}; };
  if (at_ == text_.size()) return make(Lexeme::Kind::end);
  const char c = text_[at_++];
  auto word = [&] {
    while (at_ < text_.size() && (letter(text_[at_]) || digit(text_[at_]))) ++at_;
  };
  if (letter(c)) return word(), make(Lexeme::Kind::name);
  if (c == '#' || c == ':') {
    word();
    return make(at_ == from + 1 ? Lexeme::Kind::bad
                : c == '#'      ? Lexeme::Kind::placeholder
                                : Lexeme::Kind::value);
  }
  if (digit(c)) {
    while (at_ < text_.size() && digit(text_[at_])) ++at_;
    return make(Lexeme::Kind::number);
  }
  if ((c == '<' && at_ < text_.size() && (text_[at_] == '=' || text_[at_] == '>')) ||
      (c == '>' && at_ < text_.size() && text_[at_] == '='))
    ++at_;
  static constexpr std::string_view symbols = "=<>()[],.+-";
  make(symbols.find(c) == std::string_view::npos ? Lexeme::Kind::bad : Lexeme::Kind::symbol);
}

bool Lexer::is_word(std::string_view upper) const {
  if (next_.kind != Lexeme::Kind::name || next_.text.size() != upper.size()) return false;
  for (size_t i = 0; i < upper.size(); ++i)
    if ((next_.text[i] & ~0x20) != upper[i]) return false;
  return true;
}

std::string Lexer::syntax_error() const {
  const std::string token = next_.kind == Lexeme::Kind::end ? "<EOF>" : std::string(next_.text);
  const size_t from = previous_.text.empty() ? next_.at : previous_.at;
  size_t to = next_.at + next_.text.size();
  while (to < text_.size() && text_[to] == ' ') ++to;
  while (to < text_.size() && text_[to] != ' ' && to < next_.at + next_.text.size() + 16) ++to;
  return "Syntax error; token: \"" + token + "\", near: \"" + std::string(text_.substr(from, to - from)) +
         "\"";
}

}  // namespace nubecita::dynamodb
