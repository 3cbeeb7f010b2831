# A certificate that you bring, kept in IAM for the load balancer.
resource "aws_iam_server_certificate" "this" {
  name_prefix      = "${var.name}-"
  path             = "/load-balancers/"
  certificate_body = var.body
  private_key      = var.key
  lifecycle {
    create_before_destroy = true
  }
}
