#!/usr/bin/env bash
# Deploys Ghost with the plain AWS CLI, in three phases: network; registry and image; database, load balancer, service.
# Run it again at any time: what is there is reused. destroy.sh takes it all away.
#
#   AWS_PROFILE, AWS_ENDPOINT_URL  which cloud: as set by `nubecita env`
#   GHOST_NAME                     of every resource, default "ghost"
#   GHOST_DB_PASSWORD              of the database; default: made up once and kept in ~/.config/nubecita/<name>.password
#   CONTAINER_TOOL                 podman, docker or a path; default: scripts/images/podman.sh, else podman
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

account=$(aws sts get-caller-identity --query Account) || die "the AWS CLI cannot reach the cloud: is it running, and has 'nubecita env' been applied?"

# ---------------------------------------------------------------------------------------------------------------------
phase "1/3 network"
vpc=$(find_vpc)
if [ -z "$vpc" ]; then
  vpc=$(aws ec2 create-vpc --cidr-block 10.80.0.0/16 --tag-specifications "$(tags vpc "$name")" --query Vpc.VpcId)
  aws ec2 modify-vpc-attribute --vpc-id "$vpc" --enable-dns-hostnames Value=true
fi
step "VPC $vpc 10.80.0.0/16"

read -r -a zones <<< "$(aws ec2 describe-availability-zones --query 'AvailabilityZones[].ZoneName')"
subnet() {  # subnet <name> <third octet> <zone>
  local id; id=$(find_subnet "$1")
  [ -n "$id" ] || id=$(aws ec2 create-subnet --vpc-id "$vpc" --cidr-block "10.80.$2.0/24" --availability-zone "$3" \
    --tag-specifications "$(tags subnet "$1")" --query Subnet.SubnetId)
  printf '%s' "$id"
}
public_a=$(subnet "$name-public-a" 0 "${zones[0]}");   public_b=$(subnet "$name-public-b" 1 "${zones[1]}")
private_a=$(subnet "$name-private-a" 10 "${zones[0]}"); private_b=$(subnet "$name-private-b" 11 "${zones[1]}")
data_a=$(subnet "$name-data-a" 20 "${zones[0]}");       data_b=$(subnet "$name-data-b" 21 "${zones[1]}")
step "subnets: public, private and data in ${zones[0]} and ${zones[1]}"

gateway=$(find_gateway)
if [ -z "$gateway" ]; then
  gateway=$(aws ec2 create-internet-gateway --tag-specifications "$(tags internet-gateway "$name")" --query InternetGateway.InternetGatewayId)
fi
attached=$(first "$(aws ec2 describe-internet-gateways --internet-gateway-ids "$gateway" --query 'InternetGateways[0].Attachments[0].VpcId')")
[ -n "$attached" ] || aws ec2 attach-internet-gateway --internet-gateway-id "$gateway" --vpc-id "$vpc"
address=$(find_address)
[ -n "$address" ] || address=$(aws ec2 allocate-address --domain vpc --tag-specifications "$(tags elastic-ip "$name")" --query AllocationId)
nat=$(find_nat)
if [ -z "$nat" ]; then
  nat=$(aws ec2 create-nat-gateway --subnet-id "$public_a" --allocation-id "$address" \
    --tag-specifications "$(tags natgateway "$name")" --query NatGateway.NatGatewayId)
fi
nat_ready() { [ "$(aws ec2 describe-nat-gateways --nat-gateway-ids "$nat" --query 'NatGateways[0].State')" = available ]; }
wait_for 120 "NAT gateway $nat" nat_ready

routes() {  # routes <name> <target option> <target> <subnet>...
  local table; table=$(find_routes "$1")
  if [ -z "$table" ]; then
    table=$(aws ec2 create-route-table --vpc-id "$vpc" --tag-specifications "$(tags route-table "$1")" --query RouteTable.RouteTableId)
    [ -z "$2" ] || aws ec2 create-route --route-table-id "$table" --destination-cidr-block 0.0.0.0/0 "$2" "$3" > /dev/null
  fi
  local have; have=$(aws ec2 describe-route-tables --route-table-ids "$table" --query 'RouteTables[0].Associations[].SubnetId')
  for s in "${@:4}"; do
    [[ " ${have//$'\t'/ } " == *" $s "* ]] || aws ec2 associate-route-table --route-table-id "$table" --subnet-id "$s" > /dev/null
  done
}
routes "$name-public" --gateway-id "$gateway" "$public_a" "$public_b"
routes "$name-private" --nat-gateway-id "$nat" "$private_a" "$private_b"
routes "$name-data" "" "" "$data_a" "$data_b"
step "routes: public to the internet gateway, private through NAT, data nowhere"

