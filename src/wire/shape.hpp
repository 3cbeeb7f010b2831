// The compiled form of an API model: constant tables that the decoders and encoders walk. codegen/compile.py
// writes them, one set per service; nothing else makes them. Read-only data, any thread.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "wire/value.hpp"

namespace nubecita::wire {

enum class Protocol : uint8_t { query, ec2, json10, json11, rest_json, rest_xml };

enum class Kind : uint8_t {
  structure,
  list,
  map,
  string,
  blob,
  document,  // any JSON value, kept as its text; as an operation's whole input or output: the body
  boolean,
  integer,    // int32_t
  long_,      // int64_t
  double_,    // double; AWS's float too
  timestamp,  // Timestamp
};

enum class TimeFormat : uint8_t { as_protocol, iso8601, epoch, http_date };

enum class Location : uint8_t { body, uri, query, header, header_prefix, status };

struct Shape;

/// What AWS checks before the operation runs. Bounds are a number's value, or a text's or list's length.
struct Constraint {
  std::span<const std::string_view> values;  // of an enumeration; empty: any
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  std::string_view pattern;  // a regular expression; empty: any
};

struct Member {
  std::string_view name;   // in the model: "CidrBlock"
  std::string_view wire;   // in JSON, XML, query, headers: locationName or the name
  std::string_view query;  // in the ec2 protocol's requests: capitalised
  const Shape* shape = nullptr;
  uint32_t offset = 0;  // in the struct; a structure member is a pointer, scalars are Opt<>
  Location location = Location::body;
  TimeFormat time = TimeFormat::as_protocol;
  bool required = false;
  bool refused = false;  // we do not serve it: only an empty value is accepted (models/*.ops)
  bool flattened = false;
  bool attribute = false;  // an XML attribute
  bool payload = false;    // it is the whole body
  bool streaming = false;
  std::string_view xml_namespace = {};
  std::string_view xml_prefix = {};
};

struct Shape {
  Kind kind = Kind::structure;
  std::string_view name;  // in the model
  uint32_t size = 0;      // bytes of one value as an element of a list
  bool union_ = false;    // exactly one member is set
  TimeFormat time = TimeFormat::as_protocol;
  std::span<const Member> members = {};  // of a structure, in the model's order
  const Shape* element = nullptr;        // of a list; of a map: its value
  const Shape* key = nullptr;            // of a map
  std::string_view element_name =
      {};  // XML and query: of a list's elements ("member"), of a map's values ("value")
  std::string_view key_name = {};  // of a map's keys ("key")
  bool element_named = false;      // element_name is the model's, not the default
  uint32_t value_offset = 0;       // of a map's value in its Entry
  const Constraint* constraint = nullptr;
  std::string_view xml_namespace = {};
  std::string_view xml_prefix = {};
};

struct ErrorShape {
  std::string_view name, code;  // the exception's shape, and the code that clients see in the query protocols
  int status = 400;
  bool receiver = false;  // the server's fault
};

struct OperationShape {
  std::string_view name;
  const Shape* input = nullptr;  // null for the operations that are not served
  const Shape* output = nullptr;
  std::string_view method = "POST", uri = "/";
  int status = 200;
  std::string_view result_wrapper = {};  // query: element around the output
  std::string_view input_root = {};      // rest-xml: element around the input
  bool unsigned_ = false;                // AWS takes it without a signature (AssumeRoleWithWebIdentity)
  bool says_nothing = false;             // it has no output: in the JSON protocols, no body
};

struct ServiceShape {
  std::string_view name;             // ours: "ec2", "elbv2"
  std::string_view endpoint_prefix;  // first label of AWS's host name: "api.ecr"
  std::string_view signing_name;     // in the signature's scope
  std::string_view target_prefix;    // X-Amz-Target: "<prefix>.<Operation>"; empty: no JSON protocol
  std::string_view api_version;
  std::string_view xml_namespace;
  std::string_view service_id;
  std::span<const Protocol> protocols;  // the first is the one that today's SDKs speak
  std::span<const ErrorShape> errors;   // by name
  std::string_view
      validation_code;            // error for a value outside its constraint; empty: the protocol's default
  std::string_view refused_code;  // error for a refused member; empty: the protocol's default
  bool bare_errors = false;       // rest-xml: <Error> is the root (S3)
  std::string_view error_namespace = {};  // JSON: in front of an exception's name, with '#'
  bool crc32 = false;                     // answers carry x-amz-crc32 (DynamoDB)
};

// What the tables promise about value.hpp's types.
static_assert(sizeof(Text) == 16 && sizeof(List<int>) == 16);
static_assert(sizeof(Opt<bool>) == 2 && sizeof(Opt<int32_t>) == 8 && sizeof(Opt<int64_t>) == 16 &&
              sizeof(Opt<double>) == 16);

}  // namespace nubecita::wire
