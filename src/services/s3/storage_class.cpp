#include "services/s3/storage_class.hpp"

#include <utility>

namespace nubecita::s3 {
namespace {

// Objects move to higher ranks only.
int rank(std::string_view storage_class) {
  static constexpr std::pair<std::string_view, int> ranks[] = {{"STANDARD_IA", 1}, {"INTELLIGENT_TIERING", 2},
                                                               {"ONEZONE_IA", 3},  {"GLACIER_IR", 3},
                                                               {"GLACIER", 4},     {"DEEP_ARCHIVE", 5}};
  for (auto& [name, its] : ranks)
    if (name == storage_class) return its;
  return 0;  // STANDARD, REDUCED_REDUNDANCY
}

}  // namespace

bool is_archive(std::string_view storage_class) {
  return storage_class == "GLACIER" || storage_class == "DEEP_ARCHIVE";
}

bool archived(const Object& object, int64_t now) {
  return is_archive(object.storage_class) && object.restored_until <= now;
}

bool may_move(std::string_view from, std::string_view to) { return rank(to) > rank(from); }

}  // namespace nubecita::s3
