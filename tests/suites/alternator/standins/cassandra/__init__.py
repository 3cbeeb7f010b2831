"""Stands in for the driver of CQL, which no DynamoDB speaks: nothing can be reached by it."""


class ConsistencyLevel:
    pass


class InvalidRequest(Exception):
    pass
