// Expressions, by recursive descent.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
#include <algorithm>
#include <charconv>
#include <optional>

#include "services/dynamodb/errors.hpp"
#include "services/dynamodb/expression.hpp"
#include "services/dynamodb/expression_lexer.hpp"
#include "services/dynamodb/reserved_words.hpp"

namespace nubecita::dynamodb {
namespace {

constexpr size_t kMostBytes = 4096, kMostOperators = 300, kDeepest = 150;

class Parser {
 public:
  Parser(std::string_view text, std::string_view what, Placeholders& names, Arena& arena)
      : text_(text), what_(what), names_(names), arena_(arena), lexer_(text) {}

  Status begin() {
    if (text_.find_first_not_of(" \t\r\n") == std::string_view::npos)
      return error("The expression can not be empty;");
    if (text_.size() > kMostBytes)
      return error("Expression size has exceeded the maximum allowed size; expression size: " +
                   std::to_string(text_.size()));
    return {};
  }
  Status end() {
    if (lexer_.peek().kind != Lexeme::Kind::end) return syntax();
    return {};
  }

  Result<const Condition*> disjunction() { return series("OR", Condition::Kind::any, &Parser::conjunction); }
  Result<Update> update();
  Result<std::vector<Path>> paths();

 private:
  using Made = Result<const Condition*>;

  std::unexpected<ApiError> error(std::string message) const {
    return invalid("Invalid " + std::string(what_) + ": " + std::move(message));
  }
  std::unexpected<ApiError> syntax() const { return error(lexer_.syntax_error()); }

  const Condition* make(Condition::Kind kind, std::vector<const Operand*> operands) {
    auto* c = arena_.make<Condition>();
    c->kind = kind;
    c->operands = keep(arena_, operands);
    return c;
  }
  const Condition* combine(Condition::Kind kind, std::vector<const Condition*> parts) {
    auto* c = arena_.make<Condition>();
    c->kind = kind;
    c->parts = keep(arena_, parts);
    return c;
  }
  Status count_operator() {
    if (++operators_ > kMostOperators)
      return error("The expression contains too many operators; operator count: " +
                   std::to_string(operators_));
    return {};
  }

  Made series(std::string_view word, Condition::Kind kind, Made (Parser::*part)()) {
    std::vector<const Condition*> parts;
    do {
      TRY_LET(parts.emplace_back(), (this->*part)());
    } while (lexer_.accept_word(word) && (++operators_, true));
    if (operators_ > kMostOperators) TRY(count_operator());
    return parts.size() == 1 ? parts[0] : combine(kind, std::move(parts));
  }
  Made conjunction() { return series("AND", Condition::Kind::all, &Parser::negation); }
  Made negation() {
    if (!lexer_.accept_word("NOT")) return primary();
    TRY(count_operator());
    TRY(deeper());
    TRY_LET(auto inner, negation());
    --depth_;
    return combine(Condition::Kind::not_, {inner});
  }
  Status deeper() {
    if (++depth_ > kDeepest) return error("The expression is nested too deeply");
    return {};
  }

  Made primary();
  Made comparison(const Operand* left);
  Made function(std::string_view name);
  Result<const Operand*> operand();
  Result<const Operand*> call_operand(std::string_view name);
  Result<const Operand*> sum();
  Result<Path> path();
  Result<std::string_view> name();
  Result<const Operand*> update_operand();
  Status check_order_type(const Operand* o, std::string_view op);
  Status section(Update::Action::Kind kind, std::vector<Update::Action>& out);

