#!/usr/bin/env bash
# Takes away what deploy.sh made, in reverse order. What is gone already is passed over. The posts go with the database.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
account=$(aws sts get-caller-identity --query Account) || die "the AWS CLI cannot reach the cloud"

phase "3/3 service, load balancer, database"
status=$(service_status)
if [ -n "$status" ] && [ "$status" != INACTIVE ]; then
  [ "$status" = DRAINING ] || aws ecs delete-service --cluster "$name" --service "$name" --force > /dev/null
  gone() { [ "$(service_status)" = INACTIVE ]; }
  wait_for 300 "service" gone || die "the service's tasks do not end"
fi
for definition in $(aws ecs list-task-definitions --family-prefix "$name" --query 'taskDefinitionArns[]'); do
  [ "$definition" = None ] || aws ecs deregister-task-definition --task-definition "$definition" > /dev/null
done
[ "$(aws ecs describe-clusters --clusters "$name" --query 'clusters[0].status')" != ACTIVE ] || aws ecs delete-cluster --cluster "$name" > /dev/null
balancer=$(find_lb)
if [ -n "$balancer" ]; then
  aws elbv2 delete-load-balancer --load-balancer-arn "$balancer"
  gone() { [ -z "$(find_lb)" ]; }
  wait_for 120 "load balancer" gone
fi
targets=$(find_targets)
[ -z "$targets" ] || aws elbv2 delete-target-group --target-group-arn "$targets"
if [ -n "$(db_status)" ]; then
  [ "$(db_status)" = deleting ] || aws rds delete-db-instance --db-instance-identifier "$name" --skip-final-snapshot > /dev/null
  gone() { [ -z "$(db_status)" ]; }
  wait_for 300 "database" gone || die "the database does not go"
fi
! aws rds describe-db-subnet-groups --db-subnet-group-name "$name" > /dev/null 2>&1 || aws rds delete-db-subnet-group --db-subnet-group-name "$name"
if aws iam get-role --role-name "$name-execution" > /dev/null 2>&1; then
  aws iam detach-role-policy --role-name "$name-execution" --policy-arn arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy || true
  aws iam delete-role --role-name "$name-execution"
fi
aws logs delete-log-group --log-group-name "/$name" 2>/dev/null || true
rm -f "${XDG_CONFIG_HOME:-$HOME/.config}/nubecita/$account-$name.password"
step "gone"

phase "2/3 registry"
! aws ecr describe-repositories --repository-names "$name" > /dev/null 2>&1 || aws ecr delete-repository --repository-name "$name" --force > /dev/null
step "gone"

phase "1/3 network"
vpc=$(find_vpc)
if [ -n "$vpc" ]; then
  for group in "$name-db" "$name-app" "$name-lb"; do
    id=$(find_group "$group" "$vpc")
    [ -z "$id" ] || aws ec2 delete-security-group --group-id "$id" > /dev/null
  done
  nat=$(find_nat)
  if [ -n "$nat" ]; then
    aws ec2 delete-nat-gateway --nat-gateway-id "$nat" > /dev/null
    gone() { [ -z "$(find_nat)" ]; }
    wait_for 120 "NAT gateway" gone
  fi
  address=$(find_address)
  [ -z "$address" ] || aws ec2 release-address --allocation-id "$address"
  for table in "$name-public" "$name-private" "$name-data"; do
    id=$(find_routes "$table")
    [ -n "$id" ] || continue
    for association in $(aws ec2 describe-route-tables --route-table-ids "$id" --query 'RouteTables[0].Associations[].RouteTableAssociationId'); do
      [ "$association" = None ] || aws ec2 disassociate-route-table --association-id "$association"
    done
    aws ec2 delete-route-table --route-table-id "$id" > /dev/null
  done
  for subnet in public-a public-b private-a private-b data-a data-b; do
    id=$(find_subnet "$name-$subnet")
    [ -z "$id" ] || aws ec2 delete-subnet --subnet-id "$id"
  done
  gateway=$(find_gateway)
  if [ -n "$gateway" ]; then
    aws ec2 detach-internet-gateway --internet-gateway-id "$gateway" --vpc-id "$vpc" 2>/dev/null || true
    aws ec2 delete-internet-gateway --internet-gateway-id "$gateway"
  fi
  aws ec2 delete-vpc --vpc-id "$vpc"
fi
step "gone"
echo
echo "nothing is left of $name"
