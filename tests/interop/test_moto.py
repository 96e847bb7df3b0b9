"""flex against moto: a server that answers as S3 does where it answers, enforces signatures, tokens and the role's rights,
and writes down every request."""

import re

import pytest

import world
from conftest import MULTIPART
from servers import REFUSED, ROLE_ARN, ROLE_NAME, SESSION_ARN, SUBSCRIBER

MONTH = "2021/05"
# The manual's steps are numbered 1-1 to 1-6.
STEP = r"\b1-[1-6]\b"


def writes(requests):
    return [(method, path) for method, path, _ in requests if method in ("PUT", "POST", "DELETE") and path != "/"]


def heads(requests):
    return [path for method, path, _ in requests if method == "HEAD"]


def files(listing):
    """Size and name of each line of a listing such as `aws s3 ls` prints; a folder's size is PRE."""
    fields = [line.split() for line in listing.splitlines()]
    return [(f[0], f[1]) if f[0] == "PRE" else (f[2], " ".join(f[3:])) for f in fields]


@pytest.fixture
def on_month(user, moto, moto_month):
    return user(moto, source=moto_month)


def test_ls_reads_like_the_aws_cli(on_month, moto):
    role = {**on_month.env, **moto.assume().environment(), "AWS_DEFAULT_REGION": "ap-northeast-1"}
    for path in (MONTH, f"{MONTH}/31"):
        theirs = on_month.run(["aws", "s3", "ls", f"s3://{on_month.source}/{path}/"], env=role).expect(0)
        ours = on_month("ls", path).expect(0)
        assert files(ours.out) == files(theirs.out)
    whole = on_month("ls", "--recursive", "--summarize", MONTH).expect(0)
    assert f"{MONTH}/31/20210531_1_001.pcap.gz" in whole.out
    assert "Total Objects: 56" in whole.out


def looks_uniform(layout):
    """Not uniform, although parts of the first one's size would hold as much in as many."""
    first, count, size = layout[0], len(layout), sum(layout)
    return any(part != first for part in layout[:-1]) and (count - 1) * first < size <= count * first


def test_a_month_is_copied_byte_by_byte_and_only_once(on_month, moto, month):
    flex = on_month
    plan = flex("plan", MONTH, "--json").expect(0)
    assert world.listing(flex.owner, flex.dest) == {}, "a plan copies nothing"
    assert plan.summary["to_copy"]["objects"] == len(month.keys)

    mark = moto.mark()
    first = flex("copy", MONTH, "--json").expect(0)
    asked = moto.requests(mark)
    assert first.count("copied") == len(month.keys)
    told = sum(first.summary["requests"].values())
    assert told == len([path for _, path, _ in asked if path != "/"]), "flex counts its requests as the server does"

    # One request a small object, and a HEAD for none of them.
    parts = sum(len(layout) for layout in MULTIPART.values())
    # The irregular layout could be a uniform one by its first part and its count: it is found out by its ETag and made twice.
    again = sum(len(layout) + 2 for layout in MULTIPART.values() if looks_uniform(layout))
    assert again, "the month holds such a layout"
    assert len(writes(asked)) == len(month.small) + parts + 2 * len(MULTIPART) + again
    assert {path.partition("?")[0] for path in heads(asked)} == {f"/{flex.source}/{key}" for key in MULTIPART}
    assert not [path for path in heads(asked) if path.startswith(f"/{flex.dest}/")], "the role may not read there"

    # The same keys and bytes, and not one key more.
    copied = world.digests(flex.owner, flex.dest)
    assert copied == world.digests(flex.vendor, flex.source, f"{MONTH}/")
    assert sorted(copied) == month.keys

    # A multipart source keeps its layout, hence its ETag, and its metadata.
    assert world.etags(flex.owner, flex.dest) == world.etags(flex.vendor, flex.source, f"{MONTH}/")
    for key, layout in MULTIPART.items():
        assert world.part_sizes(flex.owner, flex.dest, key) == layout
        head = flex.owner.head_object(Bucket=flex.dest, Key=key)
        assert {name: head[name] for name in world.METADATA} == world.METADATA

    flex("verify", MONTH).expect(0)

    mark = moto.mark()
    second = flex("copy", MONTH, "--json").expect(0)
    assert writes(moto.requests(mark)) == []
    assert (second.count("copied"), second.count("identical")) == (0, len(month.keys))


