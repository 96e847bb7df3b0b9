"""The two servers: started on loopback at free ports, waited for by asking, ended by their own process ids."""

import json
import re
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

REGION = "ap-northeast-1"
VENDOR = "461810399597"
SUBSCRIBER = "123456789012"
ROLE_NAME = f"JeuServiceRoleForS3Copy_{SUBSCRIBER}"
ROLE_ARN = f"arn:aws:iam::{VENDOR}:role/{ROLE_NAME}"
SESSION = "flex"
SESSION_ARN = f"arn:aws:sts::{VENDOR}:assumed-role/{ROLE_NAME}/{SESSION}"
# A file name that the copy role may see in a listing and may not read.
REFUSED = "refused"

BIN = Path(sys.executable).parent
LOG_LINE = re.compile(r'"(?P<method>[A-Z]+) (?P<path>/.*) HTTP/1\.[01]" (?P<status>\d{3})')


class Keys:
    """An access key, its secret and, for a session, its token."""

    def __init__(self, access_key, secret, token=None):
        self.access_key, self.secret, self.token = access_key, secret, token

    @classmethod
    def from_sts(cls, answer):
        keys = answer["Credentials"]
        return cls(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])

    def environment(self):
        env = {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret}
        if self.token:
            env["AWS_SESSION_TOKEN"] = self.token
        return env


