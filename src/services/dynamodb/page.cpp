#include "services/dynamodb/page.hpp"

#include <algorithm>

#include "services/dynamodb/errors.hpp"
#include "services/dynamodb/item_write.hpp"
#include "services/dynamodb/keys.hpp"
#include "services/dynamodb/legacy.hpp"
#include "services/dynamodb/sealed.hpp"

namespace nubecita::dynamodb {
namespace {

constexpr size_t kMostPageBytes = 1024 * 1024;

Status check_select(const Input& in, PageRequest& page) {
  const bool specific = page.projection.has_value();
  TRY_LET(page.select, in.choice("Select", {"SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES",
                                            "ALL_PROJECTED_ATTRIBUTES"}));
  if (!in.has("Select"))
    page.select = specific     ? "SPECIFIC_ATTRIBUTES"
                  : page.index ? "ALL_PROJECTED_ATTRIBUTES"
                               : "ALL_ATTRIBUTES";
  const std::string which = in.has("AttributesToGet") ? "AttributesToGet" : "ProjectionExpression";
  if (specific && page.select != "SPECIFIC_ATTRIBUTES")
    return invalid("Cannot specify the " + which + " when choosing to get " +
                   (page.select == "COUNT" ? "only the Count" : std::string(page.select)));
  if (!specific && page.select == "SPECIFIC_ATTRIBUTES")
    return invalid(
        "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES");
  if (page.select == "ALL_PROJECTED_ATTRIBUTES" && !page.index)
    return invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName");
  if (page.select == "ALL_ATTRIBUTES" && page.index && page.index->global && page.index->projection != "ALL")
    return invalid(
        "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global "
        "secondary index " +
        page.index->name + " because its projection type is not ALL");
  return {};
}

bool projects(const Table& table, const Index& index, std::string_view name) {
  if (index.projection == "ALL") return true;
  for (auto* schema : {&table.keys, &index.keys})
    for (auto* parts : {&schema->hash, &schema->range})
      for (auto& p : *parts)
        if (p.name == name) return true;
  return index.projection == "INCLUDE" && std::ranges::find(index.included, name) != index.included.end();
}

/// Whether the page must look into the table behind a local index; an error if that is a global one.
Result<bool> needs_table(const PageRequest& page) {
  if (!page.index) return false;
  std::string missing;
  auto look = [&](const Path& p) {
    if (!projects(*page.table, *page.index, p.root)) missing = p.root;
  };
  if (page.projection) std::ranges::for_each(*page.projection, look);
  if (page.index->global) {
    if (!missing.empty())
      return invalid("One or more parameter values were invalid: Global secondary index " + page.index->name +
                     " does not project [" + missing + "]");
    return false;
  }
  if (page.filter) each_path(*page.filter, look);
  return !missing.empty() || (page.select == "ALL_ATTRIBUTES" && page.index->projection != "ALL");
}

class PageWriter {
 public:
  PageWriter(api::Call& call, const PageRequest& page, bool fetch) : call_(call), page_(page), fetch_(fetch) {
    counting_ = page.select == "COUNT";
    if (!counting_) json_ = "{\"Items\":[";
  }

  /// False: the page is full.
  bool visit(Item entry) {
    std::optional<std::string> fetched;
    Item item = entry;
    bytes_ += item_size(entry);
    if (fetch_) {
      fetched = read_item_at(call_.tx, *page_.table, *place_of(page_.table->keys, entry));
      if (fetched) item = *fetched;
      if (fetched) cost_.table_units += read_units(item_size(item), page_.consistent);
    }
    ++scanned_;
    if (!page_.filter || holds(*page_.filter, item, call_.arena)) {
      if (!counting_) {
        if (count_) json_ += ',';
        if (page_.projection)
          write_item(json_, project(item, *page_.projection));
        else
          write_item(json_, item);
      }
      ++count_;
    }
    const bool full = (page_.limit && scanned_ >= page_.limit) || bytes_ >= kMostPageBytes;
    if (full) remember(entry);
    return !full;
  }

  std::string finish() {
    if (!counting_) json_ += "],";
    if (counting_) json_ = "{";
    json_.append("\"Count\":")
        .append(std::to_string(count_))
        .append(",\"ScannedCount\":")
        .append(std::to_string(scanned_));
    if (!last_.empty()) {
      json_ += ",\"LastEvaluatedKey\":";
      write_item(json_, last_);
    }
    if (page_.show != Show::none) {
      const double units = read_units(bytes_, page_.consistent);
      if (!page_.index)
        cost_.table_units += units;
      else
        (page_.index->global ? cost_.global : cost_.local)[page_.index->name] += units;
      json_ += ",\"ConsumedCapacity\":";
      write_cost(json_, page_.table->name, cost_, page_.show);
    }
    return json_ += '}';
  }

