// The filter pattern language of CloudWatch Logs: terms (`ERROR -"health check"`), JSON (`{ $.status >= 500
// }`) and space-delimited fields (`[ip, ..., status = 5*, size]`), each with regular expressions between
// percent signs. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html A
// value, once parsed; any thread.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.hpp"

namespace nubecita::logs {

class Filter {
 public:
  /// An empty pattern matches everything. Error InvalidParameterException says what is wrong and where.
  static Result<Filter> parse(std::string_view pattern);
  bool matches(std::string_view message) const { return impl_->matches(message); }

  class Impl {
   public:
    virtual ~Impl() = default;
    virtual bool matches(std::string_view message) const = 0;
  };

 private:
  explicit Filter(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace nubecita::logs
