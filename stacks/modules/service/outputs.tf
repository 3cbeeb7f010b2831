output "dns_name" {
  value = aws_lb.this.dns_name
}
output "cluster" {
  value = aws_ecs_cluster.this.name
}
