#include "wire/protocol.hpp"

#include <zlib.h>

#include <algorithm>

#include "wire/access.hpp"
#include "wire/check.hpp"
#include "wire/codecs.hpp"

namespace nubecita::wire {
namespace {

// DynamoDB's clients check what they have received.
void add_crc32(RawResponse& response) {
  const auto sum =
      crc32_z(0, reinterpret_cast<const unsigned char*>(response.body.data()), response.body.size());
  response.headers.emplace_back("x-amz-crc32", std::to_string(sum));
}

bool is_json(Protocol p) { return p == Protocol::json10 || p == Protocol::json11; }

// The model's word on an error, by code or by the exception's name.
const ErrorShape* find_error(const ServiceShape& service, std::string_view code) {
  const auto& all = service.errors;
  auto by_name = std::ranges::lower_bound(all, code, {}, &ErrorShape::name);
  if (by_name != all.end() && by_name->name == code) return &*by_name;
  auto by_code = std::ranges::find(all, code, &ErrorShape::code);
  return by_code == all.end() ? nullptr : &*by_code;
}

void request_ids(Protocol protocol, const ServiceShape& service, std::string_view id, RawResponse& response) {
  response.headers.emplace_back(service.bare_errors ? "x-amz-request-id" : "x-amzn-RequestId", id);
  if (protocol == Protocol::json10)
    response.headers.emplace_back("Content-Type", "application/x-amz-json-1.0");
  else if (protocol == Protocol::json11)
    response.headers.emplace_back("Content-Type", "application/x-amz-json-1.1");
  else if (protocol == Protocol::query)
    response.headers.emplace_back("Content-Type", "text/xml");
  else if (protocol == Protocol::ec2)
    response.headers.emplace_back("Content-Type", "text/xml;charset=UTF-8");
}

constexpr std::string_view kXmlHead = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

void encode_ec2(const ServiceShape& service, const OperationShape& operation, const void* out,
                std::string_view id, std::string& body) {
  body.append(kXmlHead)
      .append("<")
      .append(operation.name)
      .append("Response xmlns=\"")
      .append(service.xml_namespace)
      .append("/\">");
  append_xml_tag(body, "requestId", id);
  const size_t before = body.size();
  encode_xml_members(body, Protocol::ec2, *operation.output, out);
  // An operation without an output of its own answers that it has worked.
  if (operation.output->members.empty() && body.size() == before) body += "<return>true</return>";
  body.append("</").append(operation.name).append("Response>");
}

void encode_query(const ServiceShape& service, const OperationShape& operation, const void* out,
                  std::string_view id, std::string& body) {
  body.append("<")
      .append(operation.name)
      .append("Response xmlns=\"")
      .append(service.xml_namespace)
      .append("\">");
  if (!operation.result_wrapper.empty())
    encode_xml_element(body, Protocol::query, operation.result_wrapper, {}, *operation.output, out);
  body += "<ResponseMetadata>";
  append_xml_tag(body, "RequestId", id);
  body.append("</ResponseMetadata></").append(operation.name).append("Response>");
}

void xml_error(std::string& body, const ApiError& error, std::string_view code) {
  append_xml_tag(body, "Code", code);
  append_xml_tag(body, "Message", error.message);
  for (const auto& [name, value] : error.fields) append_xml_tag(body, name, value);
}

// Of services that went from the query protocol to JSON and have clients of both (SQS): their JSON errors
// tell the code of the query protocol too, and the exception by its full name.
bool was_query(const ServiceShape& service) {
  return std::ranges::find(service.protocols, Protocol::query) != service.protocols.end();
}
void query_error(std::string_view code, RawResponse& response) {
  if (code == "AccessDeniedException") code = "AccessDenied";
  response.headers.emplace_back("x-amzn-query-error",
                                std::string(code) + (response.status < 500 ? ";Sender" : ";Receiver"));
}

// "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"; what the model does not know comes from
// AWS's common layers.
std::string qualified(const ServiceShape& service, const ErrorShape* known, std::string_view name) {
  if (service.error_namespace.empty()) return std::string(name);
  std::string out(known                           ? service.error_namespace
                  : name == "ValidationException" ? "com.amazon.coral.validate"
                                                  : "com.amazon.coral.service");
  return out.append("#").append(name);
}

void json_error(Protocol protocol, const ApiError& error, std::string name, RawResponse& response) {
  response.headers.emplace_back("x-amzn-ErrorType", name);
  response.body = "{";
  if (is_json(protocol)) {
    response.body += "\"__type\":";
    append_json_text(response.body, name);
    response.body += ',';
  } else {
    response.headers.emplace_back("Content-Type", "application/json");
  }
  response.body += "\"message\":";
  append_json_text(response.body, error.message);
  for (const auto& [field, value] : error.fields) {
    response.body += ',';
    append_json_text(response.body, field);
    response.body += ':';
    append_json_text(response.body, value);
  }
  for (const auto& [field, json] : error.json_fields) {
    response.body += ',';
    append_json_text(response.body, field);
    response.body.append(":").append(json);
  }
  response.body += '}';
}

}  // namespace

std::string_view RawRequest::header(std::string_view name) const {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  auto same = [&](char a, char b) { return lower(a) == lower(b); };
  for (const auto& [key, value] : headers)
    if (std::ranges::equal(key, name, same)) return value;
  return {};
}

Status decode(Protocol protocol, const ServiceShape& service, const OperationShape& operation,
              const RawRequest& request, Arena& arena, void* in) {
  switch (protocol) {
    case Protocol::query:
    case Protocol::ec2:
      TRY(decode_form(protocol, *operation.input, request.body, arena, in));
      break;
    case Protocol::json10:
    case Protocol::json11:
      TRY(decode_json(*operation.input, request.body, Members::all, arena, in));
      break;
    case Protocol::rest_json:
    case Protocol::rest_xml:
      TRY(decode_rest(protocol, operation, request, arena, in));
      break;
  }
  return check_input(protocol, service, *operation.input, in);
}

void encode(Protocol protocol, const ServiceShape& service, const OperationShape& operation, const void* out,
            std::string_view request_id, RawResponse& response) {
  response.status = operation.status;
  request_ids(protocol, service, request_id, response);
  switch (protocol) {
    case Protocol::query:
      encode_query(service, operation, out, request_id, response.body);
      break;
    case Protocol::ec2:
      encode_ec2(service, operation, out, request_id, response.body);
      break;
    case Protocol::json10:
    case Protocol::json11:
      if (!operation.says_nothing) encode_json(response.body, *operation.output, Members::all, out);
      if (service.crc32) add_crc32(response);
      break;
    case Protocol::rest_json:
    case Protocol::rest_xml:
      encode_rest(protocol, service, operation, out, response);
      break;
  }
}

void encode_error(Protocol protocol, const ServiceShape& service, const ApiError& error,
                  std::string_view request_id, RawResponse& response) {
  const ErrorShape* known = find_error(service, error.code);
  response.status = error.status == 400 && known ? known->status : error.status;
  request_ids(protocol, service, request_id, response);
  const bool sender = known ? !known->receiver : response.status < 500;
  const std::string_view code = known ? known->code : std::string_view(error.code);
  std::string& body = response.body;
  switch (protocol) {
    case Protocol::ec2:
      body.append(kXmlHead).append("<Response><Errors><Error>");
      xml_error(body, error, code);
      body += "</Error></Errors>";
      append_xml_tag(body, "RequestID", request_id);
      body += "</Response>";
      return;
    case Protocol::rest_xml:
      response.headers.emplace_back("Content-Type", "application/xml");
      if (service.bare_errors) {
        body.append(kXmlHead).append("<Error>");
        xml_error(body, error, code);
        append_xml_tag(body, "RequestId", request_id);
        body += "</Error>";
        return;
      }
      [[fallthrough]];
    case Protocol::query:
      body.append("<ErrorResponse xmlns=\"").append(service.xml_namespace).append("\"><Error>");
      append_xml_tag(body, "Type", sender ? "Sender" : "Receiver");
      xml_error(body, error, code);
      body += "</Error>";
      append_xml_tag(body, "RequestId", request_id);
      body += "</ErrorResponse>";
      return;
    default: {
      std::string name = qualified(service, known, known ? known->name : std::string_view(error.code));
      if (is_json(protocol) && was_query(service)) {
        query_error(code, response);
        name = "com.amazonaws." + std::string(service.name) + "#" + name;
      }
      json_error(protocol, error, std::move(name), response);
      if (service.crc32) add_crc32(response);
      return;
    }
  }
}

}  // namespace nubecita::wire
