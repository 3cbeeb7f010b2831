#include "wire/wire_test_support.hpp"

namespace nubecita::wire {
namespace {

using tiny::model::MakeThingRequest;
using tiny::model::PutObjectOutput;
using tiny::model::PutObjectRequest;

RawRequest put(std::string_view path, std::string_view query = "put", std::string_view body = "") {
  return {"PUT", path, query, {}, body};
}
using Put = Decoded<PutObjectRequest>;
using Made = Decoded<MakeThingRequest>;

TEST(RestDecode, WhereMembersLive) {
  auto request = put("/b%20c/k/e/y%2Fz", "put&versionId=v%2B1&name=a&name=b", "bytes\x01");
  request.headers = {{"content-length", "6"},
                     {"If-Modified-Since", "Sun, 22 Nov 2026 00:00:00 GMT"},
                     {"X-Amz-Meta-Colour", "red"}};
  Put in(Protocol::rest_xml, "PutObject", request);
  ASSERT_EQ(in.error(), "");
  EXPECT_EQ(in->bucket, "b c");
  EXPECT_EQ(in->key, "k/e/y/z");
  EXPECT_EQ(in->version, "v+1");
  ASSERT_EQ(in->names.size(), 2u);
  EXPECT_EQ(in->names[1], "b");
  EXPECT_EQ((*in->since).ms, 1795305600000);
  EXPECT_EQ(*in->length, 6);
  ASSERT_EQ(in->meta.size(), 1u);
  EXPECT_EQ(in->meta[0].key, "Colour");
  EXPECT_EQ(in->body, "bytes\x01");
}

TEST(RestDecode, Malformed) {
  auto code = [](const RawRequest& r) { return Put(Protocol::rest_xml, "PutObject", r).status.error().code; };
  EXPECT_EQ(code(put("/b/%zz")), "SerializationException");
  EXPECT_EQ(code(put("/b/%00")), "SerializationException");
  EXPECT_EQ(code(put("/b/k", "versionId=%ff")), "SerializationException");
  auto r = put("/b/k");
  r.headers = {{"Content-Length", "many"}};
  EXPECT_EQ(code(r), "SerializationException");
  EXPECT_EQ(Put(Protocol::rest_xml, "PutObject", put("/b")).error(),
            "ValidationException: 1 validation error detected: Value null at 'key' failed to satisfy "
            "constraint: Member must not be null");
}

TEST(RestRoute, TheMostSpecificFits) {
  const auto& op = tiny_operation("PutObject");
  EXPECT_EQ(route_score(op, put("/b/k", "put")), 1000);
  EXPECT_EQ(route_score(op, put("/b/k", "put=&x=1")), 1000);
  EXPECT_EQ(route_score(op, put("/b/k", "other")), -1);
  EXPECT_EQ(route_score(op, put("/b", "put")), -1);
  EXPECT_EQ(route_score(op, {"GET", "/b/k", "put", {}, ""}), -1);
  EXPECT_EQ(route_score(tiny_operation("Nothing"), {"POST", "/", "", {}, ""}), 0);
  EXPECT_EQ(route_score(tiny_operation("Nothing"), {"POST", "/x", "", {}, ""}), -1);
}

TEST(XmlDecode, EveryKind) {
  Made in(Protocol::rest_xml, "MakeThing",
          "<?xml version='1.0'?><x:MakeThing xmlns:x='u'><x:Name>a</x:Name><!-- c --><Count> "
          "7</Count></x:MakeThing>");
  EXPECT_EQ(in.status.error().code, "MalformedXML");  // " 7" is no number
  Made good(Protocol::rest_xml, "MakeThing",
            "<MakeThing><x:Name>a</x:Name><Count>7</Count><Part><item><Id>&lt;1&#62;<![CDATA[ & "
            "]]></Id></item><item><Id>2</Id></item></Part>"
            "<Labels><entry><key>k</key><value>v</value></entry></Labels><Unknown/><Names/></MakeThing>");
  ASSERT_EQ(good.error(), "");
  EXPECT_EQ(*good->count, 7);
  ASSERT_EQ(good->parts.size(), 2u);
  EXPECT_EQ(good->parts[0].id, "<1> & ");
  EXPECT_EQ(good->labels[0].value, "v");
  EXPECT_TRUE(good->names.has());
}

TEST(XmlDecode, AttacksAndRubbish) {
  for (std::string bad :
       {"<a", "text", "<a></b>", "<!DOCTYPE a [<!ENTITY x \"y\">]><MakeThing><Name>&x;</Name></MakeThing>",
        "<MakeThing><Name>\xff</Name></MakeThing>",
        "<MakeThing><Labels><entry><key>k</key></entry></Labels></MakeThing>"})
    EXPECT_EQ(Made(Protocol::rest_xml, "MakeThing", bad).status.error().code, "MalformedXML") << bad;
  std::string deep = "<MakeThing>";
  for (int i = 0; i < 100000; ++i) deep += i ? "<Below>" : "<Tree>";
  for (int i = 99999; i >= 0; --i) deep += i ? "</Below>" : "</Tree>";
  EXPECT_EQ(Made(Protocol::rest_xml, "MakeThing", deep + "</MakeThing>").status.error().code, "MalformedXML");
}

TEST(RestEncode, HeadersStatusAndDocument) {
  Entry<Text> meta[] = {{"a", "x\r\nEvil: 1"}};
  PutObjectOutput out;
  out.e_tag = "\"1\"";
  out.meta.data_ = meta;
  out.meta.size_ = 1;
  out.meta.set = true;
  out.name = "n";
  auto r = encoded(Protocol::rest_xml, "PutObject", out);
  EXPECT_EQ(r.status, 201);
  EXPECT_EQ(header_of(r, "ETag"), "\"1\"");
  EXPECT_EQ(header_of(r, "x-amz-meta-a"), "xEvil: 1");  // one line, whatever is in it
  EXPECT_EQ(header_of(r, "Content-Type"), "application/xml");
  EXPECT_EQ(r.body,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PutObjectOutput "
            "xmlns=\"http://tiny.example/doc/\"><Name>n</Name></PutObjectOutput>");
  out.code = 9;
  r = encoded(Protocol::rest_json, "PutObject", out);
  EXPECT_EQ(r.status, 9);
  EXPECT_EQ(r.body, R"({"Name":"n"})");
}

TEST(RestErrors, InBothProtocols) {
  auto r = encoded_error(Protocol::rest_json, {"ThingGone", 400, "gone", {}});
  EXPECT_EQ(r.status, 404);
  EXPECT_EQ(r.body, R"({"message":"gone"})");
  EXPECT_EQ(header_of(r, "x-amzn-ErrorType"), "ThingGoneFault");
  r = encoded_error(Protocol::rest_xml, {"ThingGone", 400, "gone", {}});
  EXPECT_NE(r.body.find("<ErrorResponse"), std::string::npos);
  EXPECT_EQ(header_of(r, "Content-Type"), "application/xml");
}

}  // namespace
}  // namespace nubecita::wire
