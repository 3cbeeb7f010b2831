package sdk

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func TestProviderStarts(t *testing.T) {
	who := must(sts.NewFromConfig(cloud).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}))(t)
	equal(t, "length of the account", len(str(who.Account)), 12)
	client := ec2.NewFromConfig(cloud)
	must(client.DescribeAccountAttributes(ctx, &ec2.DescribeAccountAttributesInput{AttributeNames: []types.AccountAttributeName{"supported-platforms"}}))(t)
	regions := must(client.DescribeRegions(ctx, &ec2.DescribeRegionsInput{AllRegions: aws.Bool(true), RegionNames: []string{cloud.Region}}))(t)
	equal(t, "region", str(regions.Regions[0].OptInStatus), "opt-in-not-required")
	zones := must(client.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{
		AllAvailabilityZones: aws.Bool(true), Filters: []types.Filter{filter("state", "available"), filter("opt-in-status", "opt-in-not-required")}}))(t)
	equal(t, "zones", len(zones.AvailabilityZones), 3)
	for _, z := range zones.AvailabilityZones {
		if z.ZoneId == nil || z.GroupName == nil || z.NetworkBorderGroup == nil || z.ZoneType == nil {
			t.Fatalf("zone without a member: %+v", z)
		}
	}
}

// aws_vpc, aws_vpc_ipv4_cidr_block_association
func TestVpc(t *testing.T) {
	client := ec2.NewFromConfig(cloud)
	made := must(client.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.60.0.0/16"), InstanceTenancy: "default",
		AmazonProvidedIpv6CidrBlock: aws.Bool(false), TagSpecifications: named("vpc", "go")}))(t)
	id := made.Vpc.VpcId
	equal(t, "tag on create", str(made.Vpc.Tags[0].Value), "go")

	for _, attribute := range []types.VpcAttributeName{"enableDnsHostnames", "enableDnsSupport", "enableNetworkAddressUsageMetrics"} {
		out := must(client.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{VpcId: id, Attribute: attribute}))(t)
		got := map[types.VpcAttributeName]*types.AttributeBooleanValue{"enableDnsHostnames": out.EnableDnsHostnames,
			"enableDnsSupport": out.EnableDnsSupport, "enableNetworkAddressUsageMetrics": out.EnableNetworkAddressUsageMetrics}[attribute]
		if got == nil || got.Value == nil {
			t.Fatalf("%s is missing", attribute)
		}
	}
	must(client.ModifyVpcAttribute(ctx, &ec2.ModifyVpcAttributeInput{VpcId: id, EnableDnsHostnames: &types.AttributeBooleanValue{Value: aws.Bool(true)}}))(t)
	out := must(client.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{VpcId: id, Attribute: "enableDnsHostnames"}))(t)
	equal(t, "enableDnsHostnames", aws.ToBool(out.EnableDnsHostnames.Value), true)
	must(client.ModifyVpcTenancy(ctx, &ec2.ModifyVpcTenancyInput{VpcId: id, InstanceTenancy: "default"}))(t)

	// Its default objects, as the provider looks them up.
	acls := must(client.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{Filters: []types.Filter{filter("default", "true"), filter("vpc-id", str(id))}}))(t)
	equal(t, "default ACLs", len(acls.NetworkAcls), 1)
	tables := must(client.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: []types.Filter{filter("association.main", "true"), filter("vpc-id", str(id))}}))(t)
	equal(t, "main route tables", len(tables.RouteTables), 1)

	more := must(client.AssociateVpcCidrBlock(ctx, &ec2.AssociateVpcCidrBlockInput{VpcId: id, CidrBlock: aws.String("10.61.0.0/16")}))(t)
	vpcs := must(client.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: []types.Filter{
		filter("cidr-block-association.association-id", str(more.CidrBlockAssociation.AssociationId))}}))(t)
	equal(t, "VPCs with the block", len(vpcs.Vpcs), 1)
	for _, a := range vpcs.Vpcs[0].CidrBlockAssociationSet {
		equal(t, "state of "+str(a.CidrBlock), a.CidrBlockState.State, types.VpcCidrBlockStateCodeAssociated)
	}
	must(client.DisassociateVpcCidrBlock(ctx, &ec2.DisassociateVpcCidrBlockInput{AssociationId: more.CidrBlockAssociation.AssociationId}))(t)

	// Tags by their own calls.
	must(client.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{str(id)}, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}))(t)
	must(client.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{str(id)}, Tags: []types.Tag{{Key: aws.String("Name")}}}))(t)
	tags := must(client.DescribeTags(ctx, &ec2.DescribeTagsInput{Filters: []types.Filter{filter("resource-id", str(id))}}))(t)
	equal(t, "tags", len(tags.Tags), 1)
	equal(t, "tag", str(tags.Tags[0].Key)+"="+str(tags.Tags[0].Value), "a=b")

	must(client.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: id}))(t)
	_, err := client.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{str(id)}})
	refused(t, "InvalidVpcID.NotFound", err)
	_, err = client.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{VpcId: id, Attribute: "enableDnsSupport"})
	refused(t, "InvalidVpcID.NotFound", err)
}

