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
variable "edge_number" {
  type        = number
  default     = 1
  description = "which sixteenth of 172.16.0.0/12 the VPC has"
}
