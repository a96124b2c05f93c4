#!/usr/bin/env python3
"""Reads a bucket with AWS's own clients, with the settings they come with.

    AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=... python aws_clients.py ENDPOINT BUCKET [PREFIX] [--write]

`aws s3 ls --recursive` and boto3 list the same objects of the same sizes; `aws s3 cp --recursive` and boto3 bring
down the same bytes; and in every folder with a manifest-sha256.txt each file it names has the SHA-256 it says.
With --write, boto3's transfer manager also sends 20 MB in parts under {PREFIX}aws-clients/ and reads them back.
Prints every failure and one summary line; fails on any failure, and when no object or no manifest was found.

Needs requirements-localstack.txt: awscli and boto3.
"""

import argparse
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

MANIFEST = "manifest-sha256.txt"


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def environment(home):
    """No settings but the caller's credentials: no profile, no configuration file."""
    kept = {name: os.environ[name] for name in ("PATH", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    region = os.environ.get("AWS_DEFAULT_REGION", "us-east-1")
    return kept | {"HOME": home, "AWS_DEFAULT_REGION": region, "AWS_EC2_METADATA_DISABLED": "true", "LC_ALL": "C.UTF-8"}


class Judge:
    def __init__(self, endpoint, bucket, prefix, home):
        self.endpoint, self.bucket, self.prefix = endpoint, bucket, prefix
        self.environment = environment(home)
        self.client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=self.environment["AWS_DEFAULT_REGION"],
            config=Config(read_timeout=20, retries={"total_max_attempts": 1}),  # nothing is to be papered over
        )
        self.failures = []

    def expect(self, right, message):
        if not right:
            self.failures.append(message)

    def aws(self, *arguments):
        program = pathlib.Path(sys.executable).parent / "aws"
        command = [program if program.exists() else "aws", "--endpoint-url", self.endpoint, "s3", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=600)
        self.expect(done.returncode == 0, f"aws s3 {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def boto3_list(self):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
        return {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", [])}

    def aws_list(self):
        lines = self.aws("ls", "--recursive", f"s3://{self.bucket}/{self.prefix}").splitlines()
        # date, time, size, and the key, which may hold blanks
        return {line[31:]: int(line[19:30]) for line in lines}

    def read_all(self, listed, folder):
        """Brings the objects down twice, and compares each of the copies with the other."""
        self.aws("cp", "--recursive", "--only-show-errors", f"s3://{self.bucket}/{self.prefix}", str(folder))
        for key, size in listed.items():
            body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            self.expect(len(body) == size, f"{key}: {len(body)} bytes were read, {size} were listed")
            path = folder / key[len(self.prefix) :]
            if key.endswith("/"):
                continue  # `aws s3 cp` leaves out what is only a folder
            if not path.is_file():
                self.failures.append(f"{key}: aws s3 cp did not bring it")
            else:
                self.expect(sha256(path) == hashlib.sha256(body).hexdigest(), f"{key}: the two copies differ")

    def check_manifests(self, folder):
        checked = 0
        for manifest in folder.rglob(MANIFEST):
            for line in manifest.read_text("utf-8").splitlines():
                digest, _, name = line.partition("  ")
                path = manifest.parent / name
                self.expect(path.is_file(), f"{path.relative_to(folder)}: in the manifest, not in the bucket")
                if path.is_file():
                    self.expect(sha256(path) == digest, f"{path.relative_to(folder)}: not the manifest's SHA-256")
                checked += 1
        return checked

    def transfer(self, folder):
        """20 MB by the transfer manager, in parts, there and back."""
        key, sent, back = f"{self.prefix}aws-clients/20 MB.bin", folder / "sent", folder / "back"
        sent.write_bytes(hashlib.shake_256(b"aws-clients").digest(20 << 20))
        settings = TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=8 << 20)
        self.client.upload_file(str(sent), self.bucket, key, Config=settings)
        etag = self.client.head_object(Bucket=self.bucket, Key=key)["ETag"]
        self.expect(etag.endswith('-3"'), f"{key}: not sent in three parts: {etag}")
        self.client.download_file(self.bucket, key, str(back), Config=settings)
        self.expect(sha256(sent) == sha256(back), f"{key}: came back as something else")
        self.aws("cp", "--only-show-errors", str(sent), f"s3://{self.bucket}/{key}.cli")
        self.aws("cp", "--only-show-errors", f"s3://{self.bucket}/{key}.cli", str(back))
        self.expect(sha256(sent) == sha256(back), f"{key}.cli: came back as something else")
        for body in (b"", b"x", b"", b"y"):  # with nothing to send, clients wait for no `100 Continue`
            self.client.put_object(Bucket=self.bucket, Key=f"{key}.small", Body=body)
            read = self.client.get_object(Bucket=self.bucket, Key=f"{key}.small")["Body"].read()
            self.expect(read == body, f"{key}.small: came back as something else")
        for name in (key, f"{key}.cli", f"{key}.small"):
            self.client.delete_object(Bucket=self.bucket, Key=name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("endpoint")
    parser.add_argument("bucket")
    parser.add_argument("prefix", nargs="?", default="")
    parser.add_argument("--write", action="store_true", help="also send 20 MB in parts, and remove them again")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        home, down, moved = (pathlib.Path(work) / name for name in ("home", "down", "moved"))
        for folder in (home, down, moved):
            folder.mkdir()
        judge = Judge(arguments.endpoint, arguments.bucket, arguments.prefix, str(home))
        listed = judge.boto3_list()
        judge.expect(listed, f"nothing is listed under {arguments.prefix!r}")
        judge.expect(judge.aws_list() == listed, "aws s3 ls and boto3 list different objects")
        judge.read_all(listed, down)
        manifested = judge.check_manifests(down)
        judge.expect(manifested, f"no {MANIFEST} with a file in it is under {arguments.prefix!r}")
        if arguments.write:
            judge.transfer(moved)
    for failure in judge.failures:
        print(failure, file=sys.stderr)
    print(f"{len(listed)} objects, {manifested} files checked by manifests, {len(judge.failures)} failures")
    sys.exit(bool(judge.failures))


if __name__ == "__main__":
    main()
