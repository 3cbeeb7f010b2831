#include "services/dynamodb/number.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <vector>

#include "services/dynamodb/errors.hpp"

namespace nubecita::dynamodb {
namespace {

constexpr int kMostDigits = 38;
constexpr int kHighestExponent = 126, kLowestExponent = -129;  // of 0.d1d2d3...

// 0.digits * 10^exponent; digits without zeros at either end, none for zero.
struct Decimal {
  bool negative = false;
  int exponent = 0;
  std::string digits;
};

void trim(Decimal& d) {
  const auto first = d.digits.find_first_not_of('0');
  if (first == std::string::npos) {
    d = {};
    return;
  }
  d.exponent -= static_cast<int>(first);
  d.digits.erase(0, first);
  d.digits.erase(d.digits.find_last_not_of('0') + 1);
}

Status check(const Decimal& d) {
  if (d.digits.empty()) return {};
  if (d.exponent > kHighestExponent)
    return invalid(
        "Number overflow. Attempting to store a number with magnitude larger than supported range");
  if (d.exponent < kLowestExponent)
    return invalid(
        "Number underflow. Attempting to store a number with magnitude smaller than supported range");
  if (d.digits.size() > kMostDigits)
    return invalid("Attempting to store more than 38 significant digits in a Number");
  return {};
}

std::string encode(const Decimal& d) {
  if (d.digits.empty()) return "\x02";
  std::string out;
  out.reserve(d.digits.size() / 2 + 4);
  out += '\x03';
  out += static_cast<char>(d.exponent - kLowestExponent);
  for (size_t i = 0; i < d.digits.size(); i += 2) {
    const int low = i + 1 < d.digits.size() ? d.digits[i + 1] - '0' : 0;
    out += static_cast<char>((d.digits[i] - '0') * 10 + low + 1);
  }
  out += '\0';
  if (d.negative) {
    for (char& c : out) c = static_cast<char>(~c);
    out[0] = '\x01';
  }
  return out;
}

Decimal decode(std::string_view bytes) {
  Decimal d;
  if (bytes.size() < 3) return d;
  d.negative = bytes[0] == 1;
  auto at = [&](size_t i) {
    const auto b = static_cast<uint8_t>(bytes[i]);
    return d.negative ? static_cast<uint8_t>(~b) : b;
  };
  d.exponent = at(1) + kLowestExponent;
  for (size_t i = 2; i + 1 < bytes.size(); ++i) {
    const int pair = at(i) - 1;
    d.digits += static_cast<char>('0' + pair / 10);
    d.digits += static_cast<char>('0' + pair % 10);
  }
  if (!d.digits.empty() && d.digits.back() == '0') d.digits.pop_back();
  return d;
}

std::unexpected<ApiError> not_a_number(std::string_view text) {
  if (text.empty()) return invalid("The parameter cannot be converted to a numeric value");
  return invalid("The parameter cannot be converted to a numeric value: " + std::string(text));
}

// Both as whole digits over one exponent: |value| = digits * 10^scale.
struct Aligned {
  std::string a, b;
  int scale;
};

Aligned align(const Decimal& a, const Decimal& b) {
  auto scale_of = [](const Decimal& d) { return d.exponent - static_cast<int>(d.digits.size()); };
  Aligned out{a.digits, b.digits, std::min(scale_of(a), scale_of(b))};
  out.a.append(static_cast<size_t>(scale_of(a) - out.scale), '0');
  out.b.append(static_cast<size_t>(scale_of(b) - out.scale), '0');
  const size_t width = std::max(out.a.size(), out.b.size()) + 1;
  out.a.insert(0, width - out.a.size(), '0');
  out.b.insert(0, width - out.b.size(), '0');
  return out;
}

Result<std::string> sum(Decimal a, Decimal b) {
  if (a.digits.empty()) return encode(b);
  if (b.digits.empty()) return encode(a);
  Aligned v = align(a, b);
  Decimal out;
  out.negative = a.negative;
  int carry = 0;
  if (a.negative == b.negative) {
    for (size_t i = v.a.size(); i-- > 0;) {
      const int s = v.a[i] - '0' + v.b[i] - '0' + carry;
      v.a[i] = static_cast<char>('0' + s % 10);
      carry = s / 10;
    }
  } else {
    if (v.a < v.b) {
      std::swap(v.a, v.b);
      out.negative = b.negative;
    }
    for (size_t i = v.a.size(); i-- > 0;) {
      int s = v.a[i] - v.b[i] - carry;
      carry = s < 0;
      v.a[i] = static_cast<char>('0' + (s + 10) % 10);
    }
  }
  out.exponent = v.scale + static_cast<int>(v.a.size());
  out.digits = std::move(v.a);
  trim(out);
  if (out.digits.empty()) out.negative = false;
  // AWS says so of too many digits, too.
  if (out.digits.size() > kMostDigits) out.exponent = kHighestExponent + 1;
  TRY(check(out));
  return encode(out);
}

}  // namespace

Result<std::string> parse_number(std::string_view text) {
  Decimal d;
  std::string_view rest = text;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    d.negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  bool point = false, any = false;
  size_t i = 0;
  for (; i < rest.size(); ++i) {
    const char c = rest[i];
    if (c == '.' && !point) {
      point = true;
    } else if (c >= '0' && c <= '9') {
      any = true;
      if (!point) ++d.exponent;
      d.digits += c;
    } else {
      break;
    }
  }
  if (!any) return not_a_number(text);
  if (i < rest.size()) {
    if (rest[i] != 'e' && rest[i] != 'E') return not_a_number(text);
    rest.remove_prefix(i + 1);
    if (!rest.empty() && rest[0] == '+') rest.remove_prefix(1);
    int exponent = 0;
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), exponent);
    if (rest.empty() || end != rest.data() + rest.size() || error == std::errc::invalid_argument)
      return not_a_number(text);
    if (error == std::errc::result_out_of_range) exponent = rest[0] == '-' ? -100000 : 100000;
    d.exponent += std::clamp(exponent, -100000, 100000);
  }
  trim(d);
  TRY(check(d));
  if (d.digits.empty()) d.negative = false;
  return encode(d);
}

