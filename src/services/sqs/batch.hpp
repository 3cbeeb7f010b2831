// What the batch operations share: the checks of AWS on entries as such, and the answer's two lists. Inside
// the SQS service only.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "api/call.hpp"

namespace nubecita::sqs {

constexpr size_t kMostEntries = 10;

template <class Entries>
Status check_batch(const Entries& entries, const std::string& kind) {
  if (entries.empty())
    return fail("EmptyBatchRequest", "There should be at least one " + kind + " in the request.");
  const auto id_char = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  std::set<std::string_view> ids;
  for (auto& e : entries) {
    const auto id = e.id.sv();
    if (id.empty() || id.size() > 80 || !std::ranges::all_of(id, id_char))
      return fail(
          "InvalidBatchEntryId",
          "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at "
          "most 80 letters long.");
  }
  for (auto& e : entries)
    if (!ids.insert(e.id.sv()).second)
      return fail("BatchEntryIdsNotDistinct", "Id " + std::string(e.id.sv()) + " repeated.");
  if (entries.size() > kMostEntries)
    return fail("TooManyEntriesInBatchRequest",
                "Maximum number of entries per request are 10. You have sent " +
                    std::to_string(entries.size()) + ".");
  return {};
}

/// The query protocol's names of the errors that entries can have.
inline std::string_view entry_code(std::string_view code) {
  return code == "MessageNotInflight" ? "AWS.SimpleQueueService.MessageNotInflight" : code;
}

template <class Good, class Bad>
class BatchAnswer {
 public:
  BatchAnswer(api::Call& call, size_t n) : call_(call), good_(call.list<Good>(n)), bad_(call.list<Bad>(n)) {
    good_.size_ = bad_.size_ = 0;
  }
  Good& good(wire::Text id) {
    Good& g = good_.data_[good_.size_++];
    g.id = id;
    return g;
  }
  void bad(wire::Text id, const ApiError& error) {
    Bad& b = bad_.data_[bad_.size_++];
    b.id = id;
    b.sender_fault = error.status < 500;
    b.code = call_.text(entry_code(error.code));
    b.message = call_.text(error.message);
  }
  /// Both lists are there in AWS's model, the empty one is left out on the wire.
  template <class Out>
  void give(Out& out) {
    if (good_.size_) out.successful = good_;
    if (bad_.size_) out.failed = bad_;
  }

 private:
  api::Call& call_;
  wire::List<Good> good_;
  wire::List<Bad> bad_;
};

}  // namespace nubecita::sqs
