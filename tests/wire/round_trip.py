#!/usr/bin/env python3
"""Every served operation of every service, through our decoders and encoders with botocore on the other side.

    round_trip.py <path of wire_probe> [service ...]

Random inputs are written by botocore's serializers and read by ours; random outputs are written by ours and read by
botocore's parsers. Both must come back as they were. Without botocore the exit code is 77 (skipped).
"""

import base64
import datetime
import json
import math
import os
import random
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
try:
    import botocore.loaders
    import botocore.model
    import botocore.parsers
    import botocore.serialize
except ImportError:
    python = os.path.join(ROOT, ".venv", "bin", "python")
    if os.path.exists(python) and os.path.realpath(sys.executable) != os.path.realpath(python):
        os.execv(python, [python, *sys.argv])
    print("botocore is not installed")
    sys.exit(77)

PROTOCOLS = {"query": "query", "ec2": "ec2", "json": "json11", "rest-json": "rest_json", "rest-xml": "rest_xml"}
ROUNDS = 6
TEXTS = ["a", "plain text", "with & < > \" ' specials", "sp%20 + = ? / : ; , @", "tab\tand\nline", "ünïcødé ☃ 𝄞", "-", "0"]


class Probe:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, head, body):
        self.process.stdin.write(head.encode() + body)
        self.process.stdin.flush()
        word, size = self.process.stdout.readline().decode().split()
        answer = self.process.stdout.read(int(size))
        if word != "ok":
            raise AssertionError(answer.decode())
        return answer

    def decode(self, service, protocol, operation, request):
        body = request["body"]
        if isinstance(body, dict):
            import urllib.parse
            body = urllib.parse.urlencode(body)
        body = body.encode() if isinstance(body, str) else bytes(body)
        path, _, query = request["url_path"].partition("?")
        pairs = request.get("query_string") or {}
        pairs = list(pairs.items()) if isinstance(pairs, dict) else list(pairs)
        if pairs:
            import urllib.parse
            extra = urllib.parse.urlencode(pairs, doseq=True, quote_via=urllib.parse.quote)
            query = f"{query}&{extra}" if query else extra
        headers = "".join(f"{k}: {v}\n" for k, v in request["headers"].items())
        head = (f"decode {service} {protocol} {operation} {request['method']} {path} {query or '-'} "
                f"{len(request['headers'])} {len(body)}\n{headers}")
        return json.loads(self.ask(head, body))

    def encode(self, service, protocol, operation, value):
        body = json.dumps(value).encode()
        answer = self.ask(f"encode {service} {protocol} {operation} {len(body)}\n", body)
        head, _, body = answer.partition(b"\n\n")
        status, *lines = head.decode().split("\n")
        headers = dict(line.split(": ", 1) for line in lines)
        return {"status_code": int(status), "headers": botocore_headers(headers), "body": body}


def botocore_headers(headers):
    from botocore.awsrequest import HeadersDict
    return HeadersDict(headers)


def random_value(shape, rng, depth=0, empty_lists=True):
    kind = shape.type_name
    if kind == "structure":
        if getattr(shape, "is_document_type", False):
            return {"any": [1, "two", None, True]}
        members = list(shape.members.items())
        if getattr(shape, "is_tagged_union", False):
            members = [rng.choice(members)]
            required = {members[0][0]}
        else:
            required = set(shape.metadata.get("required", []))
        value = {}
        for name, member in members:
            deep = member.type_name in ("structure", "list", "map")
            chance = (0.8, 0.6, 0.35, 0.15, 0.05)[min(depth, 4)] if deep else 0.8
            if depth > 8 and deep:
                continue
            if name in required or rng.random() < chance:
                if getattr(member, "serialization", {}).get("eventstream"):
                    continue
                value[name] = random_value(member, rng, depth + 1, empty_lists)
        return value
    if kind == "list":
        n = rng.choice([0 if empty_lists else 1, 1, 1, 2, 3, 11 if depth < 2 else 1])
        return [random_value(shape.member, rng, depth + 1, False) for _ in range(n)]
    if kind == "map":
        n = rng.choice([1, 1, 2, 3])
        return {f"key {i} {rng.choice(TEXTS)}": random_value(shape.value, rng, depth + 1, False) for i in range(n)}
    if kind == "boolean":
        return rng.random() < 0.5
    if kind == "integer":
        return rng.choice([0, 1, -1, 2**31 - 1, -(2**31), rng.randrange(10**6)])
    if kind == "long":
        return rng.choice([0, 1, -1, 2**63 - 1, -(2**63), rng.randrange(10**12)])
    if kind in ("float", "double"):
        return rng.choice([0.5, -1.25, 1e300 if kind == "double" else 1e30, 3.0])
    if kind == "timestamp":
        return datetime.datetime.fromtimestamp(rng.randrange(2**31), datetime.timezone.utc)
    if kind == "blob":
        return rng.randbytes(rng.randrange(1, 40))
    if shape.enum if hasattr(shape, "enum") else None:
        return rng.choice(shape.enum)
    return rng.choice(TEXTS)


