"""Databases by their API and by their own clients: boto3 makes them, psql and mariadb inside the VPC use them."""
import glob
import os
import signal
import subprocess
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from harness import wait_until
from netns import ask, namespace, reaches

pytestmark = pytest.mark.host
PASSWORD = "Secret-pass-1$'x"


class Site:
    """A VPC with database subnets in two zones, an interface that stands for the app, one that stands for a stranger."""

    def __init__(self, cloud):
        self.cloud, self.ec2, self.rds = cloud, cloud.client("ec2"), cloud.client("rds")
        self.tag = uuid.uuid4().hex[:6]
        ec2 = self.ec2
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone="us-east-1" + z)["Subnet"]["SubnetId"]
                        for n, z in ((1, "a"), (2, "b"))]
        self.app_group, self.db_group = (ec2.create_security_group(GroupName=n, Description=n, VpcId=self.vpc)["GroupId"] for n in ("app", "db"))
        self.rule = [{"IpProtocol": "tcp", "FromPort": 3000, "ToPort": 6000, "UserIdGroupPairs": [{"GroupId": self.app_group}]}]
        ec2.authorize_security_group_ingress(GroupId=self.db_group, IpPermissions=self.rule)
        self.group = "g" + self.tag
        self.rds.create_db_subnet_group(DBSubnetGroupName=self.group, DBSubnetGroupDescription="two zones", SubnetIds=self.subnets)
        self.interfaces = []
        self.app = self.interface(self.app_group)
        self.stranger = self.interface()
        self.databases = []

    def interface(self, *groups):
        eni = self.ec2.create_network_interface(SubnetId=self.subnets[0], Groups=list(groups))["NetworkInterface"]["NetworkInterfaceId"]
        self.interfaces.append(eni)
        return wait_until(lambda: namespace(eni), 20, 0.01, "the interface's namespace")

    def create(self, engine, **more):
        name = f"{engine}-{self.tag}-{len(self.databases)}"
        self.databases.append(name)
        self.rds.create_db_instance(**{**dict(
            DBInstanceIdentifier=name, Engine=engine, DBInstanceClass="db.t3.micro", AllocatedStorage=20, MasterUsername="boss",
            MasterUserPassword=PASSWORD, DBName="app", DBSubnetGroupName=self.group, VpcSecurityGroupIds=[self.db_group],
            BackupRetentionPeriod=0), **more})
        return name

    def describe(self, name):
        return self.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]

    def wait(self, name, status="available", seconds=60):
        def look():
            i = self.describe(name)
            return i if i["DBInstanceStatus"] == status else None
        return wait_until(look, seconds, 0.02, f"{name} {status}")

    def query(self, instance, sql, password=PASSWORD, namespace=None):
        """The engine's own client, at the instance's endpoint name as the VPC's resolver answers it."""
        namespace = namespace or self.app
        host, port = instance["Endpoint"]["Address"], str(instance["Endpoint"]["Port"])
        address = ask(namespace, "10.0.0.2", host)
        assert address, f"{host} does not resolve"
        env = dict(os.environ, PGPASSWORD=password, MYSQL_PWD=password)
        if instance["Engine"] == "postgres":
            argv = ["psql", "-X", "-tA", "-h", address[0], "-p", port, "-U", "boss", "-d", "app", "-c", sql]
        else:
            argv = ["mariadb", "--no-defaults", "-N", "-B", "-h", address[0], "-P", port, "-u", "boss", "app", "-e", sql]
        return subprocess.run(["nsenter", "--net=" + namespace, *argv], env=env, capture_output=True, text=True, timeout=20)

    def delete(self):
        for name in self.databases:
            try:
                self.rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)
            except ClientError:
                pass
            try:
                self.rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
            except ClientError as e:
                assert e.response["Error"]["Code"] in ("DBInstanceNotFound", "InvalidDBInstanceState"), e
        for name in self.databases:
            wait_until(lambda: gone(lambda: self.describe(name), "DBInstanceNotFound"), 60, what=name + " gone")
        self.rds.delete_db_subnet_group(DBSubnetGroupName=self.group)
        for eni in self.interfaces:
            self.ec2.delete_network_interface(NetworkInterfaceId=eni)
        for group in (self.db_group, self.app_group):
            self.ec2.delete_security_group(GroupId=group)
        for subnet in self.subnets:
            self.ec2.delete_subnet(SubnetId=subnet)
        self.ec2.delete_vpc(VpcId=self.vpc)


def gone(look, code):
    try:
        look()
        return False
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        return True


def code(call, **arguments):
    with pytest.raises(ClientError) as e:
        call(**arguments)
    return e.value.response["Error"]["Code"], e.value.response["Error"]["Message"]


@pytest.fixture(scope="module")
def site(cloud):
    s = Site(cloud)
    yield s
    s.delete()


def server_pid(cloud, instance):
    """Its process id; None while it does not run."""
    return next((d["pid"] for d in all_servers(cloud) if instance["DbiResourceId"].lower() in d["argv"]), None)


