package sdk

import (
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

const (
	trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}]}`
	look  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}]}`
	push  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ecr:*","Resource":"*"}]}`
)

func iamTags(pairs ...string) (tags []types.Tag) {
	for i := 0; i < len(pairs); i += 2 {
		tags = append(tags, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
	}
	return tags
}

func decoded(t *testing.T, document *string) string {
	t.Helper()
	text := must(url.QueryUnescape(str(document)))(t)
	return text
}

// aws_iam_role, aws_iam_role_policy, aws_iam_role_policy_attachment, aws_iam_instance_profile
func TestRole(t *testing.T) {
	client, name := iam.NewFromConfig(cloud), aws.String("go-role")
	boundary := must(client.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("go-boundary"), PolicyDocument: aws.String(look)}))(t).Policy.Arn
	made := must(client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(trust), Path: aws.String("/app/"),
		MaxSessionDuration: aws.Int32(7200), PermissionsBoundary: boundary, Tags: iamTags("a", "b")}))(t).Role
	equal(t, "boundary", str(made.PermissionsBoundary.PermissionsBoundaryArn), str(boundary))
	if err := iam.NewRoleExistsWaiter(client).Wait(ctx, &iam.GetRoleInput{RoleName: name}, time.Minute); err != nil {
		t.Fatal(err)
	}
	read := must(client.GetRole(ctx, &iam.GetRoleInput{RoleName: name}))(t).Role
	equal(t, "trust policy", decoded(t, read.AssumeRolePolicyDocument), trust)
	equal(t, "tags", len(read.Tags), 1)
	if read.RoleLastUsed == nil || read.CreateDate == nil || read.RoleId == nil {
		t.Fatalf("role without a member: %+v", read)
	}

	must(client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("push"), PolicyDocument: aws.String(push)}))(t)
	equal(t, "inline policy", decoded(t, must(client.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: name, PolicyName: aws.String("push")}))(t).PolicyDocument), push)
	must(client.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")}))(t)
	attached := must(client.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: name}))(t)
	equal(t, "attached", len(attached.AttachedPolicies), 1)
	equal(t, "truncated", attached.IsTruncated, false)
	inline := must(client.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: name}))(t)
	equal(t, "inline", len(inline.PolicyNames), 1)

	must(client.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: aws.String(trust)}))(t)
	must(client.UpdateRoleDescription(ctx, &iam.UpdateRoleDescriptionInput{RoleName: name, Description: aws.String("new")}))(t)
	must(client.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: name, MaxSessionDuration: aws.Int32(3600)}))(t)
	must(client.DeleteRolePermissionsBoundary(ctx, &iam.DeleteRolePermissionsBoundaryInput{RoleName: name}))(t)
	must(client.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: name, PermissionsBoundary: boundary}))(t)
	must(client.TagRole(ctx, &iam.TagRoleInput{RoleName: name, Tags: iamTags("c", "d")}))(t)
	must(client.UntagRole(ctx, &iam.UntagRoleInput{RoleName: name, TagKeys: []string{"a"}}))(t)
	tags := must(client.ListRoleTags(ctx, &iam.ListRoleTagsInput{RoleName: name}))(t)
	equal(t, "tag", str(tags.Tags[0].Key), "c")

	profile := must(client.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: name, Tags: iamTags("a", "b")}))(t).InstanceProfile
	equal(t, "roles of a new profile", len(profile.Roles), 0)
	if err := iam.NewInstanceProfileExistsWaiter(client).Wait(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: name}, time.Minute); err != nil {
		t.Fatal(err)
	}
	must(client.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: name, RoleName: name}))(t)
	must(client.TagInstanceProfile(ctx, &iam.TagInstanceProfileInput{InstanceProfileName: name, Tags: iamTags("c", "d")}))(t)
	must(client.UntagInstanceProfile(ctx, &iam.UntagInstanceProfileInput{InstanceProfileName: name, TagKeys: []string{"a"}}))(t)
	of := must(client.ListInstanceProfilesForRole(ctx, &iam.ListInstanceProfilesForRoleInput{RoleName: name}))(t)
	equal(t, "profiles of the role", len(of.InstanceProfiles), 1)
	_, err := client.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
	refused(t, "DeleteConflict", err)

	must(client.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: name, RoleName: name}))(t)
	_, err = client.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: name, RoleName: name})
	refused(t, "NoSuchEntity", err)
	must(client.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: name}))(t)
	_, err = client.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: name})
	refused(t, "NoSuchEntity", err)
	must(client.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: name, PolicyArn: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")}))(t)
	must(client.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: name, PolicyName: aws.String("push")}))(t)
	_, err = client.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: name, PolicyName: aws.String("push")})
	refused(t, "NoSuchEntity", err)
	must(client.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name}))(t)
	_, err = client.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	refused(t, "NoSuchEntity", err)
	must(client.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: boundary}))(t)
}

