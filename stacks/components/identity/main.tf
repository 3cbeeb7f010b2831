# People and machines of one environment: a group with a policy, a user in it, a role for instances, a boundary.

data "aws_caller_identity" "me" {}

data "aws_iam_policy_document" "read" {
  statement {
    sid       = "Look"
    actions   = ["ec2:Describe*", "ecs:Describe*", "ecs:List*", "logs:Get*", "logs:FilterLogEvents"]
    resources = ["*"]
  }
  statement {
    sid       = "NoSecrets"
    effect    = "Deny"
    actions   = ["iam:CreateAccessKey"]
    resources = ["arn:aws:iam::${data.aws_caller_identity.me.account_id}:user/*"]
    condition {
      test     = "StringNotEquals"
      variable = "aws:username"
      values   = ["nobody"]
    }
  }
}

resource "aws_iam_policy" "read" {
  name        = "${var.environment}-read"
  description = "looks, touches nothing"
  policy      = data.aws_iam_policy_document.read.json
}

resource "aws_iam_group" "developers" {
  name = "${var.environment}-developers"
}

resource "aws_iam_group_policy_attachment" "developers" {
  group      = aws_iam_group.developers.name
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_group_policy" "developers" {
  name   = "logs"
  group  = aws_iam_group.developers.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "logs:Describe*", Resource = "*" }] })
}

resource "aws_iam_user" "deployer" {
  name                 = "${var.environment}-deployer"
  path                 = "/machines/"
  permissions_boundary = aws_iam_policy.read.arn
  tags                 = { environment = var.environment }
}

resource "aws_iam_user_policy" "deployer" {
  name   = "push"
  user   = aws_iam_user.deployer.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "ecr:*", Resource = "*" }] })
}

resource "aws_iam_user_policy_attachment" "deployer" {
  user       = aws_iam_user.deployer.name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

resource "aws_iam_access_key" "deployer" {
  user = aws_iam_user.deployer.name
}

resource "aws_iam_group_membership" "developers" {
  name  = "${var.environment}-developers"
  group = aws_iam_group.developers.name
  users = [aws_iam_user.deployer.name]
}

# A second user, with a membership of its own instead of the group's list.
resource "aws_iam_group" "auditors" {
  name = "${var.environment}-auditors"
}

resource "aws_iam_user" "auditor" {
  name          = "${var.environment}-auditor"
  force_destroy = true
}

resource "aws_iam_user_group_membership" "auditor" {
  user   = aws_iam_user.auditor.name
  groups = [aws_iam_group.auditors.name]
}

resource "aws_iam_policy" "audit" {
  name_prefix = "${var.environment}-audit-"
  path        = "/audit/"
  policy      = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "iam:Get*", Resource = "*" }] })
}

# The only list of who has the policy.
resource "aws_iam_policy_attachment" "audit" {
  name       = "audit"
  policy_arn = aws_iam_policy.audit.arn
  groups     = [aws_iam_group.auditors.name]
  roles      = [aws_iam_role.instance.name]
}

resource "aws_iam_account_alias" "this" {
  account_alias = "nubecita-${var.environment}"
}

resource "aws_iam_service_linked_role" "autoscaling" {
  aws_service_name = "autoscaling.amazonaws.com"
}

data "aws_iam_policy_document" "instances" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "instance" {
  name                 = "${var.environment}-instance"
  assume_role_policy   = data.aws_iam_policy_document.instances.json
  max_session_duration = 7200
  tags                 = { environment = var.environment }
}

resource "aws_iam_role_policy" "instance" {
  name   = "logs"
  role   = aws_iam_role.instance.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["logs:PutLogEvents"], Resource = "*" }] })
}

resource "aws_iam_instance_profile" "instance" {
  name = "${var.environment}-instance"
  role = aws_iam_role.instance.name
}
