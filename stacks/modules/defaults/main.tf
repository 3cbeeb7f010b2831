# The account's default VPC in this region, which must be there (aws ec2 create-default-vpc): taken under care, named, and
# closed. Terraform's destroy leaves the VPC, its subnets and options, as on AWS.

resource "aws_default_vpc" "this" {
  tags = merge(var.tags, { Name = "default" })
}

resource "aws_default_subnet" "first" {
  availability_zone = var.zone
  tags              = merge(var.tags, { Name = "default-${var.zone}" })
  depends_on        = [aws_default_vpc.this]
}

resource "aws_default_vpc_dhcp_options" "this" {
  tags = merge(var.tags, { Name = "default" })
}

resource "aws_default_security_group" "closed" {
  vpc_id = aws_default_vpc.this.id
  tags   = merge(var.tags, { Name = "default-closed" })
}
