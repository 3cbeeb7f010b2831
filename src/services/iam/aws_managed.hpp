// The policies that AWS manages, "arn:aws:iam::aws:policy/...": a table of the program, the same for every
// account. The statement lists are ours, written from what each policy is documented to grant, for the
// services that exist here. Constant, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace nubecita::iam {

inline constexpr int64_t kAwsManagedTime = 1423247986000;  // 2015-02-06T18:39:46Z

struct AwsManaged {
  std::string_view path, name, version, description, document;
  std::string arn() const { return "arn:aws:iam::aws:policy" + std::string(path) + std::string(name); }
  std::string id() const;  // "ANPA..." made from the name: the same in every installation
};

/// Sorted by name.
std::span<const AwsManaged> aws_managed();
const AwsManaged* find_aws_managed(std::string_view arn);

}  // namespace nubecita::iam
