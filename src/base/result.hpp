// Expected failures are values: an ApiError names AWS's error code, the HTTP status and the message that a
// client sees. Exceptions are left for broken invariants (a corrupt record) and lost hosts. Values only, any
// thread.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nubecita {

struct [[nodiscard]] ApiError {
  std::string code;     // as AWS spells it, e.g. "InvalidVpcID.NotFound"
  int status = 400;     // HTTP status
  std::string message;  // what is wrong, where, and what to do
  // Further members of the error's shape (e.g. {"reasons", ...}); text values only.
  std::vector<std::pair<std::string, std::string>> fields;
  // The same for the JSON protocols, where the value is JSON text (e.g. {"Item", "{...}"}).
  std::vector<std::pair<std::string, std::string>> json_fields = {};
};

template <class T>
using Result = std::expected<T, ApiError>;
using Status = std::expected<void, ApiError>;

inline std::unexpected<ApiError> fail(ApiError e) { return std::unexpected<ApiError>(std::move(e)); }
/// A client error (HTTP 400 unless told) with AWS's code.
inline std::unexpected<ApiError> fail(std::string_view code, std::string message, int status = 400) {
  return std::unexpected<ApiError>(ApiError{std::string(code), status, std::move(message), {}});
}

}  // namespace nubecita

#define NBC_CAT2(a, b) a##b
#define NBC_CAT(a, b) NBC_CAT2(a, b)
/// TRY(expr): returns the error of a Status (or Result) from the calling function.
#define TRY(...)                                              \
  do {                                                        \
    if (auto try_status_ = (__VA_ARGS__); !try_status_)       \
      return std::unexpected(std::move(try_status_).error()); \
  } while (0)
/// TRY_LET(auto x, expr): declares x with the value of a Result, or returns its error.
#define TRY_LET(decl, ...)                                                     \
  auto NBC_CAT(try_result_, __LINE__) = (__VA_ARGS__);                         \
  if (!NBC_CAT(try_result_, __LINE__))                                         \
    return std::unexpected(std::move(NBC_CAT(try_result_, __LINE__)).error()); \
  decl = std::move(*NBC_CAT(try_result_, __LINE__))