// aws_iam_policy
func TestManagedPolicy(t *testing.T) {
	client := iam.NewFromConfig(cloud)
	arn := must(client.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("go"), Path: aws.String("/x/"), Description: aws.String("d"),
		PolicyDocument: aws.String(look), Tags: iamTags("a", "b")}))(t).Policy.Arn
	_, err := client.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("go"), PolicyDocument: aws.String(look)})
	refused(t, "EntityAlreadyExists", err)
	if err := iam.NewPolicyExistsWaiter(client).Wait(ctx, &iam.GetPolicyInput{PolicyArn: arn}, time.Minute); err != nil {
		t.Fatal(err)
	}
	second := must(client.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(push), SetAsDefault: true}))(t).PolicyVersion
	equal(t, "second version", str(second.VersionId), "v2")
	version := must(client.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v2")}))(t).PolicyVersion
	equal(t, "document", decoded(t, version.Document), push)
	read := must(client.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn}))(t).Policy
	equal(t, "default version", str(read.DefaultVersionId), "v2")
	equal(t, "attachments", aws.ToInt32(read.AttachmentCount), 0)
	must(client.TagPolicy(ctx, &iam.TagPolicyInput{PolicyArn: arn, Tags: iamTags("c", "d")}))(t)
	must(client.UntagPolicy(ctx, &iam.UntagPolicyInput{PolicyArn: arn, TagKeys: []string{"a"}}))(t)
	for _, v := range must(client.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: arn}))(t).Versions {
		if !v.IsDefaultVersion {
			must(client.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: v.VersionId}))(t)
		}
	}
	entities := must(client.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: arn}))(t)
	equal(t, "entities", len(entities.PolicyRoles)+len(entities.PolicyUsers)+len(entities.PolicyGroups), 0)
	must(client.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn}))(t)
	_, err = client.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn})
	refused(t, "NoSuchEntity", err)
}

