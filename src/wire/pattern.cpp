// Thompson's construction: the pattern becomes a non-deterministic automaton that is stepped over the text
// once, so the work is at most states times characters. https://swtch.com/~rsc/regexp/regexp1.html
#include "wire/pattern.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace nubecita::wire {
namespace {

constexpr size_t kMostStates = 6000;
constexpr uint32_t kLastPoint = 0x10ffff;
constexpr int kNowhere = -1;

struct Range {
  uint32_t first, last;
};
struct CharSet {
  std::vector<Range> ranges;
  bool negated = false;
  bool has(uint32_t c) const {
    for (const Range& r : ranges)
      if (c >= r.first && c <= r.last) return !negated;
    return negated;
  }
};
struct State {
  enum Kind { set, fork, accept } kind;
  int set_index = 0;
  int out = kNowhere, other = kNowhere;
};
// A piece of automaton whose loose ends are the outs listed: (state, second exit).
struct Piece {
  int start = kNowhere;
  std::vector<std::pair<int, bool>> ends;
};

std::vector<uint32_t> code_points(std::string_view s) {
  std::vector<uint32_t> out;
  for (size_t i = 0; i < s.size();) {
    auto c = static_cast<unsigned char>(s[i++]);
    uint32_t point = c;
    int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
    if (more) point = c & (0x3fu >> more);
    for (; more && i < s.size(); --more) point = point << 6 | (static_cast<unsigned char>(s[i++]) & 0x3f);
    out.push_back(point);
  }
  return out;
}

class Automaton {
 public:
  explicit Automaton(std::string_view pattern) : pattern_(code_points(pattern)) {
    Piece whole = alternatives();
    if (at_ != pattern_.size()) good_ = false;
    const int end = add({State::accept});
    join(whole, end);
    start_ = whole.start;
  }
  bool good() const { return good_; }

  bool matches(const std::vector<uint32_t>& text) {
    std::vector<int> now, next;
    seen_.assign(states_.size(), 0);
    step_ = 1;
    enter(start_, now);
    for (uint32_t c : text) {
      ++step_;
      next.clear();
      for (int s : now) {
        const State& state = states_[static_cast<size_t>(s)];
        if (state.kind == State::set && sets_[static_cast<size_t>(state.set_index)].has(c))
          enter(state.out, next);
      }
      now.swap(next);
      if (now.empty()) return false;
    }
    for (int s : now)
      if (states_[static_cast<size_t>(s)].kind == State::accept) return true;
    return false;
  }

 private:
  bool more() const { return good_ && at_ < pattern_.size(); }
  uint32_t peek(size_t ahead = 0) const { return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : 0; }
  bool take(uint32_t c) { return more() && pattern_[at_] == c ? ++at_, true : false; }

  int add(State s) {
    if (states_.size() >= kMostStates) good_ = false;
    states_.push_back(s);
    return static_cast<int>(states_.size()) - 1;
  }
  void join(const Piece& piece, int to) {
    for (auto [state, second] : piece.ends) {
      auto& s = states_[static_cast<size_t>(state)];
      (second ? s.other : s.out) = to;
    }
  }
  Piece nothing() {
    const int s = add({State::fork});
    return {s, {{s, false}}};
  }

  Piece alternatives() {
    Piece piece = sequence();
    while (take('|')) {
      Piece right = sequence();
      const int s = add({State::fork, 0, piece.start, right.start});
      piece.start = s;
      piece.ends.insert(piece.ends.end(), right.ends.begin(), right.ends.end());
    }
    return piece;
  }

  Piece sequence() {
    Piece piece = nothing();
    while (more() && peek() != '|' && peek() != ')') {
      Piece right = repeated();
      join(piece, right.start);
      piece.ends = std::move(right.ends);
    }
    return piece;
  }

