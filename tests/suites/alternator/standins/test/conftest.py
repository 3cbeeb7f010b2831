"""Stands in for ScyllaDB's test/conftest.py: what test/alternator asks of it, and credentials from the environment."""
import os

import botocore.session
import pytest


def dynamic_scope():
    return "session"


_create_client = botocore.session.Session.create_client


def _create_signed_client(self, *args, **kwargs):
    if kwargs.get("aws_access_key_id") in ("unknownuser", "cassandra"):
        kwargs["aws_access_key_id"] = os.environ["AWS_ACCESS_KEY_ID"]
        kwargs["aws_secret_access_key"] = os.environ["AWS_SECRET_ACCESS_KEY"]
    return _create_client(self, *args, **kwargs)


botocore.session.Session.create_client = _create_signed_client


# Fixtures of tests that ask for something of ScyllaDB's own.
SCYLLA_FIXTURES = {"scylla_only", "cql", "rest_api"}


def pytest_configure(config):
    from contextlib import nullcontext

    import test.alternator.util as util

    # ScyllaDB's configuration is a table: nothing to set here, and what the tests read of it is how often expired
    # items are looked for.
    util.get_region = lambda dynamodb: dynamodb.meta.client.meta.region_name
    util.scylla_config_temporary = lambda *_, **__: nullcontext()
    util.scylla_config_read = lambda _, name: {"alternator_ttl_period_in_seconds": "1"}.get(name)
    for name in ("skip_env", "skip_bug"):
        config.addinivalue_line("markers", name + ": not for this server")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if SCYLLA_FIXTURES & set(item.fixturenames):
            item.add_marker(pytest.mark.skip(reason="of ScyllaDB only"))
        for name in ("skip_env", "skip_bug"):
            mark = item.get_closest_marker(name)
            if mark:
                item.add_marker(pytest.mark.skip(reason=str(mark.kwargs.get("reason") or mark.args)))
