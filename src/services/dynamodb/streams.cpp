// DynamoDB Streams: ListStreams, DescribeStream, GetShardIterator, GetRecords. A stream has one shard; its
// records are keys that the store numbers in the order of their commits (store::Transaction::append), so
// nobody who reads on from a number misses one.
#include <algorithm>
#include <charconv>

#include "base/ids.hpp"
#include "models/dynamodbstreams.hpp"
#include "services/dynamodb/encryption.hpp"
#include "services/dynamodb/errors.hpp"
#include "services/dynamodb/input.hpp"
#include "services/dynamodb/number.hpp"
#include "services/dynamodb/stream_record.hpp"
#include "services/dynamodb/table_describe.hpp"
#include "services/dynamodb/tables.hpp"

namespace nubecita::dynamodbstreams {

using namespace dynamodb;

namespace {

constexpr size_t kMostRecords = 1000, kMostBytes = 1u << 20;
constexpr int64_t kIteratorLife = 15 * 60 * 1000;

std::string shard_id(const dynamodb::Stream& s) {
  std::string time = std::to_string(s.created);
  return "shardId-" + std::string(20 - time.size(), '0') + time + "-" + s.uid.substr(0, 8);
}

// 21 digits, as AWS's are at least.
std::string sequence_text(uint64_t n) {
  std::string digits = std::to_string(n);
  return "1" + std::string(20 - digits.size(), '0') + digits;
}
bool parse_sequence(std::string_view text, uint64_t& n) {
  if (text.size() != 21 || text[0] != '1') return false;
  auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), n);
  return error == std::errc() && end == text.data() + text.size();
}

std::string big_endian(uint64_t n) {
  std::string bytes(8, '\0');
  for (int i = 7; i >= 0; --i, n >>= 8) bytes[static_cast<size_t>(i)] = static_cast<char>(n & 0xff);
  return bytes;
}
uint64_t number_of(std::string_view key) {
  uint64_t n = 0;
  for (char c : key.substr(key.size() - 8)) n = n << 8 | static_cast<uint8_t>(c);
  return n;
}

std::string arn_of(const store::Scope& scope, const dynamodb::Stream& s) {
  return stream_arn(scope, s.table, s.created);
}

std::vector<dynamodb::Stream> all_streams(api::Call& call) {
  auto all = call.tx.list<dynamodb::Stream>(call.scope());
  std::ranges::sort(all, {}, [](auto& s) { return std::pair(s.table, s.created); });
  return all;
}

Result<dynamodb::Stream> find_stream(api::Call& call, std::string_view arn) {
  TRY(call.authorize(arn));
  if (!arn.starts_with("arn:") || arn.find("/stream/") == std::string_view::npos)
    return invalid("Invalid StreamArn: " + std::string(arn));
  for (auto& s : call.tx.list<dynamodb::Stream>(call.scope()))
    if (arn_of(call.scope(), s) == arn) return s;
  return fail("ResourceNotFoundException",
              "Requested resource not found: Stream: " + std::string(arn) + " not found");
}

// "<stream's uid> <first number to read> <made at>", in base64.
std::string iterator_text(const dynamodb::Stream& s, uint64_t from, int64_t now) {
  return base64(s.uid + " " + std::to_string(from) + " " + std::to_string(now));
}
struct Iterator {
  std::string uid;
  uint64_t from = 0;
  int64_t made = 0;
};
Result<Iterator> parse_iterator(std::string_view text) {
  Iterator it;
  std::string plain;
  auto bad = [] { return invalid("Invalid ShardIterator"); };
  if (!base64_decode(text, plain)) return bad();
  const auto first = plain.find(' '), second = plain.find(' ', first + 1);
  if (first == std::string::npos || second == std::string::npos) return bad();
  it.uid = plain.substr(0, first);
  const char* data = plain.data();
  if (std::from_chars(data + first + 1, data + second, it.from).ec != std::errc() ||
      std::from_chars(data + second + 1, data + plain.size(), it.made).ec != std::errc())
    return bad();
  return it;
}

/// One more than the last record's number.
uint64_t end_of(api::Call& call, const dynamodb::Stream& s) {
  uint64_t end = 0;
  call.tx.scan_back(change_prefix(call.scope(), s.uid), {}, [&](std::string_view key, std::string_view) {
    end = number_of(key) + 1;
    return false;
  });
  return end;
}

}  // namespace

Status list_streams(api::Call& call, const model::ListStreamsInput& in, model::ListStreamsOutput& out) {
  TRY(call.authorize("*"));
  std::string_view table;
  if (in.table_name.has()) {
    TRY_LET(table, table_name(call, in.table_name));
  }
  if (in.exclusive_start_stream_arn.has() &&
      in.exclusive_start_stream_arn.sv().find(":table/") == std::string_view::npos)
    return invalid("Invalid StreamArn: " + api::str(in.exclusive_start_stream_arn));
  std::vector<dynamodb::Stream> found;
  bool started = !in.exclusive_start_stream_arn.has(), more = false;
  const auto limit = static_cast<size_t>(in.limit.value_or(100));
  for (auto& s : all_streams(call)) {
    if (!started) {
      started = arn_of(call.scope(), s) == in.exclusive_start_stream_arn.sv();
      continue;
    }
    if (in.table_name.has() && s.table != table) continue;
    if (found.size() == limit) {
      more = true;
      break;
    }
    found.push_back(std::move(s));
  }
  out.streams = call.list<model::Stream>(found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    out.streams[i].stream_arn = call.text(arn_of(call.scope(), found[i]));
    out.streams[i].table_name = call.text(found[i].table);
    out.streams[i].stream_label = call.text(stream_label(found[i].created));
  }
  if (more) out.last_evaluated_stream_arn = call.text(arn_of(call.scope(), found.back()));
  return {};
}

