#include "wire/check.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

#include "wire/access.hpp"
#include "wire/pattern.hpp"

namespace nubecita::wire {
namespace {

bool something(const Shape& shape, const void* value) {
  switch (shape.kind) {
    case Kind::structure:
      return std::ranges::any_of(shape.members,
                                 [&](const Member& m) { return asks_for_something(m, slot(m, value)); });
    case Kind::list:
    case Kind::map:
      return as<AnyList>(value).size_ > 0;
    case Kind::string:
    case Kind::blob:
    case Kind::document:
      return !as<Text>(value).empty();
    case Kind::boolean:
      return as<bool>(value);
    case Kind::integer:
      return as<int32_t>(value) != 0;
    case Kind::long_:
      return as<int64_t>(value) != 0;
    case Kind::double_:
      return as<double>(value) != 0;
    case Kind::timestamp:
      return true;
  }
  return true;
}

class Checker {
 public:
  Checker(Protocol protocol, const ServiceShape& service)
      : protocol_(protocol),
        service_(service),
        as_ec2_(protocol == Protocol::ec2 || service.validation_code == "InvalidParameterValue") {}

  Status structure(const Shape& shape, const void* at) {
    size_t set = 0;
    for (const Member& m : shape.members) {
      const void* where = slot(m, at);
      const bool empty_label =
          m.required && m.location == Location::uri && is_text(m.shape->kind) && as<Text>(where).empty();
      if (!present(m, where) || (empty_label && !as_ec2_)) {
        if (m.required) TRY(missing(m));
        continue;
      }
      ++set;
      if (m.refused && asks_for_something(m, where)) return refused(m);
      path_.push_back({&m});
      TRY(value(*m.shape, value_of(m, where)));
      path_.pop_back();
    }
    if (shape.union_ && set > 1)
      return fail(code(), "Only one member of " + (path_.empty() ? std::string(shape.name) : path()) +
                              " may be set.");
    return {};
  }

  Status finish() const {
    if (!count_) return {};
    return fail(code(), std::to_string(count_) + (count_ == 1 ? " validation error" : " validation errors") +
                            " detected: " + found_);
  }

 private:
  std::string code() const {
    if (as_ec2_) return "InvalidParameterValue";
    if (!service_.validation_code.empty()) return std::string(service_.validation_code);
    return protocol_ == Protocol::query ? "ValidationError" : "ValidationException";
  }

  // The way to the value that is looked at; made into text only when there is something to say about it.
  struct Step {
    const Member* member = nullptr;  // null: an element of a list or map
    size_t index = 0;                // of a list's element
    std::string_view key = {};       // of a map's
  };

  // "tagSpecification.1.tag" to those that speak EC2's way, "tags.1.member.key" to the others.
  std::string path() const {
    std::string out;
    for (const Step& s : path_) {
      if (!out.empty()) out += '.';
      const size_t from = out.size();
      if (!s.member) {
        if (s.key.data())
          out += s.key;
        else
          out += std::to_string(s.index);
        if (!as_ec2_) out += ".member";
        continue;
      }
      out += protocol_ == Protocol::ec2 ? s.member->query : s.member->wire;
      if (!as_ec2_ && from < out.size())
        out[from] = static_cast<char>(std::tolower(static_cast<unsigned char>(out[from])));
    }
    return out;
  }
  std::string path_to(const Member& m) {
    path_.push_back({&m});
    auto text = path();
    path_.pop_back();
    return text;
  }

  Status missing(const Member& m) {
    if (as_ec2_) return fail("MissingParameter", "The request must contain the parameter " + path_to(m));
    note("null", path_to(m), "Member must not be null");
    return {};
  }

  Status refused(const Member& m) {
    std::string message = "The parameter " + path_to(m) + " is not supported by nubecita.";
    if (!service_.refused_code.empty()) return fail(service_.refused_code, std::move(message));
    if (protocol_ == Protocol::ec2) return fail("UnsupportedOperation", std::move(message));
    return fail(protocol_ == Protocol::query ? "InvalidParameterValue" : "ValidationException",
                std::move(message));
  }

