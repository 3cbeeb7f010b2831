#include "wire/form.hpp"

#include <algorithm>

#include "wire/access.hpp"
#include "wire/protocol.hpp"

namespace nubecita::wire {
namespace {

constexpr ptrdiff_t kDeepest = 40;  // recursive shapes recurse no deeper than a key does

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

int rank(char c) { return c == '.' ? 0 : static_cast<unsigned char>(c) + 1; }

bool before(const FormPair& a, const FormPair& b) {
  const size_t n = std::min(a.key.size(), b.key.size());
  for (size_t i = 0; i < n; ++i)
    if (a.key[i] != b.key[i]) return rank(a.key[i]) < rank(b.key[i]);
  return a.key.size() != b.key.size() ? a.key.size() < b.key.size() : a.order < b.order;
}

/// Calls visit(raw key, raw value) for each pair until it answers false.
template <class Visit>
void each_pair(std::string_view body, Visit visit) {
  while (!body.empty()) {
    const auto end = std::min(body.find('&'), body.size());
    const auto part = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (part.empty()) continue;
    const auto equals = std::min(part.find('='), part.size());
    if (!visit(part.substr(0, equals), part.substr(std::min(equals + 1, part.size())))) return;
  }
}

std::string_view trim_line_end(std::string_view body) {
  while (!body.empty() && (body.back() == '\n' || body.back() == '\r')) body.remove_suffix(1);
  return body;
}

}  // namespace

bool percent_decode(std::string_view text, bool plus_is_space, Arena& arena, std::string_view& out) {
  out = text;
  if (text.find('%') == std::string_view::npos &&
      (!plus_is_space || text.find('+') == std::string_view::npos))
    return true;
  char* to = static_cast<char*>(arena.allocate(text.size()));
  size_t n = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex(text[i + 2]) : -1;
      if (high < 0 || low < 0) return false;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    to[n++] = c;
  }
  out = {to, n};
  return true;
}

Result<std::vector<FormPair>> parse_form(std::string_view body, Arena& arena) {
  std::vector<FormPair> pairs;
  std::string_view trouble;
  each_pair(trim_line_end(body), [&](std::string_view key, std::string_view value) {
    FormPair pair;
    pair.order = static_cast<uint32_t>(pairs.size());
    if (!percent_decode(key, true, arena, pair.key) || !percent_decode(value, true, arena, pair.value))
      trouble = "it has a broken percent escape";
    else if (!is_plain_text(pair.key) || !is_plain_text(pair.value))
      trouble = "it has text that is not UTF-8, or control characters";
    else if (std::count(pair.key.begin(), pair.key.end(), '.') > kDeepest)
      trouble = "a parameter's name has too many levels";
    pairs.push_back(pair);
    return trouble.empty();
  });
  if (!trouble.empty())
    return fail("MalformedQueryString", "The query string is malformed: " + std::string(trouble) + ".");
  std::sort(pairs.begin(), pairs.end(), before);
  return pairs;
}

Form same_segment(Form form, size_t prefix, std::string_view& segment) {
  const auto rest = form.front().key.substr(prefix);
  segment = rest.substr(0, rest.find('.'));
  size_t n = 1;
  while (n < form.size()) {
    const auto key = form[n].key;
    if (key.size() < prefix + segment.size() || key.substr(prefix, segment.size()) != segment) break;
    if (key.size() > prefix + segment.size() && key[prefix + segment.size()] != '.') break;
    ++n;
  }
  return form.first(n);
}

std::string_view form_value(std::string_view body, std::string_view name, Arena& arena) {
  std::string_view found;
  each_pair(trim_line_end(body), [&](std::string_view key, std::string_view value) {
    if (key != name) return true;
    if (!percent_decode(value, true, arena, found)) found = {};
    return false;
  });
  return found;
}

}  // namespace nubecita::wire