  std::string_view text_, what_;
  Placeholders& names_;
  Arena& arena_;
  Lexer lexer_;
  size_t operators_ = 0, depth_ = 0;
  bool redundant_ = false;  // what was just read stood in parentheses
};

Result<std::string_view> Parser::name() {
  const auto& next = lexer_.peek();
  if (next.kind == Lexeme::Kind::placeholder) {
    const auto* found = names_.name(next.text);
    if (!found)
      return error("An expression attribute name used in the document path is not defined; attribute name: " +
                   std::string(next.text));
    lexer_.take();
    return *found;
  }
  if (next.kind != Lexeme::Kind::name) return syntax();
  if (is_reserved_word(next.text))
    return error("Attribute name is a reserved keyword; reserved keyword: " + std::string(next.text));
  if (next.text[0] == '_') return syntax();
  return lexer_.take().text;
}

Result<Path> Parser::path() {
  Path out;
  TRY_LET(out.root, name());
  std::vector<Step> steps;
  for (;;) {
    Step step;
    if (lexer_.accept(".")) {
      TRY_LET(step.name, name());
    } else if (lexer_.accept("[")) {
      if (lexer_.peek().kind != Lexeme::Kind::number) return syntax();
      const auto digits = lexer_.take().text;
      auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), step.index);
      if (wrong != std::errc() || step.index > INT32_MAX)
        return error("List index is not within the allowable range; index: [" + std::string(digits) + "]");
      if (!lexer_.accept("]")) return syntax();
    } else {
      break;
    }
    steps.push_back(step);
  }
  if (steps.size() >= 32)
    return error("The document path has too many nesting elements; nesting levels: " +
                 std::to_string(steps.size() + 1));
  out.rest = keep(arena_, steps);
  return out;
}

Result<const Operand*> Parser::operand() {
  if (lexer_.accept("(")) {
    TRY(deeper());
    if (lexer_.is("(")) return error("The expression has redundant parentheses;");
    TRY_LET(auto inner, operand());
    if (!lexer_.accept(")")) return syntax();
    --depth_;
    redundant_ = true;
    return inner;
  }
  auto* out = arena_.make<Operand>();
  const auto& next = lexer_.peek();
  if (next.kind == Lexeme::Kind::value) {
    const auto* found = names_.value(next.text);
    if (!found)
      return error("An expression attribute value used in expression is not defined; attribute value: " +
                   std::string(next.text));
    lexer_.take();
    out->kind = Operand::Kind::value;
    out->value = *found;
    return out;
  }
  if (next.kind == Lexeme::Kind::name) {
    Lexer ahead = lexer_;
    const auto word = ahead.take().text;
    if (ahead.is("(")) return call_operand(word);
  }
  out->kind = Operand::Kind::path;
  TRY_LET(out->path, path());
  return out;
}

// size(path) of conditions; if_not_exists(path, operand) and list_append(operand, operand) of updates.
Result<const Operand*> Parser::call_operand(std::string_view function_name) {
  const bool of_update = what_ == "UpdateExpression";
  const bool known = of_update ? function_name == "if_not_exists" || function_name == "list_append"
                               : function_name == "size";
  if (function_name[0] == '_') return syntax();
  if (!known) {
    static constexpr std::string_view elsewhere[] = {
        "attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size",
        "if_not_exists",    "list_append"};
    if (std::ranges::find(elsewhere, function_name) != std::end(elsewhere))
      return error(
          "The function is not allowed " +
          std::string(of_update ? "in an update expression" : "to be used this way in an expression") +
          "; function: " + std::string(function_name));
    return error("Invalid function name; function: " + std::string(function_name));
  }
  lexer_.take();
  lexer_.take();
  TRY(deeper());
  std::vector<const Operand*> arguments;
  if (!lexer_.is(")")) {
    do {
      TRY_LET(arguments.emplace_back(), operand());
    } while (lexer_.accept(","));
  }
  if (!lexer_.accept(")")) return syntax();
  --depth_;
  if (arguments.size() != (function_name == "size" ? 1u : 2u))
    return error("Incorrect number of operands for operator or function; operator or function: " +
                 std::string(function_name) + ", number of operands: " + std::to_string(arguments.size()));
  auto* out = arena_.make<Operand>();
  if (function_name == "list_append") {
    for (auto* a : arguments)
      if (a->kind == Operand::Kind::value && type_of(a->value) != Type::list)
        return error(
            "Incorrect operand type for operator or function; operator or function: list_append, operand "
            "type: " +
            std::string(type_name(a->value)));
    out->kind = Operand::Kind::list_append;
    out->a = arguments[0];
    out->b = arguments[1];
    return out;
  }
  if (function_name == "if_not_exists") {
    if (arguments[0]->kind != Operand::Kind::path)
      return error("Operator or function requires a document path; operator or function: if_not_exists");
    out->kind = Operand::Kind::if_not_exists;
    out->path = arguments[0]->path;
    out->a = arguments[1];
    return out;
  }
  if (arguments[0]->kind == Operand::Kind::value) {
    const auto t = type_of(arguments[0]->value);
    if (t == Type::number || t == Type::true_ || t == Type::false_ || t == Type::null)
      return error(
          "Incorrect operand type for operator or function; operator or function: size, operand type: " +
          std::string(type_name(arguments[0]->value)));
  }
  if (arguments[0]->kind == Operand::Kind::size)
    return error(
        "Incorrect operand type for operator or function; operator or function: size, operand type: N");
  out->kind = Operand::Kind::size;
  out->a = arguments[0];
  return out;
}

