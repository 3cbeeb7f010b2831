// Listings: pages of names with common prefixes. The caller's transaction.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "services/s3/exchange.hpp"

namespace nubecita::s3 {

struct ListQuery {
  std::string bucket, prefix, delimiter;
  std::string after;  // names after this one
  size_t most = 1000;
};

/// The common prefix that hides the name; empty: none does.
std::string_view common_prefix(const ListQuery& q, std::string_view name);

struct ListPage {
  std::vector<std::string> prefixes;
  size_t count = 0;  // items and prefixes
  bool truncated = false;
  std::string last;  // the last item's name, or the last prefix
};

/// Visits the names of a table below "<table>/-/-/<bucket>/" in order, up to `most` items and prefixes.
/// `item` answers whether the entry counts. Names end at the first NUL, if there is one.
ListPage walk(store::Transaction& tx, std::string_view table, const ListQuery& q,
              const std::function<bool(std::string_view name, std::string_view value)>& item);

/// encoding-type=url, or as it is. Errors of a wrong encoding type: InvalidArgument.
Result<bool> wants_url(wire::Text encoding_type);
/// As a form encodes it, and as listings and events show it.
std::string url_encoded(std::string_view key);
wire::Text shown(api::Call& call, std::string_view name, bool url);
Result<size_t> page_size(wire::Opt<int32_t> asked, std::string_view argument);

api::Conditions list_conditions(wire::Text prefix, wire::Text delimiter, wire::Opt<int32_t> most);

template <class Out>
void show_prefixes(api::Call& call, const ListPage& page, bool url, Out& out) {
  out.common_prefixes = call.list<model::CommonPrefix>(page.prefixes.size());
  for (size_t i = 0; i < page.prefixes.size(); ++i)
    out.common_prefixes[i].prefix = shown(call, page.prefixes[i], url);
}

}  // namespace nubecita::s3
