// Client tokens: the same token with the same parameters answers with what the first request made; with other
// parameters it is IdempotentParameterMismatch. Kept for a day
// (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html). One thread, as the call.
#pragma once

#include <string>
#include <string_view>

#include "api/call.hpp"
#include "models/ec2.hpp"

namespace nubecita::ec2 {

struct ClientToken {
  static constexpr std::string_view kTable = "ec2.token";
  std::string token, operation, fingerprint, resource_id;
  int64_t made = 0;
  std::string key() const { return operation + "/" + token; }
  template <class A>
  void fields(A& a) {
    a("token", token)("op", operation)("print", fingerprint)("id", resource_id)("made", made);
  }
};

/// What the request asks for, as text that differs when the request does.
class Fingerprint {
 public:
  Fingerprint& add(std::string_view s) {
    text_.append(std::to_string(s.size())).append(":").append(s);
    return *this;
  }
  Fingerprint& add(wire::Text t) { return t.has() ? add(t.sv()) : add(std::string_view()); }
  Fingerprint& add(const wire::List<wire::Text>& l) {
    text_ += '[';
    for (const auto& t : l) add(t);
    text_ += ']';
    return *this;
  }
  Fingerprint& add(const wire::List<model::TagSpecification>& specifications) {
    for (const auto& s : specifications)
      for (const auto& tag : s.tags) add(tag.key).add(tag.value);
    return *this;
  }
  std::string hash() const;

 private:
  std::string text_;
};

/// The id that an earlier request with this token made; empty if there was none (or no token is given).
Result<std::string> earlier_result(api::Call& call, wire::Text token, const Fingerprint& parameters);
/// Remembers what this request has made. Nothing without a token.
void remember_result(api::Call& call, wire::Text token, const Fingerprint& parameters, const std::string& id);

}  // namespace nubecita::ec2
