variable "zone" {
  type = string
}
variable "tags" {
  type    = map(string)
  default = {}
}
