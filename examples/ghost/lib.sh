# Shared by deploy.sh and destroy.sh: names, look-ups and progress. Every resource is found again by its name or its tag
# "stack", so that a second run reuses what is there.
export AWS_PAGER="" AWS_DEFAULT_OUTPUT=text
name=${GHOST_NAME:-ghost}
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-us-east-1}}
export AWS_REGION=$region AWS_DEFAULT_REGION=$region

# Older AWS CLIs (Debian's among them) do not know AWS_ENDPOINT_URL; the option says the same to all of them.
aws() { command aws ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} "$@"; }

bold=""; plain=""
if [ -t 1 ]; then bold=$'\e[1m'; plain=$'\e[0m'; fi
phase() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
step() { printf '  %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# first TEXT: AWS CLI prints "None" for a query that finds nothing.
first() { local v; read -r v _ <<< "$1" || true; [ "$v" = None ] || printf '%s' "$v"; }
tags() { printf 'ResourceType=%s,Tags=[{Key=Name,Value=%s},{Key=stack,Value=%s}]' "$1" "$2" "$name"; }
tagged() { printf 'Name=tag:Name,Values=%s Name=tag:stack,Values=%s' "$1" "$name"; }

find_vpc() { first "$(aws ec2 describe-vpcs --filters $(tagged "$name") --query 'Vpcs[0].VpcId')"; }
find_subnet() { first "$(aws ec2 describe-subnets --filters $(tagged "$1") --query 'Subnets[0].SubnetId')"; }
find_group() { first "$(aws ec2 describe-security-groups --filters "Name=group-name,Values=$1" "Name=vpc-id,Values=$2" --query 'SecurityGroups[0].GroupId')"; }
find_routes() { first "$(aws ec2 describe-route-tables --filters $(tagged "$1") --query 'RouteTables[0].RouteTableId')"; }
find_gateway() { first "$(aws ec2 describe-internet-gateways --filters $(tagged "$name") --query 'InternetGateways[0].InternetGatewayId')"; }
find_nat() { first "$(aws ec2 describe-nat-gateways --filter $(tagged "$name") Name=state,Values=pending,available --query 'NatGateways[0].NatGatewayId')"; }
find_address() { first "$(aws ec2 describe-addresses --filters $(tagged "$name") --query 'Addresses[0].AllocationId')"; }
find_lb() { first "$(aws elbv2 describe-load-balancers --names "$name" --query 'LoadBalancers[0].LoadBalancerArn' 2>/dev/null || true)"; }
find_targets() { first "$(aws elbv2 describe-target-groups --names "$name" --query 'TargetGroups[0].TargetGroupArn' 2>/dev/null || true)"; }
db_status() { first "$(aws rds describe-db-instances --db-instance-identifier "$name" --query 'DBInstances[0].DBInstanceStatus' 2>/dev/null || true)"; }
service_status() { first "$(aws ecs describe-services --cluster "$name" --services "$name" --query 'services[0].status' 2>/dev/null || true)"; }

# wait_for SECONDS WHAT COMMAND...: until the command succeeds; shows the seconds on a terminal.
wait_for() {
  local limit=$1 what=$2 began=$SECONDS; shift 2
  until "$@"; do
    [ $((SECONDS - began)) -lt "$limit" ] || { [ -t 1 ] && echo; return 1; }
    [ -t 1 ] && printf '\r  %s: %ss ' "$what" $((SECONDS - began))
    sleep 1
  done
  if [ -t 1 ]; then printf '\r  %s: %ss\n' "$what" $((SECONDS - began)); else step "$what: $((SECONDS - began))s"; fi
}