group() {  # group <name> <description>
  local id; id=$(find_group "$1" "$vpc")
  [ -n "$id" ] || id=$(aws ec2 create-security-group --group-name "$1" --description "$2" --vpc-id "$vpc" \
    --tag-specifications "$(tags security-group "$1")" --query GroupId)
  printf '%s' "$id"
}
allow() {  # allow <group> <port> <source option> <source>
  aws ec2 authorize-security-group-ingress --group-id "$1" --protocol tcp --port "$2" "$3" "$4" > /dev/null 2>"$errors" ||
    grep -q InvalidPermission.Duplicate "$errors" || { cat "$errors" >&2; exit 1; }
}
errors=$(mktemp); trap 'rm -f "$errors"' EXIT
lb_group=$(group "$name-lb" "the world to the load balancer")
app_group=$(group "$name-app" "the load balancer to Ghost")
db_group=$(group "$name-db" "Ghost to its database")
allow "$lb_group" 80 --cidr 0.0.0.0/0
allow "$app_group" 2368 --source-group "$lb_group"
allow "$db_group" 3306 --source-group "$app_group"
step "security groups: world → load balancer:80 → Ghost:2368 → database:3306"

# ---------------------------------------------------------------------------------------------------------------------
phase "2/3 registry and image"
repository=$(first "$(aws ecr describe-repositories --repository-names "$name" --query 'repositories[0].repositoryUri' 2>/dev/null || true)")
[ -n "$repository" ] || repository=$(aws ecr create-repository --repository-name "$name" --query repository.repositoryUri)
step "repository $repository"

tool=${CONTAINER_TOOL:-}
[ -n "$tool" ] || { [ -x "$here/../../scripts/images/podman.sh" ] && tool="$here/../../scripts/images/podman.sh"; }
tool=${tool:-podman}
# `nubecita as` leads clients that know no endpoint setting through a proxy of the cloud's own; images are built without it.
outside=()
endpoint_host=${AWS_ENDPOINT_URL:-}; endpoint_host=${endpoint_host#*://}; endpoint_host=${endpoint_host%%/*}
if [ -n "$endpoint_host" ] && [[ ${HTTPS_PROXY:-${https_proxy:-}} == *"$endpoint_host"* ]]; then
  outside=(env -u HTTPS_PROXY -u https_proxy -u SSL_CERT_FILE -u AWS_CA_BUNDLE)
fi
# The image's tag is made of what it is built from: an unchanged Dockerfile is neither built nor pushed again.
tag=$(cat "$here/Dockerfile" "$here/start.js" | sha256sum | cut -c1-12)
image=$repository:$tag
have=$(first "$(aws ecr describe-images --repository-name "$name" --image-ids imageTag="$tag" --query 'imageDetails[0].imageDigest' 2>/dev/null || true)")
if [ -z "$have" ]; then
  if ! "$tool" image inspect "localhost/ghost:$tag" > /dev/null 2>&1; then
    node_image=${NODE_IMAGE:-localhost/node:24-bookworm-slim}
    if ! "$tool" image inspect "$node_image" > /dev/null 2>&1 && [[ $node_image == localhost/* ]]; then
      step "base image $node_image (a minute, once)"
      "${outside[@]}" "$here/../../scripts/images/make-base.sh" > "$errors" 2>&1 || { cat "$errors" >&2; die "the base image cannot be made"; }
    fi
    step "building Ghost from its Dockerfile (2 to 4 minutes, once)"
    secrets=()
    [ -f "$HOME/.npmrc" ] && secrets+=(--secret "id=npmrc,src=$HOME/.npmrc")
    [ -f /etc/ssl/certs/ca-certificates.crt ] && secrets+=(--secret "id=ca,src=/etc/ssl/certs/ca-certificates.crt")
    began=$SECONDS
    "${outside[@]}" "$tool" build --network host "${secrets[@]}" --build-arg "NODE_IMAGE=$node_image" --tag "localhost/ghost:$tag" "$here" 2>&1 |
      while IFS= read -r line; do [[ $line == *STEP* ]] && step "${line:0:110}"; printf '%s\n' "$line" >> "$errors"; done ||
      { tail -n 30 "$errors" >&2; die "the image cannot be built"; }
    step "built in $((SECONDS - began))s"
  fi
  # Names below .localhost are this machine, which not every resolver knows; the registry answers to its address too.
  reachable=$repository insecure=()
  registry=${repository%%/*}
  if [[ ${registry%%:*} == *.localhost ]]; then
    insecure=(--tls-verify=false)
    getent hosts "${registry%%:*}" > /dev/null || reachable=127.0.0.1:${registry##*:}/$account/$region/$name
  fi
  [[ ${tool##*/} == podman* ]] || insecure=()
  step "pushing to $reachable:$tag"
  aws ecr get-login-password | "$tool" login "${insecure[@]}" --username AWS --password-stdin "${reachable%%/*}" > /dev/null
  "$tool" tag "localhost/ghost:$tag" "$reachable:$tag"
  "$tool" push --quiet "${insecure[@]}" "$reachable:$tag" > /dev/null
  "$tool" rmi "$reachable:$tag" > /dev/null 2>&1 || true
