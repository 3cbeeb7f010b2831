output "address" {
  value = aws_db_instance.this.address
}
output "port" {
  value = aws_db_instance.this.port
}