class Server:
    """A running server: its endpoint, the identities on it, and its log."""

    def __init__(self, name, endpoint, log):
        self.name, self.endpoint, self.log = name, endpoint, log
        self.vendor = self.owner = self.user = None

    def client(self, service, keys):
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret,
            aws_session_token=keys.token,
            config=Config(
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def assume(self, role_arn=ROLE_ARN, **options):
        sts = self.client("sts", self.user)
        return Keys.from_sts(sts.assume_role(RoleArn=role_arn, RoleSessionName=SESSION, **options))

    def mark(self):
        """Where the log ends now, for `requests`."""
        return self.log.stat().st_size

    def requests(self, mark):
        """Method, path and status of what moto was asked since the mark; its log has a line for each request."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            log.seek(mark)
            lines = (LOG_LINE.search(line) for line in log)
            return [(m["method"], m["path"], int(m["status"])) for m in lines if m]

    def policy_principal(self):
        """How this server wants the copy role named in a bucket policy."""
        return SESSION_ARN if self.name == "seaweedfs" else ROLE_ARN

    def make_bucket(self, name, keys):
        s3 = self.client("s3", keys)
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return name


def free_ports(count):
    """Ports that were free a moment ago, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


@contextmanager
def process(args, log, cwd):
    """A child process, ended by its own id whatever happens to the tests."""
    with open(log, "ab") as out:
        child = subprocess.Popen(args, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        yield child
    finally:
        child.terminate()
        try:
            # Nothing is worth keeping: a server that lingers over open connections is ended.
            child.wait(timeout=2)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_for(what, ready, child=None, limit=60, step=0.1):
    """Ask `ready` until it says yes, the process is gone, or the limit has passed."""
    deadline = time.monotonic() + limit
    while not ready():
        if child is not None and child.poll() is not None:
            raise RuntimeError(f"{what}: the process ended with {child.returncode}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not ready within {limit} s")
        time.sleep(step)


def answers(url):
    """Whether anything speaks HTTP there, whatever it says."""
    try:
        with urlopen(url, timeout=2):
            return True
    except HTTPError:
        return True
    except (URLError, OSError):
        return False


def allow(actions, resources):
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def deny(actions, resources):
    return {"Effect": "Deny", "Action": actions, "Resource": resources}


def document(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


@contextmanager
def moto(folder):
    """moto with its IAM enforcement on: signatures, tokens and the identities' own policies are checked.

    Of a bucket policy it obeys a Deny and nothing else, so what the manual's bucket policy grants stands in the role's own
    policy here. It does not ask for the right to read a copy's source either, so a refused file is refused at the
    destination, too.
    """
    (port,) = free_ports(1)
    log = folder / "moto.log"
    server = Server("moto", f"http://127.0.0.1:{port}", log)
    args = [str(BIN / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with process(args, log, folder) as child:
        wait_for("moto", lambda: answers(f"{server.endpoint}/moto-api/data.json"), child)
        moto_accounts(server)
        # From here on every request is authorised.
        urlopen(Request(f"{server.endpoint}/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"})).close()
        yield server


def moto_accounts(server):
    nobody = server.client("sts", Keys("AKIANOBODY", "none"))

    def account(number):
        # Before enforcement moto lets anybody assume a role of any account: the way into a new, empty one.
        role = f"arn:aws:iam::{number}:role/start"
        return server.client("iam", Keys.from_sts(nobody.assume_role(RoleArn=role, RoleSessionName="start")))

    def user(iam, name, policy):
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Keys(key["AccessKeyId"], key["SecretAccessKey"])

    everything = document(allow("*", "*"))
    vendor, subscriber = account(VENDOR), account(SUBSCRIBER)
    server.vendor = user(vendor, "vendor", everything)
    server.owner = user(subscriber, "owner", everything)
    server.user = user(subscriber, "copy-user", document(allow("sts:AssumeRole", ROLE_ARN)))
    trust = document(
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{SUBSCRIBER}:root"}, "Action": "sts:AssumeRole"}
    )
    vendor.create_role(RoleName=ROLE_NAME, AssumeRolePolicyDocument=json.dumps(trust))
    rights = document(
        allow("s3:ListBucket", ["arn:aws:s3:::source-*", "arn:aws:s3:::dest-*", "arn:aws:s3:::listonly-*"]),
        allow("s3:GetObject", "arn:aws:s3:::source-*/*"),
        allow(["s3:PutObject", "s3:PutObjectAcl"], "arn:aws:s3:::dest-*/*"),
        deny("s3:GetObject", f"arn:aws:s3:::source-*/*{REFUSED}*"),
        deny("s3:PutObject", f"arn:aws:s3:::dest-*/*{REFUSED}*"),
    )
    vendor.put_role_policy(RoleName=ROLE_NAME, PolicyName="own", PolicyDocument=json.dumps(rights))


@contextmanager
def seaweedfs(folder):
    """SeaweedFS with users, the copy role and STS by its configuration files; bucket policies are evaluated."""
    log = folder / "seaweedfs.log"
    server = Server("seaweedfs", None, log)
    server.vendor = Keys("AKIAVENDOR", "vendor-secret")
    server.owner = Keys("AKIAOWNER", "owner-secret")
    server.user = Keys("AKIACOPYUSER", "copy-user-secret")
    (folder / "data").mkdir()
    (folder / "identities.json").write_text(json.dumps(seaweedfs_identities(server)))
    (folder / "iam.json").write_text(json.dumps(seaweedfs_roles()))
    names = ["master", "volume", "filer", "s3"]
    ports = free_ports(8)
    plain, grpc = ports[:4], ports[4:]
    args = [str(BIN / "weed"), "-logtostderr=true", "server", "-dir=data", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    args += ["-filer", "-s3", "-s3.config=identities.json", "-s3.iam.config=iam.json"]
    for name, port, rpc in zip(names, plain, grpc):
        args += [f"-{name}.port={port}", f"-{name}.port.grpc={rpc}"]
    # Only what is needed, nothing sent anywhere, small volumes, and no ten seconds of farewell.
    args += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false", "-volume.preStopSeconds=0"]
    args += ["-volume.max=400", "-master.volumeSizeLimitMB=64", f"-s3.localSocket={folder}/s3.sock"]
    args += [f"-filer.localSocket={folder}/filer.sock"]
    server.endpoint = f"http://127.0.0.1:{plain[3]}"
    try:
        with process(args, log, folder) as child:
            wait_for("SeaweedFS", lambda: answers(server.endpoint), child)
            # It answers before it can store anything.
            wait_for("SeaweedFS storage", lambda: stores(server), child)
            yield server
    finally:
        for port, name in zip(grpc, names):
            Path(f"/tmp/seaweedfs-{name}-grpc-{port}.sock").unlink(missing_ok=True)


def stores(server):
    s3 = server.client("s3", server.owner)
    try:
        s3.create_bucket(Bucket="readiness")
    except s3.exceptions.BucketAlreadyOwnedByYou:
        pass
    except (BotoCoreError, ClientError):
        return False
    try:
        s3.put_object(Bucket="readiness", Key="probe", Body=b"x")
        return s3.get_object(Bucket="readiness", Key="probe")["Body"].read() == b"x"
    except (BotoCoreError, ClientError):
        return False


def seaweedfs_identities(server):
    def identity(name, account, keys, actions):
        pair = {"accessKey": keys.access_key, "secretKey": keys.secret}
        return {"name": name, "account": {"id": account}, "credentials": [pair], "actions": actions}

    everything = ["Admin", "Read", "List", "Tagging", "Write"]
    return {
        "accounts": [{"id": VENDOR, "displayName": "vendor"}, {"id": SUBSCRIBER, "displayName": "subscriber"}],
        "identities": [
            identity("vendor", VENDOR, server.vendor, everything),
            identity("owner", SUBSCRIBER, server.owner, everything),
            identity("copy-user", SUBSCRIBER, server.user, []),
        ],
    }


def seaweedfs_roles():
    trust = document({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["sts:AssumeRole"]})
    rights = document(
        allow(["s3:ListBucket"], ["arn:aws:s3:::source-*"]),
        allow(["s3:GetObject"], ["arn:aws:s3:::source-*/*"]),
        deny(["s3:GetObject"], [f"arn:aws:s3:::source-*/*{REFUSED}*"]),
    )
    return {
        "sts": {
            "tokenDuration": "1h",
            "maxSessionLength": "12h",
            "issuer": "seaweedfs-sts",
            "accountId": VENDOR,
            # The 32 characters "interoperability-tests-only-key!".
            "signingKey": "aW50ZXJvcGVyYWJpbGl0eS10ZXN0cy1vbmx5LWtleSE=",
        },
        "policy": {"defaultEffect": "Deny", "storeType": "memory"},
        "roleStore": {"storeType": "memory"},
        "roles": [
            {"roleName": ROLE_NAME, "roleArn": ROLE_ARN, "trustPolicy": trust, "attachedPolicies": ["CopyRole"]}
        ],
        "policies": [{"name": "CopyRole", "document": rights}],
    }
