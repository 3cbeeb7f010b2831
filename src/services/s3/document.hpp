// XML documents of configurations: kept as they are shown, read again where they are applied. Pure but for
// the transaction given.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "services/s3/exchange.hpp"
#include "wire/shape.hpp"

namespace nubecita::s3 {

/// Content-MD5 and x-amz-checksum-... of a document in a request. Errors: InvalidDigest, BadDigest.
Status check_document(const http::Head& head, std::string_view body);

/// The document member of the operation's input as XML, e.g. of PutBucketCors.
std::string document_of(std::string_view operation, const void* in);
/// A document as the operation takes it, in the arena; null if it is not one.
const void* parse_document(Arena& arena, std::string_view text, std::string_view operation);
/// Such a document read again, in the arena; null if there is none. It has been checked when it was put.
const void* read_document(store::Transaction& tx, Arena& arena, std::string_view bucket,
                          std::string_view operation);
template <class T>
const T* read_config(store::Transaction& tx, Arena& arena, std::string_view bucket,
                     std::string_view operation) {
  return static_cast<const T*>(read_document(tx, arena, bucket, operation));
}

}  // namespace nubecita::s3
