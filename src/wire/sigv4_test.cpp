// Signature V4: AWS's published examples, requests signed by botocore, and what must be refused.
#include "wire/sigv4.hpp"

#include <gtest/gtest.h>

#include "base/clock.hpp"

namespace nubecita::wire {
namespace {

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr int64_t kDay2015 = 1440938160000;  // 20150830T123600Z

struct Vector {
  const char *method, *path, *query;
  std::vector<const char*> headers;
  const char* body;
};
const Vector vectors[] = {
#include "wire/sigv4_vectors.inc"
};

RawRequest raw(const Vector& v) {
  RawRequest r{v.method, v.path, v.query, {}, v.body};
  for (size_t i = 0; i + 1 < v.headers.size(); i += 2) r.headers.emplace_back(v.headers[i], v.headers[i + 1]);
  return r;
}

Status check(const RawRequest& r, std::string_view secret, int64_t now,
             SignatureErrors e = SignatureErrors::query) {
  TRY_LET(auto claim, parse_signature(r, e));
  TRY(check_claim(r, claim, now, e));
  return verify_signature(r, claim, secret, sha256_hex(r.body), e);
}

std::string code(const Status& s) { return s ? "" : s.error().code; }

// The examples of AWS's documentation and of its test suite: facts.
TEST(SigV4, AgreesWithAwsExamples) {
  struct Example {
    const char *method, *path, *query;
    std::vector<std::pair<std::string_view, std::string_view>> headers;
    const char *service, *signed_headers, *signature, *date;
    std::string_view secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  };
  const std::string empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  const Example examples[] = {
      {"GET",
       "/",
       "",
       {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}},
       "service",
       "host;x-amz-date",
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
       "20150830"},
      {"POST",
       "/",
       "",
       {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}},
       "service",
       "host;x-amz-date",
       "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
       "20150830"},
      {"GET",
       "/",
       "Param2=value2&Param1=value1",
       {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}},
       "service",
       "host;x-amz-date",
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
       "20150830"},
      {"GET",
       "/",
       "Action=ListUsers&Version=2010-05-08",
       {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
        {"Host", "iam.amazonaws.com"},
        {"X-Amz-Date", "20150830T123600Z"}},
       "iam",
       "content-type;host;x-amz-date",
       "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
       "20150830"},
      {"GET",
       "/test.txt",
       "",
       {{"Host", "examplebucket.s3.amazonaws.com"},
        {"Range", "bytes=0-9"},
        {"x-amz-content-sha256", empty},
        {"X-Amz-Date", "20130524T000000Z"}},
       "s3",
       "host;range;x-amz-content-sha256;x-amz-date",
       "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
       "20130524",
       "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
  };
  for (auto& x : examples) {
    RawRequest r{x.method, x.path, x.query, x.headers, ""};
    std::string authorization =
        std::string("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") + x.date + "/us-east-1/" + x.service +
        "/aws4_request, SignedHeaders=" + x.signed_headers + ", Signature=" + x.signature;
    r.headers.emplace_back("Authorization", authorization);
    auto got = check(r, x.secret, *parse_time(x.headers.back().second));
    EXPECT_TRUE(got) << x.query << ": " << got.error().message;
  }
}

TEST(SigV4, AgreesWithAwsPresignedExample) {
  RawRequest r{"GET",
               "/test.txt",
               "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-"
               "1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"
               "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
               "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
               {{"Host", "examplebucket.s3.amazonaws.com"}},
               ""};
  const auto start = *parse_time("20130524T000000Z");
  const std::string_view secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  EXPECT_TRUE(check(r, secret, start, SignatureErrors::s3));
  EXPECT_TRUE(check(r, secret, start + 86'400'000, SignatureErrors::s3));
  auto late = check(r, secret, start + 86'400'001, SignatureErrors::s3);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, "AccessDenied");
  EXPECT_EQ(late.error().message, "Request has expired");
  EXPECT_EQ(code(check(r, secret, start - 3'600'000, SignatureErrors::s3)), "AccessDenied");
}

TEST(SigV4, AgreesWithBotocore) {
  const auto now = *parse_time("20261122T174838Z");
  for (auto& v : vectors) {
    auto r = raw(v);
    auto got = check(r, kSecret, now);
    EXPECT_TRUE(got) << v.method << " " << v.path << "?" << v.query << "\n" << got.error().message;
    EXPECT_FALSE(check(r, "another secret", now)) << v.path;
    if (got) {
      auto changed = r;
      std::string longer = std::string(r.query) + (r.query.empty() ? "" : "&") + "added=1";
      changed.query = longer;
      EXPECT_FALSE(check(changed, kSecret, now)) << v.path;
    }
  }
}

TEST(SigV4, SignsWhatItVerifies) {
  RawRequest r{"POST", "/a b/../c", "z=1&a=%20", {{"host", "h"}, {"content-type", "x"}}, "body"};
  auto added = sign(r, "AKID", "secret", "token", "eu-central-1", "sts", kDay2015);
  for (auto& [n, v] : added) r.headers.emplace_back(n, v);
  auto got = check(r, "secret", kDay2015);
  EXPECT_TRUE(got) << got.error().message;
  r.body = "other";
  EXPECT_EQ(code(check(r, "secret", kDay2015)), "SignatureDoesNotMatch");
}

class Refusals : public ::testing::Test {
 protected:
  RawRequest request(std::string_view authorization) {
    text = authorization;
    return {"GET",
            "/",
            "",
            {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}, {"Authorization", text}},
            ""};
  }
  static std::string good() {
    return "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
           "SignedHeaders=host;x-amz-date, "
           "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
  }
  static std::string with(std::string from, std::string to) {
    auto s = good();
    return s.replace(s.find(from), from.size(), to);
  }
  std::string text;
};

