variable "name" {
  type = string
}
variable "immutable" {
  type    = bool
  default = false
}
variable "scan_on_push" {
  type    = bool
  default = false
}
variable "keep" {
  type    = number
  default = 10
}
variable "tags" {
  type    = map(string)
  default = {}
}
