#!/usr/bin/env python3
"""Writes models/<service>.json: the facts of an AWS API model for the operations named in models/<service>.ops.

    codegen/extract.py ec2 [--botocore DIR]

Facts are names, types, wire traits, constraints and error codes; prose is left out. The source is botocore's newest
model of the service (Apache-2.0), found by importing botocore or given as the folder that holds its data/.
The output depends on its inputs only, and has one line per shape, member and operation, so that a diff can be read.
"""

import argparse
import gzip
import json
import os
import sys

from ops import Ops

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MEMBER_TRAITS = ("shape", "locationName", "queryName", "flattened", "location", "streaming", "timestampFormat",
                 "xmlNamespace", "xmlAttribute", "jsonvalue", "idempotencyToken", "hostLabel")
SHAPE_TRAITS = ("type", "required", "payload", "flattened", "locationName", "timestampFormat", "xmlNamespace", "enum",
                "min", "max", "pattern", "union", "document", "eventstream", "wrapper")
METADATA = ("apiVersion", "endpointPrefix", "globalEndpoint", "jsonVersion", "protocols", "serviceId", "signingName",
            "targetPrefix", "xmlNamespace")
LONGEST_PATTERN = 200


def load_model(folder, service):
    versions = os.path.join(folder, "data", service)
    if not os.path.isdir(versions):
        sys.exit(f"botocore has no service '{service}' (looked in {versions})")
    for version in sorted(os.listdir(versions), reverse=True):
        for name, opener in (("service-2.json", open), ("service-2.json.gz", gzip.open)):
            path = os.path.join(versions, version, name)
            if os.path.exists(path):
                with opener(path, "rt", encoding="utf-8") as f:
                    return json.load(f)
    sys.exit(f"no service-2.json in {versions}")


def pick(source, names):
    return {n: source[n] for n in names if n in source and source[n] not in (None, False)}


def member_facts(member):
    return pick(member, MEMBER_TRAITS)


def shape_facts(shape):
    facts = pick(shape, SHAPE_TRAITS)
    if len(facts.get("pattern", "")) > LONGEST_PATTERN:
        del facts["pattern"]
    for part in ("member", "key", "value"):
        if part in shape:
            facts[part] = member_facts(shape[part])
    if "members" in shape:
        facts["members"] = {n: member_facts(m) for n, m in shape["members"].items()}
    return facts


def error_facts(name, shape):
    error = shape.get("error", {})
    status = error.get("httpStatusCode", 500 if shape.get("fault") else 400)
    facts = {"code": error.get("code", name), "status": status}
    if not error.get("senderFault", status < 500):
        facts["receiver"] = True
    return facts


def reach(shapes, name, found):
    if name in found:
        return
    found[name] = shape_facts(shapes[name])
    for part in ("member", "key", "value"):
        if part in shapes[name]:
            reach(shapes, shapes[name][part]["shape"], found)
    for member in shapes[name].get("members", {}).values():
        reach(shapes, member["shape"], found)


def extract(model, served):
    unknown = [n for n in served if n not in model["operations"]]
    operations, shapes, errors = {}, {}, {}
    for name in sorted(served):
        if name in unknown:
            continue
        op = model["operations"][name]
        facts = {}
        http = {k: v for k, v in op["http"].items() if (k, v) not in (("method", "POST"), ("requestUri", "/"))}
        if http:
            facts["http"] = http
        for side in ("input", "output"):
            if side in op:
                reach(model["shapes"], op[side]["shape"], shapes)
                rest = pick(op[side], ("locationName", "xmlNamespace"))
                facts[side] = {"shape": op[side]["shape"], **rest} if rest else op[side]["shape"]
        if "resultWrapper" in op.get("output", {}):
            facts["wrapper"] = op["output"]["resultWrapper"]
        if op.get("authtype") == "none":
            facts["unsigned"] = True
        for e in op.get("errors", []):
            errors[e["shape"]] = error_facts(e["shape"], model["shapes"][e["shape"]])
        operations[name] = facts
    service = pick(model["metadata"], METADATA)
    unserved = sorted(set(model["operations"]) - set(served))
    return {"service": service, "operations": operations, "errors": dict(sorted(errors.items())),
            "shapes": dict(sorted(shapes.items())), "unserved": unserved}, unknown


def dump(facts):
    def one(value):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def block(items):
        return "{\n" + ",\n".join(items) + "\n}" if items else "{}"

    shapes = []
    for name, shape in facts["shapes"].items():
        if "members" not in shape:
            shapes.append(f"{one(name)}:{one(shape)}")
            continue
        head = one({k: v for k, v in shape.items() if k != "members"})[:-1]
        members = ",\n".join(f" {one(n)}:{one(m)}" for n, m in shape["members"].items())
        shapes.append(f'{one(name)}:{head},"members":{{' + (f"\n{members}" if members else "") + "}}")
    parts = [f'"service":{one(facts["service"])}']
    for key in ("operations", "errors"):
        parts.append(f'"{key}":' + block([f"{one(n)}:{one(v)}" for n, v in facts[key].items()]))
    parts.append('"shapes":' + block(shapes))
    parts.append('"unserved":[\n' + ",\n".join(one(n) for n in facts["unserved"]) + "\n]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("service", nargs="+", help="as botocore names it: ec2 iam sts ecr ecs elbv2 rds logs ...")
    args.add_argument("--botocore", help="the folder of the botocore package (holds data/)")
    args.add_argument("--models", default=os.path.join(ROOT, "models"), help="the folder of the .ops and .json files")
    given = args.parse_args()
    folder = given.botocore
    if not folder:
        try:
            import botocore
        except ImportError:
            sys.exit("botocore is not installed: pip install botocore, or name its folder with --botocore")
        folder = os.path.dirname(botocore.__file__)
    for service in given.service:
        ops = Ops(os.path.join(given.models, service + ".ops"))
        model = load_model(folder, service)
        # A line that names a shape instead of an operation refuses members of that shape.
        served = [n for n in ops.lines if n in model["operations"] or n not in model["shapes"]]
        facts, unknown = extract(model, served)
        if unknown:
            sys.exit(f"{ops.path}: AWS has no operation or shape named {', '.join(unknown)}")
        path = os.path.join(given.models, service + ".json")
        with open(path, "w", encoding="utf-8") as f:
            f.write(dump(facts))
        print(f"{service}: {len(facts['operations'])} operations, {len(facts['shapes'])} shapes, "
              f"{len(facts['unserved'])} unserved")


if __name__ == "__main__":
    main()
