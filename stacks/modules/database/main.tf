resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnets
  tags       = var.tags
}

resource "aws_db_parameter_group" "this" {
  name   = var.name
  family = var.family
  dynamic "parameter" {
    for_each = var.parameters
    content {
      name  = parameter.key
      value = parameter.value
    }
  }
  tags = var.tags
}

resource "aws_security_group" "this" {
  name        = "${var.name}-db"
  description = "who may reach the database ${var.name}"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-db" })
}

resource "aws_security_group_rule" "clients" {
  type                     = "ingress"
  security_group_id        = aws_security_group.this.id
  source_security_group_id = var.client_group
  protocol                 = "tcp"
  from_port                = var.port
  to_port                  = var.port
  description              = "the service"
}

resource "aws_db_instance" "this" {
  identifier             = var.name
  engine                 = var.engine
  engine_version         = var.engine_version
  instance_class         = var.instance_class
  allocated_storage      = 10
  name                   = var.database
  username               = var.username
  password               = var.password
  port                   = var.port
  db_subnet_group_name   = aws_db_subnet_group.this.name
  parameter_group_name   = aws_db_parameter_group.this.name
  vpc_security_group_ids = [aws_security_group.this.id]
  skip_final_snapshot    = true
  apply_immediately      = true
  tags                   = var.tags
}