def test_deleted_truncated_and_altered_objects_are_found_and_mended(on_month):
    flex = on_month
    flex("copy", MONTH).expect(0)
    deleted, truncated, altered, multipart = (
        f"{MONTH}/06/20210506_1_001.txt.gz",
        f"{MONTH}/24/20210524_2_001.pcap.gz",
        f"{MONTH}/31/20210531_3_001.pcap.gz",
        next(iter(MULTIPART)),
    )
    flex.owner.delete_object(Bucket=flex.dest, Key=deleted)
    for key, change in ((truncated, lambda b: b[:-1]), (altered, lambda b: b[:-1] + bytes([b[-1] ^ 1]))):
        body = flex.owner.get_object(Bucket=flex.dest, Key=key)["Body"].read()
        world.put(flex.owner, flex.dest, key, change(body))
    world.put(flex.owner, flex.dest, multipart, b"short")

    found = flex("verify", MONTH).expect(1)
    for key in (deleted, truncated, altered, multipart):
        assert key in found.out + found.err
    mended = flex("copy", MONTH, "--json").expect(0)
    assert mended.count("copied") == 4
    flex("verify", MONTH).expect(0)
    assert world.digests(flex.owner, flex.dest) == world.digests(flex.vendor, flex.source, f"{MONTH}/")


def test_odd_keys_survive_listing_copying_and_verifying(user, moto):
    flex = user(moto)
    bodies = {f"odd/{name}": f"the bytes of {name}".encode() for name in world.ODD_NAMES}
    for key, body in bodies.items():
        world.put(flex.vendor, flex.source, key, body)
    big = "odd/大きい +?% 'part'.gz"
    world.put_parts(flex.vendor, flex.source, big, bytes(6 * world.MIB), [5 * world.MIB, world.MIB])

    listed = flex("ls", "--recursive", "prefix:odd/").expect(0)
    for key in [*bodies, big]:
        assert key in listed.out, "keys are left raw in a pipe"
    flex("copy", "prefix:odd/").expect(0)
    flex("verify", "prefix:odd/").expect(0)
    assert flex("copy", "prefix:odd/", "--json").expect(0).count("identical") == len(bodies) + 1
    assert world.digests(flex.owner, flex.dest) == world.digests(flex.vendor, flex.source)
    assert world.etags(flex.owner, flex.dest) == world.etags(flex.vendor, flex.source)


def test_the_manuals_pair_of_urls_and_a_destination_prefix(on_month):
    flex = on_month
    flex("cp", f"s3://{flex.source}/2021/05/31", f"s3://{flex.dest}/2021/05/31").expect(0)
    day = world.etags(flex.vendor, flex.source, "2021/05/31/")
    assert world.etags(flex.owner, flex.dest) == day

    flex("copy", "--dest-prefix", "archive/jpx/", "2021/05/31").expect(0)
    flex("verify", "--dest-prefix", "archive/jpx/", "2021/05/31").expect(0)
    assert set(world.etags(flex.owner, flex.dest, "archive/")) == {f"archive/jpx/{key}" for key in day}


def test_a_refused_key_is_named_and_the_rest_is_done(user, moto):
    flex = user(moto)
    kept, refused = "2021/05/31/20210531_1_001.pcap.gz", f"2021/05/31/20210531_{REFUSED}.pcap.gz"
    for key in (kept, refused):
        world.put(flex.vendor, flex.source, key, world.pcap_gz(key))
    run = flex("copy", "2021/05/31", "--json").expect(4)
    assert (run.count("copied"), run.count("not_entitled")) == (1, 1)
    assert refused in run.out
    assert list(world.listing(flex.owner, flex.dest)) == [kept]
    flex("copy", "--allow-not-entitled", "2021/05/31").expect(0)


def test_an_archived_source_is_not_attempted(user, moto):
    flex = user(moto)
    key = "2021/05/31/20210531_1_001.pcap.gz"
    world.put(flex.vendor, flex.source, key, b"cold", StorageClass="DEEP_ARCHIVE")
    mark = moto.mark()
    run = flex("copy", "2021/05/31", "--json").expect(4)
    assert run.count("archived") == 1
    assert writes(moto.requests(mark)) == []


def test_a_destination_that_cannot_be_written_stops_the_run(user, moto, moto_month):
    # The role's policy lets it list such a bucket and put nothing into it.
    flex = user(moto, source=moto_month, kind="listonly")
    mark = moto.mark()
    run = flex("copy", MONTH).expect(3)
    assert re.search(STEP, run.err), f"the step to repeat is named\n{run}"
    refused = [path for method, path, status in moto.requests(mark) if status == 403]
    assert 1 <= len(refused) <= 70, "no more than what was in flight at once"
    assert world.listing(flex.owner, flex.dest) == {}


