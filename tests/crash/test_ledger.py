"""The data services keep what they acknowledged: tests/crash/ledger.py with as many kills as fit into the tests."""
import os
import random

import pytest

from crash.ledger import keep
from crash.power_cut import Power, library

KILLS = int(os.environ.get("NUBECITA_LEDGER_KILLS", "20"))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("cut", [False, True], ids=["kill", "power-cut"])
def test_nothing_acknowledged_is_lost_by_the_data_services(own_cloud, cut):
    seed = os.environ.get("NUBECITA_SEED", str(random.randrange(10**9)))
    print("seed", seed)
    power = Power(own_cloud.data, library(own_cloud.data)) if cut else None
    done = keep(own_cloud, KILLS, seed, power)
    assert not power or power.undone > KILLS, "there was always something that no sync covered"
    for c in done:
        assert c.acknowledged > KILLS / 4, f"{c.name} got too little done to prove anything: {c.acknowledged}"
