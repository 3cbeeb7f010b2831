#include "services/s3/listing.hpp"

#include "http/client.hpp"

namespace nubecita::s3 {
namespace {

/// The smallest text above all that begin with `prefix`; empty: there is none.
std::string past(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

}  // namespace

std::string_view common_prefix(const ListQuery& q, std::string_view name) {
  if (q.delimiter.empty() || name.size() <= q.prefix.size()) return {};
  const auto at = name.find(q.delimiter, q.prefix.size());
  if (at == std::string_view::npos) return {};
  return name.substr(0, at + q.delimiter.size());
}

ListPage walk(store::Transaction& tx, std::string_view table, const ListQuery& q,
              const std::function<bool(std::string_view, std::string_view)>& item) {
  const auto base = store::make_key(table, kEverywhere, q.bucket + "/");
  ListPage page;
  std::string from = base + q.prefix;
  if (!q.after.empty()) {
    // After a common prefix comes what is not below it.
    const bool rolled = !common_prefix(q, q.after).empty() && common_prefix(q, q.after) == q.after;
    // Uploads have more behind the name, after a NUL.
    from = std::max(from, rolled ? past(base + q.after) : base + q.after + '\0' + "\xff");
  }
  if (q.most == 0) return page;
  for (bool again = true; again;) {
    again = false;
    tx.scan(base + q.prefix, from, [&](std::string_view key, std::string_view value) {
      auto name = key.substr(base.size());
      name = name.substr(0, name.find('\0'));
      const auto rolled = common_prefix(q, name);
      if (page.count == q.most) {
        // Is there anything more? A hidden entry (a delete marker) is not.
        if (rolled.empty() && !item({}, value)) return true;
        page.truncated = true;
        return false;
      }
      if (rolled.empty()) {
        if (item(name, value)) {
          ++page.count;
          page.last = name;
        }
        return true;
      }
      if (!item({}, value)) return true;  // hidden: it does not make a prefix
      page.prefixes.emplace_back(rolled);
      page.last = rolled;
      ++page.count;
      from = past(base + std::string(rolled));
      again = !from.empty();
      return false;
    });
  }
  return page;
}

Result<bool> wants_url(wire::Text type) {
  if (type.empty()) return false;
  if (type.sv() != "url")
    return invalid_argument("Invalid Encoding Method specified in Request", "encoding-type",
                            std::string(type.sv()));
  return true;
}

std::string url_encoded(std::string_view key) {
  std::string out = http::percent_encode(key, "-._*/");
  for (size_t at = 0; (at = out.find("%20", at)) != out.npos; ++at) out.replace(at, 3, "+");
  return out;
}

wire::Text shown(api::Call& call, std::string_view name, bool url) {
  return call.text(url ? url_encoded(name) : name);
}

Result<size_t> page_size(wire::Opt<int32_t> asked, std::string_view argument) {
  const auto n = asked.value_or(1000);
  if (n < 0)
    return invalid_argument(
        "Argument " + std::string(argument) + " must be an integer between 0 and 2147483647",
        std::string(argument), std::to_string(n));
  return static_cast<size_t>(std::min(n, 1000));
}

api::Conditions list_conditions(wire::Text prefix, wire::Text delimiter, wire::Opt<int32_t> most) {
  api::Conditions c;
  // An absent prefix is the empty one: policies that allow "" mean it, too.
  c.push_back({"s3:prefix", {std::string(prefix.sv())}});
  if (delimiter.has()) c.push_back({"s3:delimiter", {std::string(delimiter.sv())}});
  if (most.has()) c.push_back({"s3:max-keys", {std::to_string(*most)}});
  return c;
}

}  // namespace nubecita::s3
