// One page of Query or Scan: from which entries, in which direction, how many, and what of them is shown. One
// thread, as long as the request.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "services/dynamodb/access.hpp"
#include "services/dynamodb/capacity.hpp"
#include "services/dynamodb/expression.hpp"
#include "services/dynamodb/tables.hpp"

namespace nubecita::dynamodb {

struct PageRequest {
  TablePtr table;
  const Index* index = nullptr;  // null: the table itself
  std::string from, to;          // places: from <= p < to (empty: no end)
  bool backward = false;
  bool consistent = false;
  int64_t limit = 0;  // 0: none
  const Condition* filter = nullptr;
  std::optional<std::vector<Path>> projection;
  std::string_view select;
  Show show = Show::none;

  const Schema& schema() const { return index ? index->keys : table->keys; }
};

/// The members that Query and Scan share. `filter_member`: QueryFilter or ScanFilter.
Result<PageRequest> read_page_request(api::Call& call, const Input& in, Placeholders& names,
                                      std::string_view filter_member);
/// Moves the page's begin (or end) behind ExclusiveStartKey.
Status start_after(const Input& in, PageRequest& page, std::string_view partition);
Result<std::string> run_page(api::Call& call, const PageRequest& page);

}  // namespace nubecita::dynamodb