Result<const Condition*> Parser::primary() {
  if (lexer_.is("(")) {
    // "(a = b)" or "(a) = b": what stands inside tells.
    lexer_.take();
    TRY(deeper());
    if (lexer_.is("(")) {
      Lexer ahead = lexer_;
      size_t open = 1;  // "((...))" is what AWS calls redundant
      ahead.take();
      while (open && ahead.peek().kind != Lexeme::Kind::end) {
        if (ahead.is("(")) ++open;
        if (ahead.is(")")) --open;
        ahead.take();
      }
      if (ahead.is(")")) return error("The expression has redundant parentheses;");
    }
    {
      Lexer ahead = lexer_;
      Parser probe(text_, what_, names_, arena_);
      probe.lexer_ = ahead;
      auto alone = probe.operand();
      if (alone && probe.lexer_.is(")") && lexer_.peek().kind != Lexeme::Kind::symbol) {
        probe.lexer_.take();
        lexer_ = probe.lexer_;
        --depth_;
        return comparison(*alone);
      }
    }
    TRY_LET(auto inner, disjunction());
    if (!lexer_.accept(")")) return syntax();
    --depth_;
    return inner;
  }
  if (lexer_.peek().kind == Lexeme::Kind::name) {
    Lexer ahead = lexer_;
    const auto word = ahead.take().text;
    if (ahead.is("(") && word != "size") return function(word);
  }
  TRY_LET(auto left, operand());
  return comparison(left);
}

Status Parser::check_order_type(const Operand* o, std::string_view op) {
  if (o->kind != Operand::Kind::value) return {};
  const auto t = type_of(o->value);
  if (t == Type::string || t == Type::number || t == Type::binary) return {};
  return error("Incorrect operand type for operator or function; operator or function: " + std::string(op) +
               ", operand type: " + std::string(type_name(o->value)));
}

std::string show_value(Value v) {
  std::string json;
  write_value(json, v);
  // AWS shows {S:x}.
  std::erase(json, '"');
  return "AttributeValue: " + json;
}

bool same_place(const Operand* a, const Operand* b) {
  if (a->kind != Operand::Kind::path || b->kind != Operand::Kind::path) return false;
  return a->path.root == b->path.root &&
         std::ranges::equal(a->path.rest, b->path.rest, [](const Step& x, const Step& y) {
           return x.name == y.name && x.index == y.index;
         });
}

Result<const Condition*> Parser::comparison(const Operand* left) {
  using Kind = Condition::Kind;
  static constexpr std::pair<std::string_view, Kind> operators[] = {
      {"=", Kind::equal},       {"<>", Kind::not_equal}, {"<", Kind::less},
      {"<=", Kind::less_equal}, {">", Kind::greater},    {">=", Kind::greater_equal}};
  TRY(count_operator());
  for (auto& [symbol, kind] : operators) {
    if (!lexer_.accept(symbol)) continue;
    TRY_LET(auto right, operand());
    if (same_place(left, right))
      return error(
          "The first operand must be distinct from the remaining operands for this operator or function; "
          "operator: " +
          std::string(symbol) + ", first operand: " + show(left->path));
    if (kind != Kind::equal && kind != Kind::not_equal) {
      TRY(check_order_type(left, symbol));
      TRY(check_order_type(right, symbol));
    }
    return make(kind, {left, right});
  }
  if (lexer_.accept_word("BETWEEN")) {
    TRY_LET(auto low, operand());
    if (!lexer_.accept_word("AND")) return syntax();
    TRY_LET(auto high, operand());
    for (auto* o : {left, low, high}) TRY(check_order_type(o, "BETWEEN"));
    if (low->kind == Operand::Kind::value && high->kind == Operand::Kind::value) {
      if (type_of(low->value) != type_of(high->value))
        return error(
            "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: " +
            show_value(low->value) + ", upper bound operand: " + show_value(high->value));
      if (payload(low->value) > payload(high->value))
        return error(
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower "
            "bound operand: " +
            show_value(low->value) + ", upper bound operand: " + show_value(high->value));
    }
    return make(Kind::between, {left, low, high});
  }
  if (lexer_.accept_word("IN")) {
    if (!lexer_.accept("(")) return syntax();
    std::vector<const Operand*> all{left};
    do {
      TRY_LET(all.emplace_back(), operand());
    } while (lexer_.accept(","));
    if (!lexer_.accept(")")) return syntax();
    if (all.size() > 101)
      return error(
          "Incorrect number of operands for operator or function; operator or function: IN, number of "
          "operands: " +
          std::to_string(all.size() - 1));
    return make(Kind::in, std::move(all));
  }
  return syntax();
}

