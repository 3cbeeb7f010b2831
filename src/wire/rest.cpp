// The REST protocols: which members live in the URI, the query, headers and the status, and what the body is.
// https://smithy.io/2.0/spec/http-bindings.html
#include <algorithm>
#include <cctype>

#include "wire/access.hpp"
#include "wire/codecs.hpp"
#include "wire/form.hpp"

namespace nubecita::wire {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

std::string_view next_part(std::string_view& rest, char separator) {
  const auto end = std::min(rest.find(separator), rest.size());
  const auto part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

struct Template {
  std::string_view path, query;
  explicit Template(std::string_view uri) : path(uri.substr(0, uri.find('?'))) {
    if (path.size() < uri.size()) query = uri.substr(path.size() + 1);
  }
};

/// Calls label(name, raw text) for each {label} of the template; -1 if the path does not fit, else how much
/// of the template is literal.
template <class Label>
int match_path(std::string_view pattern, std::string_view path, Label label) {
  int literal = 0;
  if (pattern.starts_with('/')) pattern.remove_prefix(1);
  if (path.starts_with('/')) path.remove_prefix(1);
  while (!pattern.empty()) {
    auto part = next_part(pattern, '/');
    if (!part.starts_with('{')) {
      if (next_part(path, '/') != part) return -1;
      literal += static_cast<int>(part.size()) + 1;
      continue;
    }
    auto name = part.substr(1, part.size() - 2);
    if (!name.ends_with('+')) {
      label(name, next_part(path, '/'));
      continue;
    }
    // The greedy label takes all but what the rest of the template needs.
    name.remove_suffix(1);
    size_t end = path.size();
    for (auto rest = std::ranges::count(pattern, '/') + !pattern.empty();
         rest > 0 && end != std::string_view::npos; --rest)
      end = end ? path.rfind('/', end - 1) : std::string_view::npos;
    if (end == std::string_view::npos || end == 0) return -1;
    label(name, path.substr(0, end));
    path = path.substr(std::min(end + 1, path.size()));
  }
  return path.empty() ? literal : -1;
}

class RestDecoder {
 public:
  RestDecoder(const OperationShape& operation, const RawRequest& request, Arena& arena)
      : operation_(operation), request_(request), arena_(arena) {}

  Status run(Protocol protocol, void* in) {
    for (auto rest = request_.query; !rest.empty();) {
      auto value = next_part(rest, '&');
      auto name = next_part(value, '=');
      FormPair pair;
      if (!percent_decode(name, true, arena_, pair.key) || !percent_decode(value, true, arena_, pair.value) ||
          !is_plain_text(pair.key) || !is_plain_text(pair.value))
        return bad("the query string");
      query_.push_back(pair);
    }
    const Member* payload = nullptr;
    for (const Member& m : operation_.input->members) {
      void* at = slot(m, in);
      switch (m.location) {
        case Location::uri:
          TRY(uri(m, at));
          break;
        case Location::query:
          TRY(query(m, at));
          break;
        case Location::header:
          if (auto text = request_.header(m.wire); !text.empty()) TRY(header(m, text, at));
          break;
        case Location::header_prefix:
          prefixed_headers(m, at);
          break;
        default:
          if (m.payload) payload = &m;
      }
    }
    return body(protocol, payload, in);
  }

 private:
  static std::unexpected<ApiError> bad(std::string_view what) {
    return fail("SerializationException",
                "The request is malformed: " + std::string(what) + " cannot be read.");
  }

  Status text_value(const Member& m, const Shape& shape, std::string_view text, void* out) {
    if (!parse_scalar(shape, text, arena_, out)) return bad(m.wire);
    return {};
  }

  Status uri(const Member& m, void* at) {
    std::string_view raw, text;
    match_path(Template(operation_.uri).path, request_.path,
               [&](std::string_view name, std::string_view value) {
                 if (name == m.wire) raw = value;
               });
    if (raw.empty()) return {};  // the check for required members says so
    if (!percent_decode(raw, false, arena_, text) || !is_plain_text(text)) return bad("the path");
    return text_value(m, *m.shape, text, set_member(m, at, arena_));
  }

  Status query(const Member& m, void* at) {
    std::vector<std::string_view> values;
    if (m.shape->kind == Kind::map) return query_map(m, at);
    for (const auto& pair : query_)
      if (pair.key == m.wire) values.push_back(pair.value);
    if (values.empty()) return {};
    if (m.shape->kind != Kind::list) return text_value(m, *m.shape, values.back(), set_member(m, at, arena_));
    set_list(*m.shape, at, values.size(), arena_);
    for (size_t i = 0; i < values.size(); ++i)
      TRY(text_value(m, *m.shape->element, values[i], element(*m.shape, at, i)));
    return {};
  }

  // Every parameter that no other member has.
  Status query_map(const Member& m, void* at) {
    std::vector<FormPair> left;
    for (const auto& pair : query_)
      if (std::ranges::none_of(operation_.input->members, [&](const Member& o) {
            return o.location == Location::query && o.wire == pair.key;
          }))
        left.push_back(pair);
    if (left.empty()) return {};
    set_list(*m.shape, at, left.size(), arena_);
    for (size_t i = 0; i < left.size(); ++i) {
      std::byte* e = element(*m.shape, at, i);
      as<Text>(e) = Text::view(left[i].key);
      void* value = e + m.shape->value_offset;
      if (m.shape->element->kind == Kind::list) {
        set_list(*m.shape->element, value, 1, arena_);
        value = element(*m.shape->element, value, 0);
      }
      as<Text>(value) = Text::view(left[i].value);
    }
    return {};
  }

  Status header(const Member& m, std::string_view text, void* at) {
    if (m.shape->kind != Kind::list) return text_value(m, *m.shape, text, set_member(m, at, arena_));
    std::vector<std::string_view> values;
    for (auto rest = text; !rest.empty();) {
      auto part = next_part(rest, ',');
      while (part.starts_with(' ')) part.remove_prefix(1);
      values.push_back(part);
    }
    set_list(*m.shape, at, values.size(), arena_);
    for (size_t i = 0; i < values.size(); ++i)
      TRY(text_value(m, *m.shape->element, values[i], element(*m.shape, at, i)));
    return {};
  }

  void prefixed_headers(const Member& m, void* at) {
    std::vector<FormPair> found;
    for (const auto& [name, value] : request_.headers)
      if (name.size() > m.wire.size() && same_name(name.substr(0, m.wire.size()), m.wire))
        found.push_back({name.substr(m.wire.size()), value});
    if (found.empty()) return;
    set_list(*m.shape, at, found.size(), arena_);
    for (size_t i = 0; i < found.size(); ++i) {
      std::byte* e = element(*m.shape, at, i);
      as<Text>(e) = Text::view(found[i].key);
      as<Text>(e + m.shape->value_offset) = Text::view(found[i].value);
    }
  }

  Status body(Protocol protocol, const Member* payload, void* in) {
    const bool json = protocol == Protocol::rest_json;
    if (payload && payload->shape->kind != Kind::structure) {
      if (!request_.body.empty()) as<Text>(slot(*payload, in)) = Text::view(request_.body);
      return {};
    }
    const bool has_document = payload || std::ranges::any_of(operation_.input->members, [](const Member& m) {
                                return m.location == Location::body;
                              });
    if (!has_document || request_.body.empty()) return {};
    const Shape& shape = payload ? *payload->shape : *operation_.input;
    void* out = payload ? set_member(*payload, slot(*payload, in), arena_) : in;
    return json ? decode_json(shape, request_.body, Members::of_body, arena_, out)
                : decode_xml(shape, request_.body, arena_, out);
  }

  const OperationShape& operation_;
  const RawRequest& request_;
  Arena& arena_;
  std::vector<FormPair> query_;
};

// A line end in a value would let a client write headers of its own.
std::string one_line(std::string text) {
  std::erase_if(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
  return text;
}

void encode_header(const Member& m, const void* at, RawResponse& response) {
  std::string text;
  if (m.shape->kind == Kind::list) {
    for (size_t i = 0; i < as<AnyList>(at).size_; ++i) {
      if (i) text += ", ";
      append_scalar(text, *m.shape->element, m.shape->element->time, TimeFormat::http_date,
                    element(*m.shape, at, i));
    }
  } else {
    append_scalar(text, *m.shape, time_format(m), TimeFormat::http_date, at);
  }
  response.headers.emplace_back(m.wire, one_line(std::move(text)));
}

}  // namespace

int route_score(const OperationShape& operation, const RawRequest& request) {
  if (operation.method != request.method) return -1;
  const Template wanted(operation.uri);
  int score = match_path(wanted.path, request.path, [](std::string_view, std::string_view) {});
  if (score < 0) return -1;
  for (auto rest = wanted.query; !rest.empty();) {
    const auto pair = next_part(rest, '&');
    if (pair.starts_with("x-id=")) continue;  // for people who read logs
    bool found = false;
    for (auto given = request.query; !given.empty() && !found;) {
      const auto part = next_part(given, '&');
      found = part == pair || (pair.find('=') == std::string_view::npos && part == std::string(pair) + "=");
    }
    if (!found) return -1;
    score += 1000;
  }
  return score;
}

Status decode_rest(Protocol protocol, const OperationShape& operation, const RawRequest& request,
                   Arena& arena, void* in) {
  return RestDecoder(operation, request, arena).run(protocol, in);
}

void encode_rest(Protocol protocol, const ServiceShape& service, const OperationShape& operation,
                 const void* out, RawResponse& response) {
  const bool json = protocol == Protocol::rest_json;
  const Member* payload = nullptr;
  bool document = false;
  std::string type;
  for (const Member& m : operation.output->members) {
    const void* at = slot(m, out);
    if (m.payload) payload = &m;
    if (m.location == Location::body)
      document = document || !m.payload;
    else if (!present(m, at))
      continue;
    else if (m.location == Location::status)
      response.status = as<int32_t>(at);
    else if (m.location == Location::header) {
      encode_header(m, at, response);
      if (same_name(m.wire, "content-type")) type = response.headers.back().second;
    } else if (m.location == Location::header_prefix) {
      for (size_t i = 0; i < as<AnyList>(at).size_; ++i) {
        const std::byte* e = element(*m.shape, at, i);
        response.headers.emplace_back(one_line(std::string(m.wire) + std::string(as<Text>(e).sv())),
                                      one_line(std::string(as<Text>(e + m.shape->value_offset).sv())));
      }
    }
  }
  std::string_view content = json ? "application/json" : "application/xml";
  const auto head =
      json ? std::string_view() : std::string_view("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
  if (payload && payload->shape->kind != Kind::structure) {
    response.body = as<Text>(slot(*payload, out)).sv();
    content = payload->shape->kind == Kind::blob       ? "application/octet-stream"
              : payload->shape->kind == Kind::document ? content
                                                       : "text/plain";
  } else if (payload) {
    const void* at = value_of(*payload, slot(*payload, out));
    if (!at) return;
    response.body = head;
    if (json)
      encode_json(response.body, *payload->shape, Members::all, at);
    else
      encode_xml_element(response.body, protocol, payload->wire,
                         payload->xml_namespace.empty() ? service.xml_namespace : payload->xml_namespace,
                         *payload->shape, at);
  } else if (document) {
    response.body = head;
    if (json)
      encode_json(response.body, *operation.output, Members::of_body, out);
    else
      encode_xml_element(response.body, protocol, operation.output->name, service.xml_namespace,
                         *operation.output, out);
  } else if (json && response.status != 204) {
    response.body = "{}";
  }
  if (type.empty() && !response.body.empty()) response.headers.emplace_back("Content-Type", content);
}

}  // namespace nubecita::wire
