variable "name" {
  type = string
}
variable "vpc_id" {
  type = string
}
variable "subnets" {
  type = list(string)
}
variable "client_group" {
  type = string
}
variable "engine" {
  type    = string
  default = "mariadb"
}
variable "engine_version" {
  type    = string
  default = "10.11"
}
variable "family" {
  type    = string
  default = "mariadb10.11"
}
variable "parameters" {
  type    = map(string)
  default = {}
}
variable "instance_class" {
  type    = string
  default = "db.t3.micro"
}
variable "port" {
  type    = number
  default = 3306
}
variable "database" {
  type = string
}
variable "username" {
  type = string
}
variable "password" {
  type      = string
  sensitive = true
}
variable "tags" {
  type    = map(string)
  default = {}
}
