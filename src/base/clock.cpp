#include "base/clock.hpp"

#include <atomic>
#include <chrono>
#include <string_view>

namespace nubecita {
namespace {
std::atomic<int64_t> test_ms{-1};

constexpr std::string_view kDays = "SunMonTueWedThuFriSat", kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

/// In UTC. Years 0 to 9999.
struct Moment {
  unsigned year, month, day, weekday, hour, minute, second, millisecond;
  explicit Moment(int64_t ms) {
    using namespace std::chrono;
    const sys_time<milliseconds> at{milliseconds(ms)};
    const auto midnight = floor<days>(at);
    const year_month_day date(midnight);
    const hh_mm_ss time(at - midnight);
    year = static_cast<unsigned>(static_cast<int>(date.year()));
    month = static_cast<unsigned>(date.month());
    day = static_cast<unsigned>(date.day());
    weekday = std::chrono::weekday(midnight).c_encoding();
    hour = static_cast<unsigned>(time.hours().count());
    minute = static_cast<unsigned>(time.minutes().count());
    second = static_cast<unsigned>(time.seconds().count());
    millisecond = static_cast<unsigned>(time.subseconds().count());
  }
};

/// `n` digits; answers carry a date or two each, and printf is slow.
void put(std::string& out, unsigned value, size_t n) {
  const size_t end = out.size() + n;
  out.resize(end, '0');
  for (size_t at = end; at > end - n; value /= 10) out[--at] = static_cast<char>('0' + value % 10);
}

bool digits(std::string_view s, size_t at, size_t n, int& out) {
  if (at + n > s.size()) return false;
  int v = 0;
  for (size_t i = at; i < at + n; ++i) {
    if (s[i] < '0' || s[i] > '9') return false;
    v = v * 10 + (s[i] - '0');
  }
  out = v;
  return true;
}

std::optional<int64_t> compose(int y, int mo, int d, int h, int mi, int s) {
  if (y < 1 || mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59 || s > 60) return {};
  using namespace std::chrono;
  // Of the month's first day, so that the 30th of February is the 2nd of March, as with timegm().
  const sys_days first = year(y) / std::chrono::month(static_cast<unsigned>(mo)) / 1;
  const auto time = first + days(d - 1) + hours(h) + minutes(mi) + seconds(s);
  return duration_cast<milliseconds>(time.time_since_epoch()).count();
}

std::optional<int64_t> parse_http_date(std::string_view s) {
  // botocore ends the Date that it signs with -0000.
  if (s.size() < 29 || (s.substr(25) != " GMT" && s.substr(25) != " -0000")) return {};
  auto m = kMonths.find(s.substr(8, 3));
  int y, d, h, mi, sec;
  if (m == std::string_view::npos || m % 3 || !digits(s, 5, 2, d) || !digits(s, 12, 4, y) ||
      !digits(s, 17, 2, h) || !digits(s, 20, 2, mi) || !digits(s, 23, 2, sec))
    return {};
  return compose(y, static_cast<int>(m / 3) + 1, d, h, mi, sec);
}
}  // namespace

int64_t now_ms() {
  if (auto t = test_ms.load(std::memory_order_relaxed); t >= 0) return t;
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

void set_test_clock(int64_t ms) { test_ms = ms; }

std::string iso8601(int64_t ms, bool milliseconds) {
  const Moment m(ms);
  std::string out;
  out.reserve(24);
  put(out, m.year, 4);
  put(out += '-', m.month, 2);
  put(out += '-', m.day, 2);
  put(out += 'T', m.hour, 2);
  put(out += ':', m.minute, 2);
  put(out += ':', m.second, 2);
  if (milliseconds) put(out += '.', m.millisecond, 3);
  return out += 'Z';
}

std::string http_date(int64_t ms) {
  const Moment m(ms);
  std::string out;
  out.reserve(29);
  out.append(kDays.substr(m.weekday * 3, 3));
  put(out += ", ", m.day, 2);
  out.append(" ").append(kMonths.substr((m.month - 1) * 3, 3));
  put(out += ' ', m.year, 4);
  put(out += ' ', m.hour, 2);
  put(out += ':', m.minute, 2);
  put(out += ':', m.second, 2);
  return out += " GMT";
}

std::optional<int64_t> parse_time(std::string_view s) {
  int y, mo, d, h = 0, mi = 0, sec = 0;
  if (s.size() == 16 && s[8] == 'T' && s[15] == 'Z') {
    if (!digits(s, 0, 4, y) || !digits(s, 4, 2, mo) || !digits(s, 6, 2, d) || !digits(s, 9, 2, h) ||
        !digits(s, 11, 2, mi) || !digits(s, 13, 2, sec))
      return {};
    return compose(y, mo, d, h, mi, sec);
  }
  if (s.size() < 10 || !digits(s, 0, 4, y)) return parse_http_date(s);
  if (s[4] != '-' || s[7] != '-' || !digits(s, 5, 2, mo) || !digits(s, 8, 2, d)) return {};
  size_t at = 10;
  int64_t fraction = 0, offset = 0;
  if (at < s.size()) {
    if (s[at] != 'T' && s[at] != ' ') return {};
    if (!digits(s, 11, 2, h) || s.size() < 16 || s[13] != ':' || !digits(s, 14, 2, mi)) return {};
    at = 16;
    if (at < s.size() && s[at] == ':') {
      if (!digits(s, 17, 2, sec)) return {};
      at = 19;
    }
    if (at < s.size() && s[at] == '.') {
      int64_t scale = 100;
      for (++at; at < s.size() && s[at] >= '0' && s[at] <= '9'; ++at, scale /= 10)
        fraction += (s[at] - '0') * scale;
    }
    if (at < s.size() && s[at] == 'Z') {
      ++at;
    } else if (at < s.size() && (s[at] == '+' || s[at] == '-')) {
      int oh, om = 0;
      bool minus = s[at] == '-';
      if (!digits(s, at + 1, 2, oh)) return {};
      size_t m = at + 3;
      if (m < s.size() && s[m] == ':') ++m;
      if (m < s.size()) {
        if (!digits(s, m, 2, om)) return {};
        m += 2;
      }
      offset = (oh * 60 + om) * 60000LL * (minus ? -1 : 1);
      at = m;
    }
  }
  if (at != s.size()) return {};
  auto base = compose(y, mo, d, h, mi, sec);
  if (!base) return {};
  return *base + fraction - offset;
}

}  // namespace nubecita
