// DynamoDB's numbers: decimals of up to 38 significant digits between 1E-130 and 9.99E+125, kept as bytes
// that sort (by memcmp) as the numbers do, so that the same bytes serve as a key and as a value. Equal
// numbers have equal bytes, however they were written. No bytes are the beginning of another number's.
//
//   zero      02
//   positive  03 <exponent + 129> <pairs of digits, each + 1> 00       0.d1d2d3... * 10^exponent
//   negative  01, and then the bytes of the positive one, inverted
//
// Pure functions, any thread.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace nubecita::dynamodb {

/// The bytes of a number as clients write it ("12", "-0.5", "1e20"). ValidationException for what is no
/// number or is beyond the limits.
Result<std::string> parse_number(std::string_view text);
/// As clients read it: without exponent, however many zeros that takes.
std::string format_number(std::string_view bytes);
/// Exact sum and difference; ValidationException when the result needs more digits or is out of range.
Result<std::string> add_numbers(std::string_view a, std::string_view b);
Result<std::string> subtract_numbers(std::string_view a, std::string_view b);
/// Bytes that AWS counts for the number.
size_t number_size(std::string_view bytes);
/// The length of the number at the front of `bytes` (our encoding; 0: it is none).
size_t number_length(std::string_view bytes);
/// Whole seconds since the epoch, for expiry times; nothing if it does not fit.
bool number_to_int64(std::string_view bytes, int64_t& out);

}  // namespace nubecita::dynamodb
