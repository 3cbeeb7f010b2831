// `{ ($.status >= 500 || $.error IS TRUE) && $.path != "/health*" }`
#include <boost/json/serialize.hpp>
#include <charconv>
#include <vector>

#include "base/json.hpp"
#include "services/logs/filter_condition.hpp"
#include "services/logs/filter_kinds.hpp"

namespace nubecita::logs {
namespace {

constexpr int kDeepest = 30;

// $.a.b[0].c: names and indexes; "*" stands for every element.
struct Step {
  std::string name;
  size_t index = 0;
  enum { member, element, every } kind = member;
};

struct Node {
  enum Kind { all, any, compare, is_null, not_exists, is_true, is_false } kind = all;
  std::vector<Node> children;
  std::vector<Step> path;
  Comparison comparison;
};

void collect(const json::value& at, const std::vector<Step>& path, size_t step,
             std::vector<const json::value*>& out) {
  if (step == path.size()) {
    out.push_back(&at);
    return;
  }
  const Step& s = path[step];
  if (s.kind == Step::member) {
    auto* object = at.if_object();
    auto* next = object ? object->if_contains(s.name) : nullptr;
    if (next) collect(*next, path, step + 1, out);
    return;
  }
  auto* array = at.if_array();
  if (!array) return;
  for (size_t i = 0; i < array->size(); ++i)
    if (s.kind == Step::every || i == s.index) collect((*array)[i], path, step + 1, out);
}

bool compares(const Comparison& c, const json::value& v) {
  if (auto* s = v.if_string()) return c.matches({s->data(), s->size()}, {});
  if (v.is_number()) return c.matches(boost::json::serialize(v), v.to_number<double>());
  if (auto* b = v.if_bool()) return c.matches(*b ? "true" : "false", {});
  return false;  // null, objects and arrays equal nothing
}

bool holds(const Node& node, const json::value& event) {
  switch (node.kind) {
    case Node::all:
      for (auto& c : node.children)
        if (!holds(c, event)) return false;
      return true;
    case Node::any:
      for (auto& c : node.children)
        if (holds(c, event)) return true;
      return false;
    default:
      break;
  }
  std::vector<const json::value*> found;
  collect(event, node.path, 0, found);
  if (node.kind == Node::not_exists) return found.empty();
  for (auto* v : found) {
    if (node.kind == Node::is_null && v->is_null()) return true;
    if (node.kind == Node::is_true && v->is_bool() && v->get_bool()) return true;
    if (node.kind == Node::is_false && v->is_bool() && !v->get_bool()) return true;
    if (node.kind == Node::compare && compares(node.comparison, *v)) return true;
  }
  return false;
}

class JsonFilter final : public Filter::Impl {
 public:
  explicit JsonFilter(Node root) : root_(std::move(root)) {}
  bool matches(std::string_view message) const override {
    const auto from = message.find_first_not_of(" \t\r\n");
    if (from == std::string_view::npos || (message[from] != '{' && message[from] != '[')) return false;
    auto event = json::parse(message);
    return event && holds(root_, *event);
  }

 private:
  Node root_;
};

class JsonParser {
 public:
  explicit JsonParser(std::string_view text) : in_(text) {}

  Result<Node> whole() {
    in_.take("{");
    TRY_LET(auto node, either());
    if (!in_.take("}")) return in_.error("} is expected");
    in_.skip_spaces();
    if (!in_.done()) return in_.error("nothing may follow the closing }");
    return node;
  }

 private:
  Result<Node> either() {
    if (++depth_ > kDeepest) return in_.error("too many levels of parentheses");
    TRY_LET(Node node, both());
    if (in_.take("||")) {
      node = Node{Node::any, {std::move(node)}, {}, {}};
      do {
        TRY_LET(Node next, both());
        node.children.push_back(std::move(next));
      } while (in_.take("||"));
    }
    --depth_;
    return node;
  }

  Result<Node> both() {
    TRY_LET(Node node, one());
    if (!in_.take("&&")) return node;
    node = Node{Node::all, {std::move(node)}, {}, {}};
    do {
      TRY_LET(Node next, one());
      node.children.push_back(std::move(next));
    } while (in_.take("&&"));
    return node;
  }

  Result<Node> one() {
    if (in_.take("(")) {
      TRY_LET(Node inner, either());
      if (!in_.take(")")) return in_.error(") is expected");
      return inner;
    }
    Node node;
    TRY_LET(node.path, path());
    if (in_.take_word("IS")) {
      if (in_.take_word("NULL"))
        node.kind = Node::is_null;
      else if (in_.take_word("TRUE"))
        node.kind = Node::is_true;
      else if (in_.take_word("FALSE"))
        node.kind = Node::is_false;
      else
        return in_.error("IS must be followed by NULL, TRUE or FALSE");
    } else if (in_.take_word("NOT")) {
      if (!in_.take_word("EXISTS")) return in_.error("NOT must be followed by EXISTS");
      node.kind = Node::not_exists;
    } else {
      node.kind = Node::compare;
      TRY_LET(node.comparison, read_comparison(in_, ")}&|"));
    }
    return node;
  }

  Result<std::vector<Step>> path() {
    std::vector<Step> steps;
    if (!in_.take("$")) return in_.error("a selector that begins with $ is expected");
    for (;;) {
      if (in_.peek() == '.') {
        in_.take(".");
        Step s;
        s.name = in_.until(".[=<>!)}&|");
        if (s.name.empty()) return in_.error("a name is expected");
        steps.push_back(std::move(s));
      } else if (in_.peek() == '[') {
        in_.take("[");
        TRY_LET(auto s, bracket());
        steps.push_back(std::move(s));
      } else {
        break;
      }
    }
    return steps;
  }

  Result<Step> bracket() {
    Step s;
    if (in_.take("*")) {
      s.kind = Step::every;
    } else if (const char quote = in_.peek(); quote == '\'' || quote == '"') {
      in_.take(std::string_view(&quote, 1));
      TRY_LET(s.name, in_.quoted(quote));
    } else {
      const auto digits = in_.until("]");
      auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), s.index);
      if (error != std::errc() || end != digits.data() + digits.size())
        return in_.error("an index is expected");
      s.kind = Step::element;
    }
    if (!in_.take("]")) return in_.error("] is expected");
    return s;
  }

  Scanner in_;
  int depth_ = 0;
};

}  // namespace

Result<std::shared_ptr<const Filter::Impl>> parse_json_filter(std::string_view pattern) {
  TRY_LET(Node root, JsonParser(pattern).whole());
  return std::make_shared<JsonFilter>(std::move(root));
}

}  // namespace nubecita::logs
