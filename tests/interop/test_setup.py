"""From nothing to a verified month on moto, with its IAM enforcement on: setup, doctor, copy, verify, each run twice."""

import json

import pytest

import world
from conftest import COUNTER, MULTIPART
from servers import REGION

MONTH = "2021/05"


@pytest.fixture
def newcomer(user, moto, moto_month):
    """A subscriber whose bucket and user do not exist yet, and who has an owner's profile."""
    flex = user(moto, source=moto_month)
    number = next(COUNTER)
    flex.dest, flex.name = f"dest-new-{number}", f"newcomer-{number}"
    flex.aws_config(flex.profile("owner", moto.owner))
    env = flex.without("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "FLEX_ROLE_ARN")
    flex.env = {**env, "FLEX_BUCKET": flex.dest, "FLEX_OWNER_PROFILE": "owner"}
    return flex


def states(run):
    return {event["id"]: event["state"] for event in run.events if event["event"] in ("step", "check")}


def test_from_nothing_to_a_verified_month(newcomer, moto, month):
    flex = newcomer
    setup = ["setup", "--wait", "--identity", f"user:{flex.name}", "--access-key", "--key-profile", "made", "--yes", "--json"]
    would = flex(*setup, "--dry-run").expect(0)
    assert flex.dest not in [b["Name"] for b in flex.owner.list_buckets()["Buckets"]], "a dry run does nothing"
    assert "would-be-done" in states(would).values(), would

    first = flex(*setup).expect(0)
    assert "done" in states(first).values(), first
    assert flex.owner.get_bucket_location(Bucket=flex.dest)["LocationConstraint"] == REGION
    credentials = flex.home / ".aws" / "credentials"
    assert credentials.stat().st_mode & 0o777 == 0o600
    secret = [line.split("=")[1].strip() for line in credentials.read_text().splitlines() if "secret" in line]
    assert secret and not any(s in first.out + first.err for s in secret)

    mark = moto.mark()
    second = flex(*setup).expect(0)
    assert set(states(second).values()) <= {"right", "skipped"}, second
    assert {method for method, path, _ in moto.requests(mark) if path != "/"} <= {"GET", "HEAD"}, "nothing was written"
    keys = moto.client("iam", moto.owner).list_access_keys(UserName=flex.name)["AccessKeyMetadata"]
    assert len(keys) == 1, "one key, whatever the number of runs"

    made = ["--profile", "made"]
    for _ in range(2):
        checked = flex("doctor", *made, "--json").expect(0)
        assert "broken" not in states(checked).values(), checked
    copied = flex("copy", MONTH, *made, "--json").expect(0)
    assert copied.count("copied") == len(month.keys)
    again = flex("copy", MONTH, *made, "--json").expect(0)
    assert again.count("copied") == 0
    flex("verify", MONTH, *made, "--strict").expect(0)
    assert sorted(world.listing(flex.owner, flex.dest)) == month.keys
    assert set(MULTIPART) <= set(month.keys)
    flex("doctor", *made, "--write-probe").expect(0)


def test_doctor_names_what_is_missing_on_moto(newcomer, moto):
    flex = newcomer
    setup = ["setup", "--identity", f"user:{flex.name}", "--access-key", "--key-profile", "made", "--yes"]
    flex(*setup).expect(0)
    flex.owner.delete_bucket_policy(Bucket=flex.dest)
    broken = flex("doctor", "--profile", "made", "--json").expect(3)
    checks = [e for e in broken.events if e["event"] == "check" and e["state"] == "broken"]
    assert checks and any("policy" in c["id"] for c in checks), broken
    commands = [m["command"] for c in checks for m in c["mend"] if m.get("command")]
    flex.run(["sh", "-c", commands[0]], env={**flex.env, "PATH": f"{flex.binary.parent}:{flex.env['PATH']}"}).expect(0)
    assert json.loads(flex.owner.get_bucket_policy(Bucket=flex.dest)["Policy"])["Statement"]
    flex("doctor", "--profile", "made").expect(0)
