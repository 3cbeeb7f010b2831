// What does not belong to a VPC: regions, zones, the account's attributes, the region's DHCP options, prefix
// lists.
#include "base/cidr.hpp"
#include "services/ec2/dhcp_options.hpp"
#include "services/ec2/filters.hpp"
#include "services/ec2/network.hpp"
#include "services/ec2/tagging.hpp"

namespace nubecita::ec2 {
namespace {

// AWS's regions in the "aws" partition. All of them are served by this installation, so all are enabled.
struct Region {
  std::string_view name;
  bool opt_in = false;  // AWS asks for an opt-in
};
constexpr Region kRegions[] = {
    {"af-south-1", true},
    {"ap-east-1", true},
    {"ap-east-2", true},
    {"ap-northeast-1"},
    {"ap-northeast-2"},
    {"ap-northeast-3"},
    {"ap-south-1"},
    {"ap-south-2", true},
    {"ap-southeast-1"},
    {"ap-southeast-2"},
    {"ap-southeast-3", true},
    {"ap-southeast-4", true},
    {"ap-southeast-5", true},
    {"ap-southeast-6", true},
    {"ap-southeast-7", true},
    {"ca-central-1"},
    {"ca-west-1", true},
    {"eu-central-1"},
    {"eu-central-2", true},
    {"eu-north-1"},
    {"eu-south-1", true},
    {"eu-south-2", true},
    {"eu-west-1"},
    {"eu-west-2"},
    {"eu-west-3"},
    {"il-central-1", true},
    {"me-central-1", true},
    {"me-south-1", true},
    {"mx-central-1", true},
    {"sa-east-1"},
    {"us-east-1"},
    {"us-east-2"},
    {"us-west-1"},
    {"us-west-2"},
};

std::string endpoint(const Region& r) { return "ec2." + std::string(r.name) + ".amazonaws.com"; }
std::string opt_in_status(const Region& r) { return r.opt_in ? "opted-in" : "opt-in-not-required"; }

const Field<Region> kRegionFilters[] = {
    {"region-name", [](Call&, const Region& r) { return Values{std::string(r.name)}; }},
    {"endpoint", [](Call&, const Region& r) { return Values{endpoint(r)}; }},
    {"opt-in-status", [](Call&, const Region& r) { return Values{opt_in_status(r)}; }},
};

struct Zone {
  std::string name, region;
};
std::string group_of(const Zone& z) { return z.region + "-zg-1"; }

const Field<Zone> kZoneFilters[] = {
    {"zone-name", [](Call&, const Zone& z) { return Values{z.name}; }},
    {"zone-id", [](Call&, const Zone& z) { return Values{zone_id(z.name)}; }},
    {"region-name", [](Call&, const Zone& z) { return Values{z.region}; }},
    {"state", [](Call&, const Zone&) { return Values{"available"}; }},
    {"zone-type", [](Call&, const Zone&) { return Values{"availability-zone"}; }},
    {"opt-in-status", [](Call&, const Zone&) { return Values{"opt-in-not-required"}; }},
    {"group-name", [](Call&, const Zone& z) { return Values{group_of(z)}; }},
    {"group-long-name", [](Call&, const Zone&) { return Values{}; }},
    {"network-border-group", [](Call&, const Zone& z) { return Values{z.region}; }},
    {"message", [](Call&, const Zone&) { return Values{}; }},
    {"parent-zone-id", [](Call&, const Zone&) { return Values{}; }},
    {"parent-zone-name", [](Call&, const Zone&) { return Values{}; }},
};

const Field<DhcpOptions> kDhcpFilters[] = {
    {"dhcp-options-id", [](Call&, const DhcpOptions& d) { return Values{d.id}; }},
    {"key", [](Call&, const DhcpOptions&) { return Values{"domain-name", "domain-name-servers"}; }},
    {"value",
     [](Call& c, const DhcpOptions&) { return Values{internal_domain(c.region), "AmazonProvidedDNS"}; }},
    {"owner-id", [](Call& c, const DhcpOptions&) { return Values{c.account}; }},
};

struct PrefixList {
  std::vector<Tag> tags;
};
const Field<PrefixList> kPrefixFilters[] = {
    {"owner-id", [](Call&, const PrefixList&) { return Values{}; }},
    {"prefix-list-id", [](Call&, const PrefixList&) { return Values{}; }},
    {"prefix-list-name", [](Call&, const PrefixList&) { return Values{}; }},
};

bool named(const wire::List<wire::Text>& names, std::string_view name) {
  return names.empty() || std::ranges::any_of(names, [&](wire::Text t) { return t.sv() == name; });
}

}  // namespace

Status describe_regions(Call& call, const model::DescribeRegionsRequest& in,
                        model::DescribeRegionsResult& out) {
  TRY(allow_read(call));
  TRY(end_dry_run(in));
  const std::span<const Field<Region>> fields(kRegionFilters);
  TRY(check_filters(in.filters, fields, false));
  for (const auto& name : in.region_names)
    if (std::ranges::find(kRegions, name.sv(), &Region::name) == std::end(kRegions))
      return fail("InvalidParameterValue", "Invalid region provided: " + api::str(name));
  std::vector<Region> chosen;
  for (const auto& r : kRegions)
    if (named(in.region_names, r.name) && passes(in.filters, fields, call, r)) chosen.push_back(r);
  out.regions = call.list<model::Region>(chosen.size());
  for (size_t i = 0; i < chosen.size(); ++i) {
    out.regions[i].region_name = call.text(chosen[i].name);
    out.regions[i].endpoint = call.text(endpoint(chosen[i]));
    out.regions[i].opt_in_status = call.text(opt_in_status(chosen[i]));
  }
  return {};
}

Status describe_availability_zones(Call& call, const model::DescribeAvailabilityZonesRequest& in,
                                   model::DescribeAvailabilityZonesResult& out) {
  TRY(allow_read(call));
  TRY(end_dry_run(in));
  const std::span<const Field<Zone>> fields(kZoneFilters);
  TRY(check_filters(in.filters, fields, false));
  const auto names = zones_of(call.region);
  for (const auto& name : in.zone_names)
    if (std::ranges::find(names, name.sv()) == names.end())
      return bad_value("Invalid availability zone: [" + api::str(name) + "]");
  for (const auto& id : in.zone_ids)
    if (std::ranges::none_of(names, [&](auto& n) { return zone_id(n) == id.sv(); }))
      return bad_value("Invalid availability zone-id: [" + api::str(id) + "]");
  std::vector<Zone> chosen;
  for (const auto& name : names) {
    Zone zone{name, call.region};
    if (named(in.zone_names, name) && named(in.zone_ids, zone_id(name)) &&
        passes(in.filters, fields, call, zone))
      chosen.push_back(zone);
  }
  out.availability_zones = call.list<model::AvailabilityZone>(chosen.size());
  for (size_t i = 0; i < chosen.size(); ++i) {
    auto& o = out.availability_zones[i];
    o.zone_name = call.text(chosen[i].name);
    o.zone_id = call.text(zone_id(chosen[i].name));
    o.region_name = call.text(call.region);
    o.group_name = call.text(group_of(chosen[i]));
    o.network_border_group = call.text(call.region);
    o.zone_type = "availability-zone";
    o.opt_in_status = "opt-in-not-required";
    o.state = "available";
    o.messages = call.list<model::AvailabilityZoneMessage>(0);
  }
  return {};
}

Status describe_account_attributes(Call& call, const model::DescribeAccountAttributesRequest& in,
                                   model::DescribeAccountAttributesResult& out) {
  TRY(allow_read(call));
  TRY(end_dry_run(in));
  const auto pool = Cidr::parse(call.cloud.config.public_pool);
  const auto addresses = std::to_string(pool && !pool->is_v6() ? pool->size() - 2 : 0);
  const auto vpc = default_vpc(call.tx, call.scope());
  const std::pair<std::string_view, std::string> all[] = {
      {"supported-platforms", "VPC"},     {"vpc-max-security-groups-per-interface", "16"},
      {"max-elastic-ips", addresses},     {"max-instances", "0"},  // there are no instances here
      {"vpc-max-elastic-ips", addresses}, {"default-vpc", vpc ? vpc->id : "none"},
  };
  std::vector<std::pair<std::string_view, std::string>> chosen;
  for (const auto& name : in.attribute_names)
    if (std::ranges::none_of(all, [&](auto& a) { return a.first == name.sv(); }))
      return bad_parameter(name.sv(), "attributeName");
  for (const auto& attribute : all)
    if (named(in.attribute_names, attribute.first)) chosen.push_back(attribute);
  out.account_attributes = call.list<model::AccountAttribute>(chosen.size());
  for (size_t i = 0; i < chosen.size(); ++i) {
    out.account_attributes[i].attribute_name = call.text(chosen[i].first);
    out.account_attributes[i].attribute_values = call.list<model::AccountAttributeValue>(1);
    out.account_attributes[i].attribute_values[0].attribute_value = call.text(chosen[i].second);
  }
  return {};
}

// Every VPC has the region's own set: our resolver, and the domain of its private names. Other sets are not
// served.
Status describe_dhcp_options(Call& call, const model::DescribeDhcpOptionsRequest& in,
                             model::DescribeDhcpOptionsResult& out) {
  TRY(allow_read(call));
  TRY(end_dry_run(in));
  const std::span<const Field<DhcpOptions>> fields(kDhcpFilters);
  TRY(check_filters(in.filters, fields));
  const DhcpOptions only = dhcp_options(call.tx, call.scope());
  for (const auto& id : in.dhcp_options_ids)
    if (id.sv() != only.id)
      return fail("InvalidDhcpOptionID.NotFound", "The dhcpOption ID '" + api::str(id) + "' does not exist");
  out.dhcp_options = call.list<model::DhcpOptions>(passes(in.filters, fields, call, only) ? 1 : 0);
  for (auto& o : out.dhcp_options) {
    o.dhcp_options_id = call.text(only.id);
    o.owner_id = call.text(call.account);
    o.tags = render_tags(call, only.tags);
    o.dhcp_configurations = call.list<model::DhcpConfiguration>(2);
    const std::pair<std::string_view, std::string> settings[] = {
        {"domain-name", internal_domain(call.region)}, {"domain-name-servers", "AmazonProvidedDNS"}};
    for (size_t i = 0; i < 2; ++i) {
      o.dhcp_configurations[i].key = call.text(settings[i].first);
      o.dhcp_configurations[i].values = call.list<model::AttributeValue>(1);
      o.dhcp_configurations[i].values[0].value = call.text(settings[i].second);
    }
  }
  return {};
}

// Prefix lists cannot be made here and AWS's own name AWS's addresses: both lists are truly empty.
Status describe_prefix_lists(Call& call, const model::DescribePrefixListsRequest& in,
                             model::DescribePrefixListsResult& out) {
  TRY(allow_read(call));
  TRY(end_dry_run(in));
  TRY(check_filters(in.filters, std::span<const Field<PrefixList>>(kPrefixFilters).subspan(1), false));
  if (!in.prefix_list_ids.empty())
    return fail("InvalidPrefixListId.NotFound",
                "The prefix list ID '" + api::str(in.prefix_list_ids[0]) + "' does not exist");
  out.prefix_lists = call.list<model::PrefixList>(0);
  return {};
}
Status describe_managed_prefix_lists(Call& call, const model::DescribeManagedPrefixListsRequest& in,
                                     model::DescribeManagedPrefixListsResult& out) {
  TRY(allow_read(call));
  TRY(end_dry_run(in));
  TRY(check_filters(in.filters, std::span<const Field<PrefixList>>(kPrefixFilters)));
  if (!in.prefix_list_ids.empty())
    return fail("InvalidPrefixListID.NotFound",
                "The prefix list ID '" + api::str(in.prefix_list_ids[0]) + "' does not exist");
  out.prefix_lists = call.list<model::ManagedPrefixList>(0);
  return {};
}

}  // namespace nubecita::ec2
