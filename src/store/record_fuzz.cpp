// Stored bytes may be damaged: reading them gives a record or CorruptRecord, and what was read writes back
// the same.
#include <cstdlib>

#include "store/record.hpp"

namespace {
struct Part {
  std::string text;
  std::vector<int64_t> numbers;
  std::map<std::string, std::string> labels;
  nubecita::store::Bytes bytes;
  template <class A>
  void fields(A& a) {
    a("t", text)("n", numbers)("l", labels)("b", bytes);
  }
  bool operator==(const Part&) const = default;
};
struct Whole {
  std::string text;
  bool flag = false;
  double real = 0;
  std::vector<Part> parts;
  template <class A>
  void fields(A& a) {
    a("t", text)("f", flag)("r", real)("p", parts);
  }
  bool operator==(const Whole&) const = default;
};
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nubecita::store;
  try {
    auto record = decode_record<Whole>({reinterpret_cast<const char*>(data), size});
    if (decode_record<Whole>(encode_record(record)) != record) std::abort();
  } catch (const CorruptRecord&) {  // NOLINT(bugprone-empty-catch): what damage is answered with
  }
  Whole raw;
  raw.text.assign(reinterpret_cast<const char*>(data), size);
  raw.parts.push_back({raw.text, {1}, {{raw.text, raw.text}}, {raw.text}});
  if (decode_record<Whole>(encode_record(raw)) != raw) std::abort();
  return 0;
}
