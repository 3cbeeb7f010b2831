class NoHostAvailable(Exception):
    pass


class Cluster:
    def __init__(self, *_, **__):
        raise NoHostAvailable()
