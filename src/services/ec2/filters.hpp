// The Filters of the Describe operations: names checked against a table per kind, values with the wildcards *
// and ?, values of one filter joined by "or", filters by "and"
// (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html). Also ids, paging and their
// errors: select() is what every Describe operation on a stored kind is made of.
#pragma once

#include <algorithm>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/ec2.hpp"
#include "services/ec2/access.hpp"

namespace nubecita::ec2 {

using Values = std::vector<std::string>;
using Filters = wire::List<model::Filter>;

/// A filter that a kind knows: the values that a record has for it. C is what the values are read from
/// besides the record.
template <class R, class C = Call>
struct Field {
  std::string_view name;
  Values (*values)(C&, const R&);
};

/// `*` any text, `?` one character, `\` takes the next one literally. Case matters.
bool wildcard_match(std::string_view pattern, std::string_view text);
inline std::string yes_no(bool b) { return b ? "true" : "false"; }

/// Does any of `values` match any of the filter's?
bool any_match(const model::Filter& filter, const Values& values);
/// "tag:<key>" and "tag-key"; nothing if the filter is another one.
std::optional<bool> match_tags(const model::Filter& filter, const std::vector<Tag>& tags);
/// Error for a filter without values or with too many (200).
Status check_filter_values(const model::Filter& filter);
std::unexpected<ApiError> unknown_filter(std::string_view name);

template <class R, class C>
const Field<R, C>* find_field(std::span<const Field<R, C>> fields, std::string_view name) {
  auto it = std::ranges::find(fields, name, &Field<R, C>::name);
  return it == fields.end() ? nullptr : &*it;
}

template <class R, class C>
Status check_filters(const Filters& filters, std::span<const Field<R, C>> fields, bool tagged = true) {
  for (const auto& filter : filters) {
    const auto name = filter.name.sv();
    const bool by_tag = tagged && (name.starts_with("tag:") || name == "tag-key");
    if (!by_tag && !find_field(fields, name)) return unknown_filter(name);
    TRY(check_filter_values(filter));
  }
  return {};
}

/// Whether `record` passes all of `filters`, which check_filters() has accepted.
template <class R, class C>
bool passes(const Filters& filters, std::span<const Field<R, C>> fields, C& context, const R& record) {
  for (const auto& filter : filters) {
    if constexpr (requires { record.tags; }) {
      if (auto by_tag = match_tags(filter, record.tags)) {
        if (!*by_tag) return false;
        continue;
      }
    }
    if (!any_match(filter, find_field(fields, filter.name.sv())->values(context, record))) return false;
  }
  return true;
}

/// Items in one answer: MaxResults between `least` and 1000, or everything when it is absent.
Result<size_t> page_size(wire::Opt<int32_t> max_results, int32_t least = 5);

/// The page of `items` (sorted by id) that NextToken and MaxResults ask for; sets `next` if there is more.
template <class T, class In, class IdOf>
Result<std::vector<T>> one_page(Call& call, std::vector<T> items, const In& in, IdOf id_of,
                                wire::Text& next) {
  TRY_LET(const size_t limit, page_size(in.max_results));
  std::string token;
  TRY_LET(auto page, api::page(std::move(items), in.next_token.sv(), limit, id_of, token));
  if (!token.empty()) next = call.text(token);
  return page;
}

/// The records that `ids` (all of them if empty) and `filters` choose, sorted by id.
template <class R, class C>
Result<std::vector<R>> choose(Call& call, const wire::List<wire::Text>& ids, const Filters& filters,
                              std::span<const Field<R, C>> fields, C& context) {
  TRY(check_filters(filters, fields));
  std::vector<R> chosen;
  for (const auto& id : ids) {
    auto record = call.tx.get<R>(call.scope(), id.sv());
    if (!record) return no_such<R>(id.sv());
    chosen.push_back(std::move(*record));
  }
  if (ids.empty()) chosen = call.tx.list<R>(call.scope());
  std::ranges::sort(chosen, {}, &R::id);
  auto twins = std::ranges::unique(chosen, {}, &R::id);
  chosen.erase(twins.begin(), twins.end());
  std::erase_if(chosen, [&](const R& r) { return !passes(filters, fields, context, r); });
  return chosen;
}

/// A whole Describe: authorizes, ends a dry run, chooses and pages.
template <class R, class In, class C, size_t N>
Result<std::vector<R>> select(Call& call, const In& in, const wire::List<wire::Text>& ids,
                              const Filters& filters, const Field<R, C> (&fields)[N], C& context,
                              wire::Text& next) {
  TRY(allow_read(call));
  TRY(end_dry_run(in));
  TRY_LET(auto chosen, choose<R, C>(call, ids, filters, fields, context));
  return one_page(call, std::move(chosen), in, [](const R& r) { return r.id; }, next);
}

}  // namespace nubecita::ec2
