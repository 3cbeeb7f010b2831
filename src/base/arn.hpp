// Amazon Resource Names: arn:partition:service:region:account:resource
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html). Values only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nubecita {

struct Arn {
  std::string partition, service, region, account, resource;

  /// Six parts, the first "arn", partition and service and resource not empty; nothing otherwise.
  static std::optional<Arn> parse(std::string_view text);
  std::string str() const;
};

inline std::string arn(std::string_view service, std::string_view region, std::string_view account,
                       std::string_view resource) {
  std::string out = "arn:aws:";
  out.append(service).append(":").append(region).append(":").append(account).append(":").append(resource);
  return out;
}

}  // namespace nubecita
