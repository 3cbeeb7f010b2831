// Arbitrary bytes as a browser's form, its policy, and the small parsers of headers and names: no crash, and
// a form read in pieces is the form read at once.
#include <cstdint>
#include <cstdlib>

#include "services/s3/form_parser.hpp"
#include "services/s3/form_policy.hpp"
#include "services/s3/objects.hpp"
#include "services/s3/range.hpp"
#include "services/s3/target.hpp"

using namespace nubecita;
using namespace nubecita::s3;

namespace {
std::string run(std::string_view text, size_t step) {
  std::string seen;
  FormParser p("x", {[&](auto& f, const std::string& name) {
                       for (auto& [k, v] : f) seen += k + "=" + v + "\n";
                       seen += name;
                       return Status();
                     },
                     [&](std::string_view part) {
                       seen += part;
                       return Status();
                     }});
  Status state;
  for (; state && !text.empty(); text.remove_prefix(std::min(step, text.size())))
    state = p.write(text.substr(0, step));
  return p.file_done() ? seen : std::string();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  if (run(text, size + 1) != run(text, 1)) std::abort();
  (void)check_form_policy(text, {{"key", "k"}}, "b", 0);
  (void)parse_tag_header(text);
  form_boundary(text);
  if (auto r = parse_range(text, 1000);
      r && r->satisfiable && (r->first < 0 || r->last > 999 || r->first > r->last))
    std::abort();
  is_s3_host(Config(), text);
  is_bucket_name(text);
  return 0;
}
