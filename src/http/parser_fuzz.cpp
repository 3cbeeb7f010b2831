// Bytes from the network to heads and bodies, cut at arbitrary places: no crash, and the cut must not change
// the result.
#include <cstdlib>

#include "http/parser.hpp"

using namespace nubecita::http;

namespace {

struct Collect final : BodySink {
  std::string all;
  bool body(std::string_view part) override {
    all += part;
    return true;
  }
};

// Everything that was understood, as text.
std::string run(std::string_view bytes, size_t step) {
  RequestParser parser;
  std::string seen, pending;
  size_t fed = 0;
  parser.reset(4096);
  bool have_head = false;
  Collect sink;
  for (;;) {
    size_t used = 0;
    auto outcome = RequestParser::Outcome::need_more;
    if (!pending.empty()) outcome = parser.put(pending, used, have_head ? &sink : nullptr);
    pending.erase(0, used);
    if (outcome == RequestParser::Outcome::bad || outcome == RequestParser::Outcome::too_large)
      return seen + "!";
    if (!have_head && outcome == RequestParser::Outcome::ok && parser.head_done()) {
      have_head = true;
      auto head = parser.take_head();
      seen.append(head->method).append(" ").append(head->path).append("?").append(head->query).append("\n");
      for (auto& [n, v] : head->headers) seen.append(n).append(":").append(v).append("\n");
    }
    if (have_head && parser.done()) {
      seen += sink.all + "\n--\n";
      sink.all.clear();
      have_head = false;
      parser.reset(4096);
      if (pending.empty() && fed == bytes.size()) return seen;
      continue;
    }
    if (outcome == RequestParser::Outcome::need_more) {
      if (fed == bytes.size()) return seen + (have_head ? sink.all : "") + "…";
      auto part = bytes.substr(fed, step);
      pending += part;
      fed += part.size();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (size > 3000) return 0;  // below the head limit, where the cut does matter
  auto whole = run(bytes, bytes.size() + 1);
  auto single = run(bytes, 1);
  // An error may show later when bytes come singly, and what follows it does not count: the requests that
  // both have completed must be the same.
  whole.resize(whole.rfind("\n--\n") == std::string::npos ? 0 : whole.rfind("\n--\n"));
  single.resize(single.rfind("\n--\n") == std::string::npos ? 0 : single.rfind("\n--\n"));
  if (whole != single) std::abort();
  std::string ignored;
  query_value(bytes, "Action", ignored);
  percent_decode(bytes);
  return 0;
}
