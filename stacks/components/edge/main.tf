data "aws_region" "here" {}

module "edge" {
  source    = "../../modules/edge"
  name      = "${var.environment}-edge"
  cidr      = cidrsubnet("172.16.0.0/12", 4, var.edge_number)
  more_cidr = cidrsubnet("100.64.0.0/10", 6, var.edge_number)
  tags      = { environment = var.environment }
}

module "defaults" {
  source = "../../modules/defaults"
  zone   = "${data.aws_region.here.name}a"
  tags   = { environment = var.environment }
}
