output "url" {
  value = "http://${module.service.dns_name}/"
}
output "repository" {
  value = module.registry.url
}
output "database" {
  value = module.database.address
}
