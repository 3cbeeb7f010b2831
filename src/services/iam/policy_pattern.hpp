// The texts of a policy with * and ? and ${variables}, compiled once and matched often; and where variables
// and condition keys get their values. Pure; a compiled pattern is constant and may be used by any thread.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nubecita::iam {

char lower(char c);
std::string lowered(std::string_view text);
/// Equal without regard to case (ASCII).
bool same_text(std::string_view a, std::string_view b);

/// The condition keys of one request. A key may have several values; null means that the request has no such
/// key.
class Context {
 public:
  virtual ~Context() = default;
  /// `key` in any case, e.g. "aws:sourceip".
  virtual const std::vector<std::string>* find(std::string_view key) const = 0;
};

class Pattern {
 public:
  struct Options {
    bool wildcards = true;   // * and ? mean what they say (StringLike, Resource), or stand for themselves
    bool variables = true;   // ${...} is replaced (policy version 2012-10-17), or stands for itself
    bool fold_case = false;  // matches without regard to case
  };
  Pattern() = default;
  /// Nothing if a variable is not closed or has no name.
  static std::optional<Pattern> compile(std::string_view text, Options options);
  /// A variable whose key the request lacks (and that has no default) or that has several values matches
  /// nothing.
  bool matches(std::string_view text, const Context& context) const;
  const std::string& source() const { return source_; }
  bool has_variables() const { return kind_ == Kind::pieces; }

 private:
  // Characters, and two codes above them for the wildcards.
  static constexpr char16_t kStar = 256, kOne = 257;
  struct Piece {
    std::u16string codes;
    std::string variable;  // after the codes; empty: none
    std::optional<std::string> otherwise;
  };
  enum class Kind { exact, all, glob, pieces };
  static bool glob(std::u16string_view pattern, std::string_view text, bool fold);

  std::string source_, exact_;
  std::u16string codes_;
  std::vector<Piece> pieces_;
  Kind kind_ = Kind::exact;
  bool fold_ = false;
};

}  // namespace nubecita::iam
