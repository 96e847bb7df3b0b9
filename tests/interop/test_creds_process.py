"""The AWS CLI and boto3 through `flex creds process`, for longer than one token lives: the sandbox gives short ones."""

import os
import re
import subprocess
import time

import boto3
import pytest
from botocore.config import Config

from flex import LIMIT, binary, sandbox_binary
from servers import BIN, REGION, process, wait_for

LIFE = 3  # seconds
LATENCY = 120  # milliseconds a request


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    path = sandbox_binary()
    folder = tmp_path_factory.mktemp("sandbox")
    log = folder / "sandbox.log"
    args = [path, "--token-life", str(LIFE), "--latency-ms", str(LATENCY), "--objects", "60", "--per-day", "60"]
    with process([str(a) for a in args], log, folder) as child:
        wait_for("sandbox", lambda: "Ready" in log.read_text(), child)
        yield dict(re.findall(r"(?:^export |\s)(\w+)=(\S+)", log.read_text(), re.MULTILINE))


@pytest.fixture
def home(tmp_path, sandbox):
    """A home whose profile `flex` asks flex, which has the user's keys in a profile of its own."""
    config = tmp_path / ".aws" / "config"
    config.parent.mkdir()
    calls = tmp_path / "calls"
    # A line a call, so that the number of tokens is known.
    helper = tmp_path / "helper"
    helper.write_text(f'#!/bin/sh\necho call >>"{calls}"\nexec "{binary()}" creds process --profile user\n')
    helper.chmod(0o700)
    config.write_text(
        f"[profile user]\naws_access_key_id = {sandbox['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {sandbox['AWS_SECRET_ACCESS_KEY']}\n\n"
        f"[profile flex]\nregion = {REGION}\ncredential_process = {helper}\n"
    )
    env = {
        "PATH": f"{BIN}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "AWS_CONFIG_FILE": str(config),
        "AWS_ENDPOINT_URL": sandbox["AWS_ENDPOINT_URL"],
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PROFILE": "flex",
    }
    return env, calls


def test_the_aws_cli_lists_for_longer_than_a_token_lives(home):
    env, calls = home
    started = time.monotonic()
    argv = ["aws", "s3api", "list-objects-v2", "--bucket", "dataservice-flex-bucket", "--page-size", "1"]
    argv += ["--query", "Contents[].Key", "--output", "text"]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done
    assert len(done.stdout.split()) == 60, done.stdout
    assert time.monotonic() - started > 2 * LIFE, "a token ended on the way"
    assert len(calls.read_text().split()) > 1, "the CLI asked again"


def test_boto3_copies_for_longer_than_a_token_lives(home, monkeypatch):
    env, calls = home
    for name in [n for n in os.environ if n.startswith(("AWS_", "FLEX_"))]:
        monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    session = boto3.Session(profile_name="flex")
    s3 = session.client("s3", config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}))
    source = "dataservice-flex-bucket"
    keys = [e["Key"] for e in s3.list_objects_v2(Bucket=source)["Contents"]]
    started = time.monotonic()
    for key in keys:
        s3.copy_object(
            Bucket="my-flex-bucket",
            Key=key,
            CopySource={"Bucket": source, "Key": key},
            ACL="bucket-owner-full-control",
            TaggingDirective="REPLACE",
        )
    assert time.monotonic() - started > 2 * LIFE, "a token ended on the way"
    assert len(calls.read_text().split()) > 1, "boto3 asked again"
    assert sorted(e["Key"] for e in s3.list_objects_v2(Bucket="my-flex-bucket")["Contents"]) == sorted(keys)
