variable "name" {
  type = string
}
variable "cidr" {
  type = string
}
variable "zone_count" {
  type    = number
  default = 2
}
variable "tags" {
  type    = map(string)
  default = {}
}
