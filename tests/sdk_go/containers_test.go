package sdk

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

func ecsTags(key, value string) []types.Tag { return []types.Tag{{Key: &key, Value: &value}} }

// aws_ecs_cluster, aws_ecs_cluster_capacity_providers
func TestCluster(t *testing.T) {
	client, name := ecs.NewFromConfig(cloud), aws.String("go-cluster")
	made := must(client.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: name, Tags: ecsTags("a", "b"),
		Settings: []types.ClusterSetting{{Name: types.ClusterSettingNameContainerInsights, Value: aws.String("disabled")}}}))(t).Cluster
	include := []types.ClusterField{types.ClusterFieldConfigurations, types.ClusterFieldSettings, types.ClusterFieldTags}
	read := must(client.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{str(made.ClusterArn)}, Include: include}))(t).Clusters[0]
	equal(t, "status", str(read.Status), "ACTIVE")
	equal(t, "settings", len(read.Settings), 1)
	equal(t, "tags", len(read.Tags), 1)
	must(client.UpdateCluster(ctx, &ecs.UpdateClusterInput{Cluster: made.ClusterArn, Settings: read.Settings}))(t)
	must(client.PutClusterCapacityProviders(ctx, &ecs.PutClusterCapacityProvidersInput{Cluster: name, CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"},
		DefaultCapacityProviderStrategy: []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE"), Base: 1, Weight: 100}}}))(t)
	read = must(client.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{*name}, Include: include}))(t).Clusters[0]
	equal(t, "capacity providers", len(read.CapacityProviders), 2)
	equal(t, "default strategy", str(read.DefaultCapacityProviderStrategy[0].CapacityProvider), "FARGATE")
	if s := read.AttachmentsStatus; s != nil && *s != "UPDATE_COMPLETE" {
		t.Fatalf("the provider waits for UPDATE_COMPLETE, and there is %s", *s)
	}
	must(client.PutClusterCapacityProviders(ctx, &ecs.PutClusterCapacityProvidersInput{Cluster: name, CapacityProviders: []string{},
		DefaultCapacityProviderStrategy: []types.CapacityProviderStrategyItem{}}))(t)
	must(client.TagResource(ctx, &ecs.TagResourceInput{ResourceArn: made.ClusterArn, Tags: ecsTags("c", "d")}))(t)
	must(client.UntagResource(ctx, &ecs.UntagResourceInput{ResourceArn: made.ClusterArn, TagKeys: []string{"a"}}))(t)
	equal(t, "tag", str(must(client.ListTagsForResource(ctx, &ecs.ListTagsForResourceInput{ResourceArn: made.ClusterArn}))(t).Tags[0].Key), "c")
	must(client.DeleteCluster(ctx, &ecs.DeleteClusterInput{Cluster: made.ClusterArn}))(t)
	gone := must(client.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{*name}}))(t)
	equal(t, "status of a deleted cluster", str(gone.Clusters[0].Status), "INACTIVE")
	never := must(client.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{"never-there"}}))(t)
	equal(t, "reason", str(never.Failures[0].Reason), "MISSING")
}

