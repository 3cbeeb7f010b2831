#!/usr/bin/env python3
"""Every served operation of every service, through our decoders and encoders with botocore on the other side.

    round_trip.py <path of wire_probe> [service ...]

Random inputs are written by botocore's serializers and read by ours; random outputs are written by ours and read by
botocore's parsers. Both must come back as they were. Without botocore the exit code is 77 (skipped).
"""

import base64
import datetime
import io
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
    import botocore.utils
except ImportError:
    python = os.path.join(ROOT, ".venv", "bin", "python")
    if os.path.exists(python) and os.path.realpath(sys.executable) != os.path.realpath(python):
        os.execv(python, [python, *sys.argv])
    print("botocore is not installed")
    sys.exit(77)

PROTOCOLS = {"query": "query", "ec2": "ec2", "json": "json11", "rest-json": "rest_json", "rest-xml": "rest_xml"}
MODELS_OF_TESTS = ("s3", "lambda")  # for the REST protocols, until a service of ours speaks them
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
            place = member.serialization.get("location")
            if name == "Expires" and place == "header":
                continue  # a date in some versions of botocore, a text in others
            if place in ("header", "headers", "statusCode"):
                # What HTTP can carry there; the greeting of a header's value is not kept, nor its case.
                if rng.random() < 0.5:
                    value[name] = header_value(member, place, rng)
                continue
            if name in required or place == "uri" or rng.random() < chance:
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


def header_value(member, place, rng):
    if place == "statusCode":
        return rng.randrange(200, 300)
    if place == "headers":
        return {f"key-{i}": rng.choice(["a", "two words", "x=1;y"]) for i in range(rng.choice([1, 2]))}
    if member.type_name == "string":
        return rng.choice(member.enum) if member.enum else rng.choice(["a", "two words", "x=1;y"])
    if member.type_name == "list":
        return [rng.choice(member.member.enum or ["a", "b"]) for _ in range(rng.choice([1, 2, 3]))]
    return random_value(member, rng)


def without_empty(value, lists_too):
    """Without what a form cannot say: empty structures, and in EC2 empty lists."""
    if isinstance(value, dict):
        kept = {k: without_empty(v, lists_too) for k, v in value.items()}
        return {k: v for k, v in kept.items() if v != {} and not (lists_too and v == [])}
    if isinstance(value, list):
        kept = [without_empty(v, lists_too) for v in value]
        return [v for v in kept if v != {}]
    return value


def without_empty_flat_lists(shape, value):
    if shape.type_name == "structure":
        kept = {n: without_empty_flat_lists(shape.members[n], v) for n, v in value.items()}
        return {n: v for n, v in kept.items() if v != [] or not shape.members[n].serialization.get("flattened")}
    if shape.type_name == "list":
        return [without_empty_flat_lists(shape.member, v) for v in value]
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
    if isinstance(a, float) and isinstance(b, str):  # a timestamp whose model wants a date
        return a == botocore.utils.parse_timestamp(b).timestamp()
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
    folder = os.path.join(ROOT, "models")
    if service in MODELS_OF_TESTS:
        folder = os.path.join(ROOT, "src", "wire", "testdata")
    with open(os.path.join(folder, service + ".json"), encoding="utf-8") as f:
        known = json.load(f)["operations"]
    sys.path.insert(0, os.path.join(ROOT, "codegen"))
    from ops import Ops
    return sorted(n for n in Ops(os.path.join(folder, service + ".ops")).lines if n in known)


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
            elif protocol.startswith("rest"):
                given = {n: v for n, v in given.items()
                         if v != [] or operation.input_shape.members[n].serialization.get("location") != "querystring"}
                given = without_empty_flat_lists(operation.input_shape, given)
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
            if protocol == "rest-xml":
                given = without_empty_flat_lists(operation.output_shape, given)
            response = probe.encode(service, ours, name, on_wire(operation.output_shape, given))
            found = parsed(parser, response, operation.output_shape, given)
            meta = found.pop("ResponseMetadata")
            if meta.get("RequestId") != "request-1" and not protocol.startswith("rest"):
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


def parsed(parser, response, shape, given):
    """botocore's reading, without what it makes up: an absent text payload is "" to it, an absent status 200."""
    payload = shape.serialization.get("payload")
    if payload and shape.members[payload].type_name == "blob":
        response["body"] = io.BytesIO(response["body"])
    found = parser.parse(response, shape)
    if payload in found and payload not in given and not found[payload]:
        del found[payload]
    if payload in found and isinstance(found[payload], io.BytesIO):
        found[payload] = found[payload].read()
        if payload not in given and not found[payload]:
            del found[payload]
    for name, member in shape.members.items():
        place, wire = member.serialization.get("location"), member.serialization.get("name")
        if name not in given and (place in ("statusCode", "headers") or wire == "Content-Type"):
            found.pop(name, None)
    return found


def plain(value):
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value.timestamp()


def main():
    probe = Probe(sys.argv[1])
    loader = botocore.loaders.Loader()
    rng = random.Random(int(os.environ.get("SEED", "20261122")))
    faults, count = [], 0
    for service in sys.argv[2:] or ["ec2", "iam", "sts", "ecr", "ecs", "elbv2", "rds", "logs", *MODELS_OF_TESTS]:
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
