"""What the tests of encryption at rest share: a look at the store's files, and principals with some rights at a KMS key."""
import json
import pathlib
import uuid


def in_store(cloud, text):
    """Whether the text stands in any file of the store, as whoever holds the disk would find it."""
    files = [p for p in pathlib.Path(cloud.data, "store").rglob("*") if p.is_file()]
    assert files, "the store has no files?"
    return any(text.encode() in p.read_bytes() for p in files)


def secret():
    return "at-rest-" + uuid.uuid4().hex + uuid.uuid4().hex


def allow(*statements):
    """A policy of (actions, resource) pairs."""
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": a, "Resource": r} for a, r in statements]}


def key_policy(kms, key, *services):
    """The key's default policy and a statement for services that ask for themselves."""
    policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    policy["Statement"].append({"Effect": "Allow", "Principal": {"Service": list(services)}, "Resource": "*",
                                "Action": ["kms:GenerateDataKey*", "kms:Decrypt"]})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))
