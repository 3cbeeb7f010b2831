"""Pages of any origin may ask AWS's APIs, as browsers' SDKs do."""
import requests

ORIGIN = {"Origin": "http://page.example"}
HEADERS = "authorization,content-type,x-amz-date,x-amz-target"


def test_preflight(cloud):
    r = requests.options(cloud.endpoint, headers={**ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": HEADERS})
    assert r.status_code == 200 and r.headers["Access-Control-Allow-Origin"] == "*" and r.headers["Access-Control-Max-Age"] == "172800"
    assert r.headers["Access-Control-Allow-Methods"] == "POST" and r.headers["Access-Control-Allow-Headers"] == HEADERS


def test_answers_and_errors(cloud):
    call = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.ListTables"}
    asked = requests.post(cloud.endpoint, data="{}", headers={**call, **ORIGIN})
    assert asked.status_code == 400 and asked.headers["Access-Control-Allow-Origin"] == "*"
    assert "x-amzn-RequestId" in asked.headers["Access-Control-Expose-Headers"] and "Access-Control-Max-Age" not in asked.headers
    assert not [h for h in requests.post(cloud.endpoint, data="{}", headers=call).headers if h.lower().startswith("access-control")]


def test_buckets_have_their_own_word(cloud):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="cors-of-a-bucket")
    r = requests.options(f"{cloud.endpoint}/cors-of-a-bucket", headers={**ORIGIN, "Access-Control-Request-Method": "GET"})
    assert r.status_code == 403 and "Access-Control-Allow-Origin" not in r.headers
    s3.delete_bucket(Bucket="cors-of-a-bucket")


def test_the_owners_page_is_not_for_others(cloud):
    r = requests.options(cloud.endpoint + "/_nubecita/status", headers={**ORIGIN, "Access-Control-Request-Method": "GET"})
    assert "Access-Control-Allow-Origin" not in r.headers
