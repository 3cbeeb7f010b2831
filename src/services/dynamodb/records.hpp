// What DynamoDB keeps. Tables are records; an item is one key whose order is the order of Query and Scan:
//
//   dynamodb.item/<account>/<region>/<uid of table or index>/<hash of the partition key, 4 bytes>
//       <partition key><sort key>[<the table's key, in an index>] = <item, see value.hpp>
//   dynamodb.change/<account>/<region>/<uid of stream>/<8 bytes, see Transaction::append> = <stream record>
//   dynamodb.note/<account>/<region>/<uid of journal>/<8 bytes, the same> = <what was there before,
//   recovery.hpp>
//
// Keys are encoded so that they sort as DynamoDB sorts (keys.hpp). Uids, not names, so that deleting a table
// is one small transaction: what it leaves behind is told to the controller by a dynamodb.garbage record.
// Items name their table's record in what they read, so a change of a table and writes to it never miss each
// other. Plain data.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nubecita::dynamodb {

struct KeyPart {
  std::string name, type;  // "S", "N", "B"
  template <class A>
  void fields(A& a) {
    a("name", name)("type", type);
  }
};

/// Of a table: one hash attribute, at most one range attribute. Of a global index: up to four of each.
struct Schema {
  std::vector<KeyPart> hash, range;
  template <class A>
  void fields(A& a) {
    a("hash", hash)("range", range);
  }
};

struct Index {
  std::string name, uid;
  bool global = false;
  Schema keys;
  std::string projection;             // ALL, KEYS_ONLY, INCLUDE
  std::vector<std::string> included;  // of INCLUDE
  bool building = false;              // items from before it came are still missing
  int64_t read_units = 0, write_units = 0;
  int64_t most_read_units = 0, most_write_units = 0;  // on demand; 0: no limit
  template <class A>
  void fields(A& a) {
    a("name", name)("uid", uid)("global", global)("keys", keys)("projection", projection)(
        "included", included)("building", building)("rcu", read_units)("wcu", write_units)(
        "max_rcu", most_read_units)("max_wcu", most_write_units);
  }
};

struct Table {
  static constexpr std::string_view kTable = "dynamodb.table";
  std::string name, uid, id;  // uid: ours, in keys; id: AWS's
  int64_t created = 0;        // milliseconds
  Schema keys;
  std::vector<KeyPart> attributes;  // as defined, in that order
  std::vector<Index> indexes;
  bool on_demand = false;
  int64_t on_demand_since = 0;
  int64_t read_units = 0, write_units = 0;
  int64_t most_read_units = 0, most_write_units = 0;
  int64_t increased = 0, decreased = 0;  // when the provisioned units changed
  bool protected_ = false;               // from deletion
  std::string table_class;               // empty: STANDARD
  std::map<std::string, std::string> tags;

  std::string stream_uid, stream_view;  // of the stream that is on; empty: off
  int64_t stream_created = 0;
  std::string last_stream_uid;  // also when it is off again
  int64_t last_stream_created = 0;

  std::string ttl_attribute;  // empty: off
  std::string ttl_uid;        // of the entries by expiry time: an index of our own
  int64_t ttl_changed = 0;
  bool ttl_building = false;

  std::string policy, policy_revision;
  std::string restored_backup, restored_table;  // ARNs
  std::string restored_uid;  // of the table that is restored as of a moment; empty: of a backup
  int64_t restored = 0;      // when it was, or that moment
  bool restoring = false;    // items are still being copied

  std::string journal_uid;  // of the notes for point-in-time recovery; empty: off

  std::string kms_key;   // ARN; empty: none
  std::string data_key;  // sealed under it, or (if it had one before) under the installation's; empty: none
  bool sealing = false;  // items from before the data key came are not sealed yet

  std::string key() const { return name; }
  template <class A>
  void fields(A& a) {
    a("name", name)("uid", uid)("id", id)("created", created)("keys", keys)("attributes", attributes)(
        "indexes", indexes)("on_demand", on_demand)("on_demand_since", on_demand_since)("rcu", read_units)(
        "wcu", write_units)("max_rcu", most_read_units)("max_wcu", most_write_units)("increased", increased)(
        "decreased", decreased)("protected", protected_)("class", table_class)("tags", tags)(
        "stream", stream_uid)("view", stream_view)("stream_created", stream_created)(
        "last_stream", last_stream_uid)("last_stream_created", last_stream_created)("ttl", ttl_attribute)(
        "ttl_uid", ttl_uid)("ttl_changed", ttl_changed)("ttl_building", ttl_building)("policy", policy)(
        "policy_revision", policy_revision)("restored_backup", restored_backup)(
        "restored_table", restored_table)("restored_uid", restored_uid)("journal", journal_uid)(
        "restored", restored)("restoring", restoring)("kms_key", kms_key)("data_key", data_key)("sealing",
                                                                                                sealing);
  }
};

/// A stream lives on for a day after it was turned off or its table deleted.
struct Stream {
  static constexpr std::string_view kTable = "dynamodb.stream";
  std::string uid, table, view;
  int64_t created = 0;
  int64_t closed = 0;  // 0: it is on
  Schema keys;
  std::string kms_key, data_key;  // as the table's
  std::string key() const { return uid; }
  template <class A>
  void fields(A& a) {
    a("uid", uid)("table", table)("view", view)("created", created)("closed", closed)("keys", keys)(
        "kms_key", kms_key)("data_key", data_key);
  }
};

/// Of a table with point-in-time recovery.
struct Journal {
  static constexpr std::string_view kTable = "dynamodb.journal";
  std::string uid, table;
  int64_t since = 0;  // it can go back no further
  int64_t days = 35;  // that notes are kept
  std::string key() const { return uid; }
  template <class A>
  void fields(A& a) {
    a("uid", uid)("table", table)("since", since)("days", days);
  }
};

struct Backup {
  static constexpr std::string_view kTable = "dynamodb.backup";
  std::string id, name, uid;  // uid: of the copied items
  int64_t created = 0;
  bool building = false;  // items are still being copied
  int64_t items = 0, bytes = 0;
  Table table;  // as it was
  std::string key() const { return id; }
  template <class A>
  void fields(A& a) {
    a("id", id)("name", name)("uid", uid)("created", created)("building", building)("items", items)(
        "bytes", bytes)("table", table);
  }
};

/// What TransactWriteItems was asked under a client token, so that the same again does nothing.
struct Token {
  static constexpr std::string_view kTable = "dynamodb.token";
  std::string token, digest;
  int64_t at = 0;
  std::string key() const { return token; }
  template <class A>
  void fields(A& a) {
    a("token", token)("digest", digest)("at", at);
  }
};

/// Keys that begin with this are left over.
struct Garbage {
  static constexpr std::string_view kTable = "dynamodb.garbage";
  std::string prefix;
  std::string key() const { return prefix; }
  template <class A>
  void fields(A& a) {
    a("prefix", prefix);
  }
};

inline constexpr std::string_view kItemTable = "dynamodb.item";
inline constexpr std::string_view kChangeTable = "dynamodb.change";
inline constexpr std::string_view kNoteTable = "dynamodb.note";

}  // namespace nubecita::dynamodb