Result<const Condition*> Parser::function(std::string_view function_name) {
  using Kind = Condition::Kind;
  struct Function {
    std::string_view name;
    Kind kind;
    size_t operands;
  };
  static constexpr Function functions[] = {{"attribute_exists", Kind::exists, 1},
                                           {"attribute_not_exists", Kind::not_exists, 1},
                                           {"attribute_type", Kind::type_is, 2},
                                           {"begins_with", Kind::begins_with, 2},
                                           {"contains", Kind::contains, 2}};
  const auto f = std::ranges::find(functions, function_name, &Function::name);
  if (f == std::end(functions)) {
    if (function_name == "if_not_exists" || function_name == "list_append")
      return error("The function is not allowed in a " +
                   std::string(what_ == "FilterExpression" ? "filter" : "condition") +
                   " expression; function: " + std::string(function_name));
    return error("Invalid function name; function: " + std::string(function_name));
  }
  TRY(count_operator());
  lexer_.take();
  lexer_.take();
  std::vector<const Operand*> o;
  if (!lexer_.is(")")) {
    do {
      TRY_LET(o.emplace_back(), operand());
    } while (lexer_.accept(","));
  }
  if (!lexer_.accept(")")) return syntax();
  const std::string wrong_operand = "operator or function: " + std::string(function_name);
  if (o.size() != f->operands)
    return error("Incorrect number of operands for operator or function; " + wrong_operand +
                 ", number of operands: " + std::to_string(o.size()));
  auto wrong_type = [&](const Operand* operand) {
    return error("Incorrect operand type for operator or function; " + wrong_operand +
                 ", operand type: " + std::string(type_name(operand->value)));
  };
  if (f->operands == 1 && o[0]->kind != Operand::Kind::path)
    return error("Operator or function requires a document path; " + wrong_operand);
  if (f->kind == Kind::type_is) {
    if (o[1]->kind != Operand::Kind::value)
      return error("Incorrect operand type for operator or function; " + wrong_operand +
                   ", operand type: path");
    if (type_of(o[1]->value) != Type::string) return wrong_type(o[1]);
    static constexpr std::string_view types[] = {"S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"};
    if (std::ranges::find(types, payload(o[1]->value)) == std::end(types))
      return error("Invalid attribute type name found; type: " + std::string(payload(o[1]->value)) +
                   ", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}");
  }
  if (f->kind == Kind::begins_with) {
    for (auto* operand : o)
      if (operand->kind == Operand::Kind::value && type_of(operand->value) != Type::string &&
          type_of(operand->value) != Type::binary)
        return wrong_type(operand);
  }
  if (f->operands == 2 && same_place(o[0], o[1]))
    return error(
        "The first operand must be distinct from the remaining operands for this operator or function; "
        "operator: " +
        std::string(function_name) + ", first operand: " + show(o[0]->path));
  return make(f->kind, std::move(o));
}

// ---- updates