fi
step "image $image"

# ---------------------------------------------------------------------------------------------------------------------
phase "3/3 database, load balancer, service"
password=${GHOST_DB_PASSWORD:-}
if [ -z "$password" ]; then
  keep=${XDG_CONFIG_HOME:-$HOME/.config}/nubecita/$account-$name.password
  if [ ! -s "$keep" ]; then
    mkdir -p "$(dirname "$keep")"
    (umask 077; head -c 18 /dev/urandom | base64 | tr '+/' 'ab' > "$keep")
  fi
  password=$(cat "$keep")
fi
aws rds describe-db-subnet-groups --db-subnet-group-name "$name" > /dev/null 2>&1 ||
  aws rds create-db-subnet-group --db-subnet-group-name "$name" --db-subnet-group-description "data subnets" \
    --subnet-ids "$data_a" "$data_b" > /dev/null
if [ -z "$(db_status)" ]; then
  aws rds create-db-instance --db-instance-identifier "$name" --engine mariadb --db-instance-class db.t3.micro \
    --allocated-storage 20 --db-name ghost --master-username ghost --master-user-password "$password" \
    --db-subnet-group-name "$name" --vpc-security-group-ids "$db_group" --no-publicly-accessible \
    --backup-retention-period 0 > /dev/null
fi
db_ready() { [ "$(db_status)" = available ]; }

balancer=$(find_lb)
[ -n "$balancer" ] || balancer=$(aws elbv2 create-load-balancer --name "$name" --type application --scheme internet-facing \
  --subnets "$public_a" "$public_b" --security-groups "$lb_group" --query 'LoadBalancers[0].LoadBalancerArn')
targets=$(find_targets)
if [ -z "$targets" ]; then
  # Ghost answers 503 until it has booted; its front page may be a redirect to another scheme.
  targets=$(aws elbv2 create-target-group --name "$name" --protocol HTTP --port 2368 --vpc-id "$vpc" --target-type ip \
    --health-check-path / --health-check-interval-seconds 5 --health-check-timeout-seconds 4 --healthy-threshold-count 2 \
    --unhealthy-threshold-count 10 --matcher HttpCode=200-399 --query 'TargetGroups[0].TargetGroupArn')
  aws elbv2 modify-target-group-attributes --target-group-arn "$targets" --attributes Key=deregistration_delay.timeout_seconds,Value=10 > /dev/null
fi
listener=$(first "$(aws elbv2 describe-listeners --load-balancer-arn "$balancer" --query 'Listeners[0].ListenerArn')")
[ -n "$listener" ] || aws elbv2 create-listener --load-balancer-arn "$balancer" --protocol HTTP --port 80 \
  --default-actions "Type=forward,TargetGroupArn=$targets" > /dev/null
host=$(aws elbv2 describe-load-balancers --load-balancer-arns "$balancer" --query 'LoadBalancers[0].DNSName')
wait_for 300 "database" db_ready || die "the database does not become available: $(db_status) (the reason is in ${NUBECITA_DATA:-the data directory}/log/serve.log)"
endpoint=$(aws rds describe-db-instances --db-instance-identifier "$name" --query 'DBInstances[0].Endpoint.Address')
step "database $endpoint"

# Where the load balancer is reached from this machine: its name, on the port of the front door.
port=${NUBECITA_HTTP_PORT:-80}
url=http://$host; [ "$port" = 80 ] || url=$url:$port
step "load balancer $url"

