#include "services/s3/document.hpp"

#include <algorithm>
#include <stdexcept>

#include "api/service.hpp"
#include "base/ids.hpp"
#include "wire/xml.hpp"

namespace nubecita::s3 {
namespace {

const wire::Member& payload_of(std::string_view operation) {
  const auto all = service().operations;
  auto it =
      std::ranges::lower_bound(all, operation, {}, [](const api::Operation& o) { return o.shape->name; });
  if (it != all.end() && it->shape->name == operation)
    for (auto& m : it->shape->input->members)
      if (m.payload) return m;
  throw std::logic_error("the operation has no document");
}

bool has_upload(const http::Head& head) { return head.query.find("uploadId=") != std::string_view::npos; }

}  // namespace

Status check_document(const http::Head& head, std::string_view body) {
  for (auto& [name, value] : head.headers) {
    if (name == "content-md5") {
      std::string sent;
      if (!base64_decode(value, sent) || sent.size() != 16)
        return fail("InvalidDigest", "The Content-MD5 you specified was invalid.", 400);
      if (sent != md5(body)) return bad_digest();
    }
    // Of a whole object (CompleteMultipartUpload) it is the operation's business.
    if (has_upload(head)) continue;
    if (auto algorithm = algorithm_of_header(name)) {
      Checksum sum(*algorithm);
      sum.add(body);
      if (sum.finish() != value) return bad_checksum(name_of(*algorithm));
    }
  }
  return {};
}

std::string document_of(std::string_view operation, const void* in) {
  const auto& m = payload_of(operation);
  const void* at = *reinterpret_cast<const void* const*>(static_cast<const std::byte*>(in) + m.offset);
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  if (at)
    wire::encode_xml_element(out, wire::Protocol::rest_xml, m.wire, "http://s3.amazonaws.com/doc/2006-03-01/",
                             *m.shape, at);
  return out;
}

const void* parse_document(Arena& arena, std::string_view text, std::string_view operation) {
  const auto& shape = *payload_of(operation).shape;
  void* value = arena.allocate(shape.size);
  return wire::decode_xml(shape, arena.copy(text), arena, value) ? value : nullptr;
}

const void* read_document(store::Transaction& tx, Arena& arena, std::string_view bucket,
                          std::string_view operation) {
  const auto text = tx.get(config_key(bucket, operation));
  return text ? parse_document(arena, *text, operation) : nullptr;
}

}  // namespace nubecita::s3