Result<const Operand*> Parser::sum() {
  TRY_LET(auto left, operand());
  const bool plus = lexer_.is("+");
  if (!plus && !lexer_.is("-")) return left;
  TRY(count_operator());
  lexer_.take();
  TRY_LET(auto right, operand());
  for (auto* o : {left, right})
    if ((o->kind == Operand::Kind::value && type_of(o->value) != Type::number) ||
        o->kind == Operand::Kind::list_append)
      return error(std::string("Incorrect operand type for operator or function; operator or function: ") +
                   (plus ? "+" : "-") + ", operand type: " +
                   std::string(o->kind == Operand::Kind::value ? type_name(o->value) : "L"));
  auto* out = arena_.make<Operand>();
  out->kind = plus ? Operand::Kind::plus : Operand::Kind::minus;
  out->a = left;
  out->b = right;
  return out;
}

Result<const Operand*> Parser::update_operand() {
  if (lexer_.accept("(")) {
    TRY(deeper());
    TRY_LET(auto inner, update_operand());
    if (!lexer_.accept(")")) return syntax();
    --depth_;
    return inner;
  }
  return sum();
}

Status Parser::section(Update::Action::Kind kind, std::vector<Update::Action>& out) {
  using Kind = Update::Action::Kind;
  do {
    Update::Action action;
    action.kind = kind;
    TRY_LET(action.path, path());
    if (kind == Kind::set) {
      if (!lexer_.accept("=")) return syntax();
      TRY_LET(action.operand, update_operand());
    } else if (kind != Kind::remove) {
      if (lexer_.peek().kind != Lexeme::Kind::value) return syntax();
      TRY_LET(action.operand, operand());
      const auto t = type_of(action.operand->value);
      if (!is_set(t) && (kind == Kind::delete_ || t != Type::number))
        return error(std::string("Incorrect operand type for operator or function; operator: ") +
                     (kind == Kind::add ? "ADD" : "DELETE") + ", operand type: " +
                     std::string(t == Type::string ? "STRING"
                                 : t == Type::list ? "LIST"
                                 : t == Type::map  ? "MAP"
                                                   : type_name(action.operand->value)) +
                     ", typeSet: ALLOWED_FOR_" + (kind == Kind::add ? "ADD" : "DELETE") + "_OPERAND");
    }
    out.push_back(action);
  } while (lexer_.accept(","));
  return {};
}

Result<Update> Parser::update() {
  using Kind = Update::Action::Kind;
  static constexpr std::pair<std::string_view, Kind> sections[] = {
      {"SET", Kind::set}, {"REMOVE", Kind::remove}, {"ADD", Kind::add}, {"DELETE", Kind::delete_}};
  std::vector<Update::Action> actions;
  unsigned seen = 0;
  while (lexer_.peek().kind != Lexeme::Kind::end) {
    const auto* found = std::ranges::find_if(sections, [&](auto& s) { return lexer_.accept_word(s.first); });
    if (found == std::end(sections)) return syntax();
    const unsigned bit = 1u << (found - sections);
    if (seen & bit)
      return error("The \"" + std::string(found->first) +
                   "\" section can only be used once in an update expression;");
    seen |= bit;
    TRY(section(found->second, actions));
  }
  std::vector<Path> targets;
  for (auto& a : actions) targets.push_back(a.path);
  TRY(check_overlaps(targets, what_));
  return Update{keep(arena_, actions)};
}

Result<std::vector<Path>> Parser::paths() {
  std::vector<Path> out;
  do {
    TRY_LET(out.emplace_back(), path());
  } while (lexer_.accept(","));
  TRY(check_overlaps(out, what_));
  return out;
}

}  // namespace

Result<const Condition*> parse_condition(std::string_view text, std::string_view what, Placeholders& names,
                                         Arena& arena) {
  Parser parser(text, what, names, arena);
  TRY(parser.begin());
  TRY_LET(auto out, parser.disjunction());
  TRY(parser.end());
  return out;
}

Result<Update> parse_update(std::string_view text, Placeholders& names, Arena& arena) {
  Parser parser(text, "UpdateExpression", names, arena);
  TRY(parser.begin());
  TRY_LET(auto out, parser.update());
  TRY(parser.end());
  return out;
}

Result<std::vector<Path>> parse_projection(std::string_view text, Placeholders& names, Arena& arena) {
  Parser parser(text, "ProjectionExpression", names, arena);
  TRY(parser.begin());
  TRY_LET(auto out, parser.paths());
  TRY(parser.end());
  return out;
}

}  // namespace nubecita::dynamodb
