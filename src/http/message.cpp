#include "http/message.hpp"

#include <poll.h>
#include <unistd.h>

#include "http/parser.hpp"

namespace nubecita::http {

Answer::Answer(Answer&& o) noexcept
    : status(o.status),
      headers(std::move(o.headers)),
      body(std::move(o.body)),
      file(std::exchange(o.file, -1)),
      file_offset(o.file_offset),
      file_size(o.file_size),
      source(std::move(o.source)),
      source_size(o.source_size),
      close(o.close) {}

Answer& Answer::operator=(Answer&& o) noexcept {
  if (this == &o) return *this;
  if (file >= 0) ::close(file);
  status = o.status;
  headers = std::move(o.headers);
  body = std::move(o.body);
  file = std::exchange(o.file, -1);
  file_offset = o.file_offset;
  file_size = o.file_size;
  source = std::move(o.source);
  source_size = o.source_size;
  close = o.close;
  return *this;
}

Answer::~Answer() {
  if (file >= 0) ::close(file);
}

namespace {

class FixedAnswer final : public Receiver {
 public:
  explicit FixedAnswer(Answer a) : answer_(std::move(a)) {}
  bool write(std::string_view) override { return false; }
  void finish(Respond respond) override { respond(std::move(answer_)); }

 private:
  Answer answer_;
};

class Collector final : public Receiver {
 public:
  Collector(size_t limit, std::move_only_function<void(std::string, Respond)> done,
            std::move_only_function<Answer()> too_large)
      : limit_(limit), done_(std::move(done)), too_large_(std::move(too_large)) {}
  bool write(std::string_view part) override {
    if (part.size() > limit_ - body_.size()) {
      over_ = true;
      return false;
    }
    body_.append(part);
    return true;
  }
  void finish(Respond respond) override {
    if (over_) return respond(too_large_ ? too_large_() : Answer(413, "The request body is too large.\n"));
    done_(std::move(body_), std::move(respond));
  }

 private:
  size_t limit_;
  std::string body_;
  bool over_ = false;
  std::move_only_function<void(std::string, Respond)> done_;
  std::move_only_function<Answer()> too_large_;
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::unique_ptr<Receiver> answer_with(Answer answer) {
  return std::make_unique<FixedAnswer>(std::move(answer));
}

std::unique_ptr<Receiver> collect(size_t limit, std::move_only_function<void(std::string, Respond)> done,
                                  std::move_only_function<Answer()> too_large) {
  return std::make_unique<Collector>(limit, std::move(done), std::move(too_large));
}

bool client_left(const Head& head) {
  if (head.socket < 0) return false;
  // A connection that the server has ended itself answers anything here, which is then as good.
  pollfd p{head.socket, POLLRDHUP, 0};
  return poll(&p, 1, 0) > 0;
}

HeadPtr make_head(std::string_view method, std::string_view target,
                  const std::vector<std::pair<std::string, std::string>>& headers, std::string peer_ip) {
  HeadBuilder b;
  b.start(method, target);
  for (auto& [n, v] : headers) b.field(n, v);
  auto head = b.take();
  head->peer_ip = std::move(peer_ip);
  return head;
}

std::string percent_decode(std::string_view text, bool plus) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      int hi = hex_digit(text[i + 1]), lo = hex_digit(text[i + 2]);
      if (hi >= 0 && lo >= 0) {
        out += static_cast<char>(hi * 16 + lo);
        i += 2;
        continue;
      }
    }
    out += plus && text[i] == '+' ? ' ' : text[i];
  }
  return out;
}

bool query_value(std::string_view query, std::string_view name, std::string& out) {
  while (!query.empty()) {
    auto part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    auto eq = part.find('=');
    if (percent_decode(part.substr(0, eq), true) != name) continue;
    out = eq == std::string_view::npos ? std::string() : percent_decode(part.substr(eq + 1), true);
    return true;
  }
  return false;
}

std::string_view reason(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 407:
      return "Proxy Authentication Required";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return status < 400 ? "OK" : "Error";
  }
}

}  // namespace nubecita::http
