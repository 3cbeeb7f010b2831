#!/usr/bin/env python3
"""The model compiler: models/<service>.json and .ops become C++ structs, descriptor tables and the operation table.

    codegen/compile.py <service> --models DIR --out DIR [--namespace NAME] [--no-operations]

Writes <out>/models/<service>.hpp, <out>/<service>_model.cpp and <out>/<service>_operations.cpp. Only the operations of
the .ops file get types; all others that AWS has are listed without a handler. See codegen/README.md.
"""

import argparse
import json
import os
import re
import sys

from ops import Ops

KEYWORDS = set("""alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl concept const
consteval constexpr constinit continue co_await co_return co_yield decltype default delete do double else enum explicit
export extern false float for friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator
or or_eq private protected public register requires return short signed sizeof static static_assert struct switch
template this thread_local throw true try typedef typeid typename union unsigned using virtual void volatile wchar_t
while xor xor_eq errno stdin stdout stderr unix linux assert""".split())
SCALARS = {"boolean": ("bool", "boolean"), "integer": ("int32_t", "integer"), "long": ("int64_t", "long_"),
           "float": ("double", "double_"), "double": ("double", "double_"), "timestamp": ("wire::Timestamp", "timestamp")}
TEXTS = {"string": "string", "blob": "blob"}
PROTOCOLS = {"query": "query", "ec2": "ec2", "rest-json": "rest_json", "rest-xml": "rest_xml"}
LOCATIONS = {"uri": "uri", "querystring": "query", "header": "header", "headers": "header_prefix", "statusCode": "status"}
TIMES = {"iso8601": "iso8601", "unixTimestamp": "epoch", "rfc822": "http_date"}


def snake(name):
    """The name that botocore's clients give it: DBInstanceIdentifier -> db_instance_identifier, ARNs -> arns."""
    if "_" not in name:
        plural = re.search(r"[A-Z]{2,}s$", name)
        if plural:
            name = name[:plural.start()] + "_" + plural.group().lower()
        name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
        name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    name = name.lower().replace("-", "_")
    return name + "_" if name in KEYWORDS else name


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'


