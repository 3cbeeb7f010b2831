"""pytest plugin of s3tests.py --as-before-2023: every bucket that a test makes has ACLs and no public access block, as AWS made
buckets until April 2023, unless the test says otherwise."""
import boto3
import botocore.client

call = botocore.client.BaseClient._make_api_call
LISTS = ("ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP")


def as_before_2023(client, operation, args):
    if operation != "CreateBucket":
        return call(client, operation, args)
    lists = {k: v for k, v in args.items() if k in LISTS}
    answer = call(client, operation, {"ObjectOwnership": "ObjectWriter", **{k: v for k, v in args.items() if k not in LISTS}})
    key = client._request_signer._credentials
    # A client of its own: the test's may sign with V2, or have its requests altered.
    own = boto3.client("s3", endpoint_url=client.meta.endpoint_url, region_name="us-east-1", aws_access_key_id=key.access_key,
                       aws_secret_access_key=key.secret_key)
    call(own, "DeletePublicAccessBlock", {"Bucket": args["Bucket"]})
    if lists:
        call(own, "PutBucketAcl", {"Bucket": args["Bucket"], **lists})
    return answer


botocore.client.BaseClient._make_api_call = as_before_2023
