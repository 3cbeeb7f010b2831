#include "wire/wire_test_support.hpp"

namespace nubecita::wire {
namespace {

using tiny::model::MakeThingRequest;
using tiny::model::MakeThingResult;
using Made = Decoded<MakeThingRequest>;
constexpr auto kJson = Protocol::json11;

TEST(JsonDecode, EveryKind) {
  Made in(
      kJson, "MakeThing",
      R"({"Name":"a","size":"large","Count":7.0,"Big":-9223372036854775808,"Ratio":2,"Flag":true,"When":1795305600.123,
              "Data":"aGk=","Part":[{"Id":"\u00fc\ud834\udd1e"}],"Labels":{"k":"v"},"Tree":{"Below":{"Leaf":"x"}},"Names":[]})");
  ASSERT_EQ(in.error(), "");
  EXPECT_EQ(*in->count, 7);
  EXPECT_EQ(*in->big, INT64_MIN);
  EXPECT_EQ(*in->ratio, 2);
  EXPECT_EQ((*in->when).ms, 1795305600123);
  EXPECT_EQ(in->data, "hi");
  EXPECT_EQ(in->parts[0].id, "ü𝄞");
  EXPECT_EQ(in->labels[0].value, "v");
  EXPECT_EQ(in->tree->below->leaf, "x");
  EXPECT_TRUE(in->names.has());
  EXPECT_FALSE(in->pool.has());
}

TEST(JsonDecode, NullIsAbsentAndUnknownIsIgnored) {
  Made in(kJson, "MakeThing", R"({"Name":"a","Count":null,"Whatever":{"x":[1]}})");
  EXPECT_EQ(in.error(), "");
  EXPECT_FALSE(in->count.has());
}

TEST(JsonDecode, Malformed) {
  for (auto bad :
       {"{", "[]", "nonsense", "{\"Name\":\"a\"}x", "{\"Name\":1}", "{\"Name\":\"\xff\"}",
        "{\"Name\":\"a\",\"Count\":\"7\"}", "{\"Name\":\"a\",\"Count\":1.5}",
        "{\"Name\":\"a\",\"Count\":3000000000}", "{\"Name\":\"a\",\"Flag\":1}",
        "{\"Name\":\"a\",\"Data\":\"?\"}", "{\"Name\":\"a\",\"Part\":{}}", "{\"Name\":\"a\",\"Part\":[null]}",
        "{\"Name\":\"a\",\"When\":\"yesterday\"}", "{\"Name\":\"a\",\"Big\":9223372036854775808}"})
    EXPECT_EQ(Made(kJson, "MakeThing", bad).status.error().code, "SerializationException") << bad;
  EXPECT_EQ(Made(kJson, "MakeThing", R"({"Name":1})").error(),
            "SerializationException: NUMBER_VALUE can not be converted to a String (member Name)");
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "{\"Tree\":";
  EXPECT_EQ(Made(kJson, "MakeThing", deep).status.error().code, "SerializationException");
}

TEST(JsonDecode, EmptyBodyIsAnEmptyObject) {
  EXPECT_EQ(Made(kJson, "MakeThing", "").error(),
            "ValidationException: 1 validation error detected: Value null at 'name' failed to satisfy "
            "constraint: Member "
            "must not be null");
  EXPECT_EQ(Decoded<tiny::model::NothingRequest>(kJson, "Nothing", "").error(), "");
}

TEST(JsonDecode, RefusedMember) {
  EXPECT_EQ(Made(kJson, "MakeThing", R"({"Name":"a","Pool":"p"})").error(),
            "ValidationException: The parameter pool is not supported by nubecita.");
  EXPECT_EQ(Made(kJson, "MakeThing", R"({"Name":"a","Pool":""})").error(), "");
}

TEST(JsonEncode, WritesWhatIsSet) {
  tiny::model::Part parts[2];
  parts[0].id = "quote \" slash \\ line \n bell \x07";
  parts[1].count = 3;
  Entry<Text> labels[1] = {{"k", "v"}};
  MakeThingResult out;
  out.parts.data_ = parts;
  out.parts.size_ = 2;
  out.parts.set = true;
  out.labels.data_ = labels;
  out.labels.size_ = 1;
  out.labels.set = true;
  out.when = Timestamp{-1500};
  out.ratio = 0.1;
  EXPECT_EQ(
      encoded(kJson, "MakeThing", out).body,
      R"({"partSet":[{"Id":"quote \" slash \\ line \n bell \u0007"},{"Count":3}],"Labels":{"k":"v"},"When":-1.500,"Ratio":0.1})");
  out = {};
  out.when = Timestamp{1795305600000};
  EXPECT_EQ(encoded(kJson, "MakeThing", out).body, R"({"When":1795305600})");
}

TEST(JsonEncode, AnOperationWithoutOutputHasNoBody) {
  EXPECT_EQ(encoded(kJson, "Nothing", tiny::model::NothingResponse{}).body, "");
  EXPECT_EQ(encoded(kJson, "MakeThing", MakeThingResult{}).body, "{}");
}

}  // namespace
}  // namespace nubecita::wire
