module "network" {
  source     = "../../modules/network"
  name       = var.environment
  cidr       = var.cidr
  zone_count = var.zone_count
  tags       = { environment = var.environment }
}
