variable "region" {
  type = string
}
variable "profile" {
  type = string
}
variable "environment" {
  type = string
}
variable "cidr" {
  type = string
}
variable "zone_count" {
  type = number
}
variable "desired_count" {
  type    = number
  default = 2
}
variable "log_days" {
  type    = number
  default = 7
}
variable "image" {
  type = string
}
variable "database_password" {
  type      = string
  sensitive = true
}
variable "certificate_body" {
  type        = string
  default     = ""
  description = "PEM; empty: no HTTPS"
}
variable "certificate_key" {
  type      = string
  default   = ""
  sensitive = true
}
