"""ECR as boto3, skopeo, podman and curl see it."""
import base64
import gzip
import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
import uuid

import botocore.exceptions
import pytest

from images import reachable

pytestmark = pytest.mark.usefixtures("cloud")


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def code(call, *args, **kwargs):
    with pytest.raises(botocore.exceptions.ClientError) as e:
        call(*args, **kwargs)
    return e.value.response["Error"]["Code"]


@pytest.fixture(scope="module")
def ecr(cloud):
    return cloud.client("ecr")


@pytest.fixture
def repository(ecr):
    name = "test/" + uuid.uuid4().hex[:12]
    made = ecr.create_repository(repositoryName=name)["repository"]
    yield made
    try:
        ecr.delete_repository(repositoryName=name, force=True)
    except ecr.exceptions.RepositoryNotFoundException:
        pass


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A docker archive with one layer and no program: made from files, by nobody's registry."""
    folder = tmp_path_factory.mktemp("image")
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        data = os.urandom(200_000)
        info = tarfile.TarInfo("data.bin")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    layer = layer.getvalue()
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/none"]},
                         "rootfs": {"type": "layers", "diff_ids": [sha(layer)]}, "history": [{"created_by": "test"}]}).encode()
    name = sha(config)[7:]
    path = folder / "image.tar"
    with tarfile.open(path, "w") as tar:
        for file, data in ((f"{name}.json", config), ("layer.tar", layer),
                           ("manifest.json", json.dumps([{"Config": f"{name}.json", "RepoTags": ["test:1"], "Layers": ["layer.tar"]}]).encode())):
            info = tarfile.TarInfo(file)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


class Registry:
    """The distribution API by hand."""

    def __init__(self, cloud, repository, token=None, region="us-east-1"):
        self.base = cloud.endpoint
        account, host = repository["registryId"], repository["repositoryUri"].split("/")[0]
        self.host, self.name = host, repository["repositoryName"]
        self.token = token or cloud.client("ecr", region=region).get_authorization_token()["authorizationData"][0]["authorizationToken"]
        self.account = account

    def ask(self, method, path, body=None, **headers):
        url = path if path.startswith("http") else self.base + (path if path.startswith("/v2") else f"/v2/{self.name}/{path}")
        request = urllib.request.Request(url, data=body, method=method)
        request.add_header("Host", self.host)
        if self.token:
            request.add_header("Authorization", "Basic " + self.token)
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as e:
            return e.code, e.read(), e.headers

    def blob(self, data):
        status, body, _ = self.ask("POST", f"blobs/uploads/?digest={sha(data)}", data)
        assert status == 201, body
        return {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": sha(data), "size": len(data)}

    def image(self, tag, data=b"layer", config=b"{}"):
        manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                               "config": dict(self.blob(config), mediaType="application/vnd.oci.image.config.v1+json"),
                               "layers": [self.blob(data)]}).encode()
        status, body, _ = self.ask("PUT", f"manifests/{tag or sha(manifest)}", manifest, Content_Type="application/vnd.oci.image.manifest.v1+json")
        assert status == 201, body
        return sha(manifest)


@pytest.fixture
def registry(cloud, repository):
    return Registry(cloud, repository)


def login_args(cloud):
    password = base64.b64decode(cloud.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]).decode()
    return password.split(":", 1)


# --- repositories ---

def test_repository_life(ecr, cloud):
    name = "life/" + uuid.uuid4().hex[:8]
    made = ecr.create_repository(repositoryName=name, tags=[{"Key": "env", "Value": "test"}])["repository"]
    account = made["registryId"]
    assert made["repositoryArn"] == f"arn:aws:ecr:us-east-1:{account}:repository/{name}"
    assert made["repositoryUri"].startswith(f"{account}.dkr.ecr.us-east-1.") and made["repositoryUri"].endswith("/" + name)
    assert made["imageTagMutability"] == "MUTABLE"
    assert made["imageScanningConfiguration"] == {"scanOnPush": False}
    assert made["encryptionConfiguration"] == {"encryptionType": "AES256"}
    assert ecr.describe_repositories(repositoryNames=[name])["repositories"] == [made]
    assert code(ecr.create_repository, repositoryName=name) == "RepositoryAlreadyExistsException"
    assert code(ecr.create_repository, repositoryName="Bad_Name") == "InvalidParameterException"
    assert code(ecr.create_repository, repositoryName=name + "k", encryptionConfiguration={"encryptionType": "KMS"}) == "InvalidParameterException"
    ecr.put_image_tag_mutability(repositoryName=name, imageTagMutability="IMMUTABLE")
    ecr.put_image_scanning_configuration(repositoryName=name, imageScanningConfiguration={"scanOnPush": True})
    now = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
    assert now["imageTagMutability"] == "IMMUTABLE" and now["imageScanningConfiguration"]["scanOnPush"]
    arn = made["repositoryArn"]
    ecr.tag_resource(resourceArn=arn, tags=[{"Key": "a", "Value": "1"}])
    ecr.untag_resource(resourceArn=arn, tagKeys=["env"])
    assert ecr.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "a", "Value": "1"}]
    # Another region is another registry.
    assert code(cloud.client("ecr", region="eu-central-1").describe_repositories, repositoryNames=[name]) == "RepositoryNotFoundException"
    ecr.delete_repository(repositoryName=name)
    assert code(ecr.describe_repositories, repositoryNames=[name]) == "RepositoryNotFoundException"


