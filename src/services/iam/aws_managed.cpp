#include "services/iam/aws_managed.hpp"

#include <algorithm>
#include <deque>
#include <vector>

#include "base/ids.hpp"
#include "services/iam/aws_managed_rows.hpp"

namespace nubecita::iam {

namespace {

/// {"Version":...,"Statement":[...]}: one statement that allows the row's actions on everything, and the
/// row's own.
std::string document_of(const AwsManagedRow& row) {
  std::string out = R"({"Version":"2012-10-17","Statement":[)";
  if (!row.actions.empty()) {
    out += R"({"Effect":"Allow","Action":[)";
    for (size_t at = 0; at < row.actions.size();) {
      auto end = std::min(row.actions.find(' ', at), row.actions.size());
      if (at) out += ',';
      out.append("\"").append(row.actions.substr(at, end - at)).append("\"");
      at = end + 1;
    }
    out += R"(],"Resource":"*"})";
    if (!row.statements.empty()) out += ',';
  }
  out.append(row.statements).append("]}");
  return out;
}

struct Table {
  std::deque<std::string> texts;  // what the views below point into
  std::vector<AwsManaged> rows;

  Table() {
    for (auto& row : aws_managed_rows()) {
      texts.push_back(document_of(row));
      std::string_view document = texts.back();
      texts.push_back("Managed by the installation: " + std::string(row.name) + ".");
      rows.push_back({row.path, row.name, "v1", texts.back(), document});
    }
    std::sort(rows.begin(), rows.end(), [](auto& a, auto& b) { return a.name < b.name; });
  }
};

const Table& table() {
  static const Table t;
  return t;
}

}  // namespace

std::string AwsManaged::id() const {
  static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string out = "ANPA";
  for (unsigned char c : sha256(name).substr(0, 17)) out += alphabet[c % alphabet.size()];
  return out;
}

std::span<const AwsManaged> aws_managed() { return table().rows; }

const AwsManaged* find_aws_managed(std::string_view arn) {
  constexpr std::string_view prefix = "arn:aws:iam::aws:policy/";
  if (!arn.starts_with(prefix)) return nullptr;
  const auto path_and_name = arn.substr(prefix.size() - 1);
  const auto slash = path_and_name.rfind('/') + 1;
  const auto name = path_and_name.substr(slash);
  auto& rows = table().rows;
  auto it = std::lower_bound(rows.begin(), rows.end(), name, [](auto& r, auto n) { return r.name < n; });
  if (it == rows.end() || it->name != name || it->path != path_and_name.substr(0, slash)) return nullptr;
  return &*it;
}

}  // namespace nubecita::iam
