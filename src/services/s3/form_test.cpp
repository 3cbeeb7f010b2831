#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "services/s3/form_parser.hpp"
#include "services/s3/form_policy.hpp"

namespace nubecita::s3 {
namespace {

const std::string kForm =
    "--xyz\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nfoo/${filename}\r\n"
    "--xyz\r\nContent-Disposition: form-data; name=\"Content-Type\"\r\n\r\ntext/plain\r\n"
    "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: "
    "image/png\r\n\r\n"
    "bytes\r\n--xy and more\r\n--xyz--\r\n";

TEST(Form, FieldsThenFileInAnyPieces) {
  for (size_t step = 1; step < 60; ++step) {
    std::map<std::string, std::string> fields;
    std::string name, data;
    FormParser p("xyz", {[&](auto& f, const std::string& n) {
                           fields = f;
                           name = n;
                           return Status();
                         },
                         [&](std::string_view part) {
                           data += part;
                           return Status();
                         }});
    for (std::string_view rest = kForm; !rest.empty(); rest.remove_prefix(std::min(step, rest.size())))
      ASSERT_TRUE(p.write(rest.substr(0, step)));
    EXPECT_TRUE(p.file_done());
    EXPECT_EQ(data, "bytes\r\n--xy and more");
    EXPECT_EQ(name, "a.txt");
    EXPECT_EQ(fields["key"], "foo/${filename}");
    EXPECT_EQ(fields["content-type"], "text/plain");
  }
}

TEST(Form, Boundary) {
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=\"a b\"; x=y"), "a b");
  EXPECT_EQ(form_boundary("multipart/form-data"), "");
}

std::string check(std::string_view policy, std::map<std::string, std::string> fields) {
  auto r = check_form_policy(policy, fields, "b", *parse_time("2026-01-01T00:00:00Z"));
  return r ? std::to_string(r->least) + ".." + std::to_string(r->most) : r.error().code;
}

TEST(FormPolicy, Conditions) {
  const std::string policy =
      R"({"expiration":"2027-01-01T00:00:00Z","conditions":[{"bucket":"b"},["starts-with","$key","user/"],
    {"acl":"private"},["content-length-range",1,10],["starts-with","$Content-Type",""]]})";
  EXPECT_EQ(check(policy, {{"key", "user/x"}, {"acl", "private"}}), "1..10");
  EXPECT_EQ(check(policy, {{"key", "other/x"}, {"acl", "private"}}), "AccessDenied");
  EXPECT_EQ(check(policy, {{"key", "user/x"}, {"acl", "public-read"}}), "AccessDenied");
  EXPECT_EQ(check(policy, {{"key", "user/x"}}), "AccessDenied");
  EXPECT_EQ(check(policy, {{"key", "user/x"}, {"acl", "private"}, {"extra", "1"}}), "AccessDenied");
  EXPECT_EQ(check(policy, {{"key", "user/x"}, {"acl", "private"}, {"x-ignore-me", "1"}, {"signature", "s"}}),
            "1..10");
}

TEST(FormPolicy, ExpiredAndMalformed) {
  EXPECT_EQ(check(R"({"expiration":"2025-01-01T00:00:00Z","conditions":[]})", {}), "AccessDenied");
  for (auto bad :
       {"", "[]", "{}", R"({"expiration":"2027-01-01T00:00:00Z"})", R"({"expiration":5,"conditions":[]})",
        R"({"expiration":"2027-01-01T00:00:00Z","conditions":[["eq","key","x"]]})",
        R"({"expiration":"2027-01-01T00:00:00Z","conditions":[["content-length-range","a","b"]]})",
        R"({"expiration":"2027-01-01T00:00:00Z","conditions":[["like","$key","x"]]})"})
    EXPECT_EQ(check(bad, {{"key", "x"}}), "InvalidPolicyDocument") << bad;
}

}  // namespace
}  // namespace nubecita::s3
