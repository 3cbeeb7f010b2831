"""kill -9 at random moments while clients create and delete: every acknowledged write is there, every acknowledged
delete is gone, nothing half-made remains, and the machine ends up as the store says.

Each client keeps a ledger. A call that answered is certain; one that was cut off is unknown until looked at.
NUBECITA_KILLS sets the number of kills (default 100).
"""
import os
import random
import subprocess
import threading
import time
import uuid

import botocore.exceptions
import pytest
from harness import wait_until

KILLS = int(os.environ.get("NUBECITA_KILLS", "100"))
CUT = (botocore.exceptions.EndpointConnectionError, botocore.exceptions.ConnectionClosedError,
       botocore.exceptions.ReadTimeoutError, botocore.exceptions.ConnectTimeoutError, botocore.exceptions.HTTPClientError)


class Kind:
    """How one kind of resource is made, removed and listed; names are ours, so that a cut-off create can be found."""

    def __init__(self, create, delete, listing):
        self.create, self.delete, self.listing = create, delete, listing


def kinds(cloud):
    ec2, iam, logs, ecr = (cloud.client(s, connect_timeout=2, read_timeout=10) for s in ("ec2", "iam", "logs", "ecr"))

    def tagged(kind, name):
        return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}]}]

    def names_of(resources):
        return {t["Value"] for r in resources for t in r.get("Tags", []) if t["Key"] == "Name"}

    def vpc_by_name(name):
        return ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [name]}])["Vpcs"]

    def delete_vpc(name):
        for v in vpc_by_name(name):
            ec2.delete_vpc(VpcId=v["VpcId"])

    return {
        "vpc": Kind(lambda n: ec2.create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=tagged("vpc", n)), delete_vpc,
                    lambda: names_of(ec2.describe_vpcs()["Vpcs"])),
        "user": Kind(lambda n: iam.create_user(UserName=n), lambda n: iam.delete_user(UserName=n),
                     lambda: {u["UserName"] for u in iam.list_users(MaxItems=1000)["Users"]}),
        "group": Kind(lambda n: logs.create_log_group(logGroupName=n), lambda n: logs.delete_log_group(logGroupName=n),
                      lambda: {g["logGroupName"] for page in logs.get_paginator("describe_log_groups").paginate()
                               for g in page["logGroups"]}),
        "repository": Kind(lambda n: ecr.create_repository(repositoryName=n), lambda n: ecr.delete_repository(repositoryName=n),
                           lambda: {r["repositoryName"] for page in ecr.get_paginator("describe_repositories").paginate()
                                    for r in page["repositories"]}),
    }


class Worker(threading.Thread):
    def __init__(self, cloud, kind, seed):
        super().__init__(daemon=True)
        self.name_of_kind = kind
        self.kind = kinds(cloud)[kind]
        self.random = random.Random(seed)
        self.certain, self.gone, self.unknown = set(), set(), set()
        self.acknowledged = 0
        self.problem = None
        self.ending = False

    def run(self):
        while not self.ending:
            remove = self.certain and self.random.random() < 0.5
            name = self.random.choice(sorted(self.certain)) if remove else f"k{uuid.uuid4().hex[:16]}"
            try:
                (self.kind.delete if remove else self.kind.create)(name)
                self.acknowledged += 1
                self.certain.discard(name)
                (self.gone if remove else self.certain).add(name)
            except CUT:
                self.certain.discard(name)
                self.unknown.add(name)
                time.sleep(0.02)
            except Exception as e:  # an answer that a correct server does not give
                self.problem = f"{self.name_of_kind} {'delete' if remove else 'create'} {name}: {e}"
                return


@pytest.mark.host
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_acknowledged_is_lost(own_cloud):
    cloud = own_cloud
    workers = [Worker(cloud, kind, i) for i, kind in enumerate(["vpc", "user", "user", "group", "repository"])]
    for w in workers:
        w.start()
    for kill in range(KILLS):
        time.sleep(random.uniform(0.02, 0.4))
        cloud.kill9()
        cloud.start()
        for w in workers:
            assert not w.problem, w.problem
    for w in workers:
        w.ending = True
    for w in workers:
        w.join(30)
        assert not w.problem, w.problem
    assert sum(w.acknowledged for w in workers) > KILLS, "the clients got too little done to prove anything"
    for w in workers:
        present = w.kind.listing()
        assert not w.certain - present, f"{w.name_of_kind}: acknowledged, but not there"
        assert not w.gone & present, f"{w.name_of_kind}: deleted, but there"
    # A VPC is whole: its main route table, default ACL and default group came with it.
    ec2 = cloud.client("ec2")
    vpcs = {v["VpcId"] for v in ec2.describe_vpcs()["Vpcs"]}
    for resources, id_of in [(ec2.describe_route_tables()["RouteTables"], "route table"),
                             (ec2.describe_network_acls()["NetworkAcls"], "ACL"),
                             (ec2.describe_security_groups()["SecurityGroups"], "group")]:
        owners = sorted(r["VpcId"] for r in resources)
        assert owners == sorted(vpcs), f"{id_of}: not one for each VPC"

    def namespaces():
        out = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
        return {line.split()[0].split("-", 1)[1] for line in out.splitlines() if line.split()[0].startswith("n" + tag(cloud))}
    wait_until(lambda: namespaces() <= vpcs, 30, what="namespaces of VPCs that are gone are removed")


def tag(cloud):
    import hashlib
    return hashlib.sha256(os.path.abspath(cloud.data).encode()).hexdigest()[:4]
