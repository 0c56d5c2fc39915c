variable "name" {
  description = "Names what is made in the account."
  type        = string
  default     = "murmur"
}

variable "server_principal_arn" {
  description = "ARN of the identity that the Murmur server runs as, in whichever account."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/.+$", var.server_principal_arn))
    error_message = "The server's identity is a role or a user, such as arn:aws:iam::111122223333:role/murmur-server."
  }
}

variable "tenant" {
  description = "Tenant of Murmur that may bake here, such as github_app/acme; the external id of the role."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@:/-]{2,1224}$", var.tenant))
    error_message = "A tenant is a name such as github_app/acme."
  }
}

variable "vpc_id" {
  description = "VPC in which machines start."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets to start machines in, in the order in which they are tried. Empty takes one of each zone of the VPC."
  type        = list(string)
  default     = []
}

variable "assign_public_ip" {
  description = "Whether machines get a public address; needed where the server has no route to their private ones."
  type        = bool
  default     = false
}

variable "ssh_from_cidrs" {
  description = "Networks from which the server reaches port 22 of the machines."
  type        = list(string)
  default     = []
}

variable "ssh_from_security_group_ids" {
  description = "Security groups of the server, where it runs in the same VPC or a peered one."
  type        = list(string)
  default     = []
}

variable "instance_role_arn" {
  description = "Role of the instance profile that machines get, if the placement names one: Murmur must be allowed to pass it."
  type        = string
  default     = null
}

variable "kms_key_arn" {
  description = "Key of your own that encrypts EBS volumes by default, if there is one: Murmur must be allowed to use it."
  type        = string
  default     = null
}