// aws_default_vpc, aws_default_subnet, aws_default_vpc_dhcp_options
func TestDefaults(t *testing.T) {
	client := ec2.NewFromConfig(cloud)
	vpc := must(client.CreateDefaultVpc(ctx, &ec2.CreateDefaultVpcInput{}))(t).Vpc
	equal(t, "IsDefault", aws.ToBool(vpc.IsDefault), true)
	options := must(client.DescribeDhcpOptions(ctx, &ec2.DescribeDhcpOptionsInput{DhcpOptionsIds: []string{str(vpc.DhcpOptionsId)}}))(t)
	equal(t, "DHCP options", len(options.DhcpOptions), 1)
	subnets := must(client.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: []types.Filter{filter("default-for-az", "true")}}))(t)
	equal(t, "default subnets", len(subnets.Subnets), 3)
	must(client.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: subnets.Subnets[0].SubnetId}))(t)
	again := must(client.CreateDefaultSubnet(ctx, &ec2.CreateDefaultSubnetInput{AvailabilityZone: subnets.Subnets[0].AvailabilityZone}))(t)
	equal(t, "the default subnet's block", str(again.Subnet.CidrBlock), str(subnets.Subnets[0].CidrBlock))

	gateways := must(client.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{Filters: []types.Filter{filter("attachment.vpc-id", str(vpc.VpcId))}}))(t)
	for _, g := range gateways.InternetGateways {
		must(client.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: g.InternetGatewayId, VpcId: vpc.VpcId}))(t)
		must(client.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: g.InternetGatewayId}))(t)
	}
	for _, s := range must(client.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: []types.Filter{filter("vpc-id", str(vpc.VpcId))}}))(t).Subnets {
		must(client.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: s.SubnetId}))(t)
	}
	must(client.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: vpc.VpcId}))(t)
}