role=$name-execution
role_arn=$(first "$(aws iam get-role --role-name "$role" --query Role.Arn 2>/dev/null || true)")
if [ -z "$role_arn" ]; then
  role_arn=$(aws iam create-role --role-name "$role" --query Role.Arn --assume-role-policy-document \
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}')
fi
aws iam attach-role-policy --role-name "$role" --policy-arn arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy
aws logs create-log-group --log-group-name "/$name" 2>"$errors" || grep -q ResourceAlreadyExists "$errors" || { cat "$errors" >&2; exit 1; }
[ "$(aws ecs describe-clusters --clusters "$name" --query 'clusters[0].status')" = ACTIVE ] || aws ecs create-cluster --cluster-name "$name" > /dev/null

containers=$(cat <<JSON
[{"name": "ghost", "image": "$image", "essential": true, "stopTimeout": 20,
  "portMappings": [{"containerPort": 2368, "protocol": "tcp"}],
  "environment": [
    {"name": "url", "value": "$url"},
    {"name": "database__client", "value": "mysql"},
    {"name": "database__connection__host", "value": "$endpoint"},
    {"name": "database__connection__user", "value": "ghost"},
    {"name": "database__connection__password", "value": "$password"},
    {"name": "database__connection__database", "value": "ghost"}],
  "logConfiguration": {"logDriver": "awslogs",
    "options": {"awslogs-group": "/$name", "awslogs-region": "$region", "awslogs-stream-prefix": "ghost"}}}]
JSON
)
# A new revision only if something differs from the last.
print=$(printf '%s' "$containers" "$role_arn" | sha256sum | cut -c1-16)
definition=$(first "$(aws ecs describe-task-definition --task-definition "$name" --include TAGS --query 'taskDefinition.taskDefinitionArn' 2>/dev/null || true)")
old=""; [ -z "$definition" ] || old=$(first "$(aws ecs list-tags-for-resource --resource-arn "$definition" --query "tags[?key=='content'].value | [0]")")
if [ "$old" != "$print" ]; then
  definition=$(aws ecs register-task-definition --family "$name" --requires-compatibilities FARGATE --network-mode awsvpc --cpu 1024 --memory 2048 \
    --execution-role-arn "$role_arn" --container-definitions "$containers" --tags "key=content,value=$print" --query taskDefinition.taskDefinitionArn)
fi
step "task definition ${definition##*/}"
network="awsvpcConfiguration={subnets=[$private_a,$private_b],securityGroups=[$app_group],assignPublicIp=DISABLED}"
if [ "$(service_status)" = ACTIVE ]; then
  running=$(aws ecs describe-services --cluster "$name" --services "$name" --query 'services[0].taskDefinition')
  [ "$running" = "$definition" ] || aws ecs update-service --cluster "$name" --service "$name" --task-definition "$definition" > /dev/null
else
  aws ecs create-service --cluster "$name" --service-name "$name" --task-definition "$definition" --desired-count 2 --launch-type FARGATE \
    --network-configuration "$network" --load-balancers "targetGroupArn=$targets,containerName=ghost,containerPort=2368" \
    --health-check-grace-period-seconds 600 --deployment-configuration \
    "deploymentCircuitBreaker={enable=true,rollback=true},maximumPercent=200,minimumHealthyPercent=100" > /dev/null
fi
steady() {
  [ "$(aws ecs describe-services --cluster "$name" --services "$name" \
    --query 'services[0].[length(deployments), runningCount == desiredCount, deployments[0].rolloutState] | join(`,`, [to_string([0]), to_string([1]), [2]])')" = "1,true,COMPLETED" ]
}
if ! wait_for "${GHOST_PATIENCE:-600}" "service of two tasks" steady; then
  aws ecs describe-services --cluster "$name" --services "$name" --query 'services[0].events[:8].message' | tr '\t' '\n' >&2
  die "the service does not become steady: its last events are above, its logs in group /$name"
fi

serves() { [ "$(curl -s -o /dev/null -m 10 -w '%{http_code}' "$url/" 2>/dev/null || curl -s -o /dev/null -m 10 -w '%{http_code}' --resolve "$host:$port:127.0.0.1" "$url/")" = 200 ]; }
wait_for 120 "front page" serves || die "$url does not serve its front page"
echo
echo "ready: $url"
