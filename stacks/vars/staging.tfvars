environment   = "staging"
profile       = "staging"
region        = "eu-central-1"
cidr          = "10.20.0.0/16"
zone_count    = 2
desired_count = 1
