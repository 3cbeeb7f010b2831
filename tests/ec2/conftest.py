import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from ec2_helpers import Lab  # noqa: E402


@pytest.fixture(scope="session")
def ec2(client):
    return client("ec2")


@pytest.fixture
def lab(ec2):
    made = Lab(ec2)
    with made.undo:
        yield made
