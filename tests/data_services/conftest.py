import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from data_helpers import Data  # noqa: E402


@pytest.fixture
def data(own_cloud):
    return Data(own_cloud)
