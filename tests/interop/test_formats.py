"""What `flex policy` and `flex setup --print` write, read by linters and parsers written by others, and the script run."""

import json
import subprocess
from itertools import product

import hcl2
import pytest

from conftest import new_bucket
from servers import BIN, REGION, ROLE_ARN, SUBSCRIBER

IDENTITIES = ["none", "user:flex-copy", "ec2:FlexCopy", "ecs:FlexCopy", "batch:FlexCopy"]
POLICIES = ["bucket", "assume-role"]
NAMED = ["--account", SUBSCRIBER, "--bucket", "my-flex-bucket"]


@pytest.fixture
def flex(user, moto):
    """No network is needed for what only prints: the identity is taken away."""
    made = user(moto)
    made.env = made.without("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "FLEX_ROLE_ARN", "FLEX_BUCKET", "FLEX_ACCOUNT")
    return made


def printed(flex, *args):
    return flex(*args, *NAMED).expect(0).out


def texts(flex, fmt):
    """Everything that is printed in a format, by what it is."""
    for which in POLICIES:
        yield f"policy {which}", printed(flex, "policy", which, "--format", fmt)
    for identity in IDENTITIES:
        yield f"setup {identity}", printed(flex, "setup", "--print", fmt, "--identity", identity)


def lint(argv, text=""):
    return subprocess.run(argv, input=text, capture_output=True, text=True, check=False, timeout=120)


def test_cloudformation_passes_its_linter_without_a_warning(flex, tmp_path):
    for what, text in texts(flex, "cloudformation"):
        path = tmp_path / "template.yaml"
        path.write_text(text)
        found = lint([BIN / "cfn-lint", "--include-checks", "W", "--regions", REGION, "--", path])
        assert (found.returncode, found.stdout) == (0, ""), f"{what}\n{found.stdout}{found.stderr}\n{text}"


def test_the_linter_would_have_said(tmp_path):
    path = tmp_path / "template.yaml"
    path.write_text("Resources:\n  B:\n    Type: AWS::S3::Bucket\n    Properties:\n      BucketNam: x\n")
    assert lint([BIN / "cfn-lint", "--regions", REGION, "--", path]).returncode != 0


def test_terraform_parses(flex):
    for what, text in texts(flex, "terraform"):
        parsed = hcl2.loads(text)
        kinds = {kind.strip('"') for resource in parsed["resource"] for kind in resource}
        assert kinds, f"{what}\n{text}"
        if what.startswith("setup"):
            assert {"aws_s3_bucket", "aws_s3_bucket_policy", "aws_s3_bucket_public_access_block"} <= kinds, what


def parliament(document):
    return lint([BIN / "parliament"], json.dumps(document))


def test_the_identities_policies_pass_an_independent_linter(flex):
    """The linter knows identity policies only, so a bucket policy goes without its principals."""
    for tool in ["assume-role", "bucket"]:
        document = json.loads(printed(flex, "policy", tool))
        for statement in document["Statement"]:
            statement.pop("Principal", None)
        found = parliament(document)
        # The manual names the bucket beside its objects for PutObject; one statement does nothing there.
        assert "MALFORMED" not in found.stdout and "UNKNOWN" not in found.stdout, found.stdout
        if tool == "assume-role":
            assert (found.returncode, found.stdout) == (0, ""), f"{found.stdout}{found.stderr}"
    permissions = json.loads(printed(flex, "setup", "--print-permissions"))
    # Whoever may write a bucket's policy may give anything away; there is no set-up without that right.
    known = "Possible resource policy privilege escalation"
    said = [line for line in parliament(permissions).stdout.splitlines() if known not in line]
    assert not said, said
    permissions["Statement"][0]["Action"] = ["s3:NoSuchAction"]
    assert "UNKNOWN" in parliament(permissions).stdout.upper(), "it would have said"


def script(user, moto, bucket, identity):
    """The printed script, run by the owner; its exit code and output."""
    flex = user(moto)
    text = flex("setup", "--print", "aws-cli", "--identity", identity, "--account", SUBSCRIBER, "--bucket", bucket).expect(0)
    env = {**flex.env, **moto.owner.environment(), "AWS_DEFAULT_REGION": REGION}
    done = subprocess.run(["sh"], input=text.out, env=env, cwd=flex.home, capture_output=True, text=True, timeout=300)
    return flex, done


@pytest.mark.parametrize("identity", ["user:script-user", "ec2:ScriptRole"])
def test_the_aws_cli_script_sets_up_a_bucket_that_doctor_accepts_and_runs_twice(user, moto, identity):
    bucket = f"dest-script-{identity.partition(':')[0]}"
    flex, first = script(user, moto, bucket, identity)
    assert first.returncode == 0, first
    owner, iam = moto.client("s3", moto.owner), moto.client("iam", moto.owner)
    state = bucket_state(owner, bucket)
    assert state["location"] == REGION
    assert set(state["block"].values()) == {True}
    assert state["ownership"] == "BucketOwnerEnforced"
    assert state["encryption"] == "AES256"
    assert [rule["AbortIncompleteMultipartUpload"] for rule in state["rules"]] == [{"DaysAfterInitiation": 7}]
    principals = [s["Principal"]["AWS"] for s in state["policy"]["Statement"]]
    assert principals == [[ROLE_ARN], [ROLE_ARN]]
    kind, name = identity.split(":")
    if kind == "user":
        policy = iam.get_user_policy(UserName=name, PolicyName="FlexAssumeCopyRole")["PolicyDocument"]
    else:
        policy = iam.get_role_policy(RoleName=name, PolicyName="FlexAssumeCopyRole")["PolicyDocument"]
        assert iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"][0]["RoleName"] == name
    statements = policy["Statement"]
    assert [s["Resource"] for s in statements if "sts:AssumeRole" in str(s["Action"])] == [ROLE_ARN]

    _, again = script(user, moto, bucket, identity)
    assert again.returncode == 0, again
    assert bucket_state(owner, bucket) == state, "a second run changes nothing"
    # And flex agrees with what the script made.
    settled = flex("setup", "--identity", identity, "--bucket", bucket, "--yes", "--json", env=owned(flex, moto)).expect(0)
    assert {e["state"] for e in settled.events if e["event"] == "step"} <= {"right", "skipped"}, settled


def owned(flex, moto):
    return {**flex.env, **moto.owner.environment()}


def test_the_aws_cli_script_leaves_what_others_made(user, moto):
    bucket = new_bucket(moto, "dest", moto.owner)
    owner = moto.client("s3", moto.owner)
    rule = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 1}}
    owner.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    theirs = {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": f"arn:aws:s3:::{bucket}"}
        ],
    }
    owner.put_bucket_policy(Bucket=bucket, Policy=json.dumps(theirs))
    script(user, moto, bucket, "none")
    state = bucket_state(owner, bucket)
    assert "theirs" in [r["ID"] for r in state["rules"]]
    assert "Theirs" in [s.get("Sid") for s in state["policy"]["Statement"]]


def bucket_state(s3, bucket):
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    return {
        "location": s3.get_bucket_location(Bucket=bucket)["LocationConstraint"],
        "block": s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        if has(s3, bucket)
        else {},
        "ownership": s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"][0]["ObjectOwnership"]
        if owned_controls(s3, bucket)
        else None,
        "encryption": rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"],
        "rules": s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"],
        "policy": json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]),
    }


def has(s3, bucket):
    try:
        s3.get_public_access_block(Bucket=bucket)
        return True
    except s3.exceptions.ClientError:
        return False


def owned_controls(s3, bucket):
    try:
        s3.get_bucket_ownership_controls(Bucket=bucket)
        return True
    except s3.exceptions.ClientError:
        return False
