// Requests of the query and ec2 protocols. They differ in names (ec2 capitalises), in lists (ec2's are always
// flat) and in what is unknown (EC2 rejects it, the others ignore it).
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html, aws-ec2-query-protocol.html
#include <algorithm>
#include <charconv>

#include "wire/access.hpp"
#include "wire/codecs.hpp"
#include "wire/form.hpp"

namespace nubecita::wire {
namespace {

// Parameters of the envelope, not of the operation: routing, and signature version 2 and 4 in the query.
bool of_envelope(std::string_view key) {
  static constexpr std::string_view names[] = {"Action",          "Version",          "AWSAccessKeyId",
                                               "SignatureMethod", "SignatureVersion", "Signature",
                                               "Timestamp",       "Expires",          "SecurityToken"};
  return key.starts_with("X-Amz-") || std::ranges::find(names, key) != std::end(names);
}

class FormDecoder {
 public:
  FormDecoder(Protocol protocol, Arena& arena) : ec2_(protocol == Protocol::ec2), arena_(arena) {}

  Status structure(const Shape& shape, Form form, size_t prefix, void* out, bool top) {
    while (!form.empty()) {
      std::string_view name;
      const Form group = same_segment(form, prefix, name);
      form = form.subspan(group.size());
      const Member* member = find(shape, name);
      // An operation's own Timestamp or Expires comes before the envelope's.
      if (!member && top && of_envelope(name)) continue;
      if (!member) {
        if (ec2_) return unknown(group.front().key);
        continue;
      }
      void* at = slot(*member, out);
      void* where = set_member(*member, at, arena_);
      TRY(value(*member->shape, member->flattened, group, prefix + name.size(), where));
    }
    return {};
  }

 private:
  const Member* find(const Shape& shape, std::string_view name) const {
    for (const Member& m : shape.members) {
      if (name == m.query || (!ec2_ && name == m.wire)) return &m;
      // A flat list goes by its elements' name where the model gives one.
      if (!ec2_ && m.flattened && m.shape->kind == Kind::list && m.shape->element_named &&
          name == m.shape->element_name)
        return &m;
    }
    return nullptr;
  }

  // `group`: all pairs of one value; its keys are equal up to `at`, where they end or go on with '.'.
  Status value(const Shape& shape, bool flattened, Form group, size_t at, void* out) {
    Form below = group;
    while (!below.empty() && below.front().key.size() == at) below = below.subspan(1);
    const Form self = group.first(group.size() - below.size());
    switch (shape.kind) {
      case Kind::structure:
        return structure(shape, below, at + 1, out, false);
      case Kind::list:
      case Kind::map: {
        if (below.empty() && !self.back().value.empty()) return malformed(group.front(), "a list");
        const std::string_view extra = shape.kind == Kind::map ? "entry" : shape.element_name;
        if (!ec2_ && !flattened && !below.empty()) TRY(unwrap(extra, below, at));
        return items(shape, below, at + 1, out);
      }
      default:
        if (self.empty() || !below.empty()) {
          if (ec2_ || self.empty()) return unknown(group.back().key);
        }
        if (!parse_scalar(shape, self.back().value, arena_, out))
          return malformed(self.back(), type_name(shape.kind));
        return {};
    }
  }

  // Goes one segment down: Tags.Tag.1 or Tags.member.1; services take both.
  Status unwrap(std::string_view expected, Form& below, size_t& at) {
    std::string_view name;
    const Form group = same_segment(below, at + 1, name);
    if (group.size() != below.size() || (name != expected && name != "member"))
      return malformed(below.front(), "a list");
    at += 1 + name.size();
    // A leaf here ("Tags.member=") is an empty list.
    while (!below.empty() && below.front().key.size() == at) below = below.subspan(1);
    return {};
  }

  Status items(const Shape& shape, Form below, size_t prefix, void* out) {
    struct Item {
      uint32_t index;
      Form group;
      size_t at;
    };
    std::vector<Item> found;
    while (!below.empty()) {
      std::string_view name;
      const Form group = same_segment(below, prefix, name);
      below = below.subspan(group.size());
      uint32_t index = 0;
      auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
      if (error != std::errc() || end != name.data() + name.size()) return malformed(group.front(), "a list");
      found.push_back({index, group, prefix + name.size()});
    }
    std::ranges::sort(found, {}, &Item::index);  // by number: 10 comes after 2
    set_list(shape, out, found.size(), arena_);
    for (size_t i = 0; i < found.size(); ++i) {
      std::byte* e = element(shape, out, i);
      if (shape.kind == Kind::map)
        TRY(entry(shape, found[i].group, found[i].at, e));
      else
        TRY(value(*shape.element, false, found[i].group, found[i].at, e));
    }
    return {};
  }

  Status entry(const Shape& shape, Form group, size_t at, std::byte* out) {
    Form below = group;
    while (!below.empty()) {
      if (below.front().key.size() == at) return malformed(group.front(), "a map");
      std::string_view name;
      const Form part = same_segment(below, at + 1, name);
      below = below.subspan(part.size());
      const size_t end = at + 1 + name.size();
      if (name == shape.key_name)
        TRY(value(*shape.key, false, part, end, out));
      else if (name == shape.element_name)
        TRY(value(*shape.element, false, part, end, out + shape.value_offset));
    }
    return {};
  }

  static std::string_view type_name(Kind kind) {
    switch (kind) {
      case Kind::boolean:
        return "a boolean";
      case Kind::integer:
      case Kind::long_:
        return "an integer";
      case Kind::double_:
        return "a number";
      case Kind::timestamp:
        return "a timestamp";
      default:
        return "base64";
    }
  }

  std::unexpected<ApiError> unknown(std::string_view key) const {
    return fail(ec2_ ? "UnknownParameter" : "MalformedInput",
                "The parameter " + std::string(key) + " is not recognized");
  }
  std::unexpected<ApiError> malformed(const FormPair& pair, std::string_view type) const {
    const std::string key(pair.key), text(pair.value.substr(0, 100));
    if (ec2_)
      return fail("InvalidParameterValue", "Value (" + text + ") for parameter " + key +
                                               " is invalid. It is not " + std::string(type) + ".");
    return fail("MalformedInput",
                "Value '" + text + "' of parameter " + key + " is not " + std::string(type) + ".");
  }

  bool ec2_;
  Arena& arena_;
};

}  // namespace

Status decode_form(Protocol protocol, const Shape& input, std::string_view body, Arena& arena, void* in) {
  TRY_LET(auto pairs, parse_form(body, arena));
  return FormDecoder(protocol, arena).structure(input, pairs, 0, in, true);
}

}  // namespace nubecita::wire
