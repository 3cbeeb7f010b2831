// Which bucket and key a request means, by its path (path style) or its host name (virtual-host style).
// Pure functions, any thread. https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/config.hpp"
#include "http/message.hpp"

namespace nubecita::s3 {

struct Target {
  std::string bucket, key;    // decoded; empty: none
  std::string path;           // "/bucket/key" as sent, still encoded, whichever the style
  bool virtual_host = false;  // the host named the bucket
  bool website = false;       // the host is a website endpoint
};

/// Nothing if the path is not properly encoded UTF-8.
std::optional<Target> parse_target(const Config& config, const http::Head& head);

/// The host is one of S3's: s3.<anything>, <bucket>.s3.<anything>, <bucket>.s3-website...., below
/// amazonaws.com or our domain, or <bucket>.localhost.
bool is_s3_host(const Config& config, std::string_view host);

/// AWS's rules for general purpose buckets.
bool is_bucket_name(std::string_view name);

/// "<bucket>.s3.<region>.<domain>" for answers (Location).
std::string bucket_arn(std::string_view bucket);
std::string object_arn(std::string_view bucket, std::string_view key);

}  // namespace nubecita::s3
