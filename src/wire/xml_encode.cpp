// XML bodies: answers of query, ec2 and rest-xml, written straight from the structs.
#include "base/plain_run.hpp"
#include "wire/access.hpp"
#include "wire/codecs.hpp"

namespace nubecita::wire {

void append_xml_text(std::string& out, std::string_view text) {
  size_t done = 0;
  constexpr auto plain = plain_run<Beyond::pass, '&', '<', '>', '"'>;
  for (size_t i = plain(text); i < text.size(); i += 1 + plain(text.substr(i + 1))) {
    std::string_view escaped;
    switch (text[i]) {
      case '&':
        escaped = "&amp;";
        break;
      case '<':
        escaped = "&lt;";
        break;
      case '>':
        escaped = "&gt;";
        break;
      case '"':
        escaped = "&quot;";
        break;
      case '\r':
        escaped = "&#xD;";
        break;  // a parser would make it a line feed
      default: {
        // Characters that XML cannot carry at all; decoders refuse them in XML protocols, but a name may have
        // come through JSON.
        const auto c = static_cast<unsigned char>(text[i]);
        if (c >= 0x20 || c == '\t' || c == '\n') continue;
        escaped = "\xef\xbf\xbd";
      }
    }
    out.append(text, done, i - done);
    out += escaped;
    done = i + 1;
  }
  out.append(text, done);
}

void append_xml_tag(std::string& out, std::string_view name, std::string_view text) {
  out.append("<").append(name).append(">");
  append_xml_text(out, text);
  out.append("</").append(name).append(">");
}

namespace {

/// Member::query is the capitalised wire name (which only EC2 uses) or, of a model in JSON, the query
/// protocol's.
std::string_view query_name(const Member& m) {
  const bool capitalised = m.query.size() == m.wire.size() && m.query.substr(1) == m.wire.substr(1);
  return capitalised ? m.wire : m.query;
}

class XmlWriter {
 public:
  XmlWriter(std::string& out, Protocol protocol)
      : out_(out), ec2_(protocol == Protocol::ec2), query_(protocol == Protocol::query) {}

  void members(const Shape& shape, const void* structure) {
    for (const Member& m : shape.members) {
      if (m.location != Location::body || m.attribute) continue;
      const void* at = slot(m, structure);
      if (present(m, at)) member(m, value_of(m, at));
      // Most of EC2's operations answer only that they have worked.
      else if (ec2_ && m.wire == "return" && m.shape->kind == Kind::boolean)
        out_ += "<return>true</return>";
    }
  }

  void structure(std::string_view name, std::string_view space, std::string_view prefix, const Shape& shape,
                 const void* at) {
    if (space.empty()) space = shape.xml_namespace, prefix = shape.xml_prefix;
    out_.append("<").append(name);
    if (!space.empty()) {
      out_ += prefix.empty() ? " xmlns" : " xmlns:";
      out_.append(prefix).append("=\"");
      append_xml_text(out_, space);
      out_ += '"';
    }
    for (const Member& m : shape.members) {
      if (!m.attribute || !present(m, slot(m, at))) continue;
      out_.append(" ").append(m.wire).append("=\"");
      text(*m.shape, time_format(m), slot(m, at));
      out_ += '"';
    }
    out_ += '>';
    members(shape, at);
    close(name);
  }

 private:
  void open(std::string_view name) { out_.append("<").append(name).append(">"); }
  void close(std::string_view name) { out_.append("</").append(name).append(">"); }

  void text(const Shape& shape, TimeFormat time, const void* value) {
    if (shape.kind == Kind::string || shape.kind == Kind::document) {
      append_xml_text(out_, as<Text>(value).sv());
    } else if (shape.kind == Kind::timestamp && ec2_ && time == TimeFormat::as_protocol &&
               as<Timestamp>(value).ms % 1000 == 0) {
      append_timestamp(out_, TimeFormat::iso8601, as<Timestamp>(value).ms);
      out_.insert(out_.size() - 1,
                  ".000");  // EC2 always shows milliseconds; some clients' patterns want them
    } else {
      append_scalar(out_, shape, time, TimeFormat::iso8601, value);
    }
  }

  void member(const Member& m, const void* value) {
    const Shape& shape = *m.shape;
    const auto name = query_ ? query_name(m) : m.wire;
    if (shape.kind == Kind::structure) return structure(name, m.xml_namespace, m.xml_prefix, shape, value);
    if (m.flattened && shape.kind == Kind::list)
      return elements(shape, shape.element_named ? shape.element_name : name, value);
    if (m.flattened && shape.kind == Kind::map) return elements(shape, name, value);
    element_of(shape, time_format(m), name, value);
  }

  // Any value as one element.
  void element_of(const Shape& shape, TimeFormat time, std::string_view name, const void* value) {
    if (shape.kind == Kind::structure) return structure(name, {}, {}, shape, value);
    open(name);
    if (shape.kind == Kind::list)
      elements(shape, ec2_ && !shape.element_named ? "item" : shape.element_name, value);
    else if (shape.kind == Kind::map)
      elements(shape, "entry", value);
    else
      text(shape, time, value);
    close(name);
  }

  void elements(const Shape& shape, std::string_view name, const void* list) {
    for (size_t i = 0; i < as<AnyList>(list).size_; ++i) {
      const std::byte* e = element(shape, list, i);
      if (shape.kind == Kind::list) {
        element_of(*shape.element, shape.element->time, name, e);
        continue;
      }
      open(name);
      element_of(*shape.key, TimeFormat::as_protocol, shape.key_name, e);
      element_of(*shape.element, shape.element->time, shape.element_name, e + shape.value_offset);
      close(name);
    }
  }

  std::string& out_;
  bool ec2_, query_;
};

}  // namespace

void encode_xml_members(std::string& out, Protocol protocol, const Shape& shape, const void* structure) {
  XmlWriter(out, protocol).members(shape, structure);
}

void encode_xml_element(std::string& out, Protocol protocol, std::string_view name,
                        std::string_view name_space, const Shape& shape, const void* structure) {
  XmlWriter(out, protocol).structure(name, name_space, {}, shape, structure);
}

}  // namespace nubecita::wire
