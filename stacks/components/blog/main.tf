data "terraform_remote_state" "network" {
  backend = "local"
  config = {
    path = "../network/terraform.tfstate.d/${terraform.workspace}/terraform.tfstate"
  }
}

locals {
  name    = "${var.environment}-blog"
  network = data.terraform_remote_state.network.outputs.network
}

module "registry" {
  source = "../../modules/registry"
  name   = local.name
  tags   = { environment = var.environment }
}

resource "aws_security_group" "service" {
  name        = "${local.name}-service"
  description = "the tasks of ${local.name}"
  vpc_id      = local.network.vpc_id
}

resource "aws_security_group_rule" "service_out" {
  type              = "egress"
  security_group_id = aws_security_group.service.id
  protocol          = "-1"
  from_port         = 0
  to_port           = 0
  cidr_blocks       = ["0.0.0.0/0"]
}

module "database" {
  source       = "../../modules/database"
  name         = local.name
  vpc_id       = local.network.vpc_id
  subnets      = local.network.database_subnets
  client_group = aws_security_group.service.id
  database     = "blog"
  username     = "blog"
  password     = var.database_password
  parameters   = { max_connections = "60" }
  tags         = { environment = var.environment }
}

# HTTPS as well, if a certificate is given.
module "certificate" {
  count  = var.certificate_body == "" ? 0 : 1
  source = "../../modules/certificate"
  name   = local.name
  body   = var.certificate_body
  key    = var.certificate_key
}

module "service" {
  source          = "../../modules/service"
  name            = local.name
  vpc_id          = local.network.vpc_id
  public_subnets  = local.network.public_subnets
  private_subnets = local.network.private_subnets
  spare_cidr      = cidrsubnet(var.cidr, 8, 10)
  service_group   = aws_security_group.service.id
  certificates    = module.certificate[*].arn
  image           = var.image
  desired_count   = var.desired_count
  log_days        = var.log_days
  environment     = { DATABASE = module.database.address, ENVIRONMENT = var.environment, PORT = "8080" }
  tags            = { environment = var.environment }
}
