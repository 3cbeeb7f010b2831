output "arn" {
  value = aws_iam_server_certificate.this.arn
}
