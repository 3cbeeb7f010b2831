variable "name" {
  type = string
}
variable "body" {
  type        = string
  description = "PEM"
}
variable "key" {
  type        = string
  description = "PEM"
  sensitive   = true
}
