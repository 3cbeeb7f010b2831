// Any bytes as a policy document: parsing and evaluating must not crash, hang or read outside.
#include <cstddef>
#include <cstdint>

#include "services/iam/policy_decision.hpp"

using namespace nubecita::iam;

namespace {
struct OneValue : Context {
  std::vector<std::string> values{"10.1.2.3"};
  const std::vector<std::string>* find(std::string_view key) const override {
    return key.size() % 2 ? &values : nullptr;
  }
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  static const PrincipalView user{"111122223333", "arn:aws:iam::111122223333:user/u", "", "AIDAEXAMPLE", "",
                                  false};
  for (auto kind : {PolicyKind::identity, PolicyKind::trust, PolicyKind::resource}) {
    auto policy = Policy::parse(text, kind);
    if (!policy) continue;
    OneValue context;
    (void)(*policy)->evaluate("ec2:createvpc", "arn:aws:ec2:us-east-1:111122223333:vpc/*", user, context);
    (void)(*policy)->context_keys();
  }
  return 0;
}
