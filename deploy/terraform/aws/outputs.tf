output "role_arn" {
  description = "The role that Murmur assumes."
  value       = aws_iam_role.murmur.arn
}

output "placement" {
  description = "A placement named after its region, for `murmur set placement`."
  value = yamlencode({
    name      = data.aws_region.current.name
    substrate = "SUBSTRATE_AWS"
    aws = {
      account_id        = data.aws_caller_identity.current.account_id
      region            = data.aws_region.current.name
      vpc_id            = var.vpc_id
      subnet_ids        = local.subnet_ids
      security_group_id = aws_security_group.machines.id
      role_arn          = aws_iam_role.murmur.arn
      assign_public_ip  = var.assign_public_ip
    }
  })
}
