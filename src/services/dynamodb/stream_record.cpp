#include "services/dynamodb/stream_record.hpp"

#include "services/dynamodb/controller.hpp"
#include "services/dynamodb/keys.hpp"
#include "services/dynamodb/number.hpp"

namespace nubecita::dynamodb {

std::string make_stream_record(const Table& table, const std::optional<std::string>& old,
                               const std::string* now, int64_t now_ms, bool by_expiry) {
  std::vector<std::string> values;
  std::vector<std::string_view> names;
  auto add = [&](std::string_view name, std::string value) {
    names.push_back(name);
    values.push_back(std::move(value));
  };
  const std::string& some = now ? *now : *old;
  add("e", make_value(Type::string, !old ? "INSERT" : now ? "MODIFY" : "REMOVE"));
  add("t", make_value(Type::number, *parse_number(std::to_string(now_ms))));
  add("k", make_value(Type::map, key_attributes(table.keys, some)));
  const bool both = table.stream_view == "NEW_AND_OLD_IMAGES";
  if (old && (both || table.stream_view == "OLD_IMAGE")) add("o", make_value(Type::map, *old));
  if (now && (both || table.stream_view == "NEW_IMAGE")) add("n", make_value(Type::map, *now));
  if (by_expiry) add("x", make_value(Type::true_, {}));
  std::vector<Entry> entries;
  for (size_t i = 0; i < names.size(); ++i) entries.push_back({names[i], values[i]});
  return make_item(std::move(entries));
}

int64_t change_time(std::string_view record) {
  int64_t ms = 0;
  number_to_int64(payload(find(record, "t")), ms);
  return ms;
}

void write_stream_record(std::string& json, Item record, std::string_view sequence, std::string_view view,
                         std::string_view region) {
  size_t bytes = 0;
  json.append(R"({"eventID":")")
      .append(sequence)
      .append(R"(","eventName":")")
      .append(payload(find(record, "e")));
  json.append(R"(","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":)");
  append_json(json, region);
  json.append(R"(,"dynamodb":{"ApproximateCreationDateTime":)")
      .append(std::to_string(change_time(record) / 1000));
  for (auto [member, name] : {std::pair{"k", "Keys"}, {"n", "NewImage"}, {"o", "OldImage"}}) {
    const Value v = find(record, member);
    if (v.empty()) continue;
    bytes += item_size(payload(v));
    json.append(",\"").append(name).append("\":");
    write_item(json, payload(v));
  }
  json.append(R"(,"SequenceNumber":")")
      .append(sequence)
      .append(R"(","SizeBytes":)")
      .append(std::to_string(bytes));
  json.append(R"(,"StreamViewType":)");
  append_json(json, view);
  json += '}';
  if (!find(record, "x").empty())
    json += R"(,"userIdentity":{"PrincipalId":"dynamodb.amazonaws.com","Type":"Service"})";
  json += '}';
}

}  // namespace nubecita::dynamodb
