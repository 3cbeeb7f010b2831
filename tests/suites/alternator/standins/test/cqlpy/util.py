def config_value_context(*_, **__):
    raise NotImplementedError("of ScyllaDB only")
