// A JSON pull reader over a request's body: nothing is built that is not asked for, texts alias the body
// unless they hold escapes. The first error sticks and is what failure() says; after it everything reads as
// empty.
//
//   JsonReader in(body, arena);
//   in.begin_object();
//   while (in.next_member(name)) { if (name == "S") text = in.text(); else in.skip(); }
//
// One thread; aliases live as long as body and arena.
#pragma once

#include <string>
#include <string_view>

#include "base/arena.hpp"
#include "base/result.hpp"

namespace nubecita::dynamodb {

class JsonReader {
 public:
  enum class Kind { object, array, string, number, boolean, null, nothing };

  JsonReader(std::string_view json, Arena& arena)
      : begin_(json.data()), at_(begin_), end_(at_ + json.size()), arena_(arena) {}

  Kind peek();
  /// Each says no, and sets the error, if something else stands there.
  bool begin_object();
  bool next_member(std::string_view& name);  // false: the object ends (or an error)
  bool begin_array();
  bool next_element();  // false: the array ends (or an error)
  std::string_view text();
  bool boolean();
  std::string_view number();  // its text
  /// Steps over one value; the value's own text.
  std::string_view skip();
  /// Nothing may follow.
  void finish();

  bool ok() const { return error_.empty(); }
  Status failure() const;
  void fail_with(std::string message);

 private:
  static constexpr int kDeepest = 256;
  bool next(char close);  // steps over a comma; false at the end of the object or array
  void space();
  void not_json();
  std::string_view escaped_text(const char* start);
  bool hex4(uint32_t& out);
  std::string_view token_name();

  const char* begin_;
  const char* at_;
  const char* end_;
  Arena& arena_;
  std::string error_;
  bool first_ = false;  // of the object or array just begun
  int depth_ = 0;
};

/// Well-formed UTF-8 (RFC 3629).
bool valid_utf8(std::string_view text);
void append_json(std::string& out, std::string_view text);

}  // namespace nubecita::dynamodb