def test_without_credentials_nothing_is_started(on_month):
    run = on_month("copy", MONTH, env=on_month.without("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")).expect(3)
    assert re.search(STEP, run.err), f"the step to repeat is named\n{run}"


def test_a_wrong_secret_and_a_role_that_may_not_be_assumed(on_month, moto):
    secret = moto.user.secret
    wrong = on_month("copy", MONTH, env={**on_month.env, "AWS_SECRET_ACCESS_KEY": "wrong"}).expect(3)
    assert secret not in wrong.out + wrong.err
    other = ROLE_ARN.replace(SUBSCRIBER, "123456789013")
    on_month("copy", MONTH, "--role-arn", other, "--account", "123456789013").expect(3)


@pytest.mark.parametrize("selection", ["2021/13", "2021/02/29", "20219", "spec:fullbook", "2009", ""])
def test_a_bad_selection_asks_nobody(on_month, moto, selection):
    mark = moto.mark()
    on_month("copy", selection).expect(2)
    assert moto.requests(mark) == []


def test_nothing_matched_is_incomplete(on_month):
    on_month("copy", "2020/05").expect(4)
    on_month("ls", "2020/05/07").expect(4)


def test_ctrl_c_keeps_what_was_done_and_the_next_run_goes_on(user, moto):
    flex = user(moto)
    count = 1200
    for n in range(count):
        world.put(flex.vendor, flex.source, f"2021/05/31/20210531_1_{n:04}.pcap.gz", b"%d" % n)
    mark = moto.mark()
    run = flex.interrupted(["copy", "2021/05/31"], lambda: len(writes(moto.requests(mark))) > 20)
    run.expect(130)
    done = len(world.listing(flex.owner, flex.dest))
    assert 20 <= done < count
    again = flex("copy", "2021/05/31", "--json").expect(0)
    assert (again.count("identical"), again.count("copied")) == (done, count - done)


def test_creds_process_serves_the_aws_cli(on_month, moto):
    flex = on_month
    command = f"{flex.binary} creds process --profile base"
    flex.aws_config(flex.profile("base", keys=moto.user) + flex.profile("flex", process=command))
    env = flex.without("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    who = flex.run(["aws", "--profile", "flex", "sts", "get-caller-identity", "--query", "Arn"], env).expect(0)
    assert SESSION_ARN in who.out
    theirs = flex.run(["aws", "--profile", "flex", "s3", "ls", f"s3://{flex.source}/2021/05/31/"], env).expect(0)
    assert len(theirs.out.splitlines()) == 3
    target = f"s3://{flex.dest}/by-the-cli.gz"
    argv = ["aws", "--profile", "flex", "s3", "cp", "--acl", "bucket-owner-full-control"]
    flex.run([*argv, f"s3://{flex.source}/2021/05/31/20210531_1_001.pcap.gz", target], env).expect(0)
    # flex itself uses a profile of keys; one that asks flex would ask for ever.
    flex("ls", "--profile", "flex", "2021/05/31", env=env).expect(3)
    flex("ls", "--profile", "base", "2021/05/31", env=env).expect(0)


def test_creds_env_is_evaluated_by_a_shell(on_month):
    flex = on_month
    script = 'eval "$("$0" creds env --shell sh)" && aws sts get-caller-identity --query Arn --output text'
    env = {**flex.env, "AWS_DEFAULT_REGION": "ap-northeast-1"}
    who = flex.run(["sh", "-euc", script, flex.binary], env).expect(0)
    assert who.out.strip() == SESSION_ARN
    script = 'eval "$("$0" creds env --shell sh)"; eval "$("$0" creds env --shell sh --unset)"; env'
    left = flex.run(["sh", "-euc", script, flex.binary], env).expect(0)
    names = {line.partition("=")[0] for line in left.out.splitlines()}
    assert not names & {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}


def test_the_roles_exported_variables_are_used_with_a_warning(on_month, moto):
    env = {**on_month.env, **moto.assume().environment()}
    run = on_month("copy", "2021/05/31", env=env).expect(0)
    assert "AWS_SESSION_TOKEN" in run.err, "what to unset so that flex can renew"
    shown = on_month("creds", "show", env=env).expect(0)
    assert ROLE_NAME in shown.out
    assert moto.user.secret not in shown.out + shown.err
