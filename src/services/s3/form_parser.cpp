#include "services/s3/form_parser.hpp"

#include <utility>

#include "services/s3/errors.hpp"

namespace nubecita::s3 {
namespace {

constexpr size_t kMostFields = 20 * 1024;  // bytes before the file, as on AWS

Failure malformed() {
  return fail("MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.",
              400);
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

// name="..." of a Content-Disposition, or boundary=... of a type.
bool parameter(std::string_view line, std::string_view name, std::string& out) {
  const auto lower = lowered(line);
  for (size_t at = 0; (at = lower.find(std::string(name) + "=", at)) != std::string::npos; ++at) {
    if (at > 0 && lower[at - 1] != ' ' && lower[at - 1] != ';') continue;
    auto rest = line.substr(at + name.size() + 1);
    if (rest.starts_with('"')) {
      rest.remove_prefix(1);
      out = rest.substr(0, rest.find('"'));
    } else {
      out = rest.substr(0, rest.find_first_of("; "));
    }
    return true;
  }
  return false;
}

}  // namespace

std::string form_boundary(std::string_view content_type) {
  std::string boundary;
  parameter(content_type, "boundary", boundary);
  return boundary.size() > 200 ? std::string() : boundary;
}

FormParser::FormParser(std::string boundary, Sink sink)
    : delimiter_("\r\n--" + boundary), sink_(std::move(sink)), pending_("\r\n") {}

Status FormParser::head(std::string_view line) {
  const auto lower = lowered(line);
  if (lower.starts_with("content-disposition:")) {
    named_file_ = parameter(line, "filename", filename_) || named_file_;
    if (!parameter(line, "name", name_)) return malformed();
    name_ = lowered(name_);
  } else if (lower.starts_with("content-type:")) {
    type_ = line.substr(13);
    while (type_.starts_with(' ')) type_.erase(0, 1);
  }
  return {};
}

Status FormParser::part_begins() {
  if (name_ != "file") {
    state_ = State::field;
    value_.clear();
    return {};
  }
  state_ = State::file;
  if (!type_.empty() && !fields_.contains("content-type")) fields_["content-type"] = type_;
  return sink_.file(fields_, filename_);
}

Status FormParser::looked_at(size_t n) {
  pending_.erase(0, n);
  if ((seen_ += n) > kMostFields)
    return fail("MaxPostPreDataLengthExceeded",
                "Your POST request fields preceding the upload file were too large.", 400);
  return {};
}

Status FormParser::write(std::string_view bytes) {
  if (state_ == State::after) return {};
  pending_.append(bytes);
  for (;;) {
    if (state_ == State::heads) {
      const auto end = pending_.find("\r\n");
      if (end == std::string::npos) return pending_.size() > kMostFields ? malformed() : Status();
      const auto line = pending_.substr(0, end);
      TRY(looked_at(end + 2));
      if (line == "--") {  // of the last delimiter: the form ends without a file
        return fail("InvalidArgument", "POST requires exactly one file upload per request.", 400);
      }
      if (line.empty() && !name_.empty())
        TRY(part_begins());
      else if (!line.empty())
        TRY(head(line));
      continue;
    }
    const auto end = pending_.find(delimiter_);
    if (state_ == State::preamble || state_ == State::field) {
      if (end == std::string::npos) return pending_.size() > kMostFields ? malformed() : Status();
      if (state_ == State::field) fields_[name_] = pending_.substr(0, end);
      TRY(looked_at(end + delimiter_.size()));
      name_.clear();
      filename_.clear();
      type_.clear();
      state_ = State::heads;
      continue;
    }
    if (end != std::string::npos) {
      TRY(sink_.data(std::string_view(pending_).substr(0, end)));
      state_ = State::after;
      pending_.clear();
      return {};
    }
    // All but what may be the beginning of the delimiter.
    if (pending_.size() >= delimiter_.size()) {
      const auto sure = pending_.size() - delimiter_.size() + 1;
      TRY(sink_.data(std::string_view(pending_).substr(0, sure)));
      pending_.erase(0, sure);
    }
    return {};
  }
}

}  // namespace nubecita::s3
