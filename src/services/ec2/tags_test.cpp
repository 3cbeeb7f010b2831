#include "services/ec2/ec2_bench.hpp"

namespace nubecita::ec2 {
namespace {

class TagsTest : public Ec2Test {
 protected:
  auto tag(std::initializer_list<std::string_view> ids, std::string_view key, std::string_view value) {
    model::CreateTagsRequest in{};
    in.resources = bench.texts(ids);
    model::Tag t{};
    t.key = text(key);
    t.value = text(value);
    in.tags = bench.list<model::Tag>({t});
    return bench.run("CreateTags", create_tags, in);
  }
  auto show(std::initializer_list<model::Filter> filters) {
    model::DescribeTagsRequest in{};
    in.filters = bench.list<model::Filter>(filters);
    return bench.run("DescribeTags", describe_tags, in);
  }
};

TEST_F(TagsTest, OnEveryKind) {
  const auto v = vpc();
  const auto s = subnet(v, "10.0.1.0/24");
  const auto record_of = *record<Vpc>(v);
  const auto rule = record<SecurityGroup>(record_of.default_group)->rules[0].id;
  const auto igw = gateway(v), eip = address();
  const auto eni = interface_in(s)->id;
  for (const std::string& id : {v, s, record_of.main_route_table, record_of.default_acl,
                                record_of.default_group, rule, igw, eip, eni, record_of.dhcp_options_id}) {
    ASSERT_DONE(tag({id}, "env", "test"));
    auto out = show({filter("resource-id", {id})});
    ASSERT_DONE(out);
    ASSERT_EQ(out->tags.size(), 1u) << id;
    EXPECT_EQ(out->tags[0].value, "test");
  }
  EXPECT_EQ(show({filter("key", {"e*"})})->tags.size(), 10u);
  model::DescribeDhcpOptionsRequest options;
  options.filters = bench.list<model::Filter>({filter("tag:env", {"test"})});
  auto tagged = bench.run("DescribeDhcpOptions", describe_dhcp_options, options);
  ASSERT_DONE(tagged);
  ASSERT_EQ(tagged->dhcp_options.size(), 1u);
  EXPECT_EQ(tagged->dhcp_options[0].tags.size(), 1u);
  EXPECT_CODE(tag({"dopt-0123456789abcdef0"}, "a", "b"), "InvalidDhcpOptionID.NotFound");
  EXPECT_EQ(show({filter("resource-type", {"internet-gateway", "elastic-ip"})})->tags.size(), 2u);
  EXPECT_EQ(show({filter("tag:env", {"other"})})->tags.size(), 0u);
  EXPECT_CODE(show({filter("nonsense", {"x"})}), "InvalidParameterValue");
}

TEST_F(TagsTest, AllOrNothing) {
  const auto v = vpc();
  auto out = tag({v, "subnet-0123456789abcdef0"}, "a", "b");
  EXPECT_CODE(out, "InvalidSubnetID.NotFound");
  EXPECT_TRUE(record<Vpc>(v)->tags.empty());
  EXPECT_CODE(tag({"banana"}, "a", "b"), "InvalidID");
  EXPECT_CODE(tag({v}, "aws:x", "b"), "InvalidParameterValue");
  for (int i = 0; i < 50; ++i) ASSERT_DONE(tag({v}, "k" + std::to_string(i), "v"));
  ASSERT_DONE(tag({v}, "k1", "again"));
  EXPECT_CODE(tag({v}, "one-more", "v"), "TagLimitExceeded");
}

TEST_F(TagsTest, DeletingLooksAtValues) {
  const auto v = vpc();
  ASSERT_DONE(tag({v}, "a", "1"));
  ASSERT_DONE(tag({v}, "b", "2"));
  model::DeleteTagsRequest in{};
  in.resources = bench.texts({v});
  model::Tag a{};
  a.key = "a";
  a.value = "other";
  in.tags = bench.list<model::Tag>({a});
  ASSERT_DONE(bench.run("DeleteTags", delete_tags, in));
  EXPECT_EQ(record<Vpc>(v)->tags.size(), 2u);
  a.value = {};
  in.tags = bench.list<model::Tag>({a});
  ASSERT_DONE(bench.run("DeleteTags", delete_tags, in));
  EXPECT_EQ(record<Vpc>(v)->tags.size(), 1u);
  in.tags = {};
  ASSERT_DONE(bench.run("DeleteTags", delete_tags, in));
  EXPECT_TRUE(record<Vpc>(v)->tags.empty());
}

TEST_F(TagsTest, ResourceTagsReachTheAuthorizer) {
  const auto v = vpc();
  ASSERT_DONE(tag({v}, "owner", "me"));
  bench.authorizer.allow = [](const auto& asked) {
    for (const auto& [key, values] : asked.conditions)
      if (key == "aws:ResourceTag/owner" && values[0] == "me") return true;
    return false;
  };
  ASSERT_DONE(remove_vpc(v));
}

}  // namespace
}  // namespace nubecita::ec2
