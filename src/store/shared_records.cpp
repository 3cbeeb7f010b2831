#include "store/shared_records.hpp"

namespace nubecita::store {

SharedRecords::Value SharedRecords::find(std::string_view key, const std::type_info& type,
                                         Sequence snapshot) const {
  std::shared_lock lock(mutex_);
  auto it = entries_.find(key);
  if (it == entries_.end() || snapshot < it->second.from || *it->second.type != type) return nullptr;
  return it->second.value;
}

void SharedRecords::keep(std::string_view key, const std::type_info& type, Sequence snapshot, Value value) {
  std::unique_lock lock(mutex_);
  if (snapshot < written_[slot(key)]) return;
  if (entries_.size() >= kMost && !entries_.contains(key)) entries_.clear();
  entries_.insert_or_assign(std::string(key), Entry{&type, snapshot, std::move(value)});
}

void SharedRecords::clear() {
  std::unique_lock lock(mutex_);
  entries_.clear();
  written_.fill(0);
}

}  // namespace nubecita::store