// aws_subnet, aws_route_table, aws_route, aws_route_table_association, aws_main_route_table_association
func TestSubnetsAndRoutes(t *testing.T) {
	n := newNetwork(t, "10.62")
	subnet := aws.String(n.subnets[0])
	must(n.client.ModifySubnetAttribute(ctx, &ec2.ModifySubnetAttributeInput{SubnetId: subnet, MapPublicIpOnLaunch: &types.AttributeBooleanValue{Value: aws.Bool(true)}}))(t)
	must(n.client.ModifySubnetAttribute(ctx, &ec2.ModifySubnetAttributeInput{SubnetId: subnet, PrivateDnsHostnameTypeOnLaunch: "ip-name"}))(t)
	must(n.client.ModifySubnetAttribute(ctx, &ec2.ModifySubnetAttributeInput{SubnetId: subnet, EnableResourceNameDnsARecordOnLaunch: &types.AttributeBooleanValue{Value: aws.Bool(false)}}))(t)
	read := must(n.client.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{SubnetIds: []string{*subnet}}))(t).Subnets[0]
	equal(t, "MapPublicIpOnLaunch", aws.ToBool(read.MapPublicIpOnLaunch), true)
	if read.PrivateDnsNameOptionsOnLaunch == nil || read.EnableDns64 == nil || read.Ipv6Native == nil || read.AssignIpv6AddressOnCreation == nil ||
		read.MapCustomerOwnedIpOnLaunch == nil || read.SubnetArn == nil || read.OwnerId == nil || read.AvailabilityZoneId == nil {
		t.Fatalf("subnet without a member: %+v", read)
	}
	equal(t, "state", read.State, types.SubnetStateAvailable)

	table := must(n.client.CreateRouteTable(ctx, &ec2.CreateRouteTableInput{VpcId: &n.vpc, ClientToken: aws.String("terraform-1"), TagSpecifications: named("route-table", "go")}))(t).RouteTable
	again := must(n.client.CreateRouteTable(ctx, &ec2.CreateRouteTableInput{VpcId: &n.vpc, ClientToken: aws.String("terraform-1"), TagSpecifications: named("route-table", "go")}))(t).RouteTable
	equal(t, "table for one token", str(again.RouteTableId), str(table.RouteTableId))
	equal(t, "origin of the local route", table.Routes[0].Origin, types.RouteOriginCreateRouteTable)
	gateway := must(n.client.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{Filters: []types.Filter{filter("attachment.vpc-id", n.vpc)}}))(t).InternetGateways[0]
	equal(t, "attachment", string(gateway.Attachments[0].State), "available")
	must(n.client.CreateRoute(ctx, &ec2.CreateRouteInput{RouteTableId: table.RouteTableId, DestinationCidrBlock: aws.String("0.0.0.0/0"), GatewayId: gateway.InternetGatewayId}))(t)
	// The same once more is no error, which is why the provider looks before it creates.
	must(n.client.CreateRoute(ctx, &ec2.CreateRouteInput{RouteTableId: table.RouteTableId, DestinationCidrBlock: aws.String("0.0.0.0/0"), GatewayId: gateway.InternetGatewayId}))(t)
	must(n.client.ReplaceRoute(ctx, &ec2.ReplaceRouteInput{RouteTableId: table.RouteTableId, DestinationCidrBlock: aws.String("0.0.0.0/0"), GatewayId: gateway.InternetGatewayId}))(t)

	link := must(n.client.AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{RouteTableId: table.RouteTableId, SubnetId: subnet}))(t)
	found := must(n.client.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: []types.Filter{filter("association.route-table-association-id", str(link.AssociationId))}}))(t)
	equal(t, "tables with the association", len(found.RouteTables), 1)
	equal(t, "state of the association", found.RouteTables[0].Associations[0].AssociationState.State, types.RouteTableAssociationStateCodeAssociated)
	for _, r := range found.RouteTables[0].Routes {
		equal(t, "state of "+str(r.DestinationCidrBlock), r.State, types.RouteStateActive)
	}
	must(n.client.DisassociateRouteTable(ctx, &ec2.DisassociateRouteTableInput{AssociationId: link.AssociationId}))(t)
	_, err := n.client.DisassociateRouteTable(ctx, &ec2.DisassociateRouteTableInput{AssociationId: link.AssociationId})
	refused(t, "InvalidAssociationID.NotFound", err)

	main := must(n.client.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: []types.Filter{filter("association.main", "true"), filter("vpc-id", n.vpc)}}))(t).RouteTables[0]
	var mainLink *string
	for _, a := range main.Associations {
		if aws.ToBool(a.Main) {
			mainLink = a.RouteTableAssociationId
		}
	}
	moved := must(n.client.ReplaceRouteTableAssociation(ctx, &ec2.ReplaceRouteTableAssociationInput{AssociationId: mainLink, RouteTableId: table.RouteTableId}))(t)
	equal(t, "state", moved.AssociationState.State, types.RouteTableAssociationStateCodeAssociated)
	must(n.client.ReplaceRouteTableAssociation(ctx, &ec2.ReplaceRouteTableAssociationInput{AssociationId: moved.NewAssociationId, RouteTableId: main.RouteTableId}))(t)

	must(n.client.DeleteRoute(ctx, &ec2.DeleteRouteInput{RouteTableId: table.RouteTableId, DestinationCidrBlock: aws.String("0.0.0.0/0")}))(t)
	_, err = n.client.DeleteRoute(ctx, &ec2.DeleteRouteInput{RouteTableId: table.RouteTableId, DestinationCidrBlock: aws.String("0.0.0.0/0")})
	refused(t, "InvalidRoute.NotFound", err)
	must(n.client.DeleteRouteTable(ctx, &ec2.DeleteRouteTableInput{RouteTableId: table.RouteTableId}))(t)
	_, err = n.client.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{RouteTableIds: []string{str(table.RouteTableId)}})
	refused(t, "InvalidRouteTableID.NotFound", err)
}