// aws_iam_user with force_destroy, aws_iam_access_key, aws_iam_group, memberships, attachments
func TestUserAndGroup(t *testing.T) {
	client, name := iam.NewFromConfig(cloud), aws.String("go-user")
	must(client.CreateUser(ctx, &iam.CreateUserInput{UserName: name, Path: aws.String("/m/"), Tags: iamTags("a", "b")}))(t)
	must(client.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: name}))(t)
	must(client.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: name, UserName: name}))(t)
	must(client.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: name, PolicyArn: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")}))(t)
	must(client.PutGroupPolicy(ctx, &iam.PutGroupPolicyInput{GroupName: name, PolicyName: aws.String("p"), PolicyDocument: aws.String(push)}))(t)
	equal(t, "members", len(must(client.GetGroup(ctx, &iam.GetGroupInput{GroupName: name}))(t).Users), 1)
	equal(t, "groups", len(must(client.ListGroupsForUser(ctx, &iam.ListGroupsForUserInput{UserName: name}))(t).Groups), 1)

	key := must(client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name}))(t).AccessKey
	must(client.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: name, AccessKeyId: key.AccessKeyId, Status: types.StatusTypeInactive}))(t)
	keys := must(client.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: name}))(t).AccessKeyMetadata
	equal(t, "status", keys[0].Status, types.StatusTypeInactive)
	must(client.TagUser(ctx, &iam.TagUserInput{UserName: name, Tags: iamTags("c", "d")}))(t)
	must(client.UntagUser(ctx, &iam.UntagUserInput{UserName: name, TagKeys: []string{"a"}}))(t)
	equal(t, "tags", len(must(client.GetUser(ctx, &iam.GetUserInput{UserName: name}))(t).User.Tags), 1)
	must(client.UpdateUser(ctx, &iam.UpdateUserInput{UserName: name, NewPath: aws.String("/n/")}))(t)

	// What force_destroy looks through.
	equal(t, "MFA devices", len(must(client.ListMFADevices(ctx, &iam.ListMFADevicesInput{UserName: name}))(t).MFADevices), 0)
	equal(t, "virtual MFA devices", len(must(client.ListVirtualMFADevices(ctx, &iam.ListVirtualMFADevicesInput{AssignmentStatus: "Assigned"}))(t).VirtualMFADevices), 0)
	equal(t, "SSH keys", len(must(client.ListSSHPublicKeys(ctx, &iam.ListSSHPublicKeysInput{UserName: name}))(t).SSHPublicKeys), 0)
	equal(t, "signing certificates", len(must(client.ListSigningCertificates(ctx, &iam.ListSigningCertificatesInput{UserName: name}))(t).Certificates), 0)
	equal(t, "service credentials", len(must(client.ListServiceSpecificCredentials(ctx, &iam.ListServiceSpecificCredentialsInput{UserName: name}))(t).ServiceSpecificCredentials), 0)
	_, err := client.DeleteLoginProfile(ctx, &iam.DeleteLoginProfileInput{UserName: name})
	refused(t, "NoSuchEntity", err)
	_, err = client.DeleteUser(ctx, &iam.DeleteUserInput{UserName: name})
	refused(t, "DeleteConflict", err)
	must(client.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: name, AccessKeyId: key.AccessKeyId}))(t)
	must(client.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: name, UserName: name}))(t)
	must(client.DeleteUser(ctx, &iam.DeleteUserInput{UserName: name}))(t)
	_, err = client.GetUser(ctx, &iam.GetUserInput{UserName: name})
	refused(t, "NoSuchEntity", err)
	must(client.DetachGroupPolicy(ctx, &iam.DetachGroupPolicyInput{GroupName: name, PolicyArn: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")}))(t)
	must(client.DeleteGroupPolicy(ctx, &iam.DeleteGroupPolicyInput{GroupName: name, PolicyName: aws.String("p")}))(t)
	must(client.DeleteGroup(ctx, &iam.DeleteGroupInput{GroupName: name}))(t)
}

// aws_iam_server_certificate
func TestServerCertificate(t *testing.T) {
	client, name := iam.NewFromConfig(cloud), aws.String("go-certificate")
	certificate, key := selfSigned(t)
	made := must(client.UploadServerCertificate(ctx, &iam.UploadServerCertificateInput{ServerCertificateName: name, CertificateBody: &certificate,
		PrivateKey: &key, Path: aws.String("/lb/"), Tags: iamTags("a", "b")}))(t)
	equal(t, "tags", len(made.Tags), 1)
	read := must(client.GetServerCertificate(ctx, &iam.GetServerCertificateInput{ServerCertificateName: name}))(t).ServerCertificate
	if read.ServerCertificateMetadata.Expiration == nil || read.ServerCertificateMetadata.UploadDate == nil {
		t.Fatalf("certificate without a member: %+v", read.ServerCertificateMetadata)
	}
	must(client.TagServerCertificate(ctx, &iam.TagServerCertificateInput{ServerCertificateName: name, Tags: iamTags("c", "d")}))(t)
	must(client.UntagServerCertificate(ctx, &iam.UntagServerCertificateInput{ServerCertificateName: name, TagKeys: []string{"a"}}))(t)
	must(client.UpdateServerCertificate(ctx, &iam.UpdateServerCertificateInput{ServerCertificateName: name, NewPath: aws.String("/other/")}))(t)
	must(client.DeleteServerCertificate(ctx, &iam.DeleteServerCertificateInput{ServerCertificateName: name}))(t)
	_, err := client.GetServerCertificate(ctx, &iam.GetServerCertificateInput{ServerCertificateName: name})
	refused(t, "NoSuchEntity", err)
}
