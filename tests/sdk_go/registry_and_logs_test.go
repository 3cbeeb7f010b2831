package sdk

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// aws_ecr_repository, aws_ecr_lifecycle_policy, aws_ecr_repository_policy
func TestRepository(t *testing.T) {
	client, name := ecr.NewFromConfig(cloud), aws.String("go/app")
	made := must(client.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: name, ImageTagMutability: types.ImageTagMutabilityMutable,
		EncryptionConfiguration: &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeAes256}, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}))(t).Repository
	_, err := client.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: name})
	refused(t, "RepositoryAlreadyExistsException", err)
	must(client.PutImageTagMutability(ctx, &ecr.PutImageTagMutabilityInput{RepositoryName: name, RegistryId: made.RegistryId, ImageTagMutability: types.ImageTagMutabilityImmutable}))(t)
	must(client.PutImageScanningConfiguration(ctx, &ecr.PutImageScanningConfigurationInput{RepositoryName: name, RegistryId: made.RegistryId,
		ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: false}}))(t)
	read := must(client.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{*name}}))(t).Repositories[0]
	equal(t, "mutability", read.ImageTagMutability, types.ImageTagMutabilityImmutable)
	if read.EncryptionConfiguration == nil || read.ImageScanningConfiguration == nil || read.RepositoryUri == nil || read.CreatedAt == nil {
		t.Fatalf("repository without a member: %+v", read)
	}
	must(client.TagResource(ctx, &ecr.TagResourceInput{ResourceArn: read.RepositoryArn, Tags: []types.Tag{{Key: aws.String("c"), Value: aws.String("d")}}}))(t)
	must(client.UntagResource(ctx, &ecr.UntagResourceInput{ResourceArn: read.RepositoryArn, TagKeys: []string{"a"}}))(t)
	equal(t, "tag", str(must(client.ListTagsForResource(ctx, &ecr.ListTagsForResourceInput{ResourceArn: read.RepositoryArn}))(t).Tags[0].Key), "c")

	_, err = client.GetLifecyclePolicy(ctx, &ecr.GetLifecyclePolicyInput{RepositoryName: name})
	refused(t, "LifecyclePolicyNotFoundException", err)
	lifecycle := `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":3},"action":{"type":"expire"}}]}`
	must(client.PutLifecyclePolicy(ctx, &ecr.PutLifecyclePolicyInput{RepositoryName: name, LifecyclePolicyText: &lifecycle}))(t)
	equal(t, "lifecycle policy", str(must(client.GetLifecyclePolicy(ctx, &ecr.GetLifecyclePolicyInput{RepositoryName: name}))(t).LifecyclePolicyText), lifecycle)
	must(client.DeleteLifecyclePolicy(ctx, &ecr.DeleteLifecyclePolicyInput{RepositoryName: name}))(t)

	_, err = client.GetRepositoryPolicy(ctx, &ecr.GetRepositoryPolicyInput{RepositoryName: name})
	refused(t, "RepositoryPolicyNotFoundException", err)
	policy := `{"Version":"2012-10-17","Statement":[{"Sid":"pull","Effect":"Allow","Principal":"*","Action":"ecr:BatchGetImage"}]}`
	must(client.SetRepositoryPolicy(ctx, &ecr.SetRepositoryPolicyInput{RepositoryName: name, PolicyText: &policy}))(t)
	must(client.GetRepositoryPolicy(ctx, &ecr.GetRepositoryPolicyInput{RepositoryName: name}))(t)
	must(client.DeleteRepositoryPolicy(ctx, &ecr.DeleteRepositoryPolicyInput{RepositoryName: name}))(t)

	must(client.DeleteRepository(ctx, &ecr.DeleteRepositoryInput{RepositoryName: name, Force: true}))(t)
	_, err = client.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{*name}})
	refused(t, "RepositoryNotFoundException", err)
}

// aws_cloudwatch_log_group, with the tagging calls that came after 3.22
func TestLogGroup(t *testing.T) {
	client, name := cloudwatchlogs.NewFromConfig(cloud), aws.String("/go/app")
	must(client.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: name, LogGroupClass: "STANDARD", Tags: map[string]string{"a": "b"}}))(t)
	must(client.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: name, RetentionInDays: aws.Int32(14)}))(t)
	read := must(client.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: name}))(t).LogGroups[0]
	equal(t, "retention", aws.ToInt32(read.RetentionInDays), 14)
	equal(t, "class", string(read.LogGroupClass), "STANDARD")
	arn := read.LogGroupArn
	if arn == nil || str(read.Arn) != *arn+":*" {
		t.Fatalf("ARNs: %v, %v", str(read.Arn), str(arn))
	}
	must(client.TagResource(ctx, &cloudwatchlogs.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"c": "d"}}))(t)
	must(client.UntagResource(ctx, &cloudwatchlogs.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}}))(t)
	tags := must(client.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: arn}))(t).Tags
	equal(t, "tags", len(tags), 1)
	equal(t, "tag", tags["c"], "d")
	must(client.DeleteRetentionPolicy(ctx, &cloudwatchlogs.DeleteRetentionPolicyInput{LogGroupName: name}))(t)
	must(client.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: name}))(t)
	equal(t, "left", len(must(client.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: name}))(t).LogGroups), 0)
	_, err := client.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: name})
	refused(t, "ResourceNotFoundException", err)
}
