#include "services/ec2/idempotency.hpp"

#include "base/ids.hpp"

namespace nubecita::ec2 {
namespace {
constexpr int64_t kDay = 24 * 3600 * 1000;
constexpr int kTidyAtOnce = 32;  // old tokens looked at per new one: keeps the table small without a sweeper

std::string key_of(const api::Call& call, wire::Text token) {
  return std::string(call.operation) + "/" + std::string(token.sv());
}
}  // namespace

std::string Fingerprint::hash() const { return to_hex(sha256(text_)).substr(0, 32); }

Result<std::string> earlier_result(api::Call& call, wire::Text token, const Fingerprint& parameters) {
  if (token.empty()) return std::string();
  if (token.size() > 64)
    return fail("InvalidParameterValue", "The client token is longer than 64 characters.");
  auto known = call.tx.get<ClientToken>(call.scope(), key_of(call, token));
  if (!known || known->made + kDay < call.now) return std::string();
  if (known->fingerprint != parameters.hash())
    return fail(
        "IdempotentParameterMismatch",
        "The client token you have provided is associated with a request that had different parameters.");
  return known->resource_id;
}

void remember_result(api::Call& call, wire::Text token, const Fingerprint& parameters,
                     const std::string& id) {
  if (token.empty()) return;
  std::vector<std::string> old;
  int looked = 0;
  call.tx.scan(store::make_key(ClientToken::kTable, call.scope(), {}), {},
               [&](std::string_view key, std::string_view value) {
                 if (store::decode_record<ClientToken>(value).made + kDay < call.now) old.emplace_back(key);
                 return ++looked < kTidyAtOnce;
               });
  for (const auto& key : old) call.tx.erase(key);
  call.tx.put(call.scope(), ClientToken{std::string(token.sv()), std::string(call.operation),
                                        parameters.hash(), id, call.now});
}

}  // namespace nubecita::ec2
