class PlainTextAuthProvider:
    def __init__(self, *_, **__):
        pass