// aws_eip, aws_eip_association, aws_nat_gateway, aws_network_interface
func TestAddressesAndNat(t *testing.T) {
	n := newNetwork(t, "10.63")
	address := must(n.client.AllocateAddress(ctx, &ec2.AllocateAddressInput{Domain: "vpc", TagSpecifications: named("elastic-ip", "go")}))(t)
	read := must(n.client.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{AllocationIds: []string{str(address.AllocationId)}}))(t).Addresses[0]
	equal(t, "address", str(read.PublicIp), str(address.PublicIp))
	if read.PublicIpv4Pool == nil || read.NetworkBorderGroup == nil {
		t.Fatalf("address without a member: %+v", read)
	}
	names := must(n.client.DescribeAddressesAttribute(ctx, &ec2.DescribeAddressesAttributeInput{AllocationIds: []string{str(address.AllocationId)}, Attribute: "domain-name"}))(t)
	equal(t, "addresses with a reverse name of their own", len(names.Addresses), 0)

	eni := must(n.client.CreateNetworkInterface(ctx, &ec2.CreateNetworkInterfaceInput{SubnetId: aws.String(n.subnets[1]), Groups: []string{n.group},
		ClientToken: aws.String("eni-1"), TagSpecifications: named("network-interface", "go")}))(t).NetworkInterface
	link := must(n.client.AssociateAddress(ctx, &ec2.AssociateAddressInput{AllocationId: address.AllocationId, NetworkInterfaceId: eni.NetworkInterfaceId}))(t)
	read = must(n.client.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{Filters: []types.Filter{filter("association-id", str(link.AssociationId))}}))(t).Addresses[0]
	equal(t, "its interface", str(read.NetworkInterfaceId), str(eni.NetworkInterfaceId))
	must(n.client.ModifyNetworkInterfaceAttribute(ctx, &ec2.ModifyNetworkInterfaceAttributeInput{NetworkInterfaceId: eni.NetworkInterfaceId, SourceDestCheck: &types.AttributeBooleanValue{Value: aws.Bool(false)}}))(t)
	must(n.client.DisassociateAddress(ctx, &ec2.DisassociateAddressInput{AssociationId: link.AssociationId}))(t)
	_, err := n.client.DisassociateAddress(ctx, &ec2.DisassociateAddressInput{AssociationId: link.AssociationId})
	refused(t, "InvalidAssociationID.NotFound", err)
	must(n.client.DeleteNetworkInterface(ctx, &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: eni.NetworkInterfaceId}))(t)
	_, err = n.client.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{str(eni.NetworkInterfaceId)}})
	refused(t, "InvalidNetworkInterfaceID.NotFound", err)

	nat := must(n.client.CreateNatGateway(ctx, &ec2.CreateNatGatewayInput{AllocationId: address.AllocationId, SubnetId: aws.String(n.subnets[0]),
		ConnectivityType: "public", ClientToken: aws.String("nat-1"), TagSpecifications: named("natgateway", "go")}))(t).NatGateway
	if err := ec2.NewNatGatewayAvailableWaiter(n.client).Wait(ctx, &ec2.DescribeNatGatewaysInput{NatGatewayIds: []string{str(nat.NatGatewayId)}}, time.Minute); err != nil {
		t.Fatal(err)
	}
	ready := must(n.client.DescribeNatGateways(ctx, &ec2.DescribeNatGatewaysInput{NatGatewayIds: []string{str(nat.NatGatewayId)}}))(t).NatGateways[0]
	first := ready.NatGatewayAddresses[0]
	equal(t, "its address is the primary one", aws.ToBool(first.IsPrimary), true)
	equal(t, "status of its address", first.Status, types.NatGatewayAddressStatusSucceeded)
	if first.AssociationId == nil || first.PrivateIp == nil || first.NetworkInterfaceId == nil || str(first.PublicIp) != str(address.PublicIp) {
		t.Fatalf("address of the NAT gateway: %+v", first)
	}
	must(n.client.DeleteNatGateway(ctx, &ec2.DeleteNatGatewayInput{NatGatewayId: nat.NatGatewayId}))(t)
	if err := ec2.NewNatGatewayDeletedWaiter(n.client).Wait(ctx, &ec2.DescribeNatGatewaysInput{NatGatewayIds: []string{str(nat.NatGatewayId)}}, time.Minute); err != nil {
		t.Fatal(err)
	}
	must(n.client.ReleaseAddress(ctx, &ec2.ReleaseAddressInput{AllocationId: address.AllocationId}))(t)
	_, err = n.client.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{AllocationIds: []string{str(address.AllocationId)}})
	refused(t, "InvalidAllocationID.NotFound", err)
}

