# A VPC of one public subnet with an interface that keeps its public address, whatever is put behind it: written in
# small resources (rules, associations) where modules/network writes big ones with blocks inside.

resource "aws_vpc" "this" {
  cidr_block = var.cidr
  tags       = merge(var.tags, { Name = var.name })
}

resource "aws_vpc_ipv4_cidr_block_association" "more" {
  vpc_id     = aws_vpc.this.id
  cidr_block = var.more_cidr
}

resource "aws_subnet" "this" {
  vpc_id     = aws_vpc_ipv4_cidr_block_association.more.vpc_id
  cidr_block = cidrsubnet(var.more_cidr, 8, 1)
  tags       = merge(var.tags, { Name = var.name })
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
  tags   = merge(var.tags, { Name = var.name })
}

# Subnets that name no table have this one.
resource "aws_route_table" "main" {
  vpc_id = aws_vpc.this.id
  tags   = merge(var.tags, { Name = "${var.name}-main" })
}

resource "aws_main_route_table_association" "main" {
  vpc_id         = aws_vpc.this.id
  route_table_id = aws_route_table.main.id
}

resource "aws_route" "out" {
  route_table_id         = aws_route_table.main.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_network_acl" "this" {
  vpc_id     = aws_vpc.this.id
  subnet_ids = [aws_subnet.this.id]
  tags       = merge(var.tags, { Name = var.name })
}

resource "aws_network_acl_rule" "in" {
  for_each       = { for i, port in var.ports : port => 100 + 10 * i }
  network_acl_id = aws_network_acl.this.id
  rule_number    = each.value
  protocol       = "tcp"
  rule_action    = "allow"
  cidr_block     = "0.0.0.0/0"
  from_port      = each.key
  to_port        = each.key
}

resource "aws_network_acl_rule" "out" {
  network_acl_id = aws_network_acl.this.id
  egress         = true
  rule_number    = 100
  protocol       = "-1"
  rule_action    = "allow"
  cidr_block     = "0.0.0.0/0"
}

resource "aws_security_group" "this" {
  name_prefix = "${var.name}-"
  vpc_id      = aws_vpc.this.id
  tags        = merge(var.tags, { Name = var.name })
}

resource "aws_security_group_rule" "in" {
  for_each          = toset(var.ports)
  type              = "ingress"
  security_group_id = aws_security_group.this.id
  protocol          = "tcp"
  from_port         = each.key
  to_port           = each.key
  cidr_blocks       = ["0.0.0.0/0"]
}

resource "aws_network_interface" "this" {
  subnet_id         = aws_subnet.this.id
  private_ips       = [cidrhost(aws_subnet.this.cidr_block, 10)]
  security_groups   = [aws_security_group.this.id]
  source_dest_check = false
  description       = var.name
  tags              = merge(var.tags, { Name = var.name })
}

resource "aws_eip" "this" {
  vpc        = true
  tags       = merge(var.tags, { Name = var.name })
  depends_on = [aws_internet_gateway.this]
}

resource "aws_eip_association" "this" {
  allocation_id        = aws_eip.this.id
  network_interface_id = aws_network_interface.this.id
}
