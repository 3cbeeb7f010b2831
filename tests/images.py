"""Container images for the tests: built once on this machine, without any registry, and pushed into a cloud's ECR."""
import base64
import fcntl
import hashlib
import os
import pathlib
import shutil
import socket
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
PODMAN = HERE.parent / "scripts" / "images" / "podman.sh"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "nubecita" / "test-images"


def _run(*argv, **options):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv))}: {done.stdout}{done.stderr}")
    return done.stdout


def _compiler():
    for name in ("clang++-19", "clang++", "g++"):
        if shutil.which(name):
            return name
    raise RuntimeError("no C++ compiler for the test image")


def web_image():
    """Path of a docker archive with the web server of web/web.cpp, tagged localhost/nubecita-web:1. Cached by its source."""
    source = HERE / "images" / "web"
    digest = hashlib.sha256(b"".join(p.read_bytes() for p in sorted(source.iterdir()) if p.is_file())).hexdigest()[:16]
    archive = CACHE / f"web-{digest}.tar"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as lock:  # several test processes may ask at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if archive.exists():
            return archive
        build = CACHE / f"build-{digest}"
        shutil.rmtree(build, ignore_errors=True)
        shutil.copytree(source, build)
        _run(_compiler(), "-std=c++20", "-O2", "-static", "-s", "-o", build / "web", build / "web.cpp")
        _run(PODMAN, "build", "--quiet", "--tag", "localhost/nubecita-web:1", build)
        _run(PODMAN, "save", "--quiet", "--format", "docker-archive", "-o", build / "image.tar", "localhost/nubecita-web:1")
        (build / "image.tar").rename(archive)
        shutil.rmtree(build)
    return archive


def push(cloud, archive, repository, tag="latest", region="us-east-1"):
    """Copies an archive into the cloud's ECR as the administrator, making the repository if it is missing.

    `cloud` is the Cloud of harness.py. Answers the image reference for a task definition."""
    ecr = cloud.client("ecr", region=region)
    try:
        uri = ecr.create_repository(repositoryName=repository)["repository"]["repositoryUri"]
    except ecr.exceptions.RepositoryAlreadyExistsException:
        uri = ecr.describe_repositories(repositoryNames=[repository])["repositories"][0]["repositoryUri"]
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, password = base64.b64decode(token).decode().split(":", 1)
    with open(CACHE / "lock", "w") as lock:  # the local name is everybody's
        fcntl.flock(lock, fcntl.LOCK_EX)
        loaded = _run(PODMAN, "load", "--quiet", "-i", archive).split()[-1]
        _run(PODMAN, "push", "--quiet", "--tls-verify=false", "--creds", f"{user}:{password}", loaded, f"docker://{reachable(uri)}:{tag}")
    return f"{uri}:{tag}"


def reachable(uri):
    """The same repository by a name that needs no resolver: glibc and Go know `localhost`, but not what ends in it."""
    host, repository = uri.split("/", 1)
    name, port = host.split(":")
    try:
        socket.getaddrinfo(name, int(port))
        return uri
    except socket.gaierror:
        account, _, _, region = name.split(".")[:4]
        return f"127.0.0.1:{port}/{account}/{region}/{repository}"
