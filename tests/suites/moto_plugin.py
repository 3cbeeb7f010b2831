"""pytest plugin of moto_tests.py: moto's server mode against a nubecita whose credentials are in the environment."""
import json
import os

import boto3
import botocore.client
import moto.core
import moto.core.models as models

ENDPOINT = os.environ["TEST_SERVER_MODE_ENDPOINT"]
KEYS = {"AWS_ACCESS_KEY_ID": os.environ["NUBECITA_KEY"], "AWS_SECRET_ACCESS_KEY": os.environ["NUBECITA_SECRET"]}
REGIONS = ("us-east-1", "us-west-1", "us-west-2", "eu-west-1")
real_client = boto3.client


def reset(*_):
    """What moto's reset does, by the APIs: the next test finds nothing of the one before."""
    for region in REGIONS:
        def client(service, region=region):
            return real_client(service, region_name=region, endpoint_url=ENDPOINT, aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
                               aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"])
        sqs, sns, kms = client("sqs"), client("sns"), client("kms")
        for url in sqs.list_queues().get("QueueUrls", []):
            sqs.delete_queue(QueueUrl=url)
        for topic in sns.list_topics()["Topics"]:
            sns.delete_topic(TopicArn=topic["TopicArn"])
        for alias in kms.list_aliases()["Aliases"]:
            if not alias["AliasName"].startswith("alias/aws/"):
                kms.delete_alias(AliasName=alias["AliasName"])


call = botocore.client.BaseClient._make_api_call


def with_open_queues(client, operation, args):
    """A queue lets SNS in, which AWS wants before anything arrives; moto's tests do not say so."""
    answer = call(client, operation, args)
    if operation == "CreateQueue" and "Policy" not in args.get("Attributes", {}):
        policy = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}]}
        call(client, "SetQueueAttributes", {"QueueUrl": answer["QueueUrl"], "Attributes": {"Policy": json.dumps(policy)}})
    return answer


def with_our_keys(init):
    def made(self, *args, **kwargs):
        init(self, *args, **kwargs)
        self._fake_creds = KEYS
    return made


moto.core.DEFAULT_ACCOUNT_ID = os.environ["MOTO_ACCOUNT_ID"]  # before the tests import it
models.MockAWS.__init__ = with_our_keys(models.MockAWS.__init__)
models.ServerModeMockAWS.reset = reset
os.environ.update(KEYS)
if os.environ.get("OPEN_QUEUES"):
    botocore.client.BaseClient._make_api_call = with_open_queues
