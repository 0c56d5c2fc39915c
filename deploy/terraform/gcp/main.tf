# What Murmur needs in a project: a pool that knows the server, a service account for each tenant's bakes, and a role that allows
# what the server calls and no more.

terraform {
  required_version = ">= 1.5"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 5.0"
    }
  }
}

variable "project" {
  description = "The project that images are baked in."
  type        = string
}

variable "issuer" {
  description = "What the server calls itself: `issuer` in its /.well-known/openid-configuration."
  type        = string
}

variable "jwks_json" {
  description = "The server's public keys, the content of its /.well-known/jwks.json."
  type        = string
}

variable "tenants" {
  description = "The tenants whose bakes may use the service account, such as github_app/acme."
  type        = set(string)
}

variable "machine_service_account" {
  description = "The service account that machines run as; none where it is empty."
  type        = string
  default     = ""
}

data "google_project" "this" {
  project_id = var.project
}

resource "google_iam_workload_identity_pool" "murmur" {
  project                   = var.project
  workload_identity_pool_id = "murmur"
  display_name              = "Murmur"
}

resource "google_iam_workload_identity_pool_provider" "murmur" {
  project                            = var.project
  workload_identity_pool_id          = google_iam_workload_identity_pool.murmur.workload_identity_pool_id
  workload_identity_pool_provider_id = "murmur"
  attribute_mapping                  = { "google.subject" = "assertion.sub" }
  oidc {
    issuer_uri = var.issuer
    jwks_json  = var.jwks_json
  }
}

resource "google_project_iam_custom_role" "bake" {
  project     = var.project
  role_id     = "murmurBake"
  title       = local.role.title
  description = local.role.description
  permissions = local.role.includedPermissions
}

resource "google_service_account" "bake" {
  project      = var.project
  account_id   = "murmur-bake"
  display_name = "Murmur bakes"
}

resource "google_project_iam_member" "bake" {
  project = var.project
  role    = google_project_iam_custom_role.bake.name
  member  = google_service_account.bake.member
}

resource "google_service_account_iam_member" "tenant" {
  for_each           = var.tenants
  service_account_id = google_service_account.bake.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.murmur.name}/subject/${each.value}"
}

resource "google_service_account_iam_member" "machine" {
  count              = var.machine_service_account == "" ? 0 : 1
  service_account_id = "projects/${var.project}/serviceAccounts/${var.machine_service_account}"
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.bake.member
}

locals {
  role = yamldecode(file("${path.module}/../../gcp/role.yaml"))
}

output "wif_provider_resource_name" {
  description = "For the placement."
  value       = "projects/${data.google_project.this.number}/locations/global/workloadIdentityPools/murmur/providers/murmur"
}

output "wif_service_account" {
  description = "For the placement."
  value       = google_service_account.bake.email
}
