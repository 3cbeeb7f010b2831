#include "wire/wire_test_support.hpp"

namespace nubecita::wire {
namespace {

using tiny::model::MakeThingRequest;
using tiny::model::MakeThingResult;
using tiny::model::Part;
using Made = Decoded<MakeThingRequest>;

TEST(QueryDecode, ListsInTheOrderOfTheirNumbers) {
  Made in(Protocol::query, "MakeThing",
          "Action=MakeThing&Version=2026-01-01&Name=a&Part.item.10.Id=ten&Part.item.2.Id=two&Part.member.1."
          "Id=one");
  EXPECT_EQ(in.error(),
            "MalformedInput: Value 'ten' of parameter Part.item.10.Id is not a list.");  // one name, not two
  Made good(Protocol::query, "MakeThing",
            "Name=a&Part.item.10.Id=ten&Part.item.2.Id=two&Part.item.9.Id=nine");
  ASSERT_EQ(good.error(), "");
  ASSERT_EQ(good->parts.size(), 3u);
  EXPECT_EQ(good->parts[0].id, "two");
  EXPECT_EQ(good->parts[2].id, "ten");
}

TEST(QueryDecode, MemberStandsForTheElementName) {
  Made in(Protocol::query, "MakeThing", "Name=a&Part.member.1.Id=one&Names.member.1=b");
  ASSERT_EQ(in.error(), "");
  EXPECT_EQ(in->parts[0].id, "one");
  EXPECT_EQ(in->names[0], "b");
}

TEST(QueryDecode, EmptyListIsPresent) {
  Made in(Protocol::query, "MakeThing", "Name=a&Part=");
  ASSERT_EQ(in.error(), "");
  EXPECT_TRUE(in->parts.has());
  EXPECT_FALSE(in->names.has());
}

TEST(QueryDecode, UnknownParametersAreIgnoredButNotByEc2) {
  EXPECT_EQ(Made(Protocol::query, "MakeThing", "Name=a&Wrong=1").error(), "");
  EXPECT_EQ(Made(Protocol::ec2, "MakeThing", "Name=a&Wrong.1=1").error(),
            "UnknownParameter: The parameter Wrong.1 is not recognized");
  EXPECT_EQ(Made(Protocol::ec2, "MakeThing", "Name=a&Part.1.Id=x&Part.1.Wrong=1").error(),
            "UnknownParameter: The parameter Part.1.Wrong is not recognized");
  EXPECT_EQ(Made(Protocol::ec2, "MakeThing", "Action=MakeThing&Version=1&Name=a&X-Amz-Signature=1").error(),
            "");
}

TEST(QueryDecode, EveryKind) {
  Made in(
      Protocol::query, "MakeThing",
      "Name=a&size=large&Count=+7&Big=-9223372036854775808&Ratio=1e3&Flag=True&When=2026-11-22T00%3A00%3A00Z&"
      "Data=aGk%3D&Labels.entry.1.key=k+1&Labels.entry.1.value=v%26&Tree.Below.Leaf=x");
  EXPECT_NE(in.error(), "");  // "+7" is " 7" in a form
  Made good(
      Protocol::query, "MakeThing",
      "Name=a&size=large&Count=7&Big=-9223372036854775808&Ratio=1e3&Flag=True&When=2026-11-22T00%3A00%3A00Z&"
      "Data=aGk%3D&Labels.entry.1.key=k+1&Labels.entry.1.value=v%26&Tree.Below.Leaf=x");
  ASSERT_EQ(good.error(), "");
  EXPECT_EQ(*good->count, 7);
  EXPECT_EQ(*good->big, INT64_MIN);
  EXPECT_EQ(*good->ratio, 1000);
  EXPECT_TRUE(*good->flag);
  EXPECT_EQ((*good->when).ms, 1795305600000);
  EXPECT_EQ(good->data, "hi");
  EXPECT_EQ(good->labels[0].key, "k 1");
  EXPECT_EQ(good->labels[0].value, "v&");
  EXPECT_EQ(good->tree->below->leaf, "x");
}

TEST(QueryDecode, MalformedInput) {
  EXPECT_EQ(Made(Protocol::query, "MakeThing", "Name=a&Count=many").error(),
            "MalformedInput: Value 'many' of parameter Count is not an integer.");
  EXPECT_EQ(Made(Protocol::query, "MakeThing", "Name=a&Count=99999999999").error(),
            "MalformedInput: Value '99999999999' of parameter Count is not an integer.");
  EXPECT_EQ(Made(Protocol::ec2, "MakeThing", "Name=a&Flag=maybe").error(),
            "InvalidParameterValue: Value (maybe) for parameter Flag is invalid. It is not a boolean.");
  EXPECT_EQ(Made(Protocol::query, "MakeThing", "Name=%zz").error(),
            "MalformedQueryString: The query string is malformed: it has a broken percent escape.");
  EXPECT_EQ(Made(Protocol::query, "MakeThing", "Name=%ff").status.error().code, "MalformedQueryString");
  EXPECT_EQ(Made(Protocol::query, "MakeThing", "Name=%00").status.error().code, "MalformedQueryString");
  std::string deep = "Tree";
  for (int i = 0; i < 1000; ++i) deep += ".Below";
  EXPECT_EQ(Made(Protocol::query, "MakeThing", deep + ".Leaf=1").status.error().code, "MalformedQueryString");
}

TEST(Ec2Decode, NamesAreCapitalisedAndListsFlat) {
  Made in(Protocol::ec2, "MakeThing", "Name=a&Size=small&Part.1.Id=x&Part.2.Id=y&Names.1=b");
  ASSERT_EQ(in.error(), "");
  EXPECT_EQ(in->size, "small");
  EXPECT_EQ(in->parts[1].id, "y");
  EXPECT_EQ(in->names[0], "b");
}

TEST(Checks, RequiredMembers) {
  EXPECT_EQ(Made(Protocol::ec2, "MakeThing", "Size=small").error(),
            "MissingParameter: The request must contain the parameter Name");
  EXPECT_EQ(Made(Protocol::ec2, "MakeThing", "Name=a&Part.2.Count=1").error(),
            "MissingParameter: The request must contain the parameter Part.1.Id");
  EXPECT_EQ(
      Made(Protocol::query, "MakeThing", "").error(),
      "ValidationError: 1 validation error detected: Value null at 'name' failed to satisfy constraint: "
      "Member must not be null");
}

TEST(Checks, Constraints) {
  EXPECT_EQ(
      Made(Protocol::query, "MakeThing", "Name=UPPER&size=huge&Count=11").error(),
      "ValidationError: 3 validation errors detected: Value 'UPPER' at 'name' failed to satisfy constraint: "
      "Member "
      "must satisfy regular expression pattern: [a-z][a-z0-9-]*; Value 'huge' at 'size' failed to satisfy "
      "constraint: Member must satisfy enum value set: [small, large]; Value '11' at 'count' failed to "
      "satisfy "
      "constraint: Member must have value less than or equal to 10");
  EXPECT_EQ(Made(Protocol::ec2, "MakeThing", "Name=a&Size=huge").error(),
            "InvalidParameterValue: Value (huge) for parameter Size is invalid. Member must satisfy enum "
            "value set: "
            "[small, large]");
  EXPECT_EQ(Made(Protocol::ec2, "MakeThing", "Name=UPPER").error(),
            "");  // EC2 checks no patterns by its model
  EXPECT_EQ(Made(Protocol::query, "MakeThing", "Name=a&Names.member.1=b&Names.member.2=B").error(),
            "ValidationError: 1 validation error detected: Value 'B' at 'names.2.member' failed to satisfy "
            "constraint: "
            "Member must satisfy regular expression pattern: [a-z][a-z0-9-]*");
}

TEST(Checks, RefusedMembersMayBeEmpty) {
  EXPECT_EQ(Made(Protocol::ec2, "MakeThing", "Name=a&Pool=").error(), "");
  EXPECT_EQ(Made(Protocol::ec2, "MakeThing", "Name=a&Pool=x").error(),
            "UnsupportedOperation: The parameter Pool is not supported by nubecita.");
  EXPECT_EQ(Made(Protocol::query, "MakeThing", "Name=a&Part.item.1.Id=x&Part.item.1.Hidden=y").error(),
            "InvalidParameterValue: The parameter part.1.member.hidden is not supported by nubecita.");
}

MakeThingResult sample(Part* parts) {
  MakeThingResult out;
  out.name = "<a&b>";
  parts[0].id = "x";
  out.parts.data_ = parts;
  out.parts.size_ = 1;
  out.parts.set = true;
  out.when = Timestamp{1795305600123};
  return out;
}

TEST(QueryEncode, ResultAndMetadata) {
  Part parts[1];
  EXPECT_EQ(
      encoded(Protocol::query, "MakeThing", sample(parts)).body,
      "<MakeThingResponse "
      "xmlns=\"http://tiny.example/doc/\"><MakeThingResult><thingName>&lt;a&amp;b&gt;</thingName>"
      "<partSet><item><Id>x</Id></item></partSet><When>2026-11-22T00:00:00.123Z</When></MakeThingResult>"
      "<ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></MakeThingResponse>");
}

TEST(QueryEncode, EmptyListsShowAndAbsentOnesDoNot) {
  MakeThingResult out;
  out.parts.set = true;
  EXPECT_EQ(encoded(Protocol::query, "MakeThing", out).body,
            "<MakeThingResponse "
            "xmlns=\"http://tiny.example/doc/\"><MakeThingResult><partSet></partSet></MakeThingResult>"
            "<ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></MakeThingResponse>");
}

TEST(Ec2Encode, RequestIdAndReturn) {
  MakeThingResult out;
  out.when = Timestamp{1795305600000};
  EXPECT_EQ(
      encoded(Protocol::ec2, "MakeThing", out).body,
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<MakeThingResponse xmlns=\"http://tiny.example/doc//\">"
      "<requestId>id-1</requestId><When>2026-11-22T00:00:00.000Z</When><return>true</return></"
      "MakeThingResponse>");
  tiny::model::NothingResponse nothing;
  EXPECT_NE(encoded(Protocol::ec2, "Nothing", nothing).body.find("<return>true</return>"), std::string::npos);
  EXPECT_EQ(encoded(Protocol::query, "Nothing", nothing).body.find("return"), std::string::npos);
}

TEST(Errors, InEachProtocol) {
  const ApiError gone{"ThingGone", 400, "no <thing>", {{"Extra", "e"}}};
  auto r = encoded_error(Protocol::query, gone);
  EXPECT_EQ(r.status, 404);  // the model knows it
  EXPECT_EQ(r.body,
            "<ErrorResponse "
            "xmlns=\"http://tiny.example/doc/\"><Error><Type>Sender</Type><Code>ThingGone</Code><Message>no "
            "&lt;thing&gt;</Message><Extra>e</Extra></Error><RequestId>id-1</RequestId></ErrorResponse>");
  r = encoded_error(Protocol::ec2, gone);
  EXPECT_EQ(r.body,
            "<?xml version=\"1.0\" "
            "encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>ThingGone</Code><Message>no "
            "&lt;thing&gt;</Message><Extra>e</Extra></Error></Errors><RequestID>id-1</RequestID></Response>");
  r = encoded_error(Protocol::json11, gone);
  // Of a service that has the query protocol, too: the full name, and the query protocol's code in a header.
  EXPECT_EQ(r.body,
            "{\"__type\":\"com.amazonaws.tiny#ThingGoneFault\",\"message\":\"no <thing>\",\"Extra\":\"e\"}");
  EXPECT_EQ(header_of(r, "x-amzn-ErrorType"), "com.amazonaws.tiny#ThingGoneFault");
  EXPECT_EQ(header_of(r, "x-amzn-query-error"), "ThingGone;Sender");
  EXPECT_EQ(header_of(r, "x-amzn-RequestId"), "id-1");
  EXPECT_EQ(header_of(r, "Content-Type"), "application/x-amz-json-1.1");
  EXPECT_NE(encoded_error(Protocol::query, {"TroubleException", 400, "", {}}).body.find("<Type>Receiver"),
            std::string::npos);
  EXPECT_EQ(encoded_error(Protocol::query, {"Unheard", 409, "", {}}).status, 409);
}

TEST(FormValue, FindsAndDecodes) {
  Arena arena;
  EXPECT_EQ(form_value("A=1&Action=Make%54hing&B=2", "Action", arena), "MakeThing");
  EXPECT_EQ(form_value("XAction=1", "Action", arena), "");
  EXPECT_EQ(form_value("Action", "Action", arena), "");
}

}  // namespace
}  // namespace nubecita::wire
