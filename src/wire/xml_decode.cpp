// XML bodies of rest-xml requests. Document type declarations are refused: they are how XML attacks come in.
#include <pugixml.hpp>

#include "wire/access.hpp"
#include "wire/codecs.hpp"

namespace nubecita::wire {
namespace {

constexpr int kDeepest = 64;

std::unexpected<ApiError> malformed(std::string_view why) {
  return fail("MalformedXML",
              "The XML you provided was not well-formed or did not validate against our published schema: " +
                  std::string(why));
}

// Clients may write any prefix for the service's name space.
std::string_view local_name(std::string_view name) {
  const auto colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

class XmlDecoder {
 public:
  explicit XmlDecoder(Arena& arena) : arena_(arena) {}

  Status structure(const Shape& shape, pugi::xml_node from, void* out) {
    if (++depth_ > kDeepest) return malformed("too many levels");
    for (const Member& m : shape.members) {
      if (m.location != Location::body) continue;
      if (m.attribute) {
        if (auto a = from.attribute(std::string(m.wire).c_str()); a)
          TRY(scalar(*m.shape, a.value(), m.wire, set_member(m, slot(m, out), arena_)));
        continue;
      }
      const bool flat_list = m.flattened && m.shape->kind == Kind::list;
      const std::string_view name = flat_list && m.shape->element_named ? m.shape->element_name : m.wire;
      const auto first = child(from, name);
      if (!first) continue;
      void* where = set_member(m, slot(m, out), arena_);
      if (m.flattened)
        TRY(elements(*m.shape, from, name, where));
      else
        TRY(value(*m.shape, first, where));
    }
    --depth_;
    return {};
  }

 private:
  static pugi::xml_node child(pugi::xml_node from, std::string_view name) {
    return from.find_child(
        [&](pugi::xml_node n) { return n.type() == pugi::node_element && local_name(n.name()) == name; });
  }

  std::string_view text(pugi::xml_node node) {
    std::string_view only;
    std::string all;
    for (auto n : node.children()) {
      if (n.type() != pugi::node_pcdata && n.type() != pugi::node_cdata) continue;
      if (all.empty() && only.empty())
        only = n.value();
      else
        all.append(all.empty() ? only : std::string_view()).append(n.value());
    }
    return all.empty() ? only : arena_.copy(all);
  }

  Status value(const Shape& shape, pugi::xml_node node, void* out) {
    switch (shape.kind) {
      case Kind::structure:
        return structure(shape, node, out);
      case Kind::list:
      case Kind::map:
        return elements(shape, node, shape.kind == Kind::map ? "entry" : shape.element_name, out);
      default:
        return scalar(shape, text(node), node.name(), out);
    }
  }

  Status scalar(const Shape& shape, std::string_view text, std::string_view name, void* out) {
    if (!parse_scalar(shape, text, arena_, out))
      return malformed("the value of " + std::string(name) + " is not of its type");
    return {};
  }

  // All children of `parent` with that name.
  Status elements(const Shape& shape, pugi::xml_node parent, std::string_view name, void* out) {
    size_t n = 0;
    for (auto c : parent.children()) n += local_name(c.name()) == name;
    set_list(shape, out, n, arena_);
    size_t i = 0;
    for (auto c : parent.children()) {
      if (local_name(c.name()) != name) continue;
      std::byte* e = element(shape, out, i++);
      if (shape.kind == Kind::list) {
        TRY(value(*shape.element, c, e));
        continue;
      }
      const auto key = child(c, shape.key_name), item = child(c, shape.element_name);
      if (!key || !item) return malformed("an entry has no key or no value");
      TRY(value(*shape.key, key, e));
      TRY(value(*shape.element, item, e + shape.value_offset));
    }
    return {};
  }

  Arena& arena_;
  int depth_ = 0;
};

}  // namespace

Status decode_xml(const Shape& shape, std::string_view body, Arena& arena, void* value) {
  if (!is_plain_text(body)) return malformed("text that is not UTF-8, or control characters");
  // Parsed in place in the arena, so that texts may point into it.
  auto* copy = static_cast<char*>(arena.allocate(body.size() + 1));
  body.copy(copy, body.size());
  pugi::xml_document document;
  constexpr unsigned flags = pugi::parse_default | pugi::parse_ws_pcdata_single | pugi::parse_doctype;
  const auto result = document.load_buffer_inplace(copy, body.size(), flags, pugi::encoding_utf8);
  if (!result) return malformed(result.description());
  for (auto n : document.children())
    if (n.type() == pugi::node_doctype) return malformed("a document type declaration");
  return XmlDecoder(arena).structure(shape, document.document_element(), value);
}

}  // namespace nubecita::wire