def all_servers(cloud):
    out = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            argv = open(path, "rb").read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if cloud.data + "/db/" in argv:
            out.append({"pid": int(path.split("/")[2]), "argv": argv})
    return out


@pytest.mark.parametrize("engine", ["postgres", "mariadb"])
def test_a_database_from_creation_to_deletion(cloud, site, engine):
    began = time.time()
    name = site.create(engine, Tags=[{"Key": "env", "Value": "test"}])
    instance = site.wait(name)
    print(f"{engine}: available after {time.time() - began:.2f} s")
    assert instance["Endpoint"]["Address"].endswith(".us-east-1.rds.nubecita.localhost")
    assert instance["DBSubnetGroup"]["VpcId"] == site.vpc
    assert instance["TagList"] == [{"Key": "env", "Value": "test"}]
    create = "CREATE TABLE t (a int)"
    assert site.query(instance, create).returncode == 0, site.query(instance, create).stderr
    assert site.query(instance, "INSERT INTO t VALUES (42)").returncode == 0
    assert site.query(instance, "SELECT a FROM t").stdout.strip() == "42"
    assert site.query(instance, "SELECT 1", password="wrong").returncode != 0

    # Only members of the application's group reach it, and only while the rule stands.
    address = ask(site.app, "10.0.0.2", instance["Endpoint"]["Address"])[0]
    port = instance["Endpoint"]["Port"]
    assert reaches(site.app, address, port)
    assert not reaches(site.stranger, address, port)
    site.ec2.revoke_security_group_ingress(GroupId=site.db_group, IpPermissions=site.rule)
    wait_until(lambda: not reaches(site.app, address, port), 10, what="the rule is gone")
    site.ec2.authorize_security_group_ingress(GroupId=site.db_group, IpPermissions=site.rule)
    wait_until(lambda: reaches(site.app, address, port), 10, what="the rule is back")

    site.rds.modify_db_instance(DBInstanceIdentifier=name, MasterUserPassword="Another-pass-2", ApplyImmediately=True)
    instance = site.wait(name)
    assert site.query(instance, "SELECT a FROM t", password="Another-pass-2").stdout.strip() == "42"
    assert site.query(instance, "SELECT a FROM t").returncode != 0

    # nubecita dies and comes back: the same process, undisturbed.
    pid = server_pid(cloud, instance)
    cloud.kill9()
    assert site.query(instance, "SELECT a FROM t", password="Another-pass-2").stdout.strip() == "42"
    cloud.start()
    site.rds, site.ec2 = cloud.client("rds"), cloud.client("ec2")
    instance = site.wait(name)
    assert server_pid(cloud, instance) == pid

    # The server dies: it is started again, with its data.
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: server_pid(cloud, instance) not in (None, pid), 30, what="another process")
    instance = site.wait(name)
    wait_until(lambda: site.query(instance, "SELECT a FROM t", password="Another-pass-2").stdout.strip() == "42", 20, what="data")

    site.rds.reboot_db_instance(DBInstanceIdentifier=name)
    site.wait(name)
    site.rds.stop_db_instance(DBInstanceIdentifier=name)
    site.wait(name, "stopped")
    assert not reaches(site.app, address, port)
    site.rds.start_db_instance(DBInstanceIdentifier=name)
    instance = site.wait(name)
    assert site.query(instance, "SELECT a FROM t", password="Another-pass-2").stdout.strip() == "42"

    directory = f"{cloud.data}/db/{instance['DbiResourceId'].lower()}"
    assert os.path.isdir(directory)
    enis = site.ec2.describe_network_interfaces(Filters=[{"Name": "description", "Values": ["RDSNetworkInterface"]}])["NetworkInterfaces"]
    assert any(e["PrivateIpAddress"] == address and e["RequesterManaged"] for e in enis)
    assert code(site.rds.delete_db_instance, DBInstanceIdentifier=name)[0] == "InvalidParameterCombination"
    assert code(site.rds.delete_db_subnet_group, DBSubnetGroupName=site.group)[0] == "InvalidDBSubnetGroupStateFault"
    site.rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    wait_until(lambda: gone(lambda: site.describe(name), "DBInstanceNotFound"), 60, what="gone")
    assert not os.path.exists(directory)
    assert not any(instance["DbiResourceId"].lower() in s["argv"] for s in all_servers(cloud))
    assert not any(e["PrivateIpAddress"] == address for e in site.ec2.describe_network_interfaces(
        Filters=[{"Name": "description", "Values": ["RDSNetworkInterface"]}])["NetworkInterfaces"])


def test_other_users_of_the_machine_read_nothing(cloud, site):
    """Database servers pass through the data directory to their own files; what lies beside those stays closed."""
    site.wait(site.create("postgres"))
    assert os.stat(cloud.data).st_mode & 0o077 == 0o011, "to pass through, not to list"
    for name in ("store", "ca", "token", "credentials"):
        assert os.stat(os.path.join(cloud.data, name)).st_mode & 0o077 == 0, name


