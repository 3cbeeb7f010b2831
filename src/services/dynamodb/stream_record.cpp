#include "services/dynamodb/stream_record.hpp"

#include "services/dynamodb/controller.hpp"
#include "services/dynamodb/keys.hpp"
#include "services/dynamodb/number.hpp"
#include "services/dynamodb/sealed.hpp"

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

namespace {
constexpr size_t kTime = 8;  // bytes before the sealed record, big-endian
constexpr std::string_view kPlace = "stream";
}  // namespace

std::string seal_stream_record(std::string_view key, std::string record, int64_t now_ms) {
  if (key.empty()) return record;
  std::string out(1 + kTime, '\0');
  for (size_t i = kTime; i > 0; --i, now_ms >>= 8) out[i] = static_cast<char>(now_ms & 0xff);
  return out += seal_value(key, record, kPlace);
}

std::string open_stream_record(std::string_view key, std::string_view stored) {
  return is_sealed(stored) ? open_value(key, stored.substr(1 + kTime), kPlace) : std::string(stored);
}

int64_t change_time(std::string_view record) {
  int64_t ms = 0;
  if (is_sealed(record)) {
    for (char c : record.substr(1, kTime)) ms = ms << 8 | static_cast<uint8_t>(c);
    return ms;
  }
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
