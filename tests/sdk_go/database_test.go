package sdk

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
)

func rdsTags(key, value string) []types.Tag { return []types.Tag{{Key: &key, Value: &value}} }

// aws_db_subnet_group, aws_db_parameter_group, aws_db_instance (whose id is the DbiResourceId since version 5)
func TestDatabase(t *testing.T) {
	n := newNetwork(t, "10.67")
	client, name := rds.NewFromConfig(cloud), aws.String("go")
	subnets := must(client.CreateDBSubnetGroup(ctx, &rds.CreateDBSubnetGroupInput{DBSubnetGroupName: name, DBSubnetGroupDescription: aws.String("Managed by Terraform"),
		SubnetIds: n.subnets, Tags: rdsTags("a", "b")}))(t).DBSubnetGroup
	if subnets.DBSubnetGroupArn == nil || len(subnets.SupportedNetworkTypes) == 0 || subnets.VpcId == nil {
		t.Fatalf("subnet group without a member: %+v", subnets)
	}
	must(client.ModifyDBSubnetGroup(ctx, &rds.ModifyDBSubnetGroupInput{DBSubnetGroupName: name, DBSubnetGroupDescription: aws.String("changed"), SubnetIds: n.subnets}))(t)

	parameters := must(client.CreateDBParameterGroup(ctx, &rds.CreateDBParameterGroupInput{DBParameterGroupName: name, DBParameterGroupFamily: aws.String("mariadb10.11"),
		Description: aws.String("Managed by Terraform"), Tags: rdsTags("a", "b")}))(t).DBParameterGroup
	must(client.ModifyDBParameterGroup(ctx, &rds.ModifyDBParameterGroupInput{DBParameterGroupName: name, Parameters: []types.Parameter{
		{ParameterName: aws.String("max_connections"), ParameterValue: aws.String("40"), ApplyMethod: types.ApplyMethodImmediate},
		{ParameterName: aws.String("slow_query_log"), ParameterValue: aws.String("1"), ApplyMethod: types.ApplyMethodPendingReboot}}}))(t)
	ours := must(client.DescribeDBParameters(ctx, &rds.DescribeDBParametersInput{DBParameterGroupName: name, Source: aws.String("user")}))(t).Parameters
	equal(t, "parameters of ours", len(ours), 2)
	must(client.ResetDBParameterGroup(ctx, &rds.ResetDBParameterGroupInput{DBParameterGroupName: name, ResetAllParameters: aws.Bool(false), Parameters: []types.Parameter{
		{ParameterName: aws.String("slow_query_log"), ApplyMethod: types.ApplyMethodPendingReboot}}}))(t)
	equal(t, "parameters of ours", len(must(client.DescribeDBParameters(ctx, &rds.DescribeDBParametersInput{DBParameterGroupName: name, Source: aws.String("user")}))(t).Parameters), 1)
	must(client.DescribeDBEngineVersions(ctx, &rds.DescribeDBEngineVersionsInput{Engine: aws.String("mariadb"), DefaultOnly: aws.Bool(true)}))(t)
	must(client.DescribeOrderableDBInstanceOptions(ctx, &rds.DescribeOrderableDBInstanceOptionsInput{Engine: aws.String("mariadb"), DBInstanceClass: aws.String("db.t3.micro")}))(t)

	made := must(client.CreateDBInstance(ctx, &rds.CreateDBInstanceInput{DBInstanceIdentifier: name, Engine: aws.String("mariadb"), EngineVersion: aws.String("10.11"),
		DBInstanceClass: aws.String("db.t3.micro"), AllocatedStorage: aws.Int32(10), MasterUsername: aws.String("app"), MasterUserPassword: aws.String("correct-horse-battery"),
		DBName: aws.String("app"), DBSubnetGroupName: name, DBParameterGroupName: name, VpcSecurityGroupIds: []string{n.group},
		// What the provider always sends.
		AutoMinorVersionUpgrade: aws.Bool(true), BackupRetentionPeriod: aws.Int32(0), CopyTagsToSnapshot: aws.Bool(false), DeletionProtection: aws.Bool(false),
		PubliclyAccessible: aws.Bool(false), StorageEncrypted: aws.Bool(false), Tags: rdsTags("a", "b")}))(t).DBInstance
	byId := []types.Filter{{Name: aws.String("dbi-resource-id"), Values: []string{str(made.DbiResourceId)}}}
	quick := func(o *rds.DBInstanceAvailableWaiterOptions) { o.MinDelay = time.Second }
	if err := rds.NewDBInstanceAvailableWaiter(client, quick).Wait(ctx, &rds.DescribeDBInstancesInput{Filters: byId}, 3*time.Minute); err != nil {
		t.Fatal(err)
	}
	read := must(client.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{Filters: byId}))(t).DBInstances
	equal(t, "instances by DbiResourceId", len(read), 1)
	db := read[0]
	if db.Endpoint == nil || db.Endpoint.HostedZoneId == nil || db.DBInstanceArn == nil || db.NetworkType == nil ||
		db.MultiAZ == nil || db.StorageEncrypted == nil || db.IAMDatabaseAuthenticationEnabled == nil || db.CustomerOwnedIpEnabled == nil || db.MonitoringInterval == nil {
		t.Fatalf("instance without a member: %+v", db)
	}
	equal(t, "parameter group", str(db.DBParameterGroups[0].ParameterApplyStatus), "in-sync")

	must(client.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{DBInstanceIdentifier: name, ApplyImmediately: aws.Bool(true), AllocatedStorage: aws.Int32(12), DeletionProtection: aws.Bool(true)}))(t)
	if err := rds.NewDBInstanceAvailableWaiter(client, quick).Wait(ctx, &rds.DescribeDBInstancesInput{Filters: byId}, 3*time.Minute); err != nil {
		t.Fatal(err)
	}
	equal(t, "storage", aws.ToInt32(must(client.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: name}))(t).DBInstances[0].AllocatedStorage), 12)
	must(client.RebootDBInstance(ctx, &rds.RebootDBInstanceInput{DBInstanceIdentifier: name}))(t)
	if err := rds.NewDBInstanceAvailableWaiter(client, quick).Wait(ctx, &rds.DescribeDBInstancesInput{Filters: byId}, 3*time.Minute); err != nil {
		t.Fatal(err)
	}
	for _, arn := range []*string{db.DBInstanceArn, subnets.DBSubnetGroupArn, parameters.DBParameterGroupArn} {
		must(client.AddTagsToResource(ctx, &rds.AddTagsToResourceInput{ResourceName: arn, Tags: rdsTags("c", "d")}))(t)
		must(client.RemoveTagsFromResource(ctx, &rds.RemoveTagsFromResourceInput{ResourceName: arn, TagKeys: []string{"a"}}))(t)
		tags := must(client.ListTagsForResource(ctx, &rds.ListTagsForResourceInput{ResourceName: arn}))(t).TagList
		equal(t, "tags of "+*arn, len(tags), 1)
	}

	_, err := client.DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{DBInstanceIdentifier: name, SkipFinalSnapshot: aws.Bool(true), DeleteAutomatedBackups: aws.Bool(true)})
	refused(t, "InvalidParameterCombination", err)
	must(client.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{DBInstanceIdentifier: name, ApplyImmediately: aws.Bool(true), DeletionProtection: aws.Bool(false)}))(t)
	must(client.DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{DBInstanceIdentifier: name, SkipFinalSnapshot: aws.Bool(true), DeleteAutomatedBackups: aws.Bool(true)}))(t)
	if err := rds.NewDBInstanceDeletedWaiter(client, func(o *rds.DBInstanceDeletedWaiterOptions) { o.MinDelay = time.Second }).Wait(ctx,
		&rds.DescribeDBInstancesInput{DBInstanceIdentifier: name}, 3*time.Minute); err != nil {
		t.Fatal(err)
	}
	equal(t, "instances by DbiResourceId", len(must(client.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{Filters: byId}))(t).DBInstances), 0)
	must(client.DeleteDBParameterGroup(ctx, &rds.DeleteDBParameterGroupInput{DBParameterGroupName: name}))(t)
	_, err = client.DescribeDBParameterGroups(ctx, &rds.DescribeDBParameterGroupsInput{DBParameterGroupName: name})
	refused(t, "DBParameterGroupNotFound", err)
	must(client.DeleteDBSubnetGroup(ctx, &rds.DeleteDBSubnetGroupInput{DBSubnetGroupName: name}))(t)
	_, err = client.DescribeDBSubnetGroups(ctx, &rds.DescribeDBSubnetGroupsInput{DBSubnetGroupName: name})
	refused(t, "DBSubnetGroupNotFoundFault", err)
}
