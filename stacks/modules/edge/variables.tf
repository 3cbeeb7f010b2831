variable "name" {
  type = string
}
variable "cidr" {
  type = string
}
variable "more_cidr" {
  type        = string
  description = "a second block of the VPC, in which the subnet lies"
}
variable "ports" {
  type    = list(string)
  default = ["22", "443"]
}
variable "tags" {
  type    = map(string)
  default = {}
}