def test_repositories_page(ecr):
    prefix = "page-" + uuid.uuid4().hex[:8]
    for i in range(5):
        ecr.create_repository(repositoryName=f"{prefix}/{i}")
    pages = list(ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2}))
    names = [r["repositoryName"] for p in pages for r in p["repositories"] if r["repositoryName"].startswith(prefix)]
    assert names == [f"{prefix}/{i}" for i in range(5)]
    assert all(len(p["repositories"]) <= 2 for p in pages)
    assert code(ecr.describe_repositories, nextToken="forged") == "InvalidParameterException"
    for i in range(5):
        ecr.delete_repository(repositoryName=f"{prefix}/{i}")


def test_policies(ecr, repository):
    name = repository["repositoryName"]
    assert code(ecr.get_repository_policy, repositoryName=name) == "RepositoryPolicyNotFoundException"
    assert code(ecr.set_repository_policy, repositoryName=name, policyText="{}") == "InvalidParameterException"
    text = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "x", "Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}]})
    ecr.set_repository_policy(repositoryName=name, policyText=text)
    assert json.loads(ecr.get_repository_policy(repositoryName=name)["policyText"]) == json.loads(text)
    # Whoever would lock himself out is asked whether he means it; from here he would not.
    def only_from(addresses):
        return json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "here", "Effect": "Deny", "Principal": "*", "Action": "ecr:SetRepositoryPolicy",
                                                                   "Condition": {"NotIpAddress": {"aws:SourceIp": addresses}}}]})
    assert code(ecr.set_repository_policy, repositoryName=name, policyText=only_from("192.0.2.0/24")) == "InvalidParameterException"
    ecr.set_repository_policy(repositoryName=name, policyText=only_from("127.0.0.0/8"))
    ecr.delete_repository_policy(repositoryName=name)
    assert code(ecr.delete_repository_policy, repositoryName=name) == "RepositoryPolicyNotFoundException"

    assert code(ecr.get_lifecycle_policy, repositoryName=name) == "LifecyclePolicyNotFoundException"
    rule = {"rulePriority": 1, "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14},
            "action": {"type": "expire"}}
    ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=json.dumps({"rules": [rule]}))
    assert json.loads(ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"]) == {"rules": [rule]}
    bad = json.dumps({"rules": [dict(rule, action={"type": "keep"})]})
    assert code(ecr.put_lifecycle_policy, repositoryName=name, lifecyclePolicyText=bad) == "InvalidParameterException"
    ecr.delete_lifecycle_policy(repositoryName=name)
    assert code(ecr.get_lifecycle_policy, repositoryName=name) == "LifecyclePolicyNotFoundException"


def test_lifecycle_preview(ecr, repository, registry):
    name = repository["repositoryName"]
    for i in range(3):
        registry.image(f"v{i}", data=b"layer %d" % i)
        time.sleep(0.01)
    text = json.dumps({"rules": [{"rulePriority": 7, "action": {"type": "expire"},
                                  "selection": {"tagStatus": "tagged", "tagPrefixList": ["v"], "countType": "imageCountMoreThan", "countNumber": 1}}]})
    assert ecr.start_lifecycle_policy_preview(repositoryName=name, lifecyclePolicyText=text)["status"] == "IN_PROGRESS"
    ecr.get_waiter("lifecycle_policy_preview_complete").wait(repositoryName=name)
    preview = ecr.get_lifecycle_policy_preview(repositoryName=name)
    assert preview["summary"]["expiringImageTotalCount"] == 2
    assert sorted(r["imageTags"] for r in preview["previewResults"]) == [["v0"], ["v1"]]
    assert len(ecr.list_images(repositoryName=name)["imageIds"]) == 3


# --- images ---

def test_images_by_the_api(ecr, repository, registry):
    name = repository["repositoryName"]
    digest = registry.image("v1")
    assert code(ecr.delete_repository, repositoryName=name) == "RepositoryNotEmptyException"
    assert ecr.list_images(repositoryName=name)["imageIds"] == [{"imageDigest": digest, "imageTag": "v1"}]
    detail = ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": "v1"}])["imageDetails"][0]
    assert (detail["imageDigest"], detail["imageTags"], detail["imageSizeInBytes"]) == (digest, ["v1"], 7)
    assert code(ecr.describe_images, repositoryName=name, imageIds=[{"imageTag": "nope"}]) == "ImageNotFoundException"
    got = ecr.batch_get_image(repositoryName=name, imageIds=[{"imageTag": "v1"}, {"imageTag": "nope"}])
    manifest = got["images"][0]["imageManifest"]
    assert sha(manifest.encode()) == digest
    assert got["failures"][0]["failureCode"] == "ImageNotFound"
    ecr.put_image(repositoryName=name, imageManifest=manifest, imageTag="v2")  # retag
    assert code(ecr.put_image, repositoryName=name, imageManifest=manifest, imageTag="v2") == "ImageAlreadyExistsException"
    assert [f["tagStatus"] if "tagStatus" in f else f["imageTag"] for f in ecr.list_images(repositoryName=name, filter={"tagStatus": "TAGGED"})["imageIds"]] == ["v1", "v2"]
    layers = [layer["digest"] for layer in json.loads(manifest)["layers"]]
    checked = ecr.batch_check_layer_availability(repositoryName=name, layerDigests=layers + [sha(b"never")])["layers"]
    assert [c["layerAvailability"] for c in checked] == ["AVAILABLE", "UNAVAILABLE"]
    url = ecr.get_download_url_for_layer(repositoryName=name, layerDigest=layers[0])["downloadUrl"]
    status, body, _ = Registry.ask(registry, "GET", "/v2/" + url.split("/v2/")[1])
    assert (status, body) == (200, b"layer")
    out = ecr.batch_delete_image(repositoryName=name, imageIds=[{"imageDigest": digest}])
    assert out["failures"] == [] and {i["imageTag"] for i in out["imageIds"]} == {"v1", "v2"}
    assert ecr.list_images(repositoryName=name)["imageIds"] == []


def test_layers_by_the_api(ecr, repository):
    name = repository["repositoryName"]
    data = os.urandom(1000)
    upload = ecr.initiate_layer_upload(repositoryName=name)["uploadId"]
    ecr.upload_layer_part(repositoryName=name, uploadId=upload, partFirstByte=0, partLastByte=599, layerPartBlob=data[:600])
    ecr.upload_layer_part(repositoryName=name, uploadId=upload, partFirstByte=600, partLastByte=999, layerPartBlob=data[600:])
    assert code(ecr.complete_layer_upload, repositoryName=name, uploadId=upload, layerDigests=[sha(b"x")]) == "InvalidLayerException"
    ecr.complete_layer_upload(repositoryName=name, uploadId=upload, layerDigests=[sha(data)])
    assert ecr.batch_check_layer_availability(repositoryName=name, layerDigests=[sha(data)])["layers"][0]["layerSize"] == 1000


def test_scan_says_that_no_scanner_is_installed(ecr, repository, registry):
    name = repository["repositoryName"]
    registry.image("v1")
    with pytest.raises(botocore.exceptions.ClientError) as e:
        ecr.start_image_scan(repositoryName=name, imageId={"imageTag": "v1"})
    assert "No image scanner is installed" in str(e.value)
    assert code(ecr.describe_image_scan_findings, repositoryName=name, imageId={"imageTag": "v1"}) == "ScanNotFoundException"
    ecr.put_image_scanning_configuration(repositoryName=name, imageScanningConfiguration={"scanOnPush": True})
    registry.image("v2", data=b"other")
    for _ in range(100):
        status = ecr.describe_image_scan_findings(repositoryName=name, imageId={"imageTag": "v2"})["imageScanStatus"]
        if status["status"] != "IN_PROGRESS":
            break
        time.sleep(0.05)
    assert status["status"] == "FAILED" and "No image scanner" in status["description"]


# --- the distribution API ---

def test_chunked_upload_survives_kill9(own_cloud):
    repository = own_cloud.client("ecr").create_repository(repositoryName="kill")["repository"]
    registry = Registry(own_cloud, repository)
    data = os.urandom(300_000)
    _, _, headers = registry.ask("POST", "blobs/uploads/")
    location = headers["Location"]
    status, _, headers = registry.ask("PATCH", location, data[:100_000], Content_Range="0-99999")
    assert (status, headers["Range"]) == (202, "0-99999")
    own_cloud.kill9()
    own_cloud.start()
    status, _, headers = registry.ask("GET", location)
    assert (status, headers["Range"]) == (204, "0-99999")
    assert registry.ask("PATCH", location, data[200_000:], Content_Range="200000-299999")[0] == 416
    assert registry.ask("PATCH", location, data[100_000:200_000], Content_Range="100000-199999")[0] == 202
    status, body, _ = registry.ask("PUT", f"{location}?digest={sha(data)}", data[200_000:])
    assert status == 201, body
    assert registry.ask("GET", f"blobs/{sha(data)}")[1] == data
    own_cloud.kill9()
    own_cloud.start()
    assert registry.ask("GET", f"blobs/{sha(data)}", Range="bytes=10-19")[1] == data[10:20]


def test_curl_uploads_in_chunks(cloud, registry, tmp_path):
    """curl sends chunked transfer encoding and waits for 100 Continue."""
    data = os.urandom(3_000_000)
    file = tmp_path / "layer"
    file.write_bytes(data)
    location = registry.ask("POST", "blobs/uploads/")[2]["Location"]
    curl = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"Host: {registry.host}", "-H", f"Authorization: Basic {registry.token}",
            "-H", "Transfer-Encoding: chunked", "-H", "Expect: 100-continue", "-X", "PATCH", "-T", str(file), cloud.endpoint + location]
    assert subprocess.check_output(curl, text=True) == "202"
    status, body, _ = registry.ask("PUT", f"{location}?digest={sha(data)}")
    assert status == 201, body
    assert registry.ask("HEAD", f"blobs/{sha(data)}")[2]["Content-Length"] == str(len(data))