std::string format_number(std::string_view bytes) {
  const Decimal d = decode(bytes);
  if (d.digits.empty()) return "0";
  std::string out = d.negative ? "-" : "";
  const int n = static_cast<int>(d.digits.size());
  if (d.exponent >= n) {
    out += d.digits;
    out.append(static_cast<size_t>(d.exponent - n), '0');
  } else if (d.exponent > 0) {
    out.append(d.digits, 0, static_cast<size_t>(d.exponent)).append(".");
    out.append(d.digits, static_cast<size_t>(d.exponent));
  } else {
    out += "0.";
    out.append(static_cast<size_t>(-d.exponent), '0').append(d.digits);
  }
  return out;
}

Result<std::string> add_numbers(std::string_view a, std::string_view b) { return sum(decode(a), decode(b)); }
Result<std::string> subtract_numbers(std::string_view a, std::string_view b) {
  Decimal negated = decode(b);
  if (!negated.digits.empty()) negated.negative = !negated.negative;
  return sum(decode(a), std::move(negated));
}

size_t number_size(std::string_view bytes) {
  const Decimal d = decode(bytes);
  return (d.digits.size() + 1) / 2 + 1 + (d.negative ? 1 : 0);
}

size_t number_length(std::string_view bytes) {
  if (bytes.empty()) return 0;
  if (bytes[0] == 2) return 1;
  if (bytes[0] != 1 && bytes[0] != 3) return 0;
  const auto end = bytes.substr(std::min<size_t>(2, bytes.size())).find(bytes[0] == 3 ? '\0' : '\xff');
  return end == std::string_view::npos ? 0 : end + 3;
}

bool number_to_int64(std::string_view bytes, int64_t& out) {
  const Decimal d = decode(bytes);
  out = 0;
  if (d.exponent > 18) return false;
  for (int i = 0; i < d.exponent; ++i)
    out = out * 10 + (static_cast<size_t>(i) < d.digits.size() ? d.digits[static_cast<size_t>(i)] - '0' : 0);
  if (d.negative) out = -out;
  return true;
}

}  // namespace nubecita::dynamodb