TEST_F(Refusals, UnsignedAndMalformed) {
  RawRequest bare{"GET", "/", "", {{"Host", "x"}}, ""};
  EXPECT_EQ(code(check(bare, kSecret, kDay2015)), "MissingAuthenticationToken");
  EXPECT_EQ(code(check(bare, kSecret, kDay2015, SignatureErrors::json)),
            "MissingAuthenticationTokenException");
  EXPECT_EQ(code(check(bare, kSecret, kDay2015, SignatureErrors::s3)), "AccessDenied");
  for (auto bad : {std::string("AWS4-HMAC-SHA256"), std::string("AWS4-HMAC-SHA256 Credential"),
                   std::string("Bearer x"), with("/us-east-1", ""), with("AKIDEXAMPLE", ""),
                   with("SignedHeaders=", "Signed="), with("5fa00f", "5FA00F"), with("763fbf31", "")})
    EXPECT_EQ(code(check(request(bad), kSecret, kDay2015)), "IncompleteSignature") << bad;
  for (auto bad :
       {with("aws4_request", "aws5_request"), with("20150830/", "20150831/"),
        with("host;x-amz-date", "x-amz-date"), with("host;x-amz-date", "host"), with("5fa00f", "6fa00f"),
        with("us-east-1", "us-east-2"), with("AKIDEXAMPLE", "AKIDEXAMPLE")})
    EXPECT_EQ(code(check(request(bad), bad == good() ? "wrong" : kSecret, kDay2015)), "SignatureDoesNotMatch")
        << bad;
  EXPECT_EQ(code(check(request(with("5fa00f", "6fa00f")), kSecret, kDay2015, SignatureErrors::json)),
            "InvalidSignatureException");
  EXPECT_EQ(code(check(request(with("5fa00f", "6fa00f")), kSecret, kDay2015, SignatureErrors::ec2)),
            "AuthFailure");
}

TEST_F(Refusals, LateAndEarly) {
  constexpr int64_t quarter = 15 * 60 * 1000;
  EXPECT_TRUE(check(request(good()), kSecret, kDay2015 + quarter));
  auto late = check(request(good()), kSecret, kDay2015 + quarter + 1000);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, "SignatureDoesNotMatch");
  EXPECT_EQ(late.error().message,
            "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 "
            "min.)");
  // The time comes before whatever else is wrong.
  auto both = check(request(with("us-east-1/service", "1/2")), kSecret, kDay2015 + quarter + 1000);
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().message, late.error().message);
  EXPECT_EQ(code(check(request(good()), kSecret, kDay2015 - quarter - 1000)), "SignatureDoesNotMatch");
  EXPECT_EQ(code(check(request(good()), kSecret, kDay2015 + quarter + 1000, SignatureErrors::s3)),
            "RequestTimeTooSkewed");
  EXPECT_EQ(code(check(request(good()), kSecret, kDay2015 + quarter + 1000, SignatureErrors::ec2)),
            "RequestExpired");
}

TEST_F(Refusals, SpacesSeparateAsCommasDo) {
  auto spaces = good(), commas = good();
  std::erase(spaces, ',');
  commas.replace(commas.find(", S"), 2, ",").replace(commas.find(", S"), 2, ",");
  EXPECT_TRUE(check(request(spaces), kSecret, kDay2015));
  EXPECT_TRUE(check(request(commas), kSecret, kDay2015));
}

TEST_F(Refusals, HeadersThatChangeTheMeaningMustBeSigned) {
  auto r = request(good());
  r.headers.emplace_back("X-Amz-Target", "Another.Operation");
  EXPECT_EQ(code(check(r, kSecret, kDay2015)), "SignatureDoesNotMatch");
}

TEST_F(Refusals, AChangedSecretIsNotHiddenByTheKeyCache) {
  EXPECT_TRUE(check(request(good()), kSecret, kDay2015));
  EXPECT_FALSE(check(request(good()), "rotated", kDay2015));
  EXPECT_TRUE(check(request(good()), kSecret, kDay2015));
}

TEST(SigV4, KnowsThePayloadKinds) {
  auto kind = [](std::string_view value, std::string_view service) {
    RawRequest r{"PUT", "/k", "", {{"host", "h"}, {"x-amz-content-sha256", value}}, "body"};
    auto added = sign(r, "AKID", "secret", "", "eu-central-1", service, kDay2015);
    for (auto& [n, v] : added) r.headers.emplace_back(n, v);
    auto claim = parse_signature(r, SignatureErrors::s3);
    EXPECT_TRUE(claim);
    auto verdict = verify_signature(r, *claim, "secret", sha256_hex(r.body), SignatureErrors::s3);
    return std::pair(claim->payload, code(verdict));
  };
  EXPECT_EQ(kind("UNSIGNED-PAYLOAD", "s3"), std::pair(Payload::unsigned_payload, std::string()));
  EXPECT_EQ(kind("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "s3"),
            std::pair(Payload::streaming_signed, std::string()));
  EXPECT_EQ(kind("STREAMING-UNSIGNED-PAYLOAD-TRAILER", "s3"),
            std::pair(Payload::streaming_unsigned_trailer, std::string()));
  EXPECT_EQ(kind(sha256_hex("body"), "sts"), std::pair(Payload::hashed, std::string()));
  EXPECT_EQ(kind(sha256_hex("other"), "s3"),
            std::pair(Payload::hashed, std::string("XAmzContentSHA256Mismatch")));
}

}  // namespace
}  // namespace nubecita::wire