// aws_security_group, aws_vpc_security_group_ingress_rule and _egress_rule
func TestSecurityGroupRules(t *testing.T) {
	n := newNetwork(t, "10.64")
	group := must(n.client.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("go"), Description: aws.String("Managed by Terraform"),
		VpcId: &n.vpc, TagSpecifications: named("security-group", "go")}))(t).GroupId
	everything := types.IpPermission{IpProtocol: aws.String("-1"), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}}
	must(n.client.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: group, IpPermissions: []types.IpPermission{everything}}))(t)

	in := must(n.client.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: group, TagSpecifications: named("security-group-rule", "go"),
		IpPermissions: []types.IpPermission{{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(443),
			IpRanges: []types.IpRange{{CidrIp: aws.String("10.0.0.0/8"), Description: aws.String("inside")}}}}}))(t)
	equal(t, "rules made", len(in.SecurityGroupRules), 1)
	rule := in.SecurityGroupRules[0]
	_, err := n.client.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: group,
		IpPermissions: []types.IpPermission{{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(443),
			IpRanges: []types.IpRange{{CidrIp: aws.String("10.0.0.0/8")}}}}})
	refused(t, "InvalidPermission.Duplicate", err)
	read := must(n.client.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{SecurityGroupRuleIds: []string{str(rule.SecurityGroupRuleId)}}))(t).SecurityGroupRules[0]
	equal(t, "description", str(read.Description), "inside")
	equal(t, "tag", str(read.Tags[0].Value), "go")
	equal(t, "direction", aws.ToBool(read.IsEgress), false)
	if read.GroupOwnerId == nil || read.SecurityGroupRuleArn == nil {
		t.Fatalf("rule without a member: %+v", read)
	}

	must(n.client.ModifySecurityGroupRules(ctx, &ec2.ModifySecurityGroupRulesInput{GroupId: group, SecurityGroupRules: []types.SecurityGroupRuleUpdate{{
		SecurityGroupRuleId: rule.SecurityGroupRuleId, SecurityGroupRule: &types.SecurityGroupRuleRequest{
			IpProtocol: aws.String("tcp"), FromPort: aws.Int32(8443), ToPort: aws.Int32(8444), ReferencedGroupId: group, Description: aws.String("ourselves")}}}}))(t)
	read = must(n.client.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{Filters: []types.Filter{filter("group-id", str(group))}}))(t).SecurityGroupRules[0]
	equal(t, "the changed rule's id", str(read.SecurityGroupRuleId), str(rule.SecurityGroupRuleId))
	equal(t, "its ports", aws.ToInt32(read.FromPort)*10000+aws.ToInt32(read.ToPort), 8443*10000+8444)
	equal(t, "its source", str(read.ReferencedGroupInfo.GroupId), str(group))
	must(n.client.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{str(rule.SecurityGroupRuleId)}, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}))(t)

	out := must(n.client.AuthorizeSecurityGroupEgress(ctx, &ec2.AuthorizeSecurityGroupEgressInput{GroupId: group, IpPermissions: []types.IpPermission{everything}}))(t)
	egress := out.SecurityGroupRules[0]
	equal(t, "ports of all protocols", aws.ToInt32(egress.FromPort), -1)
	must(n.client.UpdateSecurityGroupRuleDescriptionsEgress(ctx, &ec2.UpdateSecurityGroupRuleDescriptionsEgressInput{GroupId: group, IpPermissions: []types.IpPermission{
		{IpProtocol: aws.String("-1"), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0"), Description: aws.String("out")}}}}}))(t)
	must(n.client.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: group, SecurityGroupRuleIds: []string{str(egress.SecurityGroupRuleId)}}))(t)
	must(n.client.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: group, SecurityGroupRuleIds: []string{str(rule.SecurityGroupRuleId)}}))(t)
	_, err = n.client.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{SecurityGroupRuleIds: []string{str(rule.SecurityGroupRuleId)}})
	refused(t, "InvalidSecurityGroupRuleId.NotFound", err)
	_, err = n.client.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: group, SecurityGroupRuleIds: []string{str(rule.SecurityGroupRuleId)}})
	refused(t, "InvalidSecurityGroupRuleId.NotFound", err)

	// What the provider looks through before it deletes a group.
	enis := must(n.client.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: []types.Filter{filter("group-id", str(group))}}))(t)
	equal(t, "interfaces of the group", len(enis.NetworkInterfaces), 0)
	must(n.client.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: group}))(t)
	_, err = n.client.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{str(group)}})
	refused(t, "InvalidGroup.NotFound", err)
}

