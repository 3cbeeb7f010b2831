package sdk

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

func elbTags(key, value string) []types.Tag { return []types.Tag{{Key: &key, Value: &value}} }

func forward(group *string) []types.Action {
	return []types.Action{{Type: types.ActionTypeEnumForward, TargetGroupArn: group}}
}

// aws_lb, aws_lb_target_group, aws_lb_target_group_attachment, aws_lb_listener, aws_lb_listener_rule, aws_lb_listener_certificate
func TestLoadBalancer(t *testing.T) {
	n := newNetwork(t, "10.66")
	client := elb.NewFromConfig(cloud)
	_, err := client.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{Names: []string{"go"}})
	refused(t, "LoadBalancerNotFound", err)
	made := must(client.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("go"), Type: types.LoadBalancerTypeEnumApplication,
		IpAddressType: types.IpAddressTypeIpv4, Subnets: n.subnets, SecurityGroups: []string{n.group}, Tags: elbTags("a", "b")}))(t).LoadBalancers[0]
	arn := made.LoadBalancerArn
	if err := elb.NewLoadBalancerAvailableWaiter(client, func(o *elb.LoadBalancerAvailableWaiterOptions) { o.MinDelay = time.Second }).Wait(ctx,
		&elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{*arn}}, time.Minute); err != nil {
		t.Fatal(err)
	}

	// Version 6 asks for the reserved capacity of each load balancer and takes this answer for "not offered".
	_, err = client.DescribeCapacityReservation(ctx, &elb.DescribeCapacityReservationInput{LoadBalancerArn: arn})
	refused(t, "InvalidAction", err)
	// What it sets after creating, and what it knows to leave out when the answer says so.
	must(client.ModifyLoadBalancerAttributes(ctx, &elb.ModifyLoadBalancerAttributesInput{LoadBalancerArn: arn, Attributes: []types.LoadBalancerAttribute{
		{Key: aws.String("access_logs.s3.enabled"), Value: aws.String("false")},
		{Key: aws.String("connection_logs.s3.enabled"), Value: aws.String("false")},
		{Key: aws.String("client_keep_alive.seconds"), Value: aws.String("3600")},
		{Key: aws.String("idle_timeout.timeout_seconds"), Value: aws.String("120")},
		{Key: aws.String("deletion_protection.enabled"), Value: aws.String("false")},
		{Key: aws.String("routing.http.desync_mitigation_mode"), Value: aws.String("defensive")},
		{Key: aws.String("routing.http.drop_invalid_header_fields.enabled"), Value: aws.String("false")},
		{Key: aws.String("routing.http.preserve_host_header.enabled"), Value: aws.String("false")},
		{Key: aws.String("routing.http.x_amzn_tls_version_and_cipher_suite.enabled"), Value: aws.String("false")},
		{Key: aws.String("routing.http.xff_client_port.enabled"), Value: aws.String("false")},
		{Key: aws.String("routing.http.xff_header_processing.mode"), Value: aws.String("append")},
		{Key: aws.String("routing.http2.enabled"), Value: aws.String("true")},
		{Key: aws.String("waf.fail_open.enabled"), Value: aws.String("false")},
		{Key: aws.String("zonal_shift.config.enabled"), Value: aws.String("false")}}}))(t)
	seen := map[string]string{}
	for _, a := range must(client.DescribeLoadBalancerAttributes(ctx, &elb.DescribeLoadBalancerAttributesInput{LoadBalancerArn: arn}))(t).Attributes {
		seen[str(a.Key)] = str(a.Value)
	}
	equal(t, "idle timeout", seen["idle_timeout.timeout_seconds"], "120")
	must(client.SetIpAddressType(ctx, &elb.SetIpAddressTypeInput{LoadBalancerArn: arn, IpAddressType: types.IpAddressTypeIpv4}))(t)
	must(client.SetSecurityGroups(ctx, &elb.SetSecurityGroupsInput{LoadBalancerArn: arn, SecurityGroups: []string{n.group}}))(t)
	must(client.SetSubnets(ctx, &elb.SetSubnetsInput{LoadBalancerArn: arn, Subnets: n.subnets}))(t)

	group := must(client.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: aws.String("go"), VpcId: &n.vpc, TargetType: types.TargetTypeEnumIp, Port: aws.Int32(80),
		Protocol: types.ProtocolEnumHttp, ProtocolVersion: aws.String("HTTP1"), IpAddressType: types.TargetGroupIpAddressTypeEnumIpv4, Tags: elbTags("a", "b"),
		HealthCheckEnabled: aws.Bool(true), HealthCheckIntervalSeconds: aws.Int32(30), HealthyThresholdCount: aws.Int32(3), UnhealthyThresholdCount: aws.Int32(3)}))(t).TargetGroups[0].TargetGroupArn
	must(client.ModifyTargetGroup(ctx, &elb.ModifyTargetGroupInput{TargetGroupArn: group, HealthCheckPath: aws.String("/health"), Matcher: &types.Matcher{HttpCode: aws.String("200-299")}}))(t)
	must(client.ModifyTargetGroupAttributes(ctx, &elb.ModifyTargetGroupAttributesInput{TargetGroupArn: group, Attributes: []types.TargetGroupAttribute{
		{Key: aws.String("deregistration_delay.timeout_seconds"), Value: aws.String("0")},
		{Key: aws.String("load_balancing.algorithm.type"), Value: aws.String("round_robin")},
		{Key: aws.String("load_balancing.algorithm.anomaly_mitigation"), Value: aws.String("off")},
		{Key: aws.String("load_balancing.cross_zone.enabled"), Value: aws.String("use_load_balancer_configuration")},
		{Key: aws.String("slow_start.duration_seconds"), Value: aws.String("0")},
		{Key: aws.String("stickiness.enabled"), Value: aws.String("true")},
		{Key: aws.String("stickiness.type"), Value: aws.String("lb_cookie")},
		{Key: aws.String("stickiness.lb_cookie.duration_seconds"), Value: aws.String("600")},
		{Key: aws.String("target_group_health.dns_failover.minimum_healthy_targets.count"), Value: aws.String("1")},
		{Key: aws.String("target_group_health.dns_failover.minimum_healthy_targets.percentage"), Value: aws.String("off")},
		{Key: aws.String("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count"), Value: aws.String("1")},
		{Key: aws.String("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage"), Value: aws.String("off")}}}))(t)
	must(client.DescribeTargetGroupAttributes(ctx, &elb.DescribeTargetGroupAttributesInput{TargetGroupArn: group}))(t)
	must(client.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: group, Targets: []types.TargetDescription{{Id: aws.String("10.66.0.200"), Port: aws.Int32(8080)}}}))(t)
	health := must(client.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: group, Targets: []types.TargetDescription{{Id: aws.String("10.66.0.200"), Port: aws.Int32(8080)}}}))(t)
	equal(t, "health of a target that no listener uses", health.TargetHealthDescriptions[0].TargetHealth.Reason, types.TargetHealthReasonEnumNotInUse)

	listener := must(client.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: arn, Port: aws.Int32(80), Protocol: types.ProtocolEnumHttp, DefaultActions: forward(group), Tags: elbTags("a", "b")}))(t).Listeners[0].ListenerArn
	attributes := must(client.DescribeListenerAttributes(ctx, &elb.DescribeListenerAttributesInput{ListenerArn: listener}))(t)
	if len(attributes.Attributes) == 0 {
		t.Fatal("a listener without attributes")
	}
	must(client.ModifyListenerAttributes(ctx, &elb.ModifyListenerAttributesInput{ListenerArn: listener, Attributes: []types.ListenerAttribute{
		{Key: aws.String("routing.http.response.server.enabled"), Value: aws.String("true")}}}))(t)
	must(client.ModifyListener(ctx, &elb.ModifyListenerInput{ListenerArn: listener, Port: aws.Int32(81), Protocol: types.ProtocolEnumHttp, DefaultActions: forward(group)}))(t)
	equal(t, "port", aws.ToInt32(must(client.DescribeListeners(ctx, &elb.DescribeListenersInput{ListenerArns: []string{*listener}}))(t).Listeners[0].Port), 81)

	rule := must(client.CreateRule(ctx, &elb.CreateRuleInput{ListenerArn: listener, Priority: aws.Int32(5), Tags: elbTags("a", "b"),
		Conditions: []types.RuleCondition{
			{Field: aws.String("query-string"), QueryStringConfig: &types.QueryStringConditionConfig{Values: []types.QueryStringKeyValuePair{{Key: aws.String("v"), Value: aws.String("2")}}}},
			{Field: aws.String("http-request-method"), HttpRequestMethodConfig: &types.HttpRequestMethodConditionConfig{Values: []string{"GET"}}},
			{Field: aws.String("source-ip"), SourceIpConfig: &types.SourceIpConditionConfig{Values: []string{"10.0.0.0/8"}}}},
		Actions: []types.Action{{Type: types.ActionTypeEnumForward, ForwardConfig: &types.ForwardActionConfig{TargetGroups: []types.TargetGroupTuple{{TargetGroupArn: group, Weight: aws.Int32(7)}},
			TargetGroupStickinessConfig: &types.TargetGroupStickinessConfig{Enabled: aws.Bool(true), DurationSeconds: aws.Int32(60)}}}}}))(t).Rules[0]
	must(client.SetRulePriorities(ctx, &elb.SetRulePrioritiesInput{RulePriorities: []types.RulePriorityPair{{RuleArn: rule.RuleArn, Priority: aws.Int32(6)}}}))(t)
	must(client.ModifyRule(ctx, &elb.ModifyRuleInput{RuleArn: rule.RuleArn, Actions: []types.Action{{Type: types.ActionTypeEnumRedirect, Order: aws.Int32(1),
		RedirectConfig: &types.RedirectActionConfig{StatusCode: types.RedirectActionStatusCodeEnumHttp301, Protocol: aws.String("HTTPS"), Port: aws.String("443")}}}}))(t)
	read := must(client.DescribeRules(ctx, &elb.DescribeRulesInput{RuleArns: []string{str(rule.RuleArn)}}))(t).Rules[0]
	equal(t, "priority", str(read.Priority), "6")
	equal(t, "action", read.Actions[0].Type, types.ActionTypeEnumRedirect)
	equal(t, "conditions", len(read.Conditions), 3)
	equal(t, "rules of the listener", len(must(client.DescribeRules(ctx, &elb.DescribeRulesInput{ListenerArn: listener}))(t).Rules), 2)

	all := []string{*arn, *group, *listener, str(rule.RuleArn)}
	must(client.AddTags(ctx, &elb.AddTagsInput{ResourceArns: all, Tags: elbTags("c", "d")}))(t)
	must(client.RemoveTags(ctx, &elb.RemoveTagsInput{ResourceArns: all, TagKeys: []string{"a"}}))(t)
	tags := must(client.DescribeTags(ctx, &elb.DescribeTagsInput{ResourceArns: all}))(t).TagDescriptions
	equal(t, "tagged", len(tags), 4)
	for _, d := range tags {
		equal(t, "tags of "+str(d.ResourceArn), len(d.Tags), 1)
	}

	// HTTPS with certificates of IAM: one by the listener, one more beside it.
	people := iam.NewFromConfig(cloud)
	var certificates []*string
	for _, name := range []string{"go-lb-1", "go-lb-2"} {
		certificate, key := selfSigned(t)
		certificates = append(certificates, must(people.UploadServerCertificate(ctx, &iam.UploadServerCertificateInput{ServerCertificateName: aws.String(name),
			CertificateBody: &certificate, PrivateKey: &key}))(t).ServerCertificateMetadata.Arn)
	}
	secure := must(client.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: arn, Port: aws.Int32(443), Protocol: types.ProtocolEnumHttps,
		SslPolicy: aws.String("ELBSecurityPolicy-2016-08"), Certificates: []types.Certificate{{CertificateArn: certificates[0]}}, DefaultActions: forward(group)}))(t).Listeners[0]
	equal(t, "mutual TLS", str(secure.MutualAuthentication.Mode), "off")
	must(client.AddListenerCertificates(ctx, &elb.AddListenerCertificatesInput{ListenerArn: secure.ListenerArn, Certificates: []types.Certificate{{CertificateArn: certificates[1]}}}))(t)
	equal(t, "certificates", len(must(client.DescribeListenerCertificates(ctx, &elb.DescribeListenerCertificatesInput{ListenerArn: secure.ListenerArn}))(t).Certificates), 2)
	must(client.RemoveListenerCertificates(ctx, &elb.RemoveListenerCertificatesInput{ListenerArn: secure.ListenerArn, Certificates: []types.Certificate{{CertificateArn: certificates[1]}}}))(t)
	if len(must(client.DescribeListenerAttributes(ctx, &elb.DescribeListenerAttributesInput{ListenerArn: secure.ListenerArn}))(t).Attributes) == 0 {
		t.Fatal("an HTTPS listener without attributes")
	}

	must(client.DeleteRule(ctx, &elb.DeleteRuleInput{RuleArn: rule.RuleArn}))(t)
	_, err = client.DescribeRules(ctx, &elb.DescribeRulesInput{RuleArns: []string{str(rule.RuleArn)}})
	refused(t, "RuleNotFound", err)
	for _, l := range []*string{listener, secure.ListenerArn} {
		must(client.DeleteListener(ctx, &elb.DeleteListenerInput{ListenerArn: l}))(t)
		_, err = client.DescribeListeners(ctx, &elb.DescribeListenersInput{ListenerArns: []string{*l}})
		refused(t, "ListenerNotFound", err)
	}
	must(client.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: group, Targets: []types.TargetDescription{{Id: aws.String("10.66.0.200"), Port: aws.Int32(8080)}}}))(t)
	must(client.DeleteTargetGroup(ctx, &elb.DeleteTargetGroupInput{TargetGroupArn: group}))(t)
	_, err = client.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{TargetGroupArns: []string{*group}})
	refused(t, "TargetGroupNotFound", err)
	must(client.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: arn}))(t)
	// The provider waits for the interfaces to go, by these filters.
	eventually(t, "the load balancer's interfaces are gone", func() bool {
		out := must(n.client.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: []ec2types.Filter{
			filter("attachment.instance-owner-id", "amazon-elb"), filter("description", "ELB app/go/*")}}))(t)
		return len(out.NetworkInterfaces) == 0
	})
	_, err = client.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{*arn}})
	refused(t, "LoadBalancerNotFound", err)
	for _, name := range []string{"go-lb-1", "go-lb-2"} {
		must(people.DeleteServerCertificate(ctx, &iam.DeleteServerCertificateInput{ServerCertificateName: aws.String(name)}))(t)
	}
}
