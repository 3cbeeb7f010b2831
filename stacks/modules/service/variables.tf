variable "name" {
  type = string
}
variable "vpc_id" {
  type = string
}
variable "public_subnets" {
  type = list(string)
}
variable "private_subnets" {
  type = list(string)
}
variable "service_group" {
  type        = string
  description = "security group of the tasks"
}
variable "spare_cidr" {
  type        = string
  description = "the subnet in which the spare target lives"
}
variable "image" {
  type = string
}
variable "port" {
  type    = number
  default = 8080
}
variable "health_path" {
  type    = string
  default = "/"
}
variable "desired_count" {
  type    = number
  default = 2
}
variable "cpu" {
  type    = number
  default = 256
}
variable "memory" {
  type    = number
  default = 512
}
variable "environment" {
  type    = map(string)
  default = {}
}
variable "log_days" {
  type    = number
  default = 7
}
variable "wait" {
  type    = bool
  default = false
}
variable "tags" {
  type    = map(string)
  default = {}
}
variable "certificates" {
  type        = list(string)
  default     = []
  description = "ARN of the HTTPS listener's certificate; empty: no HTTPS"
}