def without_empty(value, lists_too):
    """Without what a form cannot say: empty structures, and in EC2 empty lists."""
    if isinstance(value, dict):
        kept = {k: without_empty(v, lists_too) for k, v in value.items()}
        return {k: v for k, v in kept.items() if v != {} and not (lists_too and v == [])}
    if isinstance(value, list):
        kept = [without_empty(v, lists_too) for v in value]
        return [v for v in kept if v != {}]
    return value


def on_wire(shape, value):
    """As the probe writes JSON: wire names, epoch seconds, base64."""
    kind = shape.type_name
    if kind == "structure":
        if getattr(shape, "is_document_type", False):
            return value
        return {shape.members[n].serialization.get("name", n): on_wire(shape.members[n], v) for n, v in value.items()}
    if kind == "list":
        return [on_wire(shape.member, v) for v in value]
    if kind == "map":
        return {k: on_wire(shape.value, v) for k, v in value.items()}
    if kind == "timestamp":
        return value.timestamp()
    if kind == "blob":
        return base64.b64encode(value).decode()
    return value


def same(a, b):
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, (int, float)) and isinstance(b, (int, float)) and isinstance(a, bool) == isinstance(b, bool):
        return math.isclose(a, b, rel_tol=1e-12)
    return a == b


def first_difference(a, b, path=""):
    if isinstance(a, dict) and isinstance(b, dict):
        for k in sorted(a.keys() | b.keys(), key=str):
            if k not in a or k not in b:
                return f"{path}.{k}: only {'expected' if k in a else 'found'}: {a.get(k, b.get(k))!r}"
            if not same(a[k], b[k]):
                return first_difference(a[k], b[k], f"{path}.{k}")
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b)):
            if not same(x, y):
                return first_difference(x, y, f"{path}[{i}]")
    return f"{path}: expected {a!r}, found {b!r}"


def served_operations(service):
    with open(os.path.join(ROOT, "models", service + ".json"), encoding="utf-8") as f:
        known = json.load(f)["operations"]
    sys.path.insert(0, os.path.join(ROOT, "codegen"))
    from ops import Ops
    return sorted(n for n in Ops(os.path.join(ROOT, "models", service + ".ops")).lines if n in known)


def check(probe, service, protocol, model, name, rng):
    """The faults found for one operation."""
    ours = PROTOCOLS[protocol]
    operation = model.operation_model(name)
    flat = protocol == "ec2"
    serializer = botocore.serialize.create_serializer(protocol, include_validation=False)
    parser = botocore.parsers.create_parser(protocol)
    for _ in range(ROUNDS):
        if operation.input_shape:
            given = random_value(operation.input_shape, rng)
            if protocol in ("query", "ec2"):
                given = without_empty(given, lists_too=flat)
            try:
                found = probe.decode(service, ours, name, serializer.serialize_to_request(given, operation))
            except AssertionError as e:
                yield f"{service} {name} input refused: {e}"
                return
            expected = on_wire(operation.input_shape, given)
            if not same(expected, found):
                yield f"{service} {name} input{first_difference(expected, found)}"
                return
        if operation.output_shape:
            given = random_value(operation.output_shape, rng)
            response = probe.encode(service, ours, name, on_wire(operation.output_shape, given))
            found = parser.parse(response, operation.output_shape)
            meta = found.pop("ResponseMetadata")
            if meta.get("RequestId") != "request-1":
                yield f"{service} {name} output: request id {meta}"
            if flat:  # set by the encoder where the operation says nothing
                for member, shape in operation.output_shape.members.items():
                    if shape.serialization.get("name") == "return" and member not in given:
                        found.pop(member, None)
            expected = json.loads(json.dumps(given, default=plain))
            found = json.loads(json.dumps(found, default=plain))
            if not same(expected, found):
                yield f"{service} {name} output{first_difference(expected, found)}"
                return


def plain(value):
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value.timestamp()


def main():
    probe = Probe(sys.argv[1])
    loader = botocore.loaders.Loader()
    rng = random.Random(int(os.environ.get("SEED", "20261122")))
    faults, count = [], 0
    for service in sys.argv[2:] or ["ec2", "iam", "sts", "ecr", "ecs", "elbv2", "rds", "logs"]:
        model = botocore.model.ServiceModel(loader.load_service_model(service, "service-2"), service)
        for name in served_operations(service):
            if name not in model.operation_names:
                continue
            count += 1
            faults += check(probe, service, model.metadata["protocol"], model, name, rng)
    for fault in faults:
        print(fault)
    print(f"{count} operations, {len(faults)} faults")
    sys.exit(1 if faults or not count else 0)


if __name__ == "__main__":
    main()