// aws_network_acl, aws_network_acl_rule, aws_network_acl_association
func TestNetworkAcl(t *testing.T) {
	n := newNetwork(t, "10.65")
	acl := must(n.client.CreateNetworkAcl(ctx, &ec2.CreateNetworkAclInput{VpcId: &n.vpc, ClientToken: aws.String("acl-1"), TagSpecifications: named("network-acl", "go")}))(t).NetworkAcl
	must(n.client.CreateNetworkAclEntry(ctx, &ec2.CreateNetworkAclEntryInput{NetworkAclId: acl.NetworkAclId, RuleNumber: aws.Int32(100), Protocol: aws.String("6"),
		RuleAction: "allow", Egress: aws.Bool(false), CidrBlock: aws.String("0.0.0.0/0"), PortRange: &types.PortRange{From: aws.Int32(80), To: aws.Int32(80)}}))(t)
	_, err := n.client.CreateNetworkAclEntry(ctx, &ec2.CreateNetworkAclEntryInput{NetworkAclId: acl.NetworkAclId, RuleNumber: aws.Int32(100), Protocol: aws.String("6"),
		RuleAction: "allow", Egress: aws.Bool(false), CidrBlock: aws.String("0.0.0.0/0"), PortRange: &types.PortRange{From: aws.Int32(80), To: aws.Int32(80)}})
	refused(t, "NetworkAclEntryAlreadyExists", err)
	must(n.client.ReplaceNetworkAclEntry(ctx, &ec2.ReplaceNetworkAclEntryInput{NetworkAclId: acl.NetworkAclId, RuleNumber: aws.Int32(100), Protocol: aws.String("1"),
		RuleAction: "deny", Egress: aws.Bool(false), CidrBlock: aws.String("10.0.0.0/8"), IcmpTypeCode: &types.IcmpTypeCode{Type: aws.Int32(8), Code: aws.Int32(-1)}}))(t)

	read := must(n.client.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{Filters: []types.Filter{filter("association.subnet-id", n.subnets[0])}}))(t).NetworkAcls[0]
	var link *string
	for _, a := range read.Associations {
		if str(a.SubnetId) == n.subnets[0] {
			link = a.NetworkAclAssociationId
		}
	}
	moved := must(n.client.ReplaceNetworkAclAssociation(ctx, &ec2.ReplaceNetworkAclAssociationInput{AssociationId: link, NetworkAclId: acl.NetworkAclId}))(t)
	back := must(n.client.ReplaceNetworkAclAssociation(ctx, &ec2.ReplaceNetworkAclAssociationInput{AssociationId: moved.NewAssociationId, NetworkAclId: read.NetworkAclId}))(t)
	if back.NewAssociationId == nil {
		t.Fatal("no association")
	}
	must(n.client.DeleteNetworkAclEntry(ctx, &ec2.DeleteNetworkAclEntryInput{NetworkAclId: acl.NetworkAclId, RuleNumber: aws.Int32(100), Egress: aws.Bool(false)}))(t)
	_, err = n.client.DeleteNetworkAclEntry(ctx, &ec2.DeleteNetworkAclEntryInput{NetworkAclId: acl.NetworkAclId, RuleNumber: aws.Int32(100), Egress: aws.Bool(false)})
	refused(t, "InvalidNetworkAclEntry.NotFound", err)
	must(n.client.DeleteNetworkAcl(ctx, &ec2.DeleteNetworkAclInput{NetworkAclId: acl.NetworkAclId}))(t)
	_, err = n.client.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{NetworkAclIds: []string{str(acl.NetworkAclId)}})
	refused(t, "InvalidNetworkAclID.NotFound", err)
}
