"""The data services keep what they acknowledged: tests/crash/ledger.py with as many kills as fit into the tests."""
import os
import random

import pytest

from crash.ledger import keep

KILLS = int(os.environ.get("NUBECITA_LEDGER_KILLS", "20"))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_lost_by_the_data_services(own_cloud):
    seed = os.environ.get("NUBECITA_SEED", str(random.randrange(10**9)))
    print("seed", seed)
    done = keep(own_cloud, KILLS, seed)
    for c in done:
        assert c.acknowledged > KILLS / 4, f"{c.name} got too little done to prove anything: {c.acknowledged}"
