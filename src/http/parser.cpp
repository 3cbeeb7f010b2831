#include "http/parser.hpp"

#include <optional>

#include "http/asio.hpp"

#include <boost/beast/http/basic_parser.hpp>

namespace nubecita::http {
namespace beast = boost::beast;

void HeadBuilder::start(std::string_view method, std::string_view target) {
  raw_.clear();
  fields_.clear();
  raw_.reserve(1000);  // most heads; malloc is quick for this size
  fields_.reserve(16);
  method_ = add(method);
  target_ = add(target);
}

HeadBuilder::Piece HeadBuilder::add(std::string_view s, bool lower) {
  Piece p{static_cast<uint32_t>(raw_.size()), static_cast<uint32_t>(s.size())};
  raw_.append(s);
  if (lower)
    for (size_t i = p.at; i < raw_.size(); ++i)
      if (raw_[i] >= 'A' && raw_[i] <= 'Z') raw_[i] = static_cast<char>(raw_[i] + 32);
  return p;
}

void HeadBuilder::field(std::string_view name, std::string_view value) {
  auto n = add(name, true);
  fields_.emplace_back(n, add(value));
}

std::shared_ptr<Head> HeadBuilder::take() {
  auto head = std::make_shared<Head>();
  head->raw = std::move(raw_);
  std::string_view raw = head->raw;
  auto view = [&](Piece p) { return raw.substr(p.at, p.size); };
  head->method = view(method_);
  head->target = view(target_);
  head->headers.reserve(fields_.size());
  for (auto& [n, v] : fields_) head->headers.emplace_back(view(n), view(v));
  auto rest = head->target;
  if (rest.starts_with("http://") || rest.starts_with("https://")) {  // absolute form, as sent to proxies
    auto slash = rest.find('/', rest.find("://") + 3);
    rest = slash == std::string_view::npos ? std::string_view("/") : rest.substr(slash);
  }
  auto mark = rest.find('?');
  head->path = rest.substr(0, mark);
  if (mark != std::string_view::npos) head->query = rest.substr(mark + 1);
  return head;
}

namespace {

using View = beast::string_view;
std::string_view sv(View v) { return {v.data(), v.size()}; }

class Parser final : public beast::http::basic_parser<true> {
 public:
  HeadBuilder* builder = nullptr;
  BodySink* sink = nullptr;
  bool stopped = false, http10 = false;
  int hosts = 0;
  std::string transfer_encoding;
  size_t transfer_encodings = 0;

 private:
  void on_request_impl(beast::http::verb, View method, View target, int version, ErrorCode&) override {
    http10 = version < 11;
    builder->start(sv(method), sv(target));
  }
  void on_response_impl(int, View, int, ErrorCode&) override {}
  void on_field_impl(beast::http::field f, View name, View value, ErrorCode&) override {
    if (!builder) return;  // a trailer: nobody here reads them, and they must not pass for headers
    if (f == beast::http::field::host) ++hosts;
    if (f == beast::http::field::transfer_encoding) {
      ++transfer_encodings;
      transfer_encoding = std::string(sv(value));
    }
    builder->field(sv(name), sv(value));
  }
  void on_header_impl(ErrorCode&) override { builder = nullptr; }
  void on_body_init_impl(boost::optional<std::uint64_t> const&, ErrorCode&) override {}
  std::size_t take(View part) {
    if (!part.empty() && sink && !stopped && !sink->body(sv(part))) stopped = true;
    return part.size();
  }
  std::size_t on_body_impl(View part, ErrorCode&) override { return take(part); }
  void on_chunk_header_impl(std::uint64_t, View, ErrorCode&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, View part, ErrorCode&) override { return take(part); }
  void on_finish_impl(ErrorCode&) override {}
};

bool is_chunked(std::string_view v) {
  static constexpr std::string_view word = "chunked";
  if (v.size() != word.size()) return false;
  for (size_t i = 0; i < v.size(); ++i)
    if ((v[i] | 0x20) != word[i]) return false;
  return true;
}

}  // namespace

struct RequestParser::Impl {
  HeadBuilder builder;
  std::optional<Parser> parser;
  size_t head_limit = 0, head_used = 0;
  std::string problem;
  int status = 400;

  Outcome refuse(int s, std::string why) {
    status = s;
    problem = std::move(why);
    return Outcome::bad;
  }

  // What Beast accepts and we do not: each is a way to make two parties see different requests.
  std::optional<std::pair<int, std::string>> objection() const {
    auto& p = *parser;
    if (p.transfer_encodings && !(p.transfer_encodings == 1 && is_chunked(p.transfer_encoding)))
      return std::pair(501, std::string("The only Transfer-Encoding served is chunked.\n"));
    if (p.transfer_encodings && p.http10)
      return std::pair(400, std::string("HTTP/1.0 has no Transfer-Encoding.\n"));
    if (p.hosts > 1 || (p.hosts == 0 && !p.http10))
      return std::pair(400, std::string("Exactly one Host header is needed.\n"));
    return {};
  }
};

RequestParser::RequestParser() : impl_(std::make_unique<Impl>()) {}
RequestParser::~RequestParser() = default;

void RequestParser::reset(size_t head_limit) {
  auto& p = impl_->parser.emplace();
  p.header_limit(static_cast<std::uint32_t>(head_limit));
  p.body_limit(boost::none);  // the receiver decides
  p.builder = &impl_->builder;
  impl_->head_limit = head_limit;
  impl_->head_used = 0;
}

RequestParser::Outcome RequestParser::put(std::string_view bytes, size_t& used, BodySink* sink) {
  auto& p = *impl_->parser;
  used = 0;
  const bool in_head = !p.is_header_done();
  p.sink = sink;
  p.eager(!in_head);
  ErrorCode ec;
  used = p.put(asio::const_buffer(bytes.data(), bytes.size()), ec);
  p.sink = nullptr;
  if (in_head) {
    impl_->head_used += used;
    const size_t waiting = p.is_header_done() ? 0 : bytes.size() - used;
    if (impl_->head_used + waiting > impl_->head_limit || ec == beast::http::error::header_limit) {
      impl_->refuse(431,
                    "The request's head is larger than " + std::to_string(impl_->head_limit) + " bytes.\n");
      return Outcome::too_large;
    }
    if (!ec && p.is_header_done())
      if (auto no = impl_->objection()) return impl_->refuse(no->first, no->second);
  }
  if (p.stopped) return Outcome::stopped;
  if (ec == beast::http::error::need_more) return Outcome::need_more;
  if (ec == beast::http::error::bad_version) return impl_->refuse(505, "This server speaks HTTP/1.1.\n");
  if (ec) return impl_->refuse(400, "Malformed HTTP request: " + ec.message() + ".\n");
  return Outcome::ok;
}

bool RequestParser::head_done() const { return impl_->parser->is_header_done(); }
bool RequestParser::done() const { return impl_->parser->is_done(); }
bool RequestParser::keep_alive() const { return impl_->parser->keep_alive(); }
bool RequestParser::got_some() const { return impl_->parser->got_some(); }
std::shared_ptr<Head> RequestParser::take_head() { return impl_->builder.take(); }
const std::string& RequestParser::problem() const { return impl_->problem; }
int RequestParser::problem_status() const { return impl_->status; }

}  // namespace nubecita::http
