// The rows of aws_managed.hpp in their compact form: data only.
#pragma once

#include <span>
#include <string_view>

namespace nubecita::iam {

struct AwsManagedRow {
  std::string_view path, name;
  std::string_view actions;     // allowed on every resource, separated by one blank
  std::string_view statements;  // further statements, JSON objects separated by commas
};

std::span<const AwsManagedRow> aws_managed_rows();

}  // namespace nubecita::iam
