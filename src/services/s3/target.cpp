#include "services/s3/target.hpp"

#include <algorithm>

#include "base/cidr.hpp"

namespace nubecita::s3 {
namespace {

struct Host {
  std::string_view bucket;
  bool s3 = false, website = false;
};

bool is_s3_label(std::string_view label) {
  return label == "s3" || label.starts_with("s3-") || label == "s3express";
}

Host parse_host(const Config& config, std::string_view host) {
  if (auto colon = host.rfind(':');
      colon != std::string_view::npos && host.find(']') == std::string_view::npos)
    host = host.substr(0, colon);
  std::string_view names;
  if (host == config.domain || host == "localhost") return {};
  for (std::string_view domain :
       {std::string_view(config.domain), std::string_view("amazonaws.com"), std::string_view("localhost")}) {
    if (host.size() > domain.size() + 1 && host.ends_with(domain) &&
        host[host.size() - domain.size() - 1] == '.') {
      names = host.substr(0, host.size() - domain.size() - 1);
      if (domain == "localhost") {
        // <bucket>.localhost, <bucket>.s3.localhost, s3.localhost
        if (names == "s3") return {{}, true};
        if (names.ends_with(".s3"))
          names.remove_suffix(3);
        else if (names.find('.') != std::string_view::npos)
          return {};  // some other service's name
        return {names, true};
      }
      break;
    }
  }
  // [<bucket>.]s3[-website][.<region>], buckets with dots included.
  for (size_t at = 0; at < names.size();) {
    const auto end = std::min(names.find('.', at), names.size());
    const auto label = names.substr(at, end - at);
    if (is_s3_label(label))
      return {at ? names.substr(0, at - 1) : std::string_view(), true, label.starts_with("s3-website")};
    at = end + 1;
  }
  return {};
}

bool is_text(std::string_view s) {
  for (size_t i = 0; i < s.size();) {
    const auto c = static_cast<unsigned char>(s[i]);
    const size_t more = c < 0x80                ? 0
                        : c >= 0xc2 && c < 0xe0 ? 1
                        : c >= 0xe0 && c < 0xf0 ? 2
                        : c >= 0xf0 && c < 0xf5 ? 3
                                                : 9;
    if (more == 9 || c == 0 || i + more >= s.size() + (more == 0)) return false;
    for (size_t k = 1; k <= more; ++k)
      if ((static_cast<unsigned char>(s[i + k]) & 0xc0) != 0x80) return false;
    i += more + 1;
  }
  return true;
}

}  // namespace

bool is_s3_host(const Config& config, std::string_view host) { return parse_host(config, host).s3; }

std::optional<Target> parse_target(const Config& config, const http::Head& head) {
  Target t;
  const auto host = parse_host(config, head.header("host"));
  t.website = host.website;
  std::string_view path = head.path;
  if (!host.bucket.empty()) {
    t.virtual_host = true;
    t.bucket = host.bucket;
    t.path = "/" + t.bucket + std::string(path.empty() ? "/" : path);
    t.key = http::percent_decode(path.empty() ? path : path.substr(1));
  } else {
    t.path = path;
    if (path.starts_with('/')) path.remove_prefix(1);
    const auto slash = std::min(path.find('/'), path.size());
    t.bucket = http::percent_decode(path.substr(0, slash));
    if (slash < path.size()) t.key = http::percent_decode(path.substr(slash + 1));
  }
  if (!is_text(t.bucket) || !is_text(t.key)) return {};
  return t;
}

bool is_bucket_name(std::string_view name) {
  if (name.size() < 3 || name.size() > 63) return false;
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (!letter(name.front()) || !letter(name.back())) return false;
  if (!std::ranges::all_of(name, [&](char c) { return letter(c) || c == '-' || c == '.'; })) return false;
  if (name.find("..") != std::string_view::npos || parse_ipv4(name)) return false;
  for (std::string_view prefix : {"xn--", "sthree-", "amzn-s3-demo-"})
    if (name.starts_with(prefix)) return false;
  for (std::string_view suffix : {"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"})
    if (name.ends_with(suffix)) return false;
  return true;
}

std::string bucket_arn(std::string_view bucket) { return "arn:aws:s3:::" + std::string(bucket); }
std::string object_arn(std::string_view bucket, std::string_view key) {
  return "arn:aws:s3:::" + std::string(bucket) + "/" + std::string(key);
}

}  // namespace nubecita::s3
