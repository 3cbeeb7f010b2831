output "address" {
  value = module.edge.address
}
output "default_vpc" {
  value = module.defaults.vpc_id
}