class Model:
    def __init__(self, service, folder, namespace):
        self.name = service
        self.namespace = namespace or service
        self.ops = Ops(os.path.join(folder, service + ".ops"))
        with open(os.path.join(folder, service + ".json"), encoding="utf-8") as f:
            facts = json.load(f)
        self.meta, self.shapes, self.errors = facts["service"], facts["shapes"], facts["errors"]
        self.operations = {}
        known = facts["operations"]
        every = set(known) | set(facts["unserved"])
        for name in self.ops.lines:
            if name in known:
                self.operations[name] = known[name]
            elif name in facts["unserved"]:
                sys.exit(f"{self.ops.path}: models/{service}.json has no {name} yet: run codegen/extract.py {service}")
            elif name not in self.shapes:
                print(f"{self.ops.path}: '{name}' is neither an operation nor a shape of a served one", file=sys.stderr)
        self.operations = dict(sorted(self.operations.items()))
        self.unserved = sorted(every - set(self.operations))
        self.inputs, self.outputs = {}, {}
        for name, op in self.operations.items():
            self.inputs[name] = self.side(name, op, "input", name + "Request")
            self.outputs[name] = self.side(name, op, "output", name + "Response")
        for name, code in self.ops.errors.items():
            self.errors.setdefault(name, {"status": 400})["code"] = code[0]
        self.used = {}
        for name in list(self.inputs.values()) + list(self.outputs.values()):
            self.reach(name)
        self.refuse()

    def side(self, name, op, side, otherwise):
        if name in self.ops.settings.get("documents", []):
            self.shapes.setdefault("JsonBody", {"type": "string", "document": True})
            return "JsonBody"
        given = op.get(side, otherwise)
        name = given["shape"] if isinstance(given, dict) else given
        # Some operations of AWS have no shape; they get an empty one of their own.
        self.shapes.setdefault(name, {"type": "structure", "members": {}})
        return name

    def reach(self, name):
        if name in self.used:
            return
        shape = self.used[name] = self.shapes[name]
        for part in ("member", "key", "value"):
            if part in shape:
                self.reach(shape[part]["shape"])
        for member in shape.get("members", {}).values():
            self.reach(member["shape"])

    def refuse(self):
        self.refused = set()
        for name, (refused, only) in self.ops.lines.items():
            shape = self.inputs.get(name, name)
            members = self.shapes.get(shape, {}).get("members")
            if members is None or (name not in self.operations and name not in self.used):
                continue
            wrong = [m for m in refused + only if m not in members]
            if wrong:
                sys.exit(f"{self.ops.path}: {name} ({shape}) has no member {', '.join(wrong)}")
            self.refused |= {(shape, m) for m in refused}
            if only:
                self.refused |= {(shape, m) for m in members if m not in only}

    # C++ types.
    def kind(self, name):
        shape = self.used[name]
        if shape.get("document"):
            return "document"
        if shape["type"] in SCALARS:
            return SCALARS[shape["type"]][1]
        return TEXTS.get(shape["type"], shape["type"])

    def element_type(self, name):
        """As an element of a list or map: by value."""
        kind = self.kind(name)
        shape = self.used[name]
        if kind == "structure":
            return name
        if kind == "list":
            return f"wire::List<{self.element_type(shape['member']['shape'])}>"
        if kind == "map":
            return f"wire::Map<{self.element_type(shape['value']['shape'])}>"
        return "wire::Text" if kind in ("string", "blob", "document") else SCALARS[shape["type"]][0]

    def member_type(self, name):
        kind = self.kind(name)
        if kind == "structure":
            return name + "*"
        element = self.element_type(name)
        return element if kind in ("list", "map", "string", "blob", "document") else f"wire::Opt<{element}>"

    def structures(self):
        return [n for n in sorted(self.used) if self.kind(n) == "structure"]

    def header(self):
        out = [f"// Made by codegen/compile.py from models/{self.name}.json and models/{self.name}.ops: do not edit.",
               "#pragma once", '#include "base/result.hpp"', '#include "wire/value.hpp"', "",
               "namespace nubecita::api {", "struct Call;", "struct Service;", "}  // namespace nubecita::api", "",
               f"namespace nubecita::{self.namespace} {{", "namespace model {"]
        structures = self.structures()
        out += [f"struct {n};" for n in structures]
        for name in structures:
            members = self.used[name].get("members", {})
            out.append(f"struct {name} {{")
            seen = {}
            for m, facts in members.items():
                if snake(m) in seen:
                    sys.exit(f"{name}: members {m} and {seen[snake(m)]} have one name in C++")
                seen[snake(m)] = m
                out.append(f"  {self.member_type(facts['shape'])} {snake(m)}{self.initializer(facts['shape'])};")
            out.append("};")
        if "JsonBody" in self.used:
            out.append("using JsonBody = wire::Text;")
        out += ["}  // namespace model", ""]
        for name in self.operations:
            out.append(f"Status {snake(name)}(api::Call& call, const model::{self.inputs[name]}& in, "
                       f"model::{self.outputs[name]}& out);")
        out += ["", "const api::Service& service();", f"}}  // namespace nubecita::{self.namespace}", ""]
        return "\n".join(out)

    def initializer(self, name):
        return " = nullptr" if self.kind(name) == "structure" else ""

    # Descriptor tables.
    def member(self, owner, name, facts):
        shape = self.used[owner]
        wire = facts.get("locationName", name)
        query = facts.get("queryName") or (wire[:1].upper() + wire[1:])
        query = self.ops.query.get(f"{owner}.{name}", [query])[0]
        fields = [f".name = {quote(name)}", f".wire = {quote(wire)}", f".query = {quote(query)}",
                  f".shape = &s_{facts['shape']}", f".offset = offsetof({owner}, {snake(name)})"]
        if "location" in facts:
            fields.append(f".location = wire::Location::{LOCATIONS[facts['location']]}")
        time = facts.get("timestampFormat")
        if time:
            fields.append(f".time = wire::TimeFormat::{TIMES[time]}")
        if name in shape.get("required", []):
            fields.append(".required = true")
        if (owner, name) in self.refused:
            fields.append(".refused = true")
        target = self.used[facts["shape"]]
        if facts.get("flattened") or target.get("flattened"):
            fields.append(".flattened = true")
        if facts.get("xmlAttribute"):
            fields.append(".attribute = true")
        if shape.get("payload") == name:
            fields.append(".payload = true")
        if facts.get("streaming"):
            fields.append(".streaming = true")
        space = facts.get("xmlNamespace")
        if space:
            space = space if isinstance(space, dict) else {"uri": space}
            fields.append(f".xml_namespace = {quote(space['uri'])}")
            if space.get("prefix"):
                fields.append(f".xml_prefix = {quote(space['prefix'])}")
        return "  {" + ", ".join(fields) + "},"

    def constraint(self, name):
        shape = self.used[name]
        fields, before = [], []
        if name in self.ops.unchecked:
            return None, []
        if shape.get("enum"):
            before.append(f"constexpr std::string_view e_{name}[] = {{" + ", ".join(map(quote, shape["enum"])) + "};")
            fields.append(f".values = e_{name}")
        fields += [f".{k} = {float(shape[k])!r}" for k in ("min", "max") if k in shape]
        if shape.get("pattern"):
            fields.append(f".pattern = {quote(shape['pattern'])}")
        if not fields:
            return None, []
        return f".constraint = &c_{name}", before + [f"constexpr wire::Constraint c_{name}{{{', '.join(fields)}}};"]

    def shape(self, name):
        shape, kind = self.used[name], self.kind(name)
        lines = []
        fields = [f".kind = wire::Kind::{kind}", f".name = {quote(name)}", f".size = sizeof({self.element_type(name)})"]
        if shape.get("union"):
            fields.append(".union_ = true")
        if "timestampFormat" in shape:
            fields.append(f".time = wire::TimeFormat::{TIMES[shape['timestampFormat']]}")
        if kind == "structure" and shape.get("members"):
            lines.append(f"constexpr wire::Member m_{name}[] = {{")
            lines += [self.member(name, m, f) for m, f in shape["members"].items()]
            lines.append("};")
            fields.append(f".members = m_{name}")
        if kind == "list":
            element = shape["member"]
            fields += [f".element = &s_{element['shape']}", f".element_name = {quote(element.get('locationName', 'member'))}"]
            if "locationName" in element:
                fields.append(".element_named = true")
        if kind == "map":
            key, value = dict(shape["key"]), dict(shape["value"])
            if name in self.ops.query:
                key["locationName"], value["locationName"] = self.ops.query[name]
            entry = f"wire::Entry<{self.element_type(value['shape'])}>"
            fields += [f".element = &s_{value['shape']}", f".key = &s_{key['shape']}",
                       f".element_name = {quote(value.get('locationName', 'value'))}",
                       f".key_name = {quote(key.get('locationName', 'key'))}",
                       f".value_offset = offsetof({entry}, value)"]
        constraint, before = self.constraint(name)
        lines = before + lines
        if constraint:
            fields.append(constraint)
        if "xmlNamespace" in shape:
            space = shape["xmlNamespace"]
            fields.append(f".xml_namespace = {quote(space['uri'] if isinstance(space, dict) else space)}")
            if isinstance(space, dict) and space.get("prefix"):
                fields.append(f".xml_prefix = {quote(space['prefix'])}")
        return lines + [f"constinit const wire::Shape s_{name}{{{', '.join(fields)}}};"]

    def protocols(self):
        given = self.ops.setting("protocols").split() or self.meta.get("protocols", [])
        json_name = "json10" if self.meta.get("jsonVersion") == "1.0" else "json11"
        names = [json_name if p == "json" else PROTOCOLS[p] for p in given if p == "json" or p in PROTOCOLS]
        return ", ".join(f"wire::Protocol::{n}" for n in names)

    def operation(self, name):
        op = self.operations.get(name)
        if op is None:
            return f"  {{.name = {quote(name)}}},"
        fields = [f".name = {quote(name)}", f".input = &s_{self.inputs[name]}", f".output = &s_{self.outputs[name]}"]
        http = op.get("http", {})
        for key, field in (("method", "method"), ("requestUri", "uri")):
            if key in http:
                fields.append(f".{field} = {quote(http[key])}")
        if "responseCode" in http:
            fields.append(f".status = {http['responseCode']}")
        if "wrapper" in op:
            fields.append(f".result_wrapper = {quote(op['wrapper'])}")
        elif "query" in self.ops.setting("protocols").split() and "output" in op:
            fields.append(f".result_wrapper = {quote(name + 'Result')}")
        if isinstance(op.get("input"), dict) and "locationName" in op["input"]:
            fields.append(f".input_root = {quote(op['input']['locationName'])}")
        if op.get("unsigned"):
            fields.append(".unsigned_ = true")
        if "output" not in op:
            fields.append(".says_nothing = true")
        return "  {" + ", ".join(fields) + "},"

    def every_operation(self):
        return sorted(list(self.operations) + self.unserved)

    def tables(self):
        every = self.every_operation()
        out = [f"// Made by codegen/compile.py: do not edit.", "#include <cstddef>", '#include "wire/shape.hpp"',
               f'#include "models/{self.name}.hpp"', "", f"namespace nubecita::{self.namespace}::model {{", "namespace {"]
        out += [f"extern const wire::Shape s_{n};" for n in sorted(self.used)]
        for name in sorted(self.used):
            out += self.shape(name)
        out.append("constexpr wire::Protocol protocols[] = {" + self.protocols() + "};")
        errors = [f"  {{{quote(n)}, {quote(e['code'])}, {e['status']}, {'true' if e.get('receiver') else 'false'}}},"
                  for n, e in sorted(self.errors.items())]
        if errors:
            out += ["constexpr wire::ErrorShape errors[] = {", *errors, "};"]
        out += ["}  // namespace", "namespace tables {", f"extern const wire::OperationShape operations[{len(every)}];",
                f"constinit const wire::OperationShape operations[{len(every)}] = {{",
                *map(self.operation, every), "};",
                "extern const std::span<const wire::OperationShape> all_operations;",
                "constinit const std::span<const wire::OperationShape> all_operations{operations};"]
        meta = self.meta
        fields = [f".name = {quote(self.name)}", f".endpoint_prefix = {quote(meta['endpointPrefix'])}",
                  f".signing_name = {quote(meta.get('signingName', meta['endpointPrefix']))}",
                  f".target_prefix = {quote(meta.get('targetPrefix', ''))}",
                  f".api_version = {quote(meta['apiVersion'])}", f".xml_namespace = {quote(self.ops.setting('namespace', meta.get('xmlNamespace', '')))}",
                  f".service_id = {quote(meta.get('serviceId', ''))}", ".protocols = protocols"]
        if errors:
            fields.append(".errors = errors")
        for setting, field in (("validation", "validation_code"), ("refused", "refused_code")):
            if self.ops.setting(setting):
                fields.append(f".{field} = {quote(self.ops.setting(setting))}")
        if self.name == "s3":
            fields.append(".bare_errors = true")
        if self.ops.setting("exceptions"):
            fields.append(f".error_namespace = {quote(self.ops.setting('exceptions'))}")
        if "crc32" in self.ops.settings:
            fields.append(".crc32 = true")
        out += ["extern const wire::ServiceShape service;",
                f"constinit const wire::ServiceShape service{{{', '.join(fields)}}};", "}  // namespace tables",
                f"}}  // namespace nubecita::{self.namespace}::model", ""]
        return "\n".join(out)

    def operation_table(self):
        every = self.every_operation()
        iam = self.ops.setting("iam", self.meta.get("signingName", self.meta["endpointPrefix"]))
        out = ["// Made by codegen/compile.py: do not edit.", '#include "api/service.hpp"', f'#include "models/{self.name}.hpp"',
               "", f"namespace nubecita::{self.namespace} {{", "namespace model::tables {",
               f"extern const wire::OperationShape operations[{len(every)}];", "extern const wire::ServiceShape service;",
               "}  // namespace model::tables", "namespace {",
               "// One function per operation that gives the typed function the gateway's untyped form.",
               "template <class In, class Out, Status (*Function)(api::Call&, const In&, Out&)>",
               "Status typed(api::Call& call, const void* in, void* out) {",
               "  return Function(call, *static_cast<const In*>(in), *static_cast<Out*>(out));", "}",
               "constexpr api::Operation operations[] = {"]
        for i, name in enumerate(every):
            handler = "nullptr"
            if name in self.operations:
                handler = f"typed<model::{self.inputs[name]}, model::{self.outputs[name]}, {snake(name)}>"
            out.append(f"    {{&model::tables::operations[{i}], {handler}}},")
        flags = ", ".join("true" if setting in self.ops.settings else "false" for setting in ("global", "anonymous"))
        out += ["};", f"constexpr api::Service the_service{{&model::tables::service, operations, {quote(iam)}, {flags}, {quote(self.ops.setting('path'))}}};",
                "}  // namespace",
                "const api::Service& service() { return the_service; }", f"}}  // namespace nubecita::{self.namespace}", ""]
        return "\n".join(out)


def write(path, text):
    """Leaves an unchanged file alone, so that what includes it is not compiled again."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            if f.read() == text:
                return
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("service")
    args.add_argument("--models", required=True, help="the folder of the .json and .ops files")
    args.add_argument("--out", required=True)
    args.add_argument("--namespace", help="C++ namespace below nubecita, if not the service's name")
    args.add_argument("--no-operations", action="store_true", help="types and tables only, no operation table")
    given = args.parse_args()
    model = Model(given.service, given.models, given.namespace)
    write(os.path.join(given.out, "models", model.name + ".hpp"), model.header())
    write(os.path.join(given.out, model.name + "_model.cpp"), model.tables())
    if not given.no_operations:
        write(os.path.join(given.out, model.name + "_operations.cpp"), model.operation_table())


if __name__ == "__main__":
    main()
