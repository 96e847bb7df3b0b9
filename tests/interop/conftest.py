"""Fixtures: a server of each kind for the whole run, a seeded source bucket on it, a new destination for every test."""

import itertools
import signal
from types import SimpleNamespace

import pytest

import servers
import world
from flex import Flex, binary

COUNTER = itertools.count(1)
MULTIPART = {
    "2021/05/27/20210527_8_001.pcap.gz": world.UNIFORM,
    "2021/05/28/20210528_8_001.pcap.gz": world.UNEVEN,
}


def pytest_configure():
    # A terminated run ends its servers as an interrupted one does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def moto(tmp_path_factory):
    with servers.moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory):
    with servers.seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture(scope="session")
def month():
    """The month's small files, and the bodies of its multipart ones."""
    small = dict(world.month())
    large = {key: world.big_pcap_gz(key, sum(layout)) for key, layout in MULTIPART.items()}
    return SimpleNamespace(small=small, large=large, keys=sorted([*small, *large]))


def seed(server, month):
    s3 = server.client("s3", server.vendor)
    bucket = server.make_bucket("source-month", server.vendor)
    for key, body in month.small.items():
        world.put(s3, bucket, key, body, **world.METADATA)
    for key, body in month.large.items():
        world.put_parts(s3, bucket, key, body, MULTIPART[key], **world.METADATA)
    # Neighbours that no test of the month may touch.
    world.put(s3, bucket, "2021/04/30/20210430_1_001.txt.gz", b"April")
    world.put(s3, bucket, "2021/06/01/20210601_1_001.pcap.gz", b"June")
    world.put(s3, bucket, "2021/050/not-a-month.gz", b"neither")
    return bucket


@pytest.fixture(scope="session")
def moto_month(moto, month):
    return seed(moto, month)


@pytest.fixture(scope="session")
def seaweedfs_month(seaweedfs, month):
    return seed(seaweedfs, month)


def new_bucket(server, kind, keys):
    return server.make_bucket(f"{kind}-{next(COUNTER)}", keys)


def destination(server, kind="dest", **policy):
    """A bucket of the subscriber's with the manual's policy."""
    bucket = new_bucket(server, kind, server.owner)
    text = world.manual_policy(server.policy_principal(), bucket, **policy)
    server.client("s3", server.owner).put_bucket_policy(Bucket=bucket, Policy=text)
    return bucket


@pytest.fixture
def user(tmp_path):
    """Make a flex for a server, with a destination of its own, and a source unless one is given."""
    path = binary()
    if path is None:
        pytest.fail("FLEX_BIN names no executable: build flex (cargo build -p flex-cli), or set FLEX_BIN")

    def make(server, source=None, **dest_options):
        source = source or new_bucket(server, "source", server.vendor)
        dest = destination(server, **dest_options)
        flex = Flex(path, tmp_path, server, source, dest)
        flex.source, flex.dest = source, dest
        flex.vendor, flex.owner = server.client("s3", server.vendor), server.client("s3", server.owner)
        return flex

    return make
