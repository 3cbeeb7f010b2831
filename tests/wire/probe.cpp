// Lets a test speak to the decoders and encoders: reads frames on standard input, answers each on standard
// output.
//
//   decode <service> <protocol> <Operation> <method> <path> <query or -> <headers> <body bytes>\n
//   "name: value" lines, then the body     -> ok: the input as JSON; error: code, newline, message
//   encode <service> <protocol> <Operation> <body bytes>\n, then the output as JSON
//                                          -> ok: status, header lines, an empty line, the body
//   Answers are "ok <bytes>\n..." or "error <bytes>\n...".
#include <iostream>
#include <map>
#include <span>
#include <sstream>

#include "wire/codecs.hpp"
#include "wire/protocol.hpp"

#define NBC_MODELS(X) NBC_PROBE_MODELS
#define X(name)                                                      \
  namespace nubecita::name::model::tables {                          \
  extern const wire::ServiceShape service;                           \
  extern const std::span<const wire::OperationShape> all_operations; \
  }
NBC_MODELS(X)
#undef X

using namespace nubecita;

namespace {

struct Model {
  const wire::ServiceShape* service;
  std::span<const wire::OperationShape> operations;
};

const std::map<std::string, Model>& models() {
  static const std::map<std::string, Model> all{
#define X(name) {#name, {&name::model::tables::service, name::model::tables::all_operations}},
      NBC_MODELS(X)
#undef X
  };
  return all;
}

wire::Protocol protocol_named(const std::string& name) {
  static const std::map<std::string, wire::Protocol> all{
      {"query", wire::Protocol::query},         {"ec2", wire::Protocol::ec2},
      {"json10", wire::Protocol::json10},       {"json11", wire::Protocol::json11},
      {"rest_json", wire::Protocol::rest_json}, {"rest_xml", wire::Protocol::rest_xml}};
  return all.at(name);
}

std::string read_bytes(size_t n) {
  std::string bytes(n, '\0');
  std::cin.read(bytes.data(), static_cast<std::streamsize>(n));
  return bytes;
}

void answer(bool good, const std::string& text) {
  std::cout << (good ? "ok " : "error ") << text.size() << "\n" << text << std::flush;
}

// What wire::decode does before it judges the values: random ones would not pass.
Status decode_unchecked(wire::Protocol protocol, const wire::OperationShape& op,
                        const wire::RawRequest& request, Arena& arena, void* in) {
  switch (protocol) {
    case wire::Protocol::query:
    case wire::Protocol::ec2:
      return wire::decode_form(protocol, *op.input, request.body, arena, in);
    case wire::Protocol::json10:
    case wire::Protocol::json11:
      return wire::decode_json(*op.input, request.body, wire::Members::all, arena, in);
    default:
      return wire::decode_rest(protocol, op, request, arena, in);
  }
}

void decode(wire::Protocol protocol, const wire::OperationShape& op, std::istream& words) {
  std::string method, path, query;
  size_t headers = 0, bytes = 0;
  words >> method >> path >> query >> headers >> bytes;
  std::vector<std::string> lines(headers);
  for (auto& line : lines) std::getline(std::cin, line);
  const std::string body = read_bytes(bytes);
  wire::RawRequest request{method, path, query == "-" ? "" : std::string_view(query), {}, body};
  for (auto& line : lines) {
    const auto colon = line.find(": ");
    request.headers.emplace_back(std::string_view(line).substr(0, colon),
                                 std::string_view(line).substr(colon + 2));
  }
  Arena arena;
  void* in = arena.allocate(op.input->size);
  if (auto status = decode_unchecked(protocol, op, request, arena, in); !status)
    return answer(false, status.error().code + "\n" + status.error().message);
  std::string json;
  wire::encode_json(json, *op.input, wire::Members::all, in);
  answer(true, json);
}

void encode(const Model& model, wire::Protocol protocol, const wire::OperationShape& op,
            std::istream& words) {
  size_t bytes = 0;
  words >> bytes;
  const std::string body = read_bytes(bytes);
  Arena arena;
  void* out = arena.allocate(op.output->size);
  if (auto status = wire::decode_json(*op.output, body, wire::Members::all, arena, out); !status)
    return answer(false, status.error().code + "\n" + status.error().message);
  wire::RawResponse response;
  wire::encode(protocol, *model.service, op, out, "request-1", response);
  std::string text = std::to_string(response.status) + "\n";
  for (const auto& [name, value] : response.headers) text += name + ": " + value + "\n";
  answer(true, text + "\n" + response.body);
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string what, service, protocol, name;
    words >> what >> service >> protocol >> name;
    const auto& model = models().at(service);
    const wire::OperationShape* op = nullptr;
    for (const auto& o : model.operations)
      if (o.name == name && o.input) op = &o;
    if (!op) {
      std::cerr << "no operation " << name << "\n";
      return 1;
    }
    if (what == "decode")
      decode(protocol_named(protocol), *op, words);
    else
      encode(model, protocol_named(protocol), *op, words);
  }
}