  Status value(const Shape& shape, const void* at) {
    if (shape.constraint) TRY(constraint(shape, at));
    if (shape.kind == Kind::structure) return structure(shape, at);
    if (shape.kind != Kind::list && shape.kind != Kind::map) return {};
    const bool map = shape.kind == Kind::map;
    for (size_t i = 0; i < as<AnyList>(at).size_; ++i) {
      const std::byte* e = element(shape, at, i);
      if (map && shape.key->constraint) TRY(constraint(*shape.key, e));
      path_.push_back({nullptr, i + 1, map ? as<Text>(e).sv() : std::string_view()});
      TRY(value(*shape.element, map ? e + shape.value_offset : e));
      path_.pop_back();
    }
    return {};
  }

  static double size_of(const Shape& shape, const void* at) {
    switch (shape.kind) {
      case Kind::list:
      case Kind::map:
        return as<AnyList>(at).size_;
      case Kind::integer:
        return as<int32_t>(at);
      case Kind::long_:
        return static_cast<double>(as<int64_t>(at));
      case Kind::double_:
        return as<double>(at);
      case Kind::string: {  // characters, not bytes
        const auto text = as<Text>(at).sv();
        return static_cast<double>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
      }
      default:
        return as<Text>(at).size_;
    }
  }

  std::string shown(const Shape& shape, const void* at) const {
    std::string out;
    if (shape.kind == Kind::list) {
      out = "[";
      for (size_t i = 0; i < as<AnyList>(at).size_ && out.size() < 500; ++i)
        out += (i ? ", " : "") + shown(*shape.element, element(shape, at, i));
      return out + "]";
    }
    if (shape.kind == Kind::map || shape.kind == Kind::structure) return std::string(shape.name);
    append_scalar(out, shape, shape.time, TimeFormat::iso8601, at);
    if (out.size() > 500) out.resize(500);
    return out;
  }

  Status constraint(const Shape& shape, const void* at) {
    const Constraint& c = *shape.constraint;
    const bool number =
        shape.kind == Kind::integer || shape.kind == Kind::long_ || shape.kind == Kind::double_;
    const double size = size_of(shape, at);
    std::string rule;
    auto bound = [&](std::string_view comparison, double limit) {
      rule.append("Member must have ")
          .append(number ? "value " : "length ")
          .append(comparison)
          .append(" than or equal to ");
      append_number(rule, limit);
    };
    if (!c.values.empty() && std::ranges::find(c.values, as<Text>(at).sv()) == c.values.end()) {
      rule = "Member must satisfy enum value set: [";
      for (auto v : c.values) rule.append(v == c.values.front() ? "" : ", ").append(v);
      rule += "]";
    } else if (size < c.min) {
      bound("greater", c.min);
    } else if (size > c.max) {
      bound("less", c.max);
    } else if (!as_ec2_ && !c.pattern.empty() && !matches_pattern(c.pattern, as<Text>(at).sv())) {
      rule = "Member must satisfy regular expression pattern: " + std::string(c.pattern);
    }
    if (rule.empty()) return {};
    if (as_ec2_)
      return fail("InvalidParameterValue",
                  "Value (" + shown(shape, at) + ") for parameter " + path() + " is invalid. " + rule);
    note("'" + shown(shape, at) + "'", path(), rule);
    return {};
  }

  void note(const std::string& value, const std::string& where, const std::string& rule) {
    if (++count_ > 10) return;
    if (!found_.empty()) found_ += "; ";
    found_ += "Value " + value + " at '" + where + "' failed to satisfy constraint: " + rule;
  }

  Protocol protocol_;
  const ServiceShape& service_;
  bool as_ec2_;
  std::vector<Step> path_;
  int count_ = 0;
  std::string found_;
};

}  // namespace

bool asks_for_something(const Member& member, const void* slot) {
  return present(member, slot) && something(*member.shape, value_of(member, slot));
}

Status check_input(Protocol protocol, const ServiceShape& service, const Shape& input, const void* in) {
  Checker checker(protocol, service);
  TRY(checker.structure(input, in));
  return checker.finish();
}

}  // namespace nubecita::wire
