// The calls that versions 5 and 6 of Terraform's AWS provider make, by the SDK that they are made of (Go, version 2), with
// its own types and waiters: for each resource type what is called to create, read, change, tag and delete it, and the
// error codes that it looks for. `run` has prepared the environment (`nubecita as`), as for any client.
package sdk

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"
)

var (
	ctx   = context.Background()
	cloud aws.Config
)

func TestMain(m *testing.M) {
	var err error
	if cloud, err = config.LoadDefaultConfig(ctx, config.WithRetryMaxAttempts(1)); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// must is the answer of a call that has to succeed: must(client.DescribeVpcs(ctx, …))(t)
func must[T any](out T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// refused checks the code of an error, as the provider does.
func refused(t *testing.T, code string, err error) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Fatalf("expected %s, got %v", code, err)
	}
	if api.ErrorCode() != code {
		t.Fatalf("expected %s, got %s: %s", code, api.ErrorCode(), api.ErrorMessage())
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func str(p *string) string { return aws.ToString(p) }

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for until := time.Now().Add(90 * time.Second); !condition(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("not within 90 s: %s", what)
		}
	}
}

func named(kind ec2types.ResourceType, name string) []ec2types.TagSpecification {
	return []ec2types.TagSpecification{{ResourceType: kind, Tags: []ec2types.Tag{{Key: aws.String("Name"), Value: aws.String(name)}}}}
}

func filter(name string, values ...string) ec2types.Filter {
	return ec2types.Filter{Name: aws.String(name), Values: values}
}

// network is what load balancers, databases and tasks need: a VPC with two subnets, one per zone, and a way out.
type network struct {
	client  *ec2.Client
	vpc     string
	subnets []string
	group   string
}

func newNetwork(t *testing.T, cidr string) *network {
	n := &network{client: ec2.NewFromConfig(cloud)}
	vpc := must(n.client.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String(cidr + ".0.0/16"), TagSpecifications: named("vpc", t.Name())}))(t)
	n.vpc = str(vpc.Vpc.VpcId)
	igw := must(n.client.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{}))(t)
	must(n.client.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{InternetGatewayId: igw.InternetGateway.InternetGatewayId, VpcId: &n.vpc}))(t)
	for i, zone := range []string{"a", "b"} {
		subnet := must(n.client.CreateSubnet(ctx, &ec2.CreateSubnetInput{
			VpcId: &n.vpc, CidrBlock: aws.String(cidr + "." + string(rune('0'+i)) + ".0/24"), AvailabilityZone: aws.String(cloud.Region + zone)}))(t)
		n.subnets = append(n.subnets, str(subnet.Subnet.SubnetId))
	}
	tables := must(n.client.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: []ec2types.Filter{filter("association.main", "true"), filter("vpc-id", n.vpc)}}))(t)
	must(n.client.CreateRoute(ctx, &ec2.CreateRouteInput{RouteTableId: tables.RouteTables[0].RouteTableId,
		DestinationCidrBlock: aws.String("0.0.0.0/0"), GatewayId: igw.InternetGateway.InternetGatewayId}))(t)
	groups := must(n.client.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []ec2types.Filter{filter("vpc-id", n.vpc), filter("group-name", "default")}}))(t)
	n.group = str(groups.SecurityGroups[0].GroupId)
	t.Cleanup(func() {
		must(n.client.DetachInternetGateway(ctx, &ec2.DetachInternetGatewayInput{InternetGatewayId: igw.InternetGateway.InternetGatewayId, VpcId: &n.vpc}))(t)
		must(n.client.DeleteInternetGateway(ctx, &ec2.DeleteInternetGatewayInput{InternetGatewayId: igw.InternetGateway.InternetGatewayId}))(t)
		for _, subnet := range n.subnets {
			must(n.client.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: aws.String(subnet)}))(t)
		}
		must(n.client.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: &n.vpc}))(t)
	})
	return n
}
