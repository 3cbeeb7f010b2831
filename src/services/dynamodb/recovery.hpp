// Point-in-time recovery. While it is on, each change of an item leaves a note of what was there before, in
// the change's own transaction; the notes stand in the order of the commits. A table as of some moment is
// what it is now with the notes since undone from the last one back, so nothing is copied until somebody
// restores.
//
//   dynamodb.note/<account>/<region>/<uid of journal>/<8 bytes, see Transaction::append> = <note>
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "services/dynamodb/records.hpp"
#include "store/store.hpp"

namespace nubecita::dynamodb {

struct Note {
  int64_t at = 0;                       // milliseconds
  std::string_view place;               // of the item, below its table's prefix
  std::optional<std::string_view> was;  // the item as it was stored; nothing: there was none
};
std::string encode_note(const Note& note);
/// Points into the bytes; nothing for what encode_note() did not write.
std::optional<Note> decode_note(std::string_view bytes);

std::string note_prefix(const store::Scope& scope, std::string_view journal);

/// The first moment, in milliseconds, that a journal can go back to.
int64_t earliest(const Journal& journal, int64_t now);

/// Undoes below `to`, a copy of the journal's table as `reader` sees it, what was noted since `moment`.
Status undo_since(store::Store& store, store::Transaction& reader, const std::string& notes,
                  const std::string& to, int64_t moment);

}  // namespace nubecita::dynamodb