  // An atom with what may follow it: * + ? {m} {m,} {m,n}. Copies are made by reading the atom again.
  Piece repeated() {
    const size_t from = at_;
    Piece first = atom();
    int least = 1, most = 1;
    if (!good_ || !quantifier(least, most)) return first;
    const size_t after = at_;
    Piece all = nothing();
    auto append = [&](Piece&& p) {
      join(all, p.start);
      all.ends = std::move(p.ends);
    };
    auto copy = [&] {
      at_ = from;
      return atom();
    };
    if (least > 0) append(std::move(first));
    for (int i = 1; i < least && good_; ++i) append(copy());
    if (most < 0 && good_) {
      Piece loop = copy();
      const int s = add({State::fork, 0, loop.start, kNowhere});
      join(loop, s);
      append({s, {{s, true}}});
    }
    std::vector<std::pair<int, bool>> exits;
    for (int i = least; i < most && good_; ++i) {
      Piece p = copy();
      const int s = add({State::fork, 0, p.start, kNowhere});
      exits.emplace_back(s, true);
      append({s, std::move(p.ends)});
    }
    all.ends.insert(all.ends.end(), exits.begin(), exits.end());
    at_ = after;
    return all;
  }

  bool quantifier(int& least, int& most) {
    if (take('*'))
      least = 0, most = -1;
    else if (take('+'))
      least = 1, most = -1;
    else if (take('?'))
      least = 0, most = 1;
    else if (peek() == '{' && peek(1) >= '0' && peek(1) <= '9') {
      ++at_;
      least = most = number();
      if (take(',')) most = peek() == '}' ? -1 : number();
      if (!take('}')) good_ = false;
    } else {
      return false;
    }
    if (!take('?')) take('+');  // lazy and possessive match the same whole texts, or nearly
    return true;
  }
  int number() {
    int n = 0;
    while (more() && peek() >= '0' && peek() <= '9' && n < 100000)
      n = n * 10 + static_cast<int>(pattern_[at_++] - '0');
    return n;
  }

  Piece atom() {
    if (++depth_ > 50) good_ = false;
    Piece piece;
    if (take('(')) {
      if (take('?') && !take(':')) good_ = false;  // look-around and named groups
      piece = good_ ? alternatives() : nothing();
      if (!take(')')) good_ = false;
    } else if (take('^') || take('$')) {
      piece = nothing();
    } else {
      CharSet set;
      if (take('['))
        set = char_class();
      else if (take('.'))
        set = {{{'\n', '\n'}}, true};
      else if (take('\\'))
        escape(set);
      else if (more())
        set.ranges = {{pattern_[at_], pattern_[at_]}}, ++at_;
      sets_.push_back(std::move(set));
      const int s = add({State::set, static_cast<int>(sets_.size()) - 1});
      piece = {s, {{s, false}}};
    }
    --depth_;
    return piece;
  }

  CharSet char_class() {
    CharSet set;
    set.negated = take('^');
    bool first = true;
    while (good_ && (peek() != ']' || first) && more()) {
      first = false;
      if (peek() == '[' || (peek() == '&' && peek(1) == '&'))
        good_ = false;  // Java's unions and intersections
      uint32_t low = 0;
      if (take('\\')) {
        CharSet inner;
        if (!escape(inner)) {
          if (inner.negated) good_ = complement(inner);
          set.ranges.insert(set.ranges.end(), inner.ranges.begin(), inner.ranges.end());
          continue;
        }
        low = inner.ranges[0].first;
      } else {
        low = pattern_[at_++];
      }
      uint32_t high = low;
      if (peek() == '-' && peek(1) != ']' && at_ + 1 < pattern_.size()) {
        ++at_;
        if (take('\\')) {
          CharSet inner;
          if (escape(inner))
            high = inner.ranges[0].first;
          else
            good_ = false;
        } else {
          high = pattern_[at_++];
        }
      }
      set.ranges.push_back({low, high});
    }
    if (!take(']')) good_ = false;
    return set;
  }

  static bool complement(CharSet& set) {
    // Only the simple classes come negated inside brackets ([\s\S]); their ranges are sorted and apart.
    std::vector<Range> out;
    uint32_t next = 0;
    for (const Range& r : set.ranges) {
      if (r.first > next) out.push_back({next, r.first - 1});
      next = r.last + 1;
    }
    out.push_back({next, kLastPoint});
    set = {std::move(out), false};
    return true;
  }

