"""flex against SeaweedFS: a real store that evaluates the bucket policy with its ACL condition, pins sources, answers ETags
without quotes, and denies parts under the condition."""

import re

import pytest

import world
from conftest import MULTIPART
from servers import REFUSED, ROLE_NAME, Keys

MONTH = "2021/05"


@pytest.fixture
def on_month(user, seaweedfs, seaweedfs_month):
    return user(seaweedfs, source=seaweedfs_month)


def test_a_month_is_copied_though_parts_are_denied(on_month, month):
    flex = on_month
    first = flex("copy", MONTH).expect(0)
    assert len(re.findall(r"\bparts\b", first.err)) >= 1
    notices = [line for line in first.err.splitlines() if "ACL condition" in line]
    assert len(notices) == 1, f"the fallback is said once\n{first}"
    assert world.digests(flex.owner, flex.dest) == world.digests(flex.vendor, flex.source, f"{MONTH}/")
    assert sorted(world.listing(flex.owner, flex.dest)) == month.keys
    flex("verify", MONTH).expect(0)

    before = {key: entry["LastModified"] for key, entry in world.listing(flex.owner, flex.dest).items()}
    second = flex("copy", MONTH, "--json").expect(0)
    assert (second.count("copied"), second.count("identical")) == (0, len(month.keys))
    after = {key: entry["LastModified"] for key, entry in world.listing(flex.owner, flex.dest).items()}
    assert before == after


def test_an_upload_that_the_role_may_not_end_is_named_and_can_be_cleaned(on_month, seaweedfs):
    flex = on_month
    run = flex("copy", "2021/05/27").expect(0)
    (left,) = flex.owner.list_multipart_uploads(Bucket=flex.dest)["Uploads"]
    assert left["Key"] in run.out and left["UploadId"] in run.out
    flex.aws_config(flex.profile("owner", keys=seaweedfs.owner))
    # This store does not say who began an upload.
    flex("clean", "--owner-profile", "owner", "--older-than", "0s", "--all", "--yes").expect(0)
    assert "Uploads" not in flex.owner.list_multipart_uploads(Bucket=flex.dest)


def test_parts_keep_the_layout_where_the_policy_lets_them(user, seaweedfs, seaweedfs_month):
    flex = user(seaweedfs, source=seaweedfs_month, condition=False)
    flex("copy", "2021/05/27", "2021/05/28").expect(0)
    for key, layout in MULTIPART.items():
        assert world.part_sizes(flex.owner, flex.dest, key) == layout
        head = flex.owner.head_object(Bucket=flex.dest, Key=key)
        assert {name: head[name] for name in world.METADATA} == world.METADATA
    assert world.etags(flex.owner, flex.dest, "2021/05/27/") == world.etags(flex.vendor, flex.source, "2021/05/27/")
    assert world.digests(flex.owner, flex.dest, "2021/05/28/") == world.digests(flex.vendor, flex.source, "2021/05/28/")
    assert "Uploads" not in flex.owner.list_multipart_uploads(Bucket=flex.dest)
    flex("verify", "2021/05/27", "2021/05/28").expect(0)


def test_deleted_and_truncated_objects_are_found_and_mended(on_month):
    flex = on_month
    flex("copy", MONTH).expect(0)
    deleted, truncated = f"{MONTH}/06/20210506_1_001.txt.gz", f"{MONTH}/24/20210524_2_001.pcap.gz"
    flex.owner.delete_object(Bucket=flex.dest, Key=deleted)
    world.put(flex.owner, flex.dest, truncated, b"short")
    found = flex("verify", MONTH).expect(1)
    assert deleted in found.out + found.err and truncated in found.out + found.err
    assert flex("copy", MONTH, "--json").expect(0).count("copied") == 2
    flex("verify", MONTH).expect(0)


def test_odd_keys_survive(user, seaweedfs):
    flex = user(seaweedfs)
    for name in world.ODD_NAMES:
        world.put(flex.vendor, flex.source, f"odd/{name}", f"the bytes of {name}".encode())
    flex("copy", "prefix:odd/").expect(0)
    flex("verify", "prefix:odd/").expect(0)
    assert world.digests(flex.owner, flex.dest) == world.digests(flex.vendor, flex.source)


def test_a_refused_source_is_not_entitled(user, seaweedfs):
    flex = user(seaweedfs)
    kept, refused = "2021/05/31/20210531_1_001.pcap.gz", f"2021/05/31/20210531_{REFUSED}.pcap.gz"
    for key in (kept, refused):
        world.put(flex.vendor, flex.source, key, world.pcap_gz(key))
    run = flex("copy", "2021/05/31", "--json").expect(4)
    assert (run.count("copied"), run.count("not_entitled")) == (1, 1)
    assert list(world.listing(flex.owner, flex.dest)) == [kept]


def test_a_policy_without_put_object_ends_with_the_step_to_repeat(user, seaweedfs, seaweedfs_month):
    flex = user(seaweedfs, source=seaweedfs_month, put=False)
    run = flex("copy", MONTH).expect(3)
    assert re.search(r"\b1-[1-6]\b", run.err), run
    assert world.listing(flex.owner, flex.dest) == {}


def test_no_policy_at_all_stops_before_the_first_copy(user, seaweedfs, seaweedfs_month):
    flex = user(seaweedfs, source=seaweedfs_month)
    flex.owner.delete_bucket_policy(Bucket=flex.dest)
    flex("copy", MONTH).expect(3)
    assert world.listing(flex.owner, flex.dest) == {}


def test_bad_credentials_and_a_role_that_is_not_there(on_month):
    wrong = Keys("AKIAUNKNOWN", "unknown").environment()
    on_month("copy", MONTH, env={**on_month.env, **wrong}).expect(3)
    on_month("copy", MONTH, "--role-arn", f"arn:aws:iam::461810399597:role/{ROLE_NAME[:-1]}9").expect(3)
