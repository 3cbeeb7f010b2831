// The regular expressions of AWS's models, which constrain whole values. Understands what the models use:
// literals, escapes, classes, groups, alternatives, repetition; bounded work on any input. Any thread.
#pragma once

#include <string_view>

namespace nubecita::wire {

/// Does all of `text` match? A pattern that this matcher does not understand (look-around, back references)
/// or that needs too much work counts as matched: the operation's own checks remain.
bool matches_pattern(std::string_view pattern, std::string_view text);
/// False for those patterns that would count as matched.
bool understands_pattern(std::string_view pattern);

}  // namespace nubecita::wire
