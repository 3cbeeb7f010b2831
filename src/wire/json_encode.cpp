// Bodies of the JSON protocols, written straight from the structs.
#include "base/plain_run.hpp"
#include "wire/access.hpp"
#include "wire/codecs.hpp"

namespace nubecita::wire {

void append_json_text(std::string& out, std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  out += '"';
  size_t done = 0;
  constexpr auto plain = plain_run<Beyond::pass, '"', '\\'>;
  for (size_t i = plain(text); i < text.size(); i += 1 + plain(text.substr(i + 1))) {
    const auto c = static_cast<unsigned char>(text[i]);
    out.append(text, done, i - done);
    done = i + 1;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out.append("\\u00").append(1, digits[c >> 4]).append(1, digits[c & 15]);
    }
  }
  out.append(text, done);
  out += '"';
}

namespace {

void write_value(std::string& out, const Shape& shape, TimeFormat time, const void* value);

void write_structure(std::string& out, const Shape& shape, Members members, const void* structure) {
  out += '{';
  bool first = true;
  for (const Member& m : shape.members) {
    if (members == Members::of_body && m.location != Location::body) continue;
    const void* at = slot(m, structure);
    if (!present(m, at)) continue;
    if (!first) out += ',';
    first = false;
    append_json_text(out, m.wire);
    out += ':';
    write_value(out, *m.shape, time_format(m), value_of(m, at));
  }
  out += '}';
}

void write_value(std::string& out, const Shape& shape, TimeFormat time, const void* value) {
  switch (shape.kind) {
    case Kind::structure:
      write_structure(out, shape, Members::all, value);
      return;
    case Kind::list:
      out += '[';
      for (size_t i = 0; i < as<AnyList>(value).size_; ++i) {
        if (i) out += ',';
        write_value(out, *shape.element, shape.element->time, element(shape, value, i));
      }
      out += ']';
      return;
    case Kind::map:
      out += '{';
      for (size_t i = 0; i < as<AnyList>(value).size_; ++i) {
        if (i) out += ',';
        const std::byte* entry = element(shape, value, i);
        append_json_text(out, as<Text>(entry).sv());
        out += ':';
        write_value(out, *shape.element, shape.element->time, entry + shape.value_offset);
      }
      out += '}';
      return;
    case Kind::string:
      append_json_text(out, as<Text>(value).sv());
      return;
    case Kind::document:
      out += as<Text>(value).sv();
      return;
    case Kind::blob:
      out += '"';
      append_scalar(out, shape, time, TimeFormat::epoch, value);
      out += '"';
      return;
    case Kind::timestamp: {
      const bool quoted = time == TimeFormat::iso8601 || time == TimeFormat::http_date;
      if (quoted) out += '"';
      append_scalar(out, shape, time, TimeFormat::epoch, value);
      if (quoted) out += '"';
      return;
    }
    case Kind::double_: {
      const double v = as<double>(value);
      const bool quoted = v != v || v - v != 0;  // NaN and infinities have no JSON number
      if (quoted) out += '"';
      append_number(out, v);
      if (quoted) out += '"';
      return;
    }
    default:
      append_scalar(out, shape, time, TimeFormat::epoch, value);
      return;
  }
}

}  // namespace

void encode_json(std::string& out, const Shape& shape, Members members, const void* value) {
  if (shape.kind == Kind::structure)
    write_structure(out, shape, members, value);
  else
    write_value(out, shape, shape.time, value);
}

}  // namespace nubecita::wire
