output "address" {
  value = aws_eip.this.public_ip
}
