output "vpc_id" {
  value = aws_default_vpc.this.id
}
