// KMS's lists: Limit and Marker in, NextMarker and Truncated out. Inside the KMS service only.
#pragma once

#include <vector>

#include "api/call.hpp"

namespace nubecita::kms {

/// The page asked for of `items`, which are sorted by `id_of`; sets what `out` says of the next one.
template <class T, class In, class Out, class IdOf>
Result<std::vector<T>> one_page(std::vector<T> items, const In& in, Out& out, api::Call& call, int usual,
                                IdOf id_of) {
  std::string next;
  TRY_LET(auto found,
          api::page(std::move(items), in.marker.sv(), static_cast<size_t>(in.limit.value_or(usual)), id_of,
                    next, "InvalidMarkerException"));
  out.truncated = !next.empty();
  if (!next.empty()) out.next_marker = call.text(next);
  return found;
}

}  // namespace nubecita::kms
