#include "services/iam/aws_managed_rows.hpp"

namespace nubecita::iam {

namespace {

#define NBC_READ_EC2 "ec2:Describe* ec2:Get* ec2:List* ec2:Search*"
#define NBC_READ_LOGS                                                                         \
  "logs:Describe* logs:Get* logs:List* logs:StartQuery logs:StopQuery logs:TestMetricFilter " \
  "logs:FilterLogEvents"
#define NBC_READ_ECR                                                                                     \
  "ecr:GetAuthorizationToken ecr:BatchCheckLayerAvailability ecr:GetDownloadUrlForLayer "                \
  "ecr:GetRepositoryPolicy "                                                                             \
  "ecr:DescribeRepositories ecr:ListImages ecr:DescribeImages ecr:BatchGetImage ecr:GetLifecyclePolicy " \
  "ecr:GetLifecyclePolicyPreview ecr:ListTagsForResource ecr:DescribeImageScanFindings"
#define NBC_WRITE_ECR "ecr:InitiateLayerUpload ecr:UploadLayerPart ecr:CompleteLayerUpload ecr:PutImage"
#define NBC_WRITE_LOGS "logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents"

/// iam:PassRole to one service / iam:CreateServiceLinkedRole for some.
#define NBC_PASS(service)                                                                                                  \
  R"({"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringLike":{"iam:PassedToService":")" service \
  R"("}}})"
#define NBC_LINK(services)                                                                                                                \
  R"({"Effect":"Allow","Action":"iam:CreateServiceLinkedRole","Resource":"*","Condition":{"StringLike":{"iam:AWSServiceName":[)" services \
  R"(]}}})"

constexpr AwsManagedRow kRows[] = {
    // ---- whole accounts
    {"/", "AdministratorAccess", "*", ""},
    {"/", "PowerUserAccess", "",
     R"({"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"},)"
     R"({"Effect":"Allow","Action":["iam:CreateServiceLinkedRole","iam:DeleteServiceLinkedRole","iam:ListRoles",)"
     R"("organizations:DescribeOrganization","account:ListRegions","account:GetAccountInformation"],"Resource":"*"})"},
    {"/", "ReadOnlyAccess",
     "acm:Describe* acm:Get* acm:List* apigateway:GET application-autoscaling:Describe* "
     "autoscaling:Describe* backup:Describe* "
     "backup:Get* backup:List* cloudformation:Describe* cloudformation:Get* cloudformation:List* "
     "cloudfront:Describe* "
     "cloudfront:Get* cloudfront:List* cloudtrail:Describe* cloudtrail:Get* cloudtrail:List* "
     "cloudwatch:Describe* "
     "cloudwatch:Get* cloudwatch:List* codebuild:BatchGet* codebuild:List* codecommit:BatchGet* "
     "codecommit:Describe* "
     "codecommit:Get* codecommit:GitPull codecommit:List* codedeploy:BatchGet* codedeploy:Get* "
     "codedeploy:List* "
     "codepipeline:Get* codepipeline:List* cognito-idp:AdminGetUser cognito-idp:Describe* cognito-idp:Get* "
     "cognito-idp:List* "
     "dynamodb:BatchGet* dynamodb:Describe* dynamodb:Get* dynamodb:List* dynamodb:PartiQLSelect "
     "dynamodb:Query dynamodb:Scan "
     "ecr:BatchCheck* ecr:BatchGet* ecr:Describe* ecr:Get* ecr:List* ecs:Describe* ecs:Get* ecs:List* "
     "elasticache:Describe* elasticache:List* elasticfilesystem:Describe* elasticfilesystem:List* "
     "elasticloadbalancing:Describe* "
     "events:Describe* events:List* events:Test* iam:Generate* iam:Get* iam:List* iam:Simulate* "
     "kinesis:Describe* kinesis:Get* "
     "kinesis:List* kms:Describe* kms:Get* kms:List* lambda:Get* lambda:List* organizations:Describe* "
     "organizations:List* "
     "rds:Describe* rds:Download* rds:List* resource-groups:Get* resource-groups:List* "
     "resource-groups:Search* route53:Get* "
     "route53:List* route53:Test* s3:Get* s3:List* scheduler:Get* scheduler:List* secretsmanager:Describe* "
     "secretsmanager:GetResourcePolicy secretsmanager:List* servicediscovery:Get* servicediscovery:List* "
     "ses:Describe* ses:Get* "
     "ses:List* sns:Get* sns:List* sqs:Get* sqs:List* sqs:Receive* ssm:Describe* ssm:Get* ssm:List* "
     "states:Describe* states:Get* "
     "states:List* sts:GetAccessKeyInfo sts:GetCallerIdentity sts:GetSessionToken tag:Get* wafv2:Describe* "
     "wafv2:Get* wafv2:List* "
     "xray:BatchGet* xray:Get* " NBC_READ_EC2 " " NBC_READ_LOGS,
     ""},
    {"/job-function/", "ViewOnlyAccess",
     "autoscaling:Describe* cloudformation:DescribeStacks cloudformation:List* cloudwatch:DescribeAlarms "
     "cloudwatch:List* "
     "codebuild:List* codecommit:List* codedeploy:List* codepipeline:ListPipelines dynamodb:ListTables "
     "ec2:Describe* "
     "ecr:DescribeRepositories ecr:ListImages ecs:List* ecs:DescribeClusters elasticache:Describe* "
     "elasticfilesystem:Describe* "
     "elasticloadbalancing:Describe* events:List* iam:List* iam:GetAccountSummary kms:ListKeys "
     "kms:ListAliases lambda:List* "
     "logs:Describe* rds:Describe* route53:List* route53:Get* s3:ListAllMyBuckets s3:ListBucket "
     "s3:GetBucketLocation "
     "secretsmanager:ListSecrets sns:List* sqs:ListQueues ssm:List* states:List*",
     ""},
    {"/", "SecurityAudit",
     "acm:Describe* acm:List* cloudtrail:Describe* cloudtrail:Get* cloudwatch:Describe* "
     "codebuild:BatchGetProjects "
     "codebuild:ListProjects dynamodb:Describe* dynamodb:ListTables ec2:Describe* ecr:Describe* "
     "ecr:GetRepositoryPolicy "
     "ecr:ListImages ecr:ListTagsForResource ecs:Describe* ecs:List* elasticache:Describe* "
     "elasticfilesystem:Describe* "
     "elasticloadbalancing:Describe* events:Describe* events:List* iam:GenerateCredentialReport iam:Get* "
     "iam:List* "
     "iam:SimulateCustomPolicy iam:SimulatePrincipalPolicy kms:Describe* kms:Get* kms:List* lambda:GetPolicy "
     "lambda:GetFunctionConfiguration lambda:List* logs:Describe* logs:ListTagsLogGroup rds:Describe* "
     "rds:ListTagsForResource "
     "route53:Get* route53:List* s3:GetAccountPublicAccessBlock s3:GetBucket* s3:GetEncryptionConfiguration "
     "s3:GetLifecycleConfiguration s3:ListAllMyBuckets s3:ListBucket secretsmanager:Describe* "
     "secretsmanager:ListSecrets "
     "sns:GetTopicAttributes sns:List* sqs:GetQueueAttributes sqs:ListQueues ssm:Describe* ssm:ListDocuments "
     "tag:Get*",
     ""},
    {"/job-function/", "NetworkAdministrator",
     "autoscaling:Describe* cloudfront:ListDistributions cloudwatch:DescribeAlarms "
     "cloudwatch:GetMetricStatistics "
     "cloudwatch:PutMetricAlarm ec2:*Address* ec2:*InternetGateway* ec2:*NatGateway* ec2:*NetworkAcl* "
     "ec2:*NetworkInterface* "
     "ec2:*Route* ec2:*SecurityGroup* ec2:*Subnet* ec2:*Vpc* ec2:*DhcpOptions* ec2:*PrefixList* "
     "ec2:CreateTags ec2:DeleteTags "
     "ec2:Describe* elasticloadbalancing:* logs:Describe* logs:GetLogEvents route53:* sns:ListTopics",
     ""},
    {"/job-function/", "DatabaseAdministrator",
     "cloudwatch:Describe* cloudwatch:Get* cloudwatch:List* cloudwatch:PutMetricAlarm "
     "cloudwatch:DeleteAlarms dynamodb:* "
     "ec2:DescribeAccountAttributes ec2:DescribeAddresses ec2:DescribeAvailabilityZones "
     "ec2:DescribeInternetGateways "
     "ec2:DescribeSecurityGroups ec2:DescribeSubnets ec2:DescribeVpcs elasticache:* iam:ListRoles "
     "iam:GetRole kms:ListKeys "
     "lambda:List* logs:DescribeLogGroups logs:DescribeLogStreams logs:FilterLogEvents logs:GetLogEvents "
     "logs:Create* "
     "logs:PutLogEvents rds:* s3:ListAllMyBuckets sns:CreateTopic sns:Get* sns:List* sns:Subscribe",
     NBC_PASS("rds.amazonaws.com")},

    // ---- identity
    {"/", "IAMFullAccess",
     "iam:* organizations:DescribeAccount organizations:DescribeOrganization "
     "organizations:DescribeOrganizationalUnit "
     "organizations:DescribePolicy organizations:ListChildren organizations:ListParents "
     "organizations:ListPoliciesForTarget "
     "organizations:ListRoots organizations:ListPolicies organizations:ListTargetsForPolicy",
     ""},
    {"/", "IAMReadOnlyAccess",
     "iam:GenerateCredentialReport iam:GenerateServiceLastAccessedDetails iam:Get* iam:List* "
     "iam:SimulateCustomPolicy "
     "iam:SimulatePrincipalPolicy",
     ""},
    {"/", "IAMSelfManageServiceSpecificCredentials", "",
     R"({"Effect":"Allow","Action":["iam:CreateServiceSpecificCredential","iam:ListServiceSpecificCredentials",)"
     R"("iam:UpdateServiceSpecificCredential","iam:DeleteServiceSpecificCredential","iam:ResetServiceSpecificCredential"],)"
     R"("Resource":"arn:aws:iam::*:user/${aws:username}"})"},

    // ---- network and machines
    {"/", "AmazonEC2FullAccess", "ec2:* elasticloadbalancing:* cloudwatch:* autoscaling:*",
     NBC_LINK(
         R"("autoscaling.amazonaws.com","ec2scheduled.amazonaws.com","elasticloadbalancing.amazonaws.com","spot.amazonaws.com")")},
    {"/", "AmazonEC2ReadOnlyAccess",
     "ec2:Describe* ec2:GetSecurityGroupsForVpc elasticloadbalancing:Describe* cloudwatch:ListMetrics "
     "cloudwatch:GetMetricStatistics cloudwatch:Describe* autoscaling:Describe*",
     ""},
    {"/", "AmazonVPCFullAccess",
     "ec2:AcceptVpcPeeringConnection ec2:AllocateAddress ec2:AssignIpv6Addresses "
     "ec2:AssignPrivateIpAddresses "
     "ec2:AssociateAddress ec2:AssociateDhcpOptions ec2:AssociateRouteTable ec2:AssociateSubnetCidrBlock "
     "ec2:AssociateVpcCidrBlock ec2:AttachInternetGateway ec2:AttachNetworkInterface "
     "ec2:AuthorizeSecurityGroup* "
     "ec2:CreateDefaultSubnet ec2:CreateDefaultVpc ec2:CreateDhcpOptions ec2:CreateFlowLogs "
     "ec2:CreateInternetGateway "
     "ec2:CreateNatGateway ec2:CreateNetworkAcl* ec2:CreateNetworkInterface* ec2:CreateRoute "
     "ec2:CreateRouteTable "
     "ec2:CreateSecurityGroup ec2:CreateSubnet ec2:CreateTags ec2:CreateVpc* ec2:DeleteDhcpOptions "
     "ec2:DeleteFlowLogs "
     "ec2:DeleteInternetGateway ec2:DeleteNatGateway ec2:DeleteNetworkAcl* ec2:DeleteNetworkInterface* "
     "ec2:DeleteRoute "
     "ec2:DeleteRouteTable ec2:DeleteSecurityGroup ec2:DeleteSubnet ec2:DeleteTags ec2:DeleteVpc* "
     "ec2:Describe* "
     "ec2:DetachInternetGateway ec2:DetachNetworkInterface ec2:DisassociateAddress "
     "ec2:DisassociateRouteTable "
     "ec2:DisassociateSubnetCidrBlock ec2:DisassociateVpcCidrBlock ec2:GetSecurityGroupsForVpc "
     "ec2:ModifyNetworkInterfaceAttribute "
     "ec2:ModifySecurityGroupRules ec2:ModifySubnetAttribute ec2:ModifyVpc* ec2:ReleaseAddress "
     "ec2:ReplaceNetworkAcl* "
     "ec2:ReplaceRoute* ec2:ResetNetworkInterfaceAttribute ec2:RevokeSecurityGroup* "
     "ec2:UnassignIpv6Addresses "
     "ec2:UnassignPrivateIpAddresses ec2:UpdateSecurityGroupRuleDescriptions*",
     ""},
    {"/", "AmazonVPCReadOnlyAccess", "ec2:Describe* ec2:GetSecurityGroupsForVpc", ""},
    {"/", "ElasticLoadBalancingFullAccess",
     "elasticloadbalancing:* ec2:DescribeAccountAttributes ec2:DescribeAddresses "
     "ec2:DescribeInternetGateways "
     "ec2:DescribeSecurityGroups ec2:DescribeSubnets ec2:DescribeVpcs ec2:DescribeVpcClassicLink "
     "ec2:DescribeInstances "
     "ec2:DescribeNetworkInterfaces ec2:DescribeClassicLinkInstances ec2:DescribeRouteTables "
     "ec2:DescribeCoipPools "
     "ec2:GetCoipPoolUsage ec2:DescribeVpcPeeringConnections cognito-idp:DescribeUserPoolClient",
     NBC_LINK(R"("elasticloadbalancing.amazonaws.com")")},
    {"/", "ElasticLoadBalancingReadOnly",
     "elasticloadbalancing:Describe* elasticloadbalancing:Get* ec2:DescribeInstances "
     "ec2:DescribeClassicLinkInstances "
     "ec2:DescribeSecurityGroups",
     ""},
    {"/", "AmazonRoute53FullAccess",
     "route53:* route53domains:* cloudfront:ListDistributions elasticloadbalancing:DescribeLoadBalancers "
     "s3:ListBucket "
     "s3:GetBucketLocation s3:GetBucketWebsite ec2:DescribeVpcs ec2:DescribeVpcEndpoints ec2:DescribeRegions "
     "sns:ListTopics "
     "sns:ListSubscriptionsByTopic cloudwatch:DescribeAlarms cloudwatch:GetMetricStatistics",
     ""},
    {"/", "AmazonRoute53ReadOnlyAccess", "route53:Get* route53:List* route53:TestDNSAnswer", ""},
    {"/", "CloudFrontFullAccess",
     "cloudfront:* acm:ListCertificates iam:ListServerCertificates s3:ListAllMyBuckets waf:GetWebACL "
     "wafv2:GetWebACL wafv2:ListWebACLs",
     ""},
    {"/", "AWSCertificateManagerFullAccess", "acm:*", ""},
    {"/", "AWSCertificateManagerReadOnly",
     "acm:DescribeCertificate acm:ListCertificates acm:GetCertificate acm:ListTagsForCertificate "
     "acm:GetAccountConfiguration",
     ""},

    // ---- containers
    {"/", "AmazonECS_FullAccess",
     "application-autoscaling:DeleteScalingPolicy application-autoscaling:DeregisterScalableTarget "
     "application-autoscaling:Describe* application-autoscaling:PutScalingPolicy "
     "application-autoscaling:RegisterScalableTarget "
     "autoscaling:CreateAutoScalingGroup autoscaling:CreateLaunchConfiguration autoscaling:Describe* "
     "autoscaling:UpdateAutoScalingGroup cloudformation:CreateStack cloudformation:DeleteStack "
     "cloudformation:Describe* "
     "cloudformation:UpdateStack cloudwatch:DeleteAlarms cloudwatch:DescribeAlarms "
     "cloudwatch:GetMetricStatistics "
     "cloudwatch:PutMetricAlarm codedeploy:BatchGet* codedeploy:ContinueDeployment "
     "codedeploy:CreateApplication "
     "codedeploy:CreateDeployment codedeploy:CreateDeploymentGroup codedeploy:Get* codedeploy:List* "
     "codedeploy:StopDeployment "
     "ec2:AssociateRouteTable ec2:AttachInternetGateway ec2:AuthorizeSecurityGroupIngress "
     "ec2:CreateInternetGateway "
     "ec2:CreateRoute ec2:CreateRouteTable ec2:CreateSecurityGroup ec2:CreateSubnet ec2:CreateVpc "
     "ec2:DeleteLaunchTemplate "
     "ec2:DeleteSubnet ec2:DeleteVpc ec2:Describe* ec2:DetachInternetGateway ec2:DisassociateRouteTable "
     "ec2:ModifySubnetAttribute "
     "ec2:ModifyVpcAttribute ecs:* elasticfilesystem:DescribeAccessPoints "
     "elasticfilesystem:DescribeFileSystems "
     "elasticloadbalancing:CreateListener elasticloadbalancing:CreateLoadBalancer "
     "elasticloadbalancing:CreateRule "
     "elasticloadbalancing:CreateTargetGroup elasticloadbalancing:DeleteListener "
     "elasticloadbalancing:DeleteLoadBalancer "
     "elasticloadbalancing:DeleteRule elasticloadbalancing:DeleteTargetGroup elasticloadbalancing:Describe* "
     "events:DeleteRule "
     "events:DescribeRule events:ListRuleNamesByTarget events:ListTargetsByRule events:PutRule "
     "events:PutTargets "
     "events:RemoveTargets iam:ListAttachedRolePolicies iam:ListInstanceProfiles iam:ListRoles "
     "lambda:ListFunctions "
     "logs:CreateLogGroup logs:DescribeLogGroups logs:FilterLogEvents route53:GetHostedZone "
     "route53:ListHostedZonesByName "
     "route53:CreateHostedZone route53:DeleteHostedZone servicediscovery:* sns:ListTopics",
     NBC_PASS("ecs-tasks.amazonaws.com") "," NBC_LINK(
         R"("autoscaling.amazonaws.com","ecs.amazonaws.com","ecs.application-autoscaling.amazonaws.com","spot.amazonaws.com","elasticloadbalancing.amazonaws.com")")},
    {"/", "AmazonEC2ContainerRegistryReadOnly", NBC_READ_ECR, ""},
    {"/", "AmazonEC2ContainerRegistryPowerUser", NBC_READ_ECR " " NBC_WRITE_ECR, ""},
    {"/", "AmazonEC2ContainerRegistryFullAccess", "ecr:* cloudtrail:LookupEvents",
     NBC_LINK(R"("replication.ecr.amazonaws.com")")},
    {"/", "AmazonEC2ContainerRegistryPullOnly",
     "ecr:GetAuthorizationToken ecr:BatchCheckLayerAvailability ecr:GetDownloadUrlForLayer ecr:BatchGetImage",
     ""},
    {"/service-role/", "AmazonECSTaskExecutionRolePolicy",
     "ecr:GetAuthorizationToken ecr:BatchCheckLayerAvailability ecr:GetDownloadUrlForLayer ecr:BatchGetImage "
     "logs:CreateLogStream logs:PutLogEvents",
     ""},
    {"/service-role/", "AmazonEC2ContainerServiceforEC2Role",
     "ec2:DescribeTags ecs:CreateCluster ecs:DeregisterContainerInstance ecs:DiscoverPollEndpoint ecs:Poll "
     "ecs:RegisterContainerInstance ecs:StartTelemetrySession ecs:UpdateContainerInstancesState ecs:Submit* "
     "ecs:TagResource "
     "ecr:GetAuthorizationToken ecr:BatchCheckLayerAvailability ecr:GetDownloadUrlForLayer ecr:BatchGetImage "
     "logs:CreateLogStream logs:PutLogEvents",
     ""},
    {"/service-role/", "AmazonEC2ContainerServiceRole",
     "ec2:AuthorizeSecurityGroupIngress ec2:Describe* "
     "elasticloadbalancing:DeregisterInstancesFromLoadBalancer "
     "elasticloadbalancing:DeregisterTargets elasticloadbalancing:Describe* "
     "elasticloadbalancing:RegisterInstancesWithLoadBalancer elasticloadbalancing:RegisterTargets",
     ""},
    {"/service-role/", "AmazonEC2ContainerServiceAutoscaleRole",
     "ecs:DescribeServices ecs:UpdateService cloudwatch:DescribeAlarms cloudwatch:PutMetricAlarm", ""},
    {"/service-role/", "AmazonEC2ContainerServiceEventsRole", "ecs:RunTask",
     NBC_PASS(
         "ecs-tasks.amazonaws.com") R"(,{"Effect":"Allow","Action":"ecs:TagResource","Resource":"*","Condition":{"StringEquals":{"ecs:CreateAction":["RunTask"]}}})"},
    {"/aws-service-role/", "AmazonECSServiceRolePolicy",
     "ec2:AttachNetworkInterface ec2:CreateNetworkInterface ec2:CreateNetworkInterfacePermission "
     "ec2:DeleteNetworkInterface "
     "ec2:DeleteNetworkInterfacePermission ec2:Describe* ec2:DetachNetworkInterface "
     "elasticloadbalancing:DeregisterInstancesFromLoadBalancer elasticloadbalancing:DeregisterTargets "
     "elasticloadbalancing:Describe* elasticloadbalancing:RegisterInstancesWithLoadBalancer "
     "elasticloadbalancing:RegisterTargets "
     "route53:ChangeResourceRecordSets route53:CreateHealthCheck route53:DeleteHealthCheck route53:Get* "
     "route53:List* "
     "route53:UpdateHealthCheck servicediscovery:DeregisterInstance servicediscovery:Get* "
     "servicediscovery:List* "
     "servicediscovery:RegisterInstance servicediscovery:UpdateInstanceCustomHealthStatus "
     "autoscaling:Describe* "
     "cloudwatch:DeleteAlarms cloudwatch:DescribeAlarms cloudwatch:PutMetricAlarm " NBC_WRITE_LOGS,
     ""},
    {"/aws-service-role/", "AWSElasticLoadBalancingServiceRolePolicy",
     "ec2:AllocateAddress ec2:AssignIpv6Addresses ec2:AssociateAddress ec2:AttachNetworkInterface "
     "ec2:AuthorizeSecurityGroupIngress ec2:CreateNetworkInterface ec2:CreateSecurityGroup "
     "ec2:DeleteNetworkInterface "
     "ec2:Describe* ec2:DetachNetworkInterface ec2:DisassociateAddress ec2:ModifyNetworkInterfaceAttribute "
     "ec2:ReleaseAddress "
     "ec2:UnassignIpv6Addresses logs:CreateLogDelivery logs:DeleteLogDelivery logs:GetLogDelivery "
     "logs:UpdateLogDelivery",
     ""},
    {"/aws-service-role/", "AmazonRDSServiceRolePolicy",
     "ec2:AllocateAddress ec2:AssociateAddress ec2:AuthorizeSecurityGroupIngress ec2:CreateNetworkInterface "
     "ec2:CreateSecurityGroup ec2:DeleteNetworkInterface ec2:DeleteSecurityGroup ec2:Describe* "
     "ec2:DisassociateAddress "
     "ec2:ModifyNetworkInterfaceAttribute ec2:ModifyVpcEndpoint ec2:ReleaseAddress "
     "ec2:RevokeSecurityGroupIngress sns:Publish "
     "logs:CreateLogGroup logs:PutRetentionPolicy logs:CreateLogStream logs:PutLogEvents "
     "logs:DescribeLogStreams "
     "logs:GetLogEvents cloudwatch:PutMetricData",
     ""},
    {"/aws-service-role/", "AWSApplicationAutoscalingECSServicePolicy",
     "ecs:DescribeServices ecs:UpdateService cloudwatch:PutMetricAlarm cloudwatch:DescribeAlarms "
     "cloudwatch:DeleteAlarms",
     ""},
    {"/aws-service-role/", "AutoScalingServiceRolePolicy",
     "ec2:AttachClassicLinkVpc ec2:CancelSpotInstanceRequests ec2:CreateFleet ec2:CreateTags ec2:DeleteTags "
     "ec2:Describe* "
     "ec2:RequestSpotInstances ec2:RunInstances ec2:TerminateInstances cloudwatch:DeleteAlarms "
     "cloudwatch:DescribeAlarms "
     "cloudwatch:PutMetricAlarm elasticloadbalancing:DeregisterTargets elasticloadbalancing:RegisterTargets "
     "elasticloadbalancing:Describe* sns:Publish",
     NBC_PASS("ec2.amazonaws.com*")},
    {"/aws-service-role/", "ECRReplicationServiceRolePolicy", "ecr:CreateRepository ecr:ReplicateImage", ""},
    {"/", "AmazonEKSClusterPolicy",
     "autoscaling:DescribeAutoScalingGroups autoscaling:UpdateAutoScalingGroup ec2:AttachVolume "
     "ec2:AuthorizeSecurityGroupIngress "
     "ec2:CreateRoute ec2:CreateSecurityGroup ec2:CreateTags ec2:CreateVolume ec2:DeleteRoute "
     "ec2:DeleteSecurityGroup "
     "ec2:DeleteVolume ec2:Describe* ec2:DetachVolume ec2:ModifyInstanceAttribute ec2:ModifyVolume "
     "ec2:RevokeSecurityGroupIngress elasticloadbalancing:* kms:DescribeKey",
     NBC_LINK(R"("elasticloadbalancing.amazonaws.com")")},
    {"/", "AmazonEKSWorkerNodePolicy",
     "ec2:DescribeInstances ec2:DescribeInstanceTypes ec2:DescribeRouteTables ec2:DescribeSecurityGroups "
     "ec2:DescribeSubnets "
     "ec2:DescribeVolumes ec2:DescribeVolumesModifications ec2:DescribeVpcs eks:DescribeCluster",
     ""},
    {"/", "AmazonEKS_CNI_Policy",
     "ec2:AssignPrivateIpAddresses ec2:AttachNetworkInterface ec2:CreateNetworkInterface "
     "ec2:DeleteNetworkInterface "
     "ec2:DescribeInstances ec2:DescribeTags ec2:DescribeNetworkInterfaces ec2:DescribeInstanceTypes "
     "ec2:DescribeSubnets "
     "ec2:DetachNetworkInterface ec2:ModifyNetworkInterfaceAttribute ec2:UnassignPrivateIpAddresses",
     ""},

    // ---- databases
    {"/", "AmazonRDSFullAccess",
     "rds:* application-autoscaling:DeleteScalingPolicy application-autoscaling:DeregisterScalableTarget "
     "application-autoscaling:Describe* application-autoscaling:PutScalingPolicy "
     "application-autoscaling:RegisterScalableTarget "
     "cloudwatch:DescribeAlarms cloudwatch:GetMetricStatistics cloudwatch:PutMetricAlarm "
     "cloudwatch:DeleteAlarms "
     "cloudwatch:ListMetrics cloudwatch:GetMetricData ec2:DescribeAccountAttributes "
     "ec2:DescribeAvailabilityZones "
     "ec2:DescribeCoipPools ec2:DescribeInternetGateways ec2:DescribeLocalGatewayRouteTablePermissions "
     "ec2:DescribeSecurityGroups "
     "ec2:DescribeSubnets ec2:DescribeVpcAttribute ec2:DescribeVpcs ec2:GetCoipPoolUsage "
     "sns:ListSubscriptions sns:ListTopics "
     "sns:Publish logs:DescribeLogStreams logs:GetLogEvents outposts:GetOutpostInstanceTypes",
     NBC_LINK(R"("rds.amazonaws.com","rds.application-autoscaling.amazonaws.com")")},
    {"/", "AmazonRDSReadOnlyAccess",
     "rds:Describe* rds:ListTagsForResource ec2:DescribeAccountAttributes ec2:DescribeAvailabilityZones "
     "ec2:DescribeInternetGateways ec2:DescribeSecurityGroups ec2:DescribeSubnets ec2:DescribeVpcAttribute "
     "ec2:DescribeVpcs "
     "cloudwatch:GetMetricStatistics cloudwatch:ListMetrics cloudwatch:GetMetricData logs:DescribeLogStreams "
     "logs:GetLogEvents",
     ""},
    {"/service-role/", "AmazonRDSEnhancedMonitoringRole", "",
     R"({"Effect":"Allow","Action":["logs:CreateLogGroup","logs:PutRetentionPolicy"],"Resource":"arn:aws:logs:*:*:log-group:RDS*"},)"
     R"({"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents","logs:DescribeLogStreams","logs:GetLogEvents"],)"
     R"("Resource":"arn:aws:logs:*:*:log-group:RDS*:log-stream:*"})"},
    {"/", "AmazonDynamoDBFullAccess",
     "dynamodb:* dax:* application-autoscaling:* cloudwatch:DeleteAlarms cloudwatch:DescribeAlarms "
     "cloudwatch:GetMetricStatistics "
     "cloudwatch:PutMetricAlarm ec2:DescribeVpcs ec2:DescribeSubnets ec2:DescribeSecurityGroups iam:GetRole "
     "iam:ListRoles "
     "kms:DescribeKey kms:ListAliases sns:CreateTopic sns:ListTopics sns:Subscribe lambda:ListFunctions "
     "tag:GetResources",
     NBC_PASS("application-autoscaling.amazonaws.com")},
    {"/", "AmazonDynamoDBReadOnlyAccess",
     "dynamodb:BatchGetItem dynamodb:Describe* dynamodb:List* dynamodb:GetAbacStatus dynamodb:GetItem "
     "dynamodb:GetResourcePolicy "
     "dynamodb:Query dynamodb:Scan dynamodb:PartiQLSelect",
     ""},
    {"/", "AmazonElastiCacheFullAccess",
     "elasticache:* ec2:CreateVpcEndpoint ec2:DescribeVpcs ec2:DescribeSubnets ec2:DescribeSecurityGroups "
     "ec2:DescribeVpcEndpoints "
     "cloudwatch:GetMetricData cloudwatch:DescribeAlarms kms:DescribeKey kms:ListAliases kms:ListKeys "
     "sns:ListTopics",
     NBC_LINK(R"("elasticache.amazonaws.com")")},
    {"/", "AmazonElastiCacheReadOnlyAccess", "elasticache:Describe* elasticache:List*", ""},

    // ---- storage
    {"/", "AmazonS3FullAccess", "s3:* s3-object-lambda:*", ""},
    {"/", "AmazonS3ReadOnlyAccess",
     "s3:Get* s3:List* s3:Describe* s3-object-lambda:Get* s3-object-lambda:List*", ""},
    {"/", "AmazonElasticFileSystemFullAccess",
     "elasticfilesystem:* cloudwatch:DescribeAlarmsForMetric cloudwatch:GetMetricData "
     "ec2:CreateNetworkInterface "
     "ec2:DeleteNetworkInterface ec2:DescribeAvailabilityZones ec2:DescribeNetworkInterfaceAttribute "
     "ec2:DescribeNetworkInterfaces "
     "ec2:DescribeSecurityGroups ec2:DescribeSubnets ec2:DescribeVpcAttribute ec2:DescribeVpcs "
     "ec2:ModifyNetworkInterfaceAttribute "
     "kms:DescribeKey kms:ListAliases",
     NBC_LINK(R"("elasticfilesystem.amazonaws.com")")},
    {"/", "AmazonElasticFileSystemClientReadWriteAccess",
     "elasticfilesystem:ClientMount elasticfilesystem:ClientWrite elasticfilesystem:DescribeMountTargets",
     ""},

    // ---- logs, metrics, messages, events
    {"/", "CloudWatchLogsFullAccess", "logs:* cloudwatch:GenerateQuery", ""},
    {"/", "CloudWatchLogsReadOnlyAccess",
     NBC_READ_LOGS " logs:StartLiveTail logs:StopLiveTail cloudwatch:GenerateQuery", ""},
    {"/", "CloudWatchFullAccess",
     "autoscaling:Describe* cloudwatch:* logs:* sns:* iam:GetPolicy iam:GetPolicyVersion iam:GetRole "
     "oam:ListSinks",
     NBC_LINK(R"("events.amazonaws.com")")},
    {"/", "CloudWatchReadOnlyAccess",
     "autoscaling:Describe* cloudwatch:Describe* cloudwatch:GenerateQuery cloudwatch:Get* cloudwatch:List* "
     "sns:Get* sns:List* " NBC_READ_LOGS,
     ""},
    {"/", "CloudWatchAgentServerPolicy",
     "cloudwatch:PutMetricData ec2:DescribeVolumes ec2:DescribeTags logs:PutLogEvents "
     "logs:PutRetentionPolicy "
     "logs:DescribeLogStreams logs:DescribeLogGroups logs:CreateLogStream logs:CreateLogGroup",
     R"({"Effect":"Allow","Action":"ssm:GetParameter","Resource":"arn:aws:ssm:*:*:parameter/AmazonCloudWatch-*"})"},
    {"/", "AmazonSQSFullAccess", "sqs:*", ""},
    {"/", "AmazonSQSReadOnlyAccess",
     "sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ListDeadLetterSourceQueues sqs:ListQueues "
     "sqs:ListMessageMoveTasks sqs:ListQueueTags",
     ""},
    {"/", "AmazonSNSFullAccess", "sns:*", ""},
    {"/", "AmazonSNSReadOnlyAccess",
     "sns:GetTopicAttributes sns:List* sns:CheckIfPhoneNumberIsOptedOut sns:GetEndpointAttributes "
     "sns:GetDataProtectionPolicy sns:GetPlatformApplicationAttributes sns:GetSMSAttributes "
     "sns:GetSMSSandboxAccountStatus sns:GetSubscriptionAttributes",
     ""},
    {"/", "AmazonEventBridgeFullAccess", "events:* schemas:* scheduler:* pipes:*",
     NBC_PASS("events.amazonaws.com")},
    {"/", "AmazonKinesisFullAccess", "kinesis:*", ""},
    {"/", "AWSXRayDaemonWriteAccess",
     "xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules xray:GetSamplingTargets "
     "xray:GetSamplingStatisticSummaries",
     ""},

    // ---- parameters, secrets, keys
    {"/", "AmazonSSMFullAccess",
     "ssm:* ec2:DescribeInstanceStatus ds:CreateComputer ds:DescribeDirectories cloudwatch:PutMetricData "
     "logs:*",
     NBC_LINK(R"("ssm.amazonaws.com")")},
    {"/", "AmazonSSMReadOnlyAccess", "ssm:Describe* ssm:Get* ssm:List*", ""},
    {"/", "AmazonSSMManagedInstanceCore",
     "ssm:DescribeAssociation ssm:GetDeployablePatchSnapshotForInstance ssm:GetDocument ssm:DescribeDocument "
     "ssm:GetManifest "
     "ssm:GetParameter ssm:GetParameters ssm:ListAssociations ssm:ListInstanceAssociations ssm:PutInventory "
     "ssm:PutComplianceItems ssm:PutConfigurePackageResult ssm:UpdateAssociationStatus "
     "ssm:UpdateInstanceAssociationStatus "
     "ssm:UpdateInstanceInformation ssmmessages:CreateControlChannel ssmmessages:CreateDataChannel "
     "ssmmessages:OpenControlChannel "
     "ssmmessages:OpenDataChannel ec2messages:AcknowledgeMessage ec2messages:DeleteMessage "
     "ec2messages:FailMessage "
     "ec2messages:GetEndpoint ec2messages:GetMessages ec2messages:SendReply",
     ""},
    {"/", "SecretsManagerReadWrite",
     "secretsmanager:* cloudformation:CreateChangeSet cloudformation:DescribeChangeSet "
     "cloudformation:DescribeStackResource "
     "cloudformation:DescribeStacks cloudformation:ExecuteChangeSet ec2:DescribeSecurityGroups "
     "ec2:DescribeSubnets ec2:DescribeVpcs "
     "kms:DescribeKey kms:ListAliases kms:ListKeys lambda:ListFunctions rds:DescribeDBClusters "
     "rds:DescribeDBInstances "
     "tag:GetResources",
     ""},
    {"/", "AWSKeyManagementServicePowerUser",
     "kms:CreateAlias kms:CreateKey kms:DeleteAlias kms:Describe* kms:GenerateRandom kms:Get* kms:List* "
     "kms:TagResource "
     "kms:UntagResource iam:ListGroups iam:ListRoles iam:ListUsers",
     ""},

    // ---- functions
    {"/", "AWSLambda_FullAccess",
     "lambda:* cloudformation:DescribeStacks cloudformation:ListStackResources cloudwatch:ListMetrics "
     "cloudwatch:GetMetricData "
     "ec2:DescribeSecurityGroups ec2:DescribeSubnets ec2:DescribeVpcs kms:ListAliases iam:GetPolicy "
     "iam:GetPolicyVersion iam:GetRole "
     "iam:GetRolePolicy iam:ListAttachedRolePolicies iam:ListRolePolicies iam:ListRoles "
     "logs:DescribeLogGroups states:DescribeStateMachine "
     "states:ListStateMachines tag:GetResources xray:GetTraceSummaries xray:BatchGetTraces "
     "logs:DescribeLogStreams logs:GetLogEvents "
     "logs:FilterLogEvents",
     NBC_PASS("lambda.amazonaws.com")},
    {"/", "AWSLambda_ReadOnlyAccess",
     "lambda:Get* lambda:List* cloudwatch:GetMetricData cloudwatch:ListMetrics ec2:DescribeSecurityGroups "
     "ec2:DescribeSubnets "
     "ec2:DescribeVpcs kms:ListAliases iam:GetPolicy iam:GetPolicyVersion iam:GetRole iam:GetRolePolicy "
     "iam:ListAttachedRolePolicies "
     "iam:ListRolePolicies iam:ListRoles logs:DescribeLogGroups tag:GetResources logs:DescribeLogStreams "
     "logs:GetLogEvents "
     "logs:FilterLogEvents",
     ""},
    {"/service-role/", "AWSLambdaBasicExecutionRole", NBC_WRITE_LOGS, ""},
    {"/service-role/", "AWSLambdaVPCAccessExecutionRole",
     NBC_WRITE_LOGS " ec2:CreateNetworkInterface ec2:DescribeNetworkInterfaces ec2:DescribeSubnets "
                    "ec2:DeleteNetworkInterface "
                    "ec2:AssignPrivateIpAddresses ec2:UnassignPrivateIpAddresses",
     ""},
    {"/service-role/", "AWSLambdaSQSQueueExecutionRole",
     "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes " NBC_WRITE_LOGS, ""},
    {"/service-role/", "AWSLambdaDynamoDBExecutionRole",
     "dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator "
     "dynamodb:ListStreams " NBC_WRITE_LOGS,
     ""},
    {"/service-role/", "AWSLambdaKinesisExecutionRole",
     "kinesis:DescribeStream kinesis:DescribeStreamSummary kinesis:GetRecords kinesis:GetShardIterator "
     "kinesis:ListShards "
     "kinesis:ListStreams kinesis:SubscribeToShard " NBC_WRITE_LOGS,
     ""},
    {"/service-role/", "AWSLambdaRole", "lambda:InvokeFunction", ""},
    {"/", "AWSStepFunctionsFullAccess", "states:*", ""},
    {"/", "AmazonAPIGatewayAdministrator", "apigateway:*", ""},
    {"/", "AmazonAPIGatewayInvokeFullAccess", "execute-api:Invoke execute-api:ManageConnections", ""},
    {"/service-role/", "AmazonAPIGatewayPushToCloudWatchLogs",
     NBC_WRITE_LOGS " logs:DescribeLogGroups logs:DescribeLogStreams logs:GetLogEvents logs:FilterLogEvents",
     ""},
    {"/", "AmazonCognitoPowerUser",
     "cognito-identity:* cognito-idp:* cognito-sync:* iam:ListRoles iam:ListOpenIdConnectProviders "
     "iam:GetRole sns:ListPlatformApplications",
     ""},

    // ---- pipelines
    {"/", "AWSCodeBuildAdminAccess",
     "codebuild:* codecommit:GetBranch codecommit:GetCommit codecommit:GetRepository codecommit:ListBranches "
     "codecommit:ListRepositories "
     "cloudwatch:GetMetricStatistics ec2:DescribeVpcs ec2:DescribeSecurityGroups ec2:DescribeSubnets "
     "ecr:DescribeRepositories "
     "ecr:ListImages elasticfilesystem:DescribeFileSystems events:DeleteRule events:DescribeRule "
     "events:DisableRule events:EnableRule "
     "events:ListTargetsByRule events:ListRuleNamesByTarget events:PutRule events:PutTargets "
     "events:RemoveTargets logs:GetLogEvents "
     "s3:GetBucketLocation s3:ListAllMyBuckets",
     R"({"Effect":"Allow","Action":"logs:DeleteLogGroup","Resource":"arn:aws:logs:*:*:log-group:/aws/codebuild/*:log-stream:*"},)"
     R"({"Effect":"Allow","Action":"ssm:PutParameter","Resource":"arn:aws:ssm:*:*:parameter/CodeBuild/*"})"},
    {"/", "AWSCodeBuildDeveloperAccess",
     "codebuild:StartBuild codebuild:StopBuild codebuild:StartBuildBatch codebuild:StopBuildBatch "
     "codebuild:RetryBuild "
     "codebuild:RetryBuildBatch codebuild:BatchGet* codebuild:GetResourcePolicy codebuild:DescribeTestCases "
     "codebuild:DescribeCodeCoverages codebuild:List* codecommit:GetBranch codecommit:GetCommit "
     "codecommit:GetRepository "
     "codecommit:ListBranches cloudwatch:GetMetricStatistics events:DescribeRule events:ListTargetsByRule "
     "events:ListRuleNamesByTarget logs:GetLogEvents s3:GetBucketLocation s3:ListAllMyBuckets",
     ""},
    {"/", "AWSCodeBuildReadOnlyAccess",
     "codebuild:BatchGet* codebuild:GetResourcePolicy codebuild:List* codebuild:DescribeTestCases "
     "codebuild:DescribeCodeCoverages "
     "codecommit:GetBranch codecommit:GetCommit codecommit:GetRepository cloudwatch:GetMetricStatistics "
     "events:DescribeRule "
     "events:ListTargetsByRule events:ListRuleNamesByTarget logs:GetLogEvents",
     ""},
    {"/", "AWSCodeDeployFullAccess", "codedeploy:*", ""},
    {"/", "AWSCodeDeployRoleForECS",
     "ecs:DescribeServices ecs:CreateTaskSet ecs:UpdateServicePrimaryTaskSet ecs:DeleteTaskSet "
     "elasticloadbalancing:DescribeTargetGroups elasticloadbalancing:DescribeListeners "
     "elasticloadbalancing:ModifyListener "
     "elasticloadbalancing:DescribeRules elasticloadbalancing:ModifyRule lambda:InvokeFunction "
     "cloudwatch:DescribeAlarms "
     "sns:Publish s3:GetObject s3:GetObjectVersion",
     NBC_PASS("ecs-tasks.amazonaws.com")},
    {"/", "AWSCodeDeployRoleForECSLimited",
     "ecs:DescribeServices ecs:CreateTaskSet ecs:UpdateServicePrimaryTaskSet ecs:DeleteTaskSet "
     "cloudwatch:DescribeAlarms "
     "elasticloadbalancing:DescribeTargetGroups elasticloadbalancing:DescribeListeners "
     "elasticloadbalancing:ModifyListener "
     "elasticloadbalancing:DescribeRules elasticloadbalancing:ModifyRule",
     R"({"Effect":"Allow","Action":"sns:Publish","Resource":"arn:aws:sns:*:*:CodeDeployTopic_*"},)"
     R"({"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:*:*:function:CodeDeployHook_*"},)"
     R"({"Effect":"Allow","Action":["s3:GetObject","s3:GetObjectVersion"],"Resource":"*","Condition":{"StringEquals":{"s3:ExistingObjectTag/UseWithCodeDeploy":"true"}}},)" NBC_PASS(
         "ecs-tasks.amazonaws.com")},
    {"/service-role/", "AWSCodeDeployRole",
     "autoscaling:CompleteLifecycleAction autoscaling:DeleteLifecycleHook autoscaling:Describe* "
     "autoscaling:PutLifecycleHook "
     "autoscaling:RecordLifecycleActionHeartbeat autoscaling:ResumeProcesses autoscaling:SuspendProcesses "
     "autoscaling:CreateAutoScalingGroup autoscaling:UpdateAutoScalingGroup "
     "autoscaling:DeleteAutoScalingGroup "
     "cloudwatch:DescribeAlarms cloudwatch:PutMetricAlarm ec2:DescribeInstances ec2:DescribeInstanceStatus "
     "ec2:TerminateInstances "
     "tag:GetResources sns:Publish elasticloadbalancing:DescribeLoadBalancers "
     "elasticloadbalancing:DescribeLoadBalancerAttributes "
     "elasticloadbalancing:DescribeInstanceHealth elasticloadbalancing:RegisterInstancesWithLoadBalancer "
     "elasticloadbalancing:DeregisterInstancesFromLoadBalancer elasticloadbalancing:DescribeTargetGroups "
     "elasticloadbalancing:DescribeTargetGroupAttributes elasticloadbalancing:DescribeTargetHealth "
     "elasticloadbalancing:RegisterTargets elasticloadbalancing:DeregisterTargets",
     ""},
    {"/", "AWSCodePipeline_FullAccess",
     "codepipeline:* cloudformation:DescribeStacks cloudformation:ListStacks cloudtrail:DescribeTrails "
     "codebuild:BatchGetProjects "
     "codebuild:CreateProject codebuild:ListProjects codecommit:GetReferences codecommit:ListBranches "
     "codecommit:ListRepositories "
     "codedeploy:BatchGetDeploymentGroups codedeploy:ListApplications codedeploy:ListDeploymentGroups "
     "ecr:DescribeRepositories "
     "ecr:ListImages ecs:ListClusters ecs:ListServices events:DescribeRule events:PutRule events:PutTargets "
     "events:RemoveTargets "
     "events:DeleteRule events:DisableRule iam:ListRoles iam:GetRole lambda:ListFunctions s3:GetBucketPolicy "
     "s3:ListAllMyBuckets "
     "s3:ListBucket sns:ListTopics states:ListStateMachines",
     NBC_PASS("codepipeline.amazonaws.com") "," NBC_PASS("events.amazonaws.com")},
    {"/", "AWSCodePipeline_ReadOnlyAccess", "codepipeline:Get* codepipeline:List* s3:ListAllMyBuckets", ""},
    {"/", "AWSCodeCommitFullAccess", "codecommit:*", ""},
    {"/", "AWSCodeCommitPowerUser", "",
     R"({"Effect":"Allow","NotAction":"codecommit:DeleteRepository","Resource":"arn:aws:codecommit:*:*:*"},)"
     R"({"Effect":"Allow","Action":"codecommit:ListRepositories","Resource":"*"})"},
    {"/", "AWSCodeCommitReadOnly",
     "codecommit:BatchGet* codecommit:BatchDescribe* codecommit:Describe* "
     "codecommit:EvaluatePullRequestApprovalRules codecommit:Get* "
     "codecommit:GitPull codecommit:List*",
     ""},
    {"/", "AWSCloudFormationFullAccess", "cloudformation:*", ""},
    {"/", "AWSCloudFormationReadOnlyAccess",
     "cloudformation:Describe* cloudformation:EstimateTemplateCost cloudformation:Get* cloudformation:List* "
     "cloudformation:ValidateTemplate cloudformation:Detect*",
     ""},
};

}  // namespace

std::span<const AwsManagedRow> aws_managed_rows() { return kRows; }

}  // namespace nubecita::iam
