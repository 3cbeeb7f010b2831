environment   = "production"
profile       = "production"
region        = "eu-central-1"
cidr          = "10.30.0.0/16"
zone_count    = 3
desired_count = 2
log_days      = 30