  // After a backslash; true if it stands for one character.
  bool escape(CharSet& set) {
    if (!more()) return good_ = false;
    const uint32_t c = pattern_[at_++];
    auto one = [&](uint32_t point) {
      set.ranges = {{point, point}};
      return true;
    };
    switch (c) {
      case 'W':
        set.negated = true;
        [[fallthrough]];
      case 'w':
        set.ranges = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
        return false;
      case 'D':
        set.negated = true;
        [[fallthrough]];
      case 'd':
        set.ranges = {{'0', '9'}};
        return false;
      case 'S':
        set.negated = true;
        [[fallthrough]];
      case 's':
        set.ranges = {{'\t', '\r'}, {' ', ' '}};
        return false;
      case 'n':
        return one('\n');
      case 'r':
        return one('\r');
      case 't':
        return one('\t');
      case 'u':
        return one(hex(4));
      case 'x':
        return one(hex(2));
      case 'p':
        return property(set);
      case 'A':
      case 'Z':
      case 'z':
      case 'b':
      case 'B':
      case 'P':
      case 'Q':
        return good_ = false;
      default:
        if (c >= '1' && c <= '9') return good_ = false;  // back references
        return one(c);
    }
  }
  uint32_t hex(int digits) {
    uint32_t v = 0;
    for (; digits; --digits) {
      const uint32_t c = more() ? pattern_[at_++] : 0;
      if (c >= '0' && c <= '9')
        v = v * 16 + c - '0';
      else if ((c | 32) >= 'a' && (c | 32) <= 'f')
        v = v * 16 + (c | 32) - 'a' + 10;
      else
        good_ = false;
    }
    return v;
  }
  // \p{L} and its kin: exact in ASCII, generous beyond it.
  bool property(CharSet& set) {
    std::string name;
    if (!take('{')) return good_ = false;
    while (more() && peek() != '}') name += static_cast<char>(pattern_[at_++]);
    if (!take('}')) good_ = false;
    const Range beyond{0x80, kLastPoint};
    if (name == "L" || name == "Alpha")
      set.ranges = {{'A', 'Z'}, {'a', 'z'}, beyond};
    else if (name == "Lu")
      set.ranges = {{'A', 'Z'}, beyond};
    else if (name == "Ll")
      set.ranges = {{'a', 'z'}, beyond};
    else if (name == "N" || name == "Nd")
      set.ranges = {{'0', '9'}, beyond};
    else if (name == "Z" || name == "Zs")
      set.ranges = {{' ', ' '}, beyond};
    else if (name == "M")
      set.ranges = {beyond};
    else if (name == "S")
      set.ranges = {{'$', '$'}, {'+', '+'}, {'<', '>'}, {'^', '^'},
                    {'`', '`'}, {'|', '|'}, {'~', '~'}, beyond};
    else if (name == "P")
      set.ranges = {{'!', '#'}, {'%', '*'}, {',', '/'}, {':', ';'}, {'?', '@'},
                    {'[', ']'}, {'_', '_'}, {'{', '{'}, {'}', '}'}, beyond};
    else
      good_ = false;
    return false;
  }

  // Adds a state and all that forks lead to.
  void enter(int state, std::vector<int>& list) {
    todo_.assign(1, state);
    while (!todo_.empty()) {
      const int s = todo_.back();
      todo_.pop_back();
      if (s == kNowhere || seen_[static_cast<size_t>(s)] == step_) continue;
      seen_[static_cast<size_t>(s)] = step_;
      const State& at = states_[static_cast<size_t>(s)];
      if (at.kind != State::fork) {
        list.push_back(s);
        continue;
      }
      todo_.push_back(at.out);
      todo_.push_back(at.other);
    }
  }

  std::vector<uint32_t> pattern_;
  size_t at_ = 0;
  int depth_ = 0;
  bool good_ = true;
  std::vector<State> states_;
  std::vector<CharSet> sets_;
  int start_ = kNowhere;
  std::vector<uint32_t> seen_;
  uint32_t step_ = 0;
  std::vector<int> todo_;
};

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) {
  Automaton automaton(pattern);
  return !automaton.good() || automaton.matches(code_points(text));
}

bool understands_pattern(std::string_view pattern) { return Automaton(pattern).good(); }

}  // namespace nubecita::wire