def test_parameter_groups_reach_the_server(site):
    rds = site.rds
    group = "tuned-" + site.tag
    version = next(v for v in rds.describe_db_engine_versions(Engine="postgres")["DBEngineVersions"])
    rds.create_db_parameter_group(DBParameterGroupName=group, DBParameterGroupFamily=version["DBParameterGroupFamily"], Description="x")
    rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[
        {"ParameterName": "work_mem", "ParameterValue": "12345", "ApplyMethod": "immediate"},
        {"ParameterName": "max_connections", "ParameterValue": "33", "ApplyMethod": "pending-reboot"}])
    name = site.create("postgres", DBParameterGroupName=group)
    instance = site.wait(name)
    assert instance["DBParameterGroups"] == [{"DBParameterGroupName": group, "ParameterApplyStatus": "in-sync"}]
    assert site.query(instance, "SHOW work_mem").stdout.strip() == "12345kB"
    assert site.query(instance, "SHOW max_connections").stdout.strip() == "33"
    rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[
        {"ParameterName": "work_mem", "ParameterValue": "2222", "ApplyMethod": "immediate"},
        {"ParameterName": "max_connections", "ParameterValue": "44", "ApplyMethod": "pending-reboot"}])
    wait_until(lambda: site.query(instance, "SHOW work_mem").stdout.strip() == "2222kB", 10, what="the dynamic parameter")
    assert site.query(instance, "SHOW max_connections").stdout.strip() == "33"
    assert site.describe(name)["DBParameterGroups"][0]["ParameterApplyStatus"] == "pending-reboot"
    rds.reboot_db_instance(DBInstanceIdentifier=name)
    instance = site.wait(name)
    assert site.query(instance, "SHOW max_connections").stdout.strip() == "44"
    assert site.describe(name)["DBParameterGroups"][0]["ParameterApplyStatus"] == "in-sync"
    user = rds.describe_db_parameters(DBParameterGroupName=group, Source="user")["Parameters"]
    assert {p["ParameterName"]: p["ParameterValue"] for p in user} == {"work_mem": "2222", "max_connections": "44"}
    assert code(rds.delete_db_parameter_group, DBParameterGroupName=group)[0] == "InvalidDBParameterGroupState"
    assert code(rds.modify_db_parameter_group, DBParameterGroupName=group,
                Parameters=[{"ParameterName": "max_connections", "ParameterValue": "1", "ApplyMethod": "immediate"}])[0] == "InvalidParameterCombination"
    rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    wait_until(lambda: gone(lambda: site.describe(name), "DBInstanceNotFound"), 60, what="gone")
    rds.delete_db_parameter_group(DBParameterGroupName=group)
    assert gone(lambda: rds.describe_db_parameter_groups(DBParameterGroupName=group), "DBParameterGroupNotFound")


def test_what_is_not_served_says_so(site):
    good = dict(DBInstanceIdentifier="no-" + site.tag, Engine="postgres", DBInstanceClass="db.t3.micro", AllocatedStorage=20,
                MasterUsername="boss", MasterUserPassword=PASSWORD, DBSubnetGroupName=site.group, BackupRetentionPeriod=0)
    for member, value in (("MultiAZ", True), ("StorageEncrypted", True), ("EnablePerformanceInsights", True), ("MonitoringInterval", 60),
                          ("EnableIAMDatabaseAuthentication", True), ("BackupRetentionPeriod", 7), ("ManageMasterUserPassword", True)):
        error, message = code(site.rds.create_db_instance, **{**good, member: value})
        assert error == "InvalidParameterValue" and member in message, (member, error, message)
    error, message = code(site.rds.create_db_instance, **{**good, "Engine": "mysql"})
    assert error == "InvalidParameterValue" and "mariadb_for_mysql" in message and "mysqld" in message
    assert code(site.rds.create_db_snapshot, DBSnapshotIdentifier="s", DBInstanceIdentifier="x")[0] == "InvalidAction"
    assert site.rds.describe_db_snapshots()["DBSnapshots"] == []


def test_orderable_options_and_defaults(site):
    rds = site.rds
    options = rds.describe_orderable_db_instance_options(Engine="mariadb", DBInstanceClass="db.t3.small")["OrderableDBInstanceOptions"]
    assert options and all(o["DBInstanceClass"] == "db.t3.small" for o in options)
    family = rds.describe_db_engine_versions(Engine="mariadb")["DBEngineVersions"][0]["DBParameterGroupFamily"]
    pages = rds.get_paginator("describe_engine_default_parameters").paginate(DBParameterGroupFamily=family)
    names = {p["ParameterName"] for page in pages for p in page["EngineDefaults"]["Parameters"]}
    assert {"max_connections", "innodb_buffer_pool_size", "slow_query_log"} <= names
