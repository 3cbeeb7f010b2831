output "account" {
  value = data.aws_caller_identity.me.account_id
}
output "instance_profile" {
  value = aws_iam_instance_profile.instance.arn
}
