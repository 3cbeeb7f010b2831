#include "services/dynamodb/recovery.hpp"

#include <algorithm>
#include <vector>

namespace nubecita::dynamodb {
namespace {

constexpr size_t kBatch = 1000;
constexpr int64_t kDay = 86'400'000;

void put_number(std::string& out, uint64_t n, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out += static_cast<char>(n >> shift);
}
uint64_t take_number(std::string_view& in, size_t bytes) {
  uint64_t n = 0;
  for (char c : in.substr(0, bytes)) n = n << 8 | static_cast<uint8_t>(c);
  in.remove_prefix(bytes);
  return n;
}

}  // namespace

// Time (8 bytes), length of the place (4), the place, then a byte and the item if there was one.
std::string encode_note(const Note& note) {
  std::string out;
  out.reserve(13 + note.place.size() + (note.was ? note.was->size() : 0));
  put_number(out, static_cast<uint64_t>(note.at), 8);
  put_number(out, note.place.size(), 4);
  out += note.place;
  if (note.was) out.append(1, '+').append(*note.was);
  return out;
}

std::optional<Note> decode_note(std::string_view bytes) {
  if (bytes.size() < 12) return {};
  Note note;
  note.at = static_cast<int64_t>(take_number(bytes, 8));
  const auto n = take_number(bytes, 4);
  if (n > bytes.size()) return {};
  note.place = bytes.substr(0, n);
  bytes.remove_prefix(n);
  if (bytes.empty()) return note;
  if (bytes[0] != '+') return {};
  note.was = bytes.substr(1);
  return note;
}

std::string note_prefix(const store::Scope& scope, std::string_view journal) {
  return store::make_key(kNoteTable, scope, std::string(journal) + "/");
}

int64_t earliest(const Journal& journal, int64_t now) {
  return std::max(journal.since, now - journal.days * kDay);
}

Status undo_since(store::Store& store, store::Transaction& reader, const std::string& notes,
                  const std::string& to, int64_t moment) {
  std::string before;
  bool more = true;
  while (more) {
    more = false;
    std::vector<std::pair<std::string, std::optional<std::string>>> was;
    reader.scan_back(notes, before, [&](std::string_view key, std::string_view bytes) {
      if (was.size() == kBatch) {
        more = true;
        return false;
      }
      const auto note = decode_note(bytes);
      // In the order of commits, not of times: what is left is a state that the table has had.
      if (note && note->at <= moment) return false;
      before = key;
      if (note)
        was.emplace_back(note->place, note->was ? std::optional<std::string>(*note->was) : std::nullopt);
      return true;
    });
    TRY(store.transact([&](store::Transaction& tx) -> Status {
      for (auto& [place, item] : was)
        if (item)
          tx.put(to + place, *item);
        else
          tx.erase(to + place);
      return {};
    }));
  }
  return {};
}

}  // namespace nubecita::dynamodb