def test_mount_and_referrers(cloud, ecr, registry):
    digest = registry.image("v1", data=b"shared")
    other = ecr.create_repository(repositoryName="mount/" + uuid.uuid4().hex[:8])["repository"]
    target = Registry(cloud, other)
    assert target.ask("POST", f"blobs/uploads/?mount={sha(b'shared')}&from={registry.name}")[0] == 201
    assert target.ask("GET", f"blobs/{sha(b'shared')}")[1] == b"shared"
    assert target.ask("POST", f"blobs/uploads/?mount={sha(b'absent')}&from={registry.name}")[0] == 202
    about = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": "application/spdx+json",
                        "config": dict(registry.blob(b"{}"), mediaType="application/vnd.oci.empty.v1+json"), "layers": [],
                        "subject": {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 1}}).encode()
    assert registry.ask("PUT", f"manifests/{sha(about)}", about, Content_Type="application/vnd.oci.image.manifest.v1+json")[2]["OCI-Subject"] == digest
    index = json.loads(registry.ask("GET", f"referrers/{digest}")[1])
    assert [m["artifactType"] for m in index["manifests"]] == ["application/spdx+json"]
    ecr.delete_repository(repositoryName=other["repositoryName"], force=True)


def test_iam_governs_the_registry(cloud, ecr, repository, scratch_user):
    registry = Registry(cloud, repository)
    digest = registry.image("v1")
    arn = repository["repositoryArn"]
    _, key, secret = scratch_user({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {"Effect": "Allow", "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], "Resource": arn}]})
    token = cloud.client("ecr", key=key, secret=secret).get_authorization_token()["authorizationData"][0]["authorizationToken"]
    mine = Registry(cloud, repository, token=token)
    assert mine.ask("GET", "manifests/v1")[0] == 200
    assert mine.ask("GET", f"blobs/{sha(b'layer')}")[0] == 200
    status, body, _ = mine.ask("POST", "blobs/uploads/")
    assert status == 403 and b"DENIED" in body and b"ecr:InitiateLayerUpload" in body
    assert mine.ask("DELETE", f"manifests/{digest}")[0] == 403
    deny = {"Version": "2012-10-17", "Statement": [{"Sid": "no", "Effect": "Deny", "Principal": "*", "Action": "ecr:BatchGetImage"}]}
    ecr.set_repository_policy(repositoryName=repository["repositoryName"], policyText=json.dumps(deny))
    assert mine.ask("GET", "manifests/v1")[0] == 403
    ecr.delete_repository_policy(repositoryName=repository["repositoryName"])
    assert Registry(cloud, repository, token="QVdTOmZvcmdlZA==").ask("GET", "/v2/")[0] == 401
    mine.token = None
    status, _, headers = mine.ask("GET", "/v2/")
    assert status == 401 and headers["WWW-Authenticate"].startswith("Basic ")


# --- real clients ---

@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_skopeo_copies_there_and_back(cloud, ecr, repository, image, tmp_path):
    user, password = login_args(cloud)
    uri = reachable(repository["repositoryUri"])
    tls = ["--dest-tls-verify=false"]

    def skopeo(*args):
        out = subprocess.run(["skopeo", "--insecure-policy", *args], capture_output=True, text=True, timeout=120)
        assert out.returncode == 0, out.stderr
        return out.stdout

    skopeo("copy", *tls, "--dest-creds", f"{user}:{password}", f"docker-archive:{image}", f"docker://{uri}:v1")
    skopeo("copy", "--src-tls-verify=false", "--src-creds", f"{user}:{password}", f"docker://{uri}:v1", f"dir:{tmp_path}/back")
    manifest = (tmp_path / "back" / "manifest.json").read_bytes()
    assert ecr.describe_images(repositoryName=repository["repositoryName"])["imageDetails"][0]["imageDigest"] == sha(manifest)
    tags = skopeo("list-tags", "--tls-verify=false", "--creds", f"{user}:{password}", f"docker://{uri}")
    assert json.loads(tags)["Tags"] == ["v1"]
    ecr.put_image_tag_mutability(repositoryName=repository["repositoryName"], imageTagMutability="IMMUTABLE")
    skopeo("copy", *tls, "--dest-creds", f"{user}:{password}", "--format", "oci", f"dir:{tmp_path}/back", f"docker://{uri}:v2")
    skopeo("delete", "--tls-verify=false", "--creds", f"{user}:{password}", f"docker://{uri}:v2")
    wrong = subprocess.run(["skopeo", "--insecure-policy", "copy", *tls, "--dest-creds", f"{user}:nope", f"docker-archive:{image}", f"docker://{uri}:v3"],
                           capture_output=True, text=True, timeout=120)
    assert wrong.returncode != 0 and "unauthorized" in wrong.stderr.lower()


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_tls_by_our_own_authority(cloud, repository, image, tmp_path):
    """No switch that turns verification off: the CA of the installation in the client's certificate directory."""
    user, password = login_args(cloud)
    certs = tmp_path / "certs"
    certs.mkdir()
    shutil.copy(pathlib.Path(cloud.data, "ca", "ca.crt"), certs / "ca.crt")
    out = subprocess.run(["skopeo", "--insecure-policy", "copy", "--dest-cert-dir", certs, "--dest-creds", f"{user}:{password}",
                          f"docker-archive:{image}", f"docker://{reachable(repository['repositoryUri'])}:tls"], capture_output=True, text=True, timeout=120)
    assert out.returncode == 0, out.stderr


@pytest.mark.host
@pytest.mark.skipif(not shutil.which("podman"), reason="podman is not installed")
def test_podman_logs_in_pushes_and_pulls(cloud, repository, image, tmp_path):
    user, password = login_args(cloud)
    storage = tmp_path / "storage.conf"
    storage.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/graph"\nrunroot = "{tmp_path}/run"\n')
    containers = tmp_path / "containers.conf"
    containers.write_text('[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n')
    policy = tmp_path / "policy.json"
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    env = dict(os.environ, CONTAINERS_STORAGE_CONF=str(storage), CONTAINERS_CONF=str(containers), REGISTRY_AUTH_FILE=str(tmp_path / "auth.json"))

    def podman(*args, **options):
        out = subprocess.run(["podman", *args], env=env, capture_output=True, text=True, timeout=180, **options)
        assert out.returncode == 0, out.stderr
        return out.stdout

    uri = reachable(repository["repositoryUri"])
    podman("login", "--tls-verify=false", "-u", user, "--password-stdin", uri.split("/")[0], input=password)
    podman("load", "--signature-policy", policy, "-i", image)
    podman("push", "--tls-verify=false", "localhost/test:1", f"{uri}:p1")
    podman("rmi", "-a", "-f")
    podman("pull", "--signature-policy", policy, "--tls-verify=false", f"{uri}:p1")
    # By the name that needs no resolver, as the container service pulls.
    port, account = cloud.endpoint.rsplit(":", 1)[1], repository["registryId"]
    local = f"127.0.0.1:{port}/{account}/us-east-1/{repository['repositoryName']}:p1"
    podman("pull", "--signature-policy", policy, "--tls-verify=false", "--creds", f"{user}:{password}", local)
    assert "p1" in podman("images", "--format", "{{.Tag}}")
