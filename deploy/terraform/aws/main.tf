data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

data "aws_partition" "current" {}

data "aws_subnets" "of_vpc" {
  filter {
    name   = "vpc-id"
    values = [var.vpc_id]
  }

  filter {
    name   = "state"
    values = ["available"]
  }
}

data "aws_subnet" "of_vpc" {
  for_each = toset(data.aws_subnets.of_vpc.ids)
  id       = each.value
}

locals {
  # With a public address a machine needs a subnet that leads to the internet; those say so by giving one to whoever does not ask.
  suitable = [for subnet in data.aws_subnet.of_vpc : subnet if !var.assign_public_ip || subnet.map_public_ip_on_launch]
  by_zone  = { for subnet in local.suitable : subnet.availability_zone => subnet.id... }

  # One of each zone, so that a bake finds room when the first is full.
  subnet_ids = length(var.subnet_ids) > 0 ? var.subnet_ids : [for zone in sort(keys(local.by_zone)) : sort(local.by_zone[zone])[0]]

  # The documents of the guide, with whom and which tenant they are for.
  trust = jsondecode(file("${path.module}/../../aws/trust.json"))
  trust_policy = merge(local.trust, {
    Statement = [
      for statement in local.trust.Statement : merge(statement, {
        Principal = { AWS = var.server_principal_arn }
        Condition = { StringEquals = { "sts:ExternalId" = var.tenant } }
      })
    ]
  })
  policy = replace(file("${path.module}/../../aws/policy.json"), "arn:aws:", "arn:${data.aws_partition.current.partition}:")
}

resource "aws_iam_role" "murmur" {
  name                 = var.name
  description          = "Assumed by Murmur to bake images for ${var.tenant}"
  assume_role_policy   = jsonencode(local.trust_policy)
  max_session_duration = 3600
}

resource "aws_iam_role_policy" "bake" {
  name   = "bake"
  role   = aws_iam_role.murmur.id
  policy = local.policy
}

resource "aws_iam_role_policy" "pass_role" {
  count = var.instance_role_arn == null ? 0 : 1
  name  = "pass-role"
  role  = aws_iam_role.murmur.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = var.instance_role_arn
      Condition = { StringEquals = { "iam:PassedToService" = "ec2.amazonaws.com" } }
    }]
  })
}

resource "aws_iam_role_policy" "key" {
  count = var.kms_key_arn == null ? 0 : 1
  name  = "key"
  role  = aws_iam_role.murmur.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncrypt*"]
        Resource = var.kms_key_arn
      },
      {
        Effect    = "Allow"
        Action    = "kms:CreateGrant"
        Resource  = var.kms_key_arn
        Condition = { Bool = { "kms:GrantIsForAWSResource" = "true" } }
      },
    ]
  })
}

resource "aws_security_group" "machines" {
  name        = "${var.name}-machines"
  description = "Machines that Murmur bakes on"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "ssh_from_network" {
  for_each          = toset(var.ssh_from_cidrs)
  security_group_id = aws_security_group.machines.id
  description       = "The Murmur server"
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
  cidr_ipv4         = each.value
}

resource "aws_vpc_security_group_ingress_rule" "ssh_from_group" {
  for_each                     = toset(var.ssh_from_security_group_ids)
  security_group_id            = aws_security_group.machines.id
  description                  = "The Murmur server"
  ip_protocol                  = "tcp"
  from_port                    = 22
  to_port                      = 22
  referenced_security_group_id = each.value
}

# What a recipe's script fetches.
resource "aws_vpc_security_group_egress_rule" "all" {
  security_group_id = aws_security_group.machines.id
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}
