"""KMS as boto3 sees it."""
import json
import os
import stat
import uuid

import botocore.exceptions
import pytest


@pytest.fixture(scope="module")
def kms(client):
    return client("kms")


@pytest.fixture
def key(kms):
    made = kms.create_key(Description="test", Tags=[{"TagKey": "env", "TagValue": "x"}])["KeyMetadata"]
    yield made
    if kms.describe_key(KeyId=made["KeyId"])["KeyMetadata"]["KeyState"] != "PendingDeletion":
        kms.schedule_key_deletion(KeyId=made["KeyId"], PendingWindowInDays=7)


def error_of(call, **args):
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(**args)
    return e.value.response["Error"]


def test_what_terraform_asks_of_a_key(kms, key):
    assert key["KeyState"] == "Enabled" and key["KeySpec"] == "SYMMETRIC_DEFAULT" and key["KeyManager"] == "CUSTOMER"
    assert json.loads(kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])["Statement"][0]["Action"] == "kms:*"
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"] is False
    assert kms.list_resource_tags(KeyId=key["KeyId"])["Tags"] == [{"TagKey": "env", "TagValue": "x"}]
    alias = "alias/" + uuid.uuid4().hex
    kms.create_alias(AliasName=alias, TargetKeyId=key["Arn"])
    [found] = [a for a in kms.list_aliases(KeyId=key["KeyId"])["Aliases"] if a["AliasName"] == alias]
    assert found["TargetKeyId"] == key["KeyId"]
    assert kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"] == key["KeyId"]
    assert error_of(kms.create_alias, AliasName=alias, TargetKeyId=key["KeyId"])["Code"] == "AlreadyExistsException"
    for target in (alias, key["Arn"].split(":key/")[0] + ":" + alias):
        assert error_of(kms.create_alias, AliasName=alias + "-2", TargetKeyId=target)["Code"] == "ValidationException"
    kms.delete_alias(AliasName=alias)
    assert error_of(kms.describe_key, KeyId=alias)["Code"] == "NotFoundException"


def test_encrypt_decrypt_with_context(kms, key):
    sealed = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"secret", EncryptionContext={"a": "1", "b": "2"})
    assert b"secret" not in sealed["CiphertextBlob"] and sealed["KeyId"] == key["Arn"]
    opened = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext={"b": "2", "a": "1"})
    assert opened["Plaintext"] == b"secret"
    for context in ({}, {"a": "1"}, {"a": "1", "b": "3"}):
        assert error_of(kms.decrypt, CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context)["Code"] == "InvalidCiphertextException"
    broken = bytearray(sealed["CiphertextBlob"])
    broken[-1] ^= 1
    assert error_of(kms.decrypt, CiphertextBlob=bytes(broken), EncryptionContext={"a": "1", "b": "2"})["Code"] == "InvalidCiphertextException"


def test_data_keys_and_re_encrypt(kms, key):
    data = kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256")
    assert len(data["Plaintext"]) == 32
    assert kms.decrypt(CiphertextBlob=data["CiphertextBlob"], KeyId=key["Arn"])["Plaintext"] == data["Plaintext"]
    other = kms.create_key()["KeyMetadata"]
    moved = kms.re_encrypt(CiphertextBlob=data["CiphertextBlob"], DestinationKeyId=other["KeyId"])
    assert kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == data["Plaintext"]
    assert error_of(kms.decrypt, CiphertextBlob=moved["CiphertextBlob"], KeyId=key["KeyId"])["Code"] == "IncorrectKeyException"
    assert "Plaintext" not in kms.generate_data_key_without_plaintext(KeyId=key["KeyId"], NumberOfBytes=16)
    assert len(kms.generate_random(NumberOfBytes=77)["Plaintext"]) == 77
    kms.schedule_key_deletion(KeyId=other["KeyId"], PendingWindowInDays=7)


def test_rotation_keeps_old_ciphertexts(kms, key):
    old = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"old")["CiphertextBlob"]
    kms.rotate_key_on_demand(KeyId=key["KeyId"])
    kms.enable_key_rotation(KeyId=key["KeyId"], RotationPeriodInDays=90)
    status = kms.get_key_rotation_status(KeyId=key["KeyId"])
    assert status["KeyRotationEnabled"] and status["RotationPeriodInDays"] == 90
    new = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"new")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=old)["KeyMaterialId"] != kms.decrypt(CiphertextBlob=new)["KeyMaterialId"]
    assert [r["RotationType"] for r in kms.list_key_rotations(KeyId=key["KeyId"])["Rotations"]] == ["ON_DEMAND"]


def test_states(kms, key):
    sealed = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=key["KeyId"])
    assert error_of(kms.decrypt, CiphertextBlob=sealed)["Code"] == "DisabledException"
    kms.enable_key(KeyId=key["KeyId"])
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    assert error_of(kms.decrypt, CiphertextBlob=sealed)["Code"] == "KMSInvalidStateException"
    kms.cancel_key_deletion(KeyId=key["KeyId"])
    assert kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "Disabled"
    kms.enable_key(KeyId=key["KeyId"])
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"x"


def test_the_key_policy_has_the_last_word(kms, key, cloud, scratch_user):
    name, access, secret = scratch_user({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]})
    user = cloud.client("kms", key=access, secret=secret)
    sealed = user.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]  # the default policy lets identity policies decide
    me = cloud.client("sts").get_caller_identity()["Arn"]
    only_me = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": me}, "Action": "kms:*", "Resource": "*"}]}
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=json.dumps(only_me))
    assert error_of(user.decrypt, CiphertextBlob=sealed)["Code"] == "AccessDeniedException"
    arn = cloud.client("iam").get_user(UserName=name)["User"]["Arn"]
    grant = kms.create_grant(KeyId=key["KeyId"], GranteePrincipal=arn, Operations=["Decrypt"])
    assert user.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"x"
    assert error_of(user.encrypt, KeyId=key["KeyId"], Plaintext=b"y")["Code"] == "AccessDeniedException"
    kms.revoke_grant(KeyId=key["KeyId"], GrantId=grant["GrantId"])
    assert error_of(user.decrypt, CiphertextBlob=sealed)["Code"] == "AccessDeniedException"
    locked = json.loads(json.dumps(only_me).replace(me, arn))
    assert error_of(kms.put_key_policy, KeyId=key["KeyId"], Policy=json.dumps(locked))["Code"] == "MalformedPolicyDocumentException"


def test_the_installation_key_is_for_its_owner(cloud, kms, key):
    path = os.path.join(cloud.data, "kms", "installation.key")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600 and os.path.getsize(path) == 32


def test_refused(kms):
    for options in ({"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}, {"Origin": "EXTERNAL"}, {"MultiRegion": True}):
        assert error_of(kms.create_key, **options)["Code"] == "UnsupportedOperationException"
