#!/usr/bin/env python3
"""Tests of the extractor and the compiler, on a model of a few lines."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from compile import Model, snake  # noqa: E402
from ops import Ops  # noqa: E402

AWS = {
    "metadata": {"apiVersion": "2026-01-01", "endpointPrefix": "toy", "protocols": ["json"], "jsonVersion": "1.1",
                 "targetPrefix": "Toy", "serviceId": "Toy", "uid": "left-out"},
    "operations": {
        "MakeToy": {"name": "MakeToy", "http": {"method": "POST", "requestUri": "/"}, "input": {"shape": "MakeToyInput"},
                    "errors": [{"shape": "ToyGone"}], "documentation": "<p>prose</p>"},
        "BreakToy": {"name": "BreakToy", "http": {"method": "POST", "requestUri": "/"}},
    },
    "shapes": {
        "MakeToyInput": {"type": "structure", "required": ["Name"], "documentation": "prose",
                         "members": {"Name": {"shape": "Text", "documentation": "prose"}, "default": {"shape": "Part"}}},
        "Part": {"type": "structure", "members": {"Parts": {"shape": "Parts"}}},
        "Parts": {"type": "list", "member": {"shape": "Part"}},
        "Text": {"type": "string", "min": 1, "pattern": "[a-z]+"},
        "Unreached": {"type": "string"},
        "ToyGone": {"type": "structure", "members": {}, "exception": True, "error": {"code": "Gone", "httpStatusCode": 404}},
    },
}


class CodegenTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        data = os.path.join(self.folder.name, "botocore", "data", "toy", "2026-01-01")
        os.makedirs(data)
        with open(os.path.join(data, "service-2.json"), "w", encoding="utf-8") as f:
            json.dump(AWS, f)

    def tearDown(self):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def run_script(self, script, ops, *args):
        with open(self.path("toy.ops"), "w", encoding="utf-8") as f:
            f.write(ops)
        return subprocess.run([sys.executable, os.path.join(HERE, script), "toy", "--models", self.folder.name, *args],
                              capture_output=True, text=True)

    def extract(self, ops):
        return self.run_script("extract.py", ops, "--botocore", self.path("botocore"))

    def compile(self, ops):
        return self.run_script("compile.py", ops, "--out", self.path("out"))

    def read(self, *name):
        with open(self.path(os.path.join(*name)), encoding="utf-8") as f:
            return f.read()

    def test_extraction_keeps_facts_of_served_operations_only(self):
        self.assertEqual(self.extract("MakeToy\n").returncode, 0)
        text = self.read("toy.json")
        facts = json.loads(text)
        self.assertEqual(sorted(facts["shapes"]), ["MakeToyInput", "Part", "Parts", "Text"])
        self.assertEqual(facts["unserved"], ["BreakToy"])
        self.assertEqual(facts["errors"], {"ToyGone": {"code": "Gone", "status": 404}})
        self.assertNotIn("prose", text)
        self.assertEqual(self.extract("MakeToy\n").returncode, 0)
        self.assertEqual(self.read("toy.json"), text)

    def test_unknown_operation_is_an_error(self):
        out = self.extract("MakeTyo\n")
        self.assertNotEqual(out.returncode, 0)
        self.assertIn("MakeTyo", out.stderr)

    def test_commented_operation_has_no_types_and_no_handler(self):
        self.extract("MakeToy\nBreakToy\n")
        self.assertEqual(self.compile("# MakeToy\nBreakToy\n").returncode, 0)
        header = self.read("out", "models", "toy.hpp")
        self.assertNotIn("MakeToyInput", header)
        self.assertIn("Status break_toy(api::Call& call, const model::BreakToyRequest& in, model::BreakToyResponse& out);", header)
        operations = self.read("out", "toy_operations.cpp")
        self.assertIn("operations[1], nullptr}", operations)  # MakeToy is known, but not served
        self.assertIn(".name = \"BreakToy\", .input = &s_BreakToyRequest", self.read("out", "toy_model.cpp"))

    def test_operation_without_facts_asks_for_extraction(self):
        self.extract("MakeToy\n")
        out = self.compile("MakeToy\nBreakToy\n")
        self.assertNotEqual(out.returncode, 0)
        self.assertIn("run codegen/extract.py toy", out.stderr)

    def test_keywords_recursion_and_refusals(self):
        self.extract("MakeToy\n")
        self.assertEqual(self.compile("MakeToy -default\nPart -Parts\n").returncode, 0)
        self.assertIn("Part* default_ = nullptr;", self.read("out", "models", "toy.hpp"))
        self.assertIn("wire::List<Part> parts;", self.read("out", "models", "toy.hpp"))
        self.assertEqual(self.read("out", "toy_model.cpp").count(".refused = true"), 2)
        self.compile("MakeToy +Name\n")
        self.assertEqual(self.read("out", "toy_model.cpp").count(".refused = true"), 1)

    def test_refusing_what_is_not_there_is_an_error(self):
        self.extract("MakeToy\n")
        out = self.compile("MakeToy -Nmae\n")
        self.assertIn("has no member Nmae", out.stderr)
        self.assertNotEqual(self.compile("MakeToy *Name\n").returncode, 0)

    def test_settings(self):
        with open(self.path("x.ops"), "w", encoding="utf-8") as f:
            f.write("!global\n!validation SomeCode # why\n\nOne -A +B # more\n")
        ops = Ops(self.path("x.ops"))
        self.assertEqual((ops.setting("validation"), "global" in ops.settings, ops.lines), ("SomeCode", True, {"One": (["A"], ["B"])}))

    def test_names_are_those_of_boto3(self):
        for name, expected in (("DBInstanceIdentifier", "db_instance_identifier"), ("PolicyARNs", "policy_arns"), ("taskRoleArn", "task_role_arn"),
                               ("Ipv6CidrBlock", "ipv6_cidr_block"), ("default", "default_"), ("x-amz-acl", "x_amz_acl")):
            self.assertEqual(snake(name), expected)
        try:
            import botocore
        except ImportError:
            return
        models = os.path.join(os.path.dirname(HERE), "models")
        for file in (f for f in os.listdir(models) if f.endswith(".json")):
            with open(os.path.join(models, file), encoding="utf-8") as f:
                facts = json.load(f)
            for shape in facts["shapes"].values():
                for name in shape.get("members", {}):
                    self.assertEqual(snake(name).rstrip("_"), botocore.xform_name(name).rstrip("_"))


if __name__ == "__main__":
    unittest.main()
