#!/usr/bin/env python3
"""Writes sigv4_vectors.inc: random requests signed by botocore, which the unit test verifies. Same seed, same file.

Needs: pip install botocore. Run it in this folder: ./sigv4_vectors.py > sigv4_vectors.inc
"""
import datetime
import random
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
rng = random.Random(4)
ALPHABET = "abcXYZ019-._~ +=&/%$!*'();:@,?#[]|é\""


def word(n=8):
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(1, n)))


def literal(text):
    out = ""
    for b in text.encode():
        c = chr(b)
        out += c if c.isascii() and c.isprintable() and c not in '\\"?' else "\\%03o" % b
    return f'"{out}"'


class Now(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return cls(2026, 11, 22, 17, 48, 38)

    @classmethod
    def now(cls, tz=None):
        return cls(2026, 11, 22, 17, 48, 38, tzinfo=tz)


def freeze():
    botocore.auth.datetime = type("m", (), {"datetime": Now, "timezone": datetime.timezone, "timedelta": datetime.timedelta})
    if hasattr(botocore.auth, "get_current_datetime"):
        botocore.auth.get_current_datetime = lambda remove_tzinfo=True: Now(2026, 11, 22, 17, 48, 38)


def main():
    freeze()
    print("// Made by sigv4_vectors.py: method, path, query, headers (name, value, ...), body. Signed by botocore at 20261122T174838Z.")
    for i in range(120):
        service = rng.choice(["ec2", "sts", "ecs", "s3", "ecr", "iam"])
        presign = rng.random() < 0.25
        token = "token/+=" + word() if rng.random() < 0.3 else None
        credentials = botocore.credentials.Credentials(KEY, SECRET, token)
        method = rng.choice(["GET", "PUT", "DELETE"]) if presign else rng.choice(["GET", "POST", "PUT"])
        raw = "/" + "/".join(word() for _ in range(rng.randrange(0, 4)))
        path = urllib.parse.quote(raw, safe="/~")
        params = [(word(), word()) for _ in range(rng.randrange(0, 4))]
        url = "https://host.example:4566" + path
        if params:
            url += "?" + "&".join(urllib.parse.quote(k, safe="-_.~") + "=" + urllib.parse.quote(v, safe="-_.~") for k, v in params)
        body = "" if method == "GET" or presign else word(60)
        headers = {"X-Amz-Target": "Service.Op%d" % i} if rng.random() < 0.4 else {}
        if rng.random() < 0.5:
            headers["X-Custom"] = "  a   b  " + " ".join(rng.choice("abc") for _ in range(3)) + " "
        request = botocore.awsrequest.AWSRequest(method=method, url=url, data=body.encode() or None, headers=headers)
        if presign:
            signer = botocore.auth.S3SigV4QueryAuth if service == "s3" else botocore.auth.SigV4QueryAuth
            signer(credentials, service, "eu-central-1", expires=600).add_auth(request)
        else:
            signer = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
            signer(credentials, service, "eu-central-1").add_auth(request)
        parts = urllib.parse.urlsplit(request.url)
        sent = [("Host", "host.example:4566")] + [(k, str(v)) for k, v in request.headers.items()]
        sent = ", ".join(f"{literal(k)}, {literal(v)}" for k, v in sent)
        print("{" + ", ".join([literal(method), literal(parts.path), literal(parts.query), "{" + sent + "}", literal(body)]) + "},")


if __name__ == "__main__":
    main()
