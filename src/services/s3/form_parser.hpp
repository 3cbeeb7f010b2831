// multipart/form-data as it comes: fields, then one file. One owner, one thread. RFC 7578, with one boundary
// and no nesting. Errors: MalformedPOSTRequest, MaxPostPreDataLengthExceeded.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace nubecita::s3 {

/// The boundary of a Content-Type; empty: none.
std::string form_boundary(std::string_view content_type);

class FormParser {
 public:
  struct Sink {
    /// The fields are all there (names in lower case) and the file begins. An error ends it.
    std::function<Status(std::map<std::string, std::string>& fields, const std::string& filename)> file;
    std::function<Status(std::string_view)> data;  // of the file
  };
  FormParser(std::string boundary, Sink sink);
  Status write(std::string_view bytes);
  /// True once the file has ended: what follows it is not looked at.
  bool file_done() const { return state_ == State::after; }

 private:
  enum class State { preamble, heads, field, file, after };
  Status head(std::string_view line);
  Status part_begins();
  Status looked_at(size_t n);  // of pending_, while fields come
  std::string delimiter_;      // "\r\n--boundary"
  Sink sink_;
  State state_ = State::preamble;
  std::string pending_;  // not looked at yet, or possibly the beginning of a delimiter
  std::string name_, filename_, type_, value_;
  bool named_file_ = false;
  size_t seen_ = 0;  // bytes of fields
  std::map<std::string, std::string> fields_;
};

}  // namespace nubecita::s3