// aws_ecs_task_definition, aws_ecs_service with wait_for_steady_state
func TestService(t *testing.T) {
	n := newNetwork(t, "10.68")
	client, name := ecs.NewFromConfig(cloud), aws.String("go")
	people := iam.NewFromConfig(cloud)
	role := must(people.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("go-execution"), AssumeRolePolicyDocument: aws.String(
		strings.Replace(trust, "ec2.amazonaws.com", "ecs-tasks.amazonaws.com", 1))}))(t).Role
	must(people.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: role.RoleName, PolicyArn: aws.String("arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")}))(t)
	cluster := must(client.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: name}))(t).Cluster

	define := func(environment string) *string {
		out := must(client.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{Family: name, RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate},
			NetworkMode: types.NetworkModeAwsvpc, Cpu: aws.String("256"), Memory: aws.String("512"), ExecutionRoleArn: role.Arn, Tags: ecsTags("a", "b"),
			RuntimePlatform: &types.RuntimePlatform{OperatingSystemFamily: types.OSFamilyLinux, CpuArchitecture: types.CPUArchitectureX8664},
			ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("web"), Image: aws.String(os.Getenv("IMAGE")), Essential: aws.Bool(true),
				PortMappings: []types.PortMapping{{ContainerPort: aws.Int32(8080), Protocol: types.TransportProtocolTcp}},
				Environment:  []types.KeyValuePair{{Name: aws.String("PORT"), Value: aws.String("8080")}, {Name: aws.String("WHAT"), Value: aws.String(environment)}}}}}))(t)
		return out.TaskDefinition.TaskDefinitionArn
	}
	first := define("one")
	read := must(client.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: first, Include: []types.TaskDefinitionField{types.TaskDefinitionFieldTags}}))(t)
	equal(t, "tags", len(read.Tags), 1)
	if read.TaskDefinition.EnableFaultInjection != nil && *read.TaskDefinition.EnableFaultInjection {
		t.Fatal("fault injection")
	}

	began := time.Now().Add(-time.Second)
	made := must(client.CreateService(ctx, &ecs.CreateServiceInput{ServiceName: name, Cluster: cluster.ClusterArn, TaskDefinition: first, DesiredCount: aws.Int32(1),
		LaunchType: types.LaunchTypeFargate, SchedulingStrategy: types.SchedulingStrategyReplica, ClientToken: aws.String("go-service"), PropagateTags: types.PropagateTagsService,
		EnableECSManagedTags: true, Tags: ecsTags("a", "b"), DeploymentConfiguration: &types.DeploymentConfiguration{MaximumPercent: aws.Int32(200), MinimumHealthyPercent: aws.Int32(100),
			DeploymentCircuitBreaker: &types.DeploymentCircuitBreaker{Enable: true, Rollback: true}},
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: n.subnets, SecurityGroups: []string{n.group}, AssignPublicIp: types.AssignPublicIpEnabled}}}))(t).Service
	deployment := stable(t, client, *name, *name, began)
	equal(t, "revisions that the first one replaces", len(deployment.SourceServiceRevisions), 0)

	began = time.Now()
	must(client.UpdateService(ctx, &ecs.UpdateServiceInput{Service: made.ServiceArn, Cluster: name, TaskDefinition: define("two"), ForceNewDeployment: true}))(t)
	second := stable(t, client, *name, *name, began)
	equal(t, "the revision that it replaced", str(second.SourceServiceRevisions[0].Arn), str(deployment.TargetServiceRevision.Arn))
	revision := must(client.DescribeServiceRevisions(ctx, &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: []string{str(second.TargetServiceRevision.Arn)}}))(t).ServiceRevisions[0]
	if !strings.HasSuffix(str(revision.TaskDefinition), ":2") {
		t.Fatalf("task definition of the second revision: %s", str(revision.TaskDefinition))
	}
	all := must(client.ListServiceDeployments(ctx, &ecs.ListServiceDeploymentsInput{Service: made.ServiceArn, Cluster: name,
		Status: []types.ServiceDeploymentStatus{types.ServiceDeploymentStatusSuccessful}}))(t).ServiceDeployments
	equal(t, "deployments", len(all), 2)
	equal(t, "the newest", str(all[0].ServiceDeploymentArn), str(second.ServiceDeploymentArn))
	_, err := client.DescribeServiceDeployments(ctx, &ecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: []string{"nonsense"}})
	refused(t, "InvalidParameterException", err)

	// A change of the count alone is no deployment.
	must(client.UpdateService(ctx, &ecs.UpdateServiceInput{Service: made.ServiceArn, Cluster: name, DesiredCount: aws.Int32(2)}))(t)
	if err := ecs.NewServicesStableWaiter(client, func(o *ecs.ServicesStableWaiterOptions) { o.MinDelay = time.Second }).Wait(ctx,
		&ecs.DescribeServicesInput{Cluster: name, Services: []string{*name}}, time.Minute); err != nil {
		t.Fatal(err)
	}
	equal(t, "deployments", len(must(client.ListServiceDeployments(ctx, &ecs.ListServiceDeploymentsInput{Service: made.ServiceArn, Cluster: name}))(t).ServiceDeployments), 2)

	must(client.UpdateService(ctx, &ecs.UpdateServiceInput{Service: name, Cluster: name, DesiredCount: aws.Int32(0)}))(t)
	must(client.DeleteService(ctx, &ecs.DeleteServiceInput{Service: name, Cluster: name, Force: aws.Bool(true)}))(t)
	if err := ecs.NewServicesInactiveWaiter(client, func(o *ecs.ServicesInactiveWaiterOptions) { o.MinDelay = time.Second }).Wait(ctx,
		&ecs.DescribeServicesInput{Cluster: name, Services: []string{*name}}, time.Minute); err != nil {
		t.Fatal(err)
	}
	for _, d := range must(client.ListTaskDefinitions(ctx, &ecs.ListTaskDefinitionsInput{FamilyPrefix: name}))(t).TaskDefinitionArns {
		gone := must(client.DeregisterTaskDefinition(ctx, &ecs.DeregisterTaskDefinitionInput{TaskDefinition: aws.String(d)}))(t)
		equal(t, "status", gone.TaskDefinition.Status, types.TaskDefinitionStatusInactive)
	}
	must(client.DeleteCluster(ctx, &ecs.DeleteClusterInput{Cluster: name}))(t)
	must(people.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: role.RoleName, PolicyArn: aws.String("arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")}))(t)
	must(people.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: role.RoleName}))(t)
}

// stable waits as version 6 of the provider does: it takes the primary deployment's id, looks for the service deployment
// whose target revision has it, and follows that one's status.
func stable(t *testing.T, client *ecs.Client, cluster, service string, began time.Time) (found types.ServiceDeployment) {
	t.Helper()
	eventually(t, "the service is steady", func() bool {
		now := must(client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &cluster, Services: []string{service}}))(t).Services[0]
		equal(t, "controller", now.DeploymentController.Type, types.DeploymentControllerTypeEcs)
		var id string
		for _, d := range now.Deployments {
			if str(d.Status) == "PRIMARY" {
				id = strings.Split(str(d.Id), "/")[1]
			}
		}
		for _, d := range must(client.ListServiceDeployments(ctx, &ecs.ListServiceDeploymentsInput{Cluster: &cluster, Service: &service,
			CreatedAt: &types.CreatedAt{After: &began}}))(t).ServiceDeployments {
			if !strings.Contains(str(d.TargetServiceRevisionArn), id) {
				continue
			}
			found = must(client.DescribeServiceDeployments(ctx, &ecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: []string{str(d.ServiceDeploymentArn)}}))(t).ServiceDeployments[0]
			switch found.Status {
			case types.ServiceDeploymentStatusSuccessful:
				return true
			case types.ServiceDeploymentStatusPending, types.ServiceDeploymentStatusInProgress:
			default:
				t.Fatalf("the deployment is %s: %s", found.Status, str(found.StatusReason))
			}
		}
		return false
	})
	return found
}
