#include "gateway/cors.hpp"

namespace nubecita::gateway {

std::optional<http::Answer> answer_preflight(const http::Head& head) {
  if (head.method != "OPTIONS" || head.header("origin").empty()) return {};
  http::Answer a;
  allow_origin(head, a);
  a.headers.emplace_back("Access-Control-Max-Age", "172800");  // seconds
  auto echo = [&](std::string_view asked, const char* allowed) {
    if (auto value = head.header(asked); !value.empty()) a.headers.emplace_back(allowed, value);
  };
  echo("access-control-request-method", "Access-Control-Allow-Methods");
  echo("access-control-request-headers", "Access-Control-Allow-Headers");
  return a;
}

void allow_origin(const http::Head& head, http::Answer& answer) {
  if (head.header("origin").empty()) return;
  answer.headers.emplace_back("Access-Control-Allow-Origin", "*");
  answer.headers.emplace_back("Access-Control-Expose-Headers",
                              "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date");
}

}  // namespace nubecita::gateway