Status describe_stream(api::Call& call, const model::DescribeStreamInput& in,
                       model::DescribeStreamOutput& out) {
  TRY_LET(auto s, find_stream(call, in.stream_arn));
  auto* d = out.stream_description = call.make<model::StreamDescription>();
  d->stream_arn = in.stream_arn;
  d->stream_label = call.text(stream_label(s.created));
  d->stream_status = s.closed ? wire::Text("DISABLED") : wire::Text("ENABLED");
  d->stream_view_type = call.text(s.view);
  d->creation_request_date_time = wire::Timestamp{s.created};
  d->table_name = call.text(s.table);
  d->key_schema = call.list<model::KeySchemaElement>(s.keys.hash.size() + s.keys.range.size());
  size_t n = 0;
  for (auto& k : s.keys.hash) d->key_schema[n++] = {call.text(k.name), "HASH"};
  for (auto& k : s.keys.range) d->key_schema[n++] = {call.text(k.name), "RANGE"};
  if (in.shard_filter && (!in.shard_filter->type.has() || !in.shard_filter->shard_id.has()))
    return invalid("Type and ShardId of a ShardFilter must be given");
  // The one shard, unless the client has seen it already.
  const auto id = shard_id(s);
  const bool shown = in.exclusive_start_shard_id.has() && in.exclusive_start_shard_id.sv() >= id;
  const bool children = in.shard_filter && in.shard_filter->type.has();  // of a shard: there are none
  d->shards = call.list<model::Shard>(shown || children ? 0 : 1);
  if (shown || children) return {};
  d->shards[0].shard_id = call.text(id);
  auto* range = d->shards[0].sequence_number_range = call.make<model::SequenceNumberRange>();
  range->starting_sequence_number = call.text(sequence_text(0));
  if (s.closed) range->ending_sequence_number = call.text(sequence_text(end_of(call, s)));
  return {};
}

Status get_shard_iterator(api::Call& call, const model::GetShardIteratorInput& in,
                          model::GetShardIteratorOutput& out) {
  TRY_LET(auto s, find_stream(call, in.stream_arn));
  if (in.shard_id.sv() != shard_id(s))
    return fail("ResourceNotFoundException", "Requested resource not found: Shard: " + api::str(in.shard_id) +
                                                 " in stream does not exist");
  uint64_t from = 0;
  const auto type = in.shard_iterator_type.sv();
  if (type == "AT_SEQUENCE_NUMBER" || type == "AFTER_SEQUENCE_NUMBER") {
    if (!in.sequence_number.has())
      return invalid("SequenceNumber must be given for a ShardIteratorType of " + std::string(type));
    if (!parse_sequence(in.sequence_number, from))
      return invalid("Invalid SequenceNumber: " + api::str(in.sequence_number));
    if (type[1] == 'F') ++from;
  } else if (in.sequence_number.has()) {
    return invalid("SequenceNumber must not be given for a ShardIteratorType of " + std::string(type));
  } else if (type == "LATEST") {
    from = end_of(call, s);
  }
  out.shard_iterator = call.text(iterator_text(s, from, call.now));
  return {};
}

Status get_records(api::Call& call, const model::JsonBody& body, model::JsonBody& out) {
  Input in(call.arena);
  TRY(in.parse(body.sv()));
  TRY_LET(auto limit, in.integer("Limit"));
  TRY_LET(auto text, in.required_text("ShardIterator"));
  if (limit && (*limit < 1 || *limit > static_cast<int64_t>(kMostRecords)))
    return constraint(std::to_string(*limit), "limit",
                      *limit < 1 ? "Member must have value greater than or equal to 1"
                                 : "Member must have value less than or equal to 1000");
  TRY_LET(auto it, parse_iterator(text));
  auto s = call.tx.get<dynamodb::Stream>(call.scope(), it.uid);
  TRY(call.authorize(s ? arn_of(call.scope(), *s) : "*"));
  if (!s)
    return fail("ResourceNotFoundException",
                "Requested resource not found: the iterator's stream does not exist");
  if (it.made + kIteratorLife < call.now)
    return fail("ExpiredIteratorException",
                "Iterator expired. Get a new one by GetShardIterator and try again.");

  TRY_LET(auto data_key, open_stream_key(call, *s));
  const auto prefix = change_prefix(call.scope(), s->uid);
  const size_t most = static_cast<size_t>(limit.value_or(kMostRecords));
  std::string json = "{\"Records\":[";
  size_t n = 0;
  bool more = false;
  call.tx.scan(prefix, prefix + big_endian(it.from), [&](std::string_view key, std::string_view stored) {
    if (n == most || json.size() > kMostBytes) {
      more = true;
      return false;
    }
    if (n++) json += ',';
    it.from = number_of(key) + 1;
    write_stream_record(json, open_stream_record(data_key, stored), sequence_text(it.from - 1), s->view,
                        call.region);
    return true;
  });
  json += ']';
  if (more || !s->closed) {  // a closed shard ends
    json += ",\"NextShardIterator\":";
    append_json(json, iterator_text(*s, it.from, call.now));
  }
  out = call.text(json += '}');
  return {};
}

}  // namespace nubecita::dynamodbstreams