 private:
  void remember(Item entry) {
    std::vector<Entry> key;
    Entries all(entry);
    auto is_key = [](const Schema& schema, std::string_view name) {
      return std::ranges::find(schema.hash, name, &KeyPart::name) != schema.hash.end() ||
             std::ranges::find(schema.range, name, &KeyPart::name) != schema.range.end();
    };
    for (Entry e; all.next(e);)
      if (is_key(page_.table->keys, e.name) || (page_.index && is_key(page_.index->keys, e.name)))
        key.push_back(e);
    last_ = make_item(std::move(key));
  }

  api::Call& call_;
  const PageRequest& page_;
  bool fetch_, counting_ = false;
  std::string json_, last_;
  int64_t scanned_ = 0, count_ = 0;
  size_t bytes_ = 0;
  Cost cost_;
};

}  // namespace

Result<PageRequest> read_page_request(api::Call& call, const Input& in, Placeholders& names,
                                      std::string_view filter_member) {
  PageRequest page;
  TRY_LET(page.table, named_table(call, in));
  const bool has_index = in.has("IndexName");
  TRY_LET(auto index, in.text("IndexName"));
  if (has_index) {
    page.index = page.table->index(index);
    if (!page.index) {
      TRY(call.authorize(page.table->arn + "/index/" + std::string(index)));
      return invalid("The table does not have the specified index: " + std::string(index));
    }
  }
  TRY_LET(page.consistent, in.boolean("ConsistentRead"));
  TRY_LET(page.show, read_show(in));
  TRY_LET(auto limit, in.integer("Limit"));
  if (limit && *limit < 1)
    return constraint(std::to_string(*limit), "limit", "Member must have value greater than or equal to 1");
  page.limit = limit.value_or(0);
  if (in.has("FilterExpression")) {
    TRY_LET(auto text, in.text("FilterExpression"));
    TRY_LET(page.filter, parse_condition(text, "FilterExpression", names, call.arena));
  } else {
    TRY_LET(page.filter, read_filter(in, filter_member));
  }
  if (in.has("ProjectionExpression")) {
    TRY_LET(auto text, in.text("ProjectionExpression"));
    TRY_LET(page.projection, parse_projection(text, names, call.arena));
  } else {
    TRY_LET(page.projection, read_attributes_to_get(in));
  }
  if (page.index && page.index->building)
    return invalid("Cannot read from backfilling global secondary index: " + page.index->name);
  if (page.index && page.index->global && page.consistent)
    return invalid("Consistent reads are not supported on global secondary indexes");
  TRY(check_select(in, page));
  return page;
}

Status start_after(const Input& in, PageRequest& page, std::string_view partition) {
  if (!in.has("ExclusiveStartKey")) return {};
  TRY_LET(auto key, in.item("ExclusiveStartKey"));
  const auto& table = *page.table;
  auto place = place_of(table.keys, key);
  std::vector<std::string_view> names;
  for (auto* schema : {&table.keys, &page.schema()})
    for (auto* parts : {&schema->hash, &schema->range})
      for (auto& p : *parts)
        if (std::ranges::find(names, p.name) == names.end()) names.push_back(p.name);
  if (place && page.index) {
    auto whole = place_of(page.index->keys, key);
    if (whole) whole->append(*place);
    place = whole;
  }
  if (!place || count(make_value(Type::map, key)) != names.size())
    return invalid(
        "The provided starting key is invalid: The provided key element does not match the schema");
  if (!partition.empty() && !place->starts_with(partition))
    return invalid("The provided starting key is outside query boundaries based on provided conditions");
  if (page.backward) {
    if (*place < page.from)
      return invalid("The provided starting key does not match the range key predicate");
    if (page.to.empty() || *place < page.to) page.to = *place;
  } else {
    if (!page.to.empty() && *place >= page.to)
      return invalid("The provided starting key does not match the range key predicate");
    if (*place < page.from)
      return invalid("The provided starting key does not match the range key predicate");
    page.from = std::max(page.from, *place + '\0');
  }
  return {};
}

Result<std::string> run_page(api::Call& call, const PageRequest& page) {
  TRY_LET(auto fetch, needs_table(page));
  const std::string& prefix =
      page.index ? page.table->index_items[static_cast<size_t>(page.index - page.table->indexes.data())]
                 : page.table->items;
  PageWriter writer(call, page, fetch);
  auto visit = [&](std::string_view key, std::string_view stored) {
    const auto place = key.substr(prefix.size());
    if (!page.backward && !page.to.empty() && place >= page.to) return false;
    if (page.backward && place < page.from) return false;
    return is_sealed(stored) ? writer.visit(open_value(page.table->plain_key.get(), stored, place))
                             : writer.visit(stored);
  };
  if (page.backward)
    call.tx.scan_back(prefix, page.to.empty() ? std::string() : prefix + page.to, visit);
  else if (page.to.empty() || page.from < page.to)
    call.tx.scan(prefix, prefix + page.from, visit);
  return writer.finish();
}

}  // namespace nubecita::dynamodb
