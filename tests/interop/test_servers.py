"""What the two servers do, without flex: the facts of README's table, and of the last column of the sandbox's table of
refusals (../README.md), asked again on every run.

A fact that no longer holds means that a pin has moved: look at the tables, and at what flex's tests then prove.
"""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from types import SimpleNamespace
from unittest import mock

import botocore.auth
import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError

import servers
import world
from conftest import COUNTER, destination, new_bucket

ACL = {"ACL": "bucket-owner-full-control"}
DAY = "2021/05/31/"
PLAIN, MULTI, REFUSED = f"{DAY}20210531_1_001.pcap.gz", f"{DAY}20210531_2_001.pcap.gz", f"{DAY}refused.pcap.gz"
NONE_SUCH = '"00000000000000000000000000000000"'
DENIED = (403, "AccessDenied")
DONE = (200, None)
BIG = bytes(5 * world.MIB)
OTHER_ACCOUNT = "999999999999"


def outcome(call, *args, **kwargs):
    """HTTP status and error code of a call; no code for a success, nor for a HEAD, which has no body to tell it."""
    try:
        answer = call(*args, **kwargs)
        return answer["ResponseMetadata"]["HTTPStatusCode"], None
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code")
        return error.response["ResponseMetadata"]["HTTPStatusCode"], None if code and code.isdigit() else code


def make_world(server):
    w = SimpleNamespace(server=server, name=server.name)
    w.source, w.dest = new_bucket(server, "source", server.vendor), destination(server)
    w.keys = server.assume()
    w.role, w.owner, w.vendor = (server.client("s3", k) for k in (w.keys, server.owner, server.vendor))
    w.body = world.pcap_gz("plain")
    w.vendor.put_object(Bucket=w.source, Key=PLAIN, Body=w.body, **world.METADATA)
    w.vendor.put_object(Bucket=w.source, Key=REFUSED, Body=w.body)
    big = world.big_pcap_gz("multi", sum(world.UNIFORM))
    w.etag = world.put_parts(w.vendor, w.source, MULTI, big, world.UNIFORM, **world.METADATA)
    for name in world.ODD_NAMES:
        w.vendor.put_object(Bucket=w.source, Key=f"odd/{name}", Body=name.encode())
    return w


@pytest.fixture(scope="module")
def worlds(moto, seaweedfs):
    return {server.name: make_world(server) for server in (moto, seaweedfs)}


def copy(w, key="copied", source=PLAIN, s3=None, **options):
    options = {**ACL, **options}
    bucket = options.pop("Bucket", w.dest)
    return (s3 or w.role).copy_object(
        Bucket=bucket, Key=key, CopySource={"Bucket": w.source, "Key": source}, **options
    )


def create(w, s3, key="parts", **options):
    return s3.create_multipart_upload(Bucket=w.dest, Key=key, **ACL, **options)["UploadId"]


def copy_part(w, s3, upload, number=1, key="parts", **options):
    first = sum(world.UNIFORM[: number - 1])
    byte_range = f"bytes={first}-{first + world.UNIFORM[number - 1] - 1}"
    options = {"CopySourceRange": byte_range, **options}
    return s3.upload_part_copy(
        Bucket=w.dest,
        Key=key,
        UploadId=upload,
        PartNumber=number,
        CopySource={"Bucket": w.source, "Key": MULTI},
        **{name: value for name, value in options.items() if value},
    )


def copy_parts(w, s3, **options):
    """A whole multipart copy by the source's layout, up to the call that completes it."""
    upload = create(w, s3, **options)
    parts = [(n, copy_part(w, s3, upload, n)["CopyPartResult"]["ETag"]) for n in (1, 2, 3)]
    listed = {"Parts": [{"PartNumber": n, "ETag": etag} for n, etag in parts]}
    return lambda **more: s3.complete_multipart_upload(
        Bucket=w.dest, Key="parts", UploadId=upload, MultipartUpload=listed, **more
    )


def put_parts(w, bodies, checksum=None, **options):
    """An upload of bytes by the owner: the parts as Complete lists them, and the call that completes it by a list."""
    at = {"Bucket": w.dest, "Key": "parts"}
    at["UploadId"] = w.owner.create_multipart_upload(**at, **options)["UploadId"]
    listed = []
    for number, body in enumerate(bodies, 1):
        algorithm = {"ChecksumAlgorithm": checksum} if checksum else {}
        answer = w.owner.upload_part(**at, PartNumber=number, Body=body, **algorithm)
        names = ["ETag", *([f"Checksum{checksum}"] if checksum else [])]
        listed.append({"PartNumber": number, **{name: answer[name] for name in names}})
    return listed, lambda parts, **more: w.owner.complete_multipart_upload(
        **at, MultipartUpload={"Parts": parts}, **more
    )


def quoted(etag):
    return etag.startswith('"')


def altered(w, operation, headers, when="before-send", keys=None):
    """A client that sets these headers of an operation, or drops those that are None: after signing, or before."""

    def alter(request, **_):
        for name, value in headers.items():
            if name in request.headers:
                del request.headers[name]
            if value is not None:
                request.headers[name] = value

    s3 = w.server.client("s3", keys or w.keys)
    s3.meta.events.register(f"{when}.s3.{operation}", alter)
    return s3


def signed_by(w, signer):
    """The vendor's client with another kind of signature, or with none."""
    s3 = w.server.client("s3", w.server.vendor)
    s3.meta.events.register("choose-signer.s3", lambda **_: signer)
    return s3


def elsewhere(w):
    """The owner's client as it signs in another region."""
    s3 = w.server.client("s3", w.server.owner)
    s3.meta.events.register(
        "before-call.s3", lambda params, **_: params["context"]["signing"].update(region="us-west-2")
    )
    return s3


def with_clock(minutes, call, **kwargs):
    now = botocore.auth.get_current_datetime

    def skewed(*args, **options):
        return now(*args, **options) + timedelta(minutes=minutes)

    with mock.patch("botocore.auth.get_current_datetime", skewed):
        return outcome(call, **kwargs)


def limited(w, *actions):
    """A client with just these rights to a new bucket, by the bucket's policy or, on moto, by its own."""
    bucket = new_bucket(w.server, "dest", w.server.owner)
    statement = servers.allow(actions, [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"])
    if w.name == "seaweedfs":
        policy = servers.document({**statement, "Principal": {"AWS": [w.server.policy_principal()]}})
        w.owner.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
        return w.role, bucket
    iam = w.server.client("iam", w.server.owner)
    iam.create_user(UserName=bucket)
    iam.put_user_policy(UserName=bucket, PolicyName="own", PolicyDocument=json.dumps(servers.document(statement)))
    key = iam.create_access_key(UserName=bucket)["AccessKey"]
    return w.server.client("s3", servers.Keys(key["AccessKeyId"], key["SecretAccessKey"])), bucket


def moto_role(w, name, trusted, *statements):
    """The ARN of a role of the subscriber's account."""
    iam = w.server.client("iam", w.server.owner)
    trust = servers.document({"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    if statements:
        document = json.dumps(servers.document(*statements))
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
    return arn


def assume_for(w, seconds, keys=None):
    """Assume the copy role for so long, also where boto3 itself would refuse."""
    sts = w.server.client("sts", keys or w.server.user)
    sts.meta.events.register(
        "before-call.sts.AssumeRole", lambda params, **_: params["body"].update(DurationSeconds=seconds)
    )
    return sts.assume_role(RoleArn=servers.ROLE_ARN, RoleSessionName="flex")


FACTS = []


def fact(**answers):
    """Register a question and the answer of each server that can be asked it."""

    def register(question):
        for name, answer in answers.items():
            FACTS.append(pytest.param(name, question, answer, id=f"{name}-{question.__name__}"))
        return question

    return register


# HeadObject


@fact(moto=(200, 8 * world.MIB, 3, False), seaweedfs=(206, 8 * world.MIB, 3, True))
def head_of_a_part_status_length_count_and_whether_the_etag_is_the_objects(w):
    head = w.role.head_object(Bucket=w.source, Key=MULTI, PartNumber=2)
    status = head["ResponseMetadata"]["HTTPStatusCode"]
    return status, head["ContentLength"], head["PartsCount"], head["ETag"].strip('"') == w.etag


@fact(moto=({}, "binary/octet-stream"), seaweedfs=({"origin": "interop"}, "application/gzip"))
def head_of_a_part_user_metadata_and_content_type(w):
    head = w.role.head_object(Bucket=w.source, Key=MULTI, PartNumber=1)
    return head["Metadata"], head["ContentType"]


@fact(moto=(206, None), seaweedfs=(206, 1))
def head_part_1_of_a_plain_object_status_and_count(w):
    head = w.role.head_object(Bucket=w.source, Key=PLAIN, PartNumber=1)
    return head["ResponseMetadata"]["HTTPStatusCode"], head.get("PartsCount")


@fact(moto=(500, None), seaweedfs=(416, None))
def head_of_a_part_that_is_not_there(w):
    return outcome(w.role.head_object, Bucket=w.source, Key=MULTI, PartNumber=4)


@fact(moto=(404, None), seaweedfs=(404, None))
def head_of_a_missing_key(w):
    return outcome(w.role.head_object, Bucket=w.source, Key="missing")


@fact(moto=(403, None), seaweedfs=(403, None))
def head_of_a_refused_key(w):
    return outcome(w.role.head_object, Bucket=w.source, Key=REFUSED)


@fact(moto=DENIED, seaweedfs=DENIED)
def get_of_a_refused_key(w):
    return outcome(w.role.get_object, Bucket=w.source, Key=REFUSED)


@fact(moto=(DONE, (404, None)), seaweedfs=(DONE, (404, None)))
def head_of_a_key_and_of_a_missing_one_without_the_right_to_list(w):
    s3, bucket = limited(w, "s3:GetObject")
    w.owner.put_object(Bucket=bucket, Key="there", Body=b"")
    return tuple(outcome(s3.head_object, Bucket=bucket, Key=key) for key in ("there", "missing"))


@fact(moto=(DONE, DENIED, DONE), seaweedfs=((403, None), DENIED, DONE))
def head_and_get_of_a_version_without_the_right_to_versions_and_get_with_it(w):
    bucket = new_bucket(w.server, "source", w.server.vendor)
    w.vendor.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = w.vendor.put_object(Bucket=bucket, Key="k", Body=b"")["VersionId"]
    calls = w.role.head_object, w.role.get_object, w.vendor.get_object
    return tuple(outcome(call, Bucket=bucket, Key="k", VersionId=version) for call in calls)


@fact(moto=set(), seaweedfs=set())
def head_checksum_mode_of_an_object_stored_without_one(w):
    head = w.role.head_object(Bucket=w.source, Key=MULTI, ChecksumMode="ENABLED")
    return {name for name in head if name.startswith("Checksum")}


# CopyObject


@fact(moto=(True, set()), seaweedfs=(False, set()))
def copy_whether_the_etag_is_quoted_and_checksums(w):
    result = copy(w)["CopyObjectResult"]
    return quoted(result["ETag"]), {name for name in result if name.startswith("Checksum")}


@fact(moto={"ChecksumCRC32"}, seaweedfs=set())
def copy_of_a_source_with_a_stored_crc32_checksums(w):
    w.vendor.put_object(Bucket=w.source, Key="sums/crc32", Body=b"sum", ChecksumAlgorithm="CRC32")
    result = copy(w, source="sums/crc32")["CopyObjectResult"]
    return {name for name in result if name.startswith("Checksum")}


@fact(moto=4, seaweedfs=None)
def copy_asked_for_crc64nvme_length_of_the_checksum(w):
    value = copy(w, ChecksumAlgorithm="CRC64NVME")["CopyObjectResult"].get("ChecksumCRC64NVME")
    return value and len(base64.b64decode(value))


@fact(moto=DONE, seaweedfs=(412, "PreconditionFailed"))
def copy_with_a_wrong_source_if_match(w):
    return outcome(copy, w, CopySourceIfMatch=NONE_SUCH)


@fact(moto=DONE, seaweedfs=(412, "PreconditionFailed"))
def copy_over_an_object_with_if_none_match(w):
    copy(w, "there")
    return outcome(copy, w, "there", IfNoneMatch="*")


@fact(moto=(412, "PreconditionFailed"), seaweedfs=(412, "PreconditionFailed"))
def put_over_an_object_with_if_none_match(w):
    w.owner.put_object(Bucket=w.dest, Key="there", Body=b"")
    return outcome(w.owner.put_object, Bucket=w.dest, Key="there", Body=b"", IfNoneMatch="*")


@fact(moto=DONE, seaweedfs=DENIED)
def copy_without_the_acl(w):
    return outcome(w.role.copy_object, Bucket=w.dest, Key="no-acl", CopySource={"Bucket": w.source, "Key": PLAIN})


@fact(moto=DONE, seaweedfs=DENIED)
def copy_with_another_acl(w):
    return outcome(copy, w, "other-acl", ACL="private")


@fact(moto=DONE, seaweedfs=DONE)
def copy_with_the_acl_but_without_the_right_to_set_it(w):
    s3, bucket = limited(w, "s3:PutObject")
    return outcome(copy, w, s3=s3, Bucket=bucket)


@fact(moto=(DONE, DONE), seaweedfs=(DONE, DONE))
def put_with_another_acl_or_a_grant_where_the_bucket_owner_is_enforced(w):
    bucket = new_bucket(w.server, "dest", w.server.owner)
    rules = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    w.owner.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=rules)
    others = {"ACL": "public-read"}, {"GrantFullControl": f'id="{servers.VENDOR}"'}
    return tuple(outcome(w.owner.put_object, Bucket=bucket, Key="k", Body=b"", **other) for other in others)


@fact(moto=DONE, seaweedfs=DENIED)
def copy_of_a_refused_source(w):
    return outcome(copy, w, "taken", source=REFUSED)


@fact(seaweedfs="destination")
def copy_of_a_refused_source_what_the_error_names(w):
    with pytest.raises(ClientError) as refused:
        copy(w, "taken", source=REFUSED)
    named = refused.value.response["Error"]["Resource"]
    return "destination" if named == f"/{w.dest}/taken" else named


@fact(moto=(404, "NoSuchKey"), seaweedfs=(404, "NoSuchKey"))
def copy_of_a_missing_source(w):
    return outcome(copy, w, source="missing")


@fact(moto=DENIED, seaweedfs=DENIED)
def copy_into_a_missing_bucket(w):
    return outcome(copy, w, Bucket="no-such-bucket")


@fact(moto=DONE, seaweedfs=DONE)
def copy_with_wrong_expected_owners(w):
    return outcome(copy, w, ExpectedBucketOwner=OTHER_ACCOUNT, ExpectedSourceBucketOwner=OTHER_ACCOUNT)


@fact(moto=DONE, seaweedfs=DONE)
def copy_with_the_annotation_directive(w):
    header = {"x-amz-object-annotation-directive": "EXCLUDE"}
    return outcome(copy, w, s3=altered(w, "CopyObject", header, when="before-sign"))


@fact(moto=(DONE, DONE), seaweedfs=(DONE, DONE))
def copy_of_a_tagged_source_and_copy_that_sets_tags_without_the_rights(w):
    w.vendor.put_object(Bucket=w.source, Key="tags/one", Body=b"", Tagging="a=b")
    return outcome(copy, w, source="tags/one"), outcome(copy, w, TaggingDirective="REPLACE", Tagging="a=b")


@fact(moto=(DONE, DONE), seaweedfs=(DONE, DONE))
def copy_whose_source_is_not_encoded_with_a_space_and_with_a_plus(w):
    def copied(name):
        w.vendor.put_object(Bucket=w.source, Key=name, Body=b"")
        source = {"x-amz-copy-source": f"{w.source}/{name}"}
        return outcome(copy, w, s3=altered(w, "CopyObject", source, when="before-sign"))

    return copied("raw/a b"), copied("raw/a+b")


@fact(moto=(400, "InvalidRequest"), seaweedfs=(400, "InvalidRequest"))
def copy_onto_itself(w):
    itself = {"Bucket": w.dest, "Key": "itself"}
    w.owner.put_object(**itself, Body=b"")
    return outcome(w.owner.copy_object, **itself, CopySource=itself)


@fact(moto=DONE, seaweedfs=DONE)
def put_with_more_than_2_kb_of_metadata(w):
    return outcome(w.owner.put_object, Bucket=w.dest, Key="told", Body=b"", Metadata={"a": "b" * 4096})


@fact(moto=DONE, seaweedfs=(500, "InternalError"))
def copy_with_sse_s3(w):
    return outcome(copy, w, "sse", ServerSideEncryption="AES256")


@fact(moto=DONE)
def copy_under_a_key_that_admits_the_owner_alone(w):
    owner = {"AWS": f"arn:aws:iam::{servers.SUBSCRIBER}:user/owner"}
    policy = servers.document({**servers.allow("kms:*", "*"), "Principal": owner})
    key = w.server.client("kms", w.server.owner).create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"]
    return outcome(copy, w, "sse", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)


@fact(moto="plain", seaweedfs="of parts")
def copy_of_a_multipart_source_etag(w):
    etag = copy(w, "whole", source=MULTI)["CopyObjectResult"]["ETag"]
    return "of parts" if etag.strip('"') == w.etag else "plain"


@fact(moto=("max-age=60", {"origin": "interop"}), seaweedfs=("max-age=60", {"origin": "interop"}))
def copy_keeps_the_metadata(w):
    copy(w, "kept", TaggingDirective="REPLACE")
    head = w.owner.head_object(Bucket=w.dest, Key="kept")
    return head["CacheControl"], head["Metadata"]


@fact(moto=(403, "ObjectNotInActiveTierError"), seaweedfs=DONE)
def copy_of_a_glacier_source(w):
    w.vendor.put_object(Bucket=w.source, Key="cold/archived", Body=b"cold", StorageClass="GLACIER")
    return outcome(copy, w, source="cold/archived")


@fact(moto=(403, "InvalidObjectState"), seaweedfs=DONE)
def get_of_a_glacier_source(w):
    w.vendor.put_object(Bucket=w.source, Key="cold/archived", Body=b"cold", StorageClass="GLACIER")
    return outcome(w.role.get_object, Bucket=w.source, Key="cold/archived")


@fact(moto="GLACIER", seaweedfs="GLACIER")
def listed_storage_class_of_a_glacier_source(w):
    w.vendor.put_object(Bucket=w.source, Key="cold/archived", Body=b"cold", StorageClass="GLACIER")
    return world.listing(w.role, w.source, "cold/archived")["cold/archived"]["StorageClass"]


# Multipart copies


@fact(moto=DONE, seaweedfs=DONE)
def create_with_the_acl_as_the_role(w):
    return outcome(w.role.create_multipart_upload, Bucket=w.dest, Key="parts", **ACL)


@fact(moto=DONE, seaweedfs=DENIED)
def create_without_the_acl_as_the_role(w):
    return outcome(w.role.create_multipart_upload, Bucket=w.dest, Key="parts")


@fact(moto=DONE, seaweedfs=DENIED)
def part_as_the_role_under_the_acl_condition(w):
    return outcome(copy_part, w, w.role, create(w, w.role))


@fact(moto=DONE, seaweedfs=DONE)
def part_with_the_acl_header(w):
    header = {"x-amz-acl": "bucket-owner-full-control"}
    s3 = altered(w, "UploadPartCopy", header, when="before-sign", keys=w.server.owner)
    return outcome(copy_part, w, s3, create(w, s3))


@fact(moto=DENIED, seaweedfs=DENIED)
def abort_by_the_role_that_began_the_upload(w):
    upload = create(w, w.role)
    return outcome(w.role.abort_multipart_upload, Bucket=w.dest, Key="parts", UploadId=upload)


@fact(moto=DENIED, seaweedfs=DENIED)
def list_parts_by_the_role_that_began_the_upload(w):
    return outcome(w.role.list_parts, Bucket=w.dest, Key="parts", UploadId=create(w, w.role))


@fact(moto=(True, set()), seaweedfs=(False, {"ChecksumCRC64NVME"}))
def part_whether_the_etag_is_quoted_and_checksums(w):
    upload = create(w, w.owner, ChecksumAlgorithm="CRC64NVME", ChecksumType="FULL_OBJECT")
    result = copy_part(w, w.owner, upload)["CopyPartResult"]
    return quoted(result["ETag"]), {name for name in result if name.startswith("Checksum")}


@fact(moto=DONE, seaweedfs=(412, "PreconditionFailed"))
def part_with_a_wrong_source_if_match(w):
    return outcome(copy_part, w, w.owner, create(w, w.owner), CopySourceIfMatch=NONE_SUCH)


@fact(moto=DONE, seaweedfs=DONE)
def part_without_a_range(w):
    return outcome(copy_part, w, w.owner, create(w, w.owner), CopySourceRange=None)


@fact(moto=DONE, seaweedfs=(416, "InvalidRange"))
def part_with_a_range_beyond_the_end(w):
    beyond = f"bytes=0-{sum(world.UNIFORM)}"
    return outcome(copy_part, w, w.owner, create(w, w.owner), CopySourceRange=beyond)


@fact(moto=DONE, seaweedfs=(416, "InvalidRange"))
def part_with_a_range_that_is_open(w):
    return outcome(copy_part, w, w.owner, create(w, w.owner), CopySourceRange="bytes=5-")


@fact(moto=DONE, seaweedfs=DONE)
def part_with_a_range_of_a_small_source(w):
    source = {"CopySource": {"Bucket": w.source, "Key": PLAIN}, "CopySourceRange": "bytes=0-9"}
    at = {"Bucket": w.dest, "Key": "parts", "UploadId": create(w, w.owner), "PartNumber": 1}
    return outcome(w.owner.upload_part_copy, **at, **source)


@fact(moto=((400, "InvalidArgument"), DONE), seaweedfs=((400, "InvalidPart"), (400, "InvalidPart")))
def part_number_10001_uploaded_and_copied(w):
    at = {"Bucket": w.dest, "Key": "parts", "UploadId": create(w, w.owner), "PartNumber": 10_001}
    source = {"Bucket": w.source, "Key": MULTI}
    return outcome(w.owner.upload_part, **at, Body=b""), outcome(w.owner.upload_part_copy, **at, CopySource=source)


@fact(moto=(500, None), seaweedfs=(404, "NoSuchUpload"))
def part_of_an_aborted_upload(w):
    upload = create(w, w.owner)
    w.owner.abort_multipart_upload(Bucket=w.dest, Key="parts", UploadId=upload)
    return outcome(copy_part, w, w.owner, upload)


@fact(moto=(404, "NoSuchUpload"), seaweedfs=(204, None))
def abort_of_an_aborted_upload(w):
    upload = create(w, w.owner)
    w.owner.abort_multipart_upload(Bucket=w.dest, Key="parts", UploadId=upload)
    return outcome(w.owner.abort_multipart_upload, Bucket=w.dest, Key="parts", UploadId=upload)


@fact(moto=(True, set()), seaweedfs=(True, {"ChecksumCRC64NVME", "ChecksumType"}))
def complete_by_the_layout_whether_the_etag_is_the_sources_and_checksums(w):
    done = copy_parts(w, w.owner, ChecksumAlgorithm="CRC64NVME", ChecksumType="FULL_OBJECT")(
        MpuObjectSize=sum(world.UNIFORM), ChecksumType="FULL_OBJECT"
    )
    return done["ETag"].strip('"') == w.etag, {name for name in done if name.startswith("Checksum")}


@fact(moto=True, seaweedfs=False)
def complete_by_the_layout_without_an_algorithm_at_create_whether_the_etag_is_the_sources(w):
    return copy_parts(w, w.owner)()["ETag"].strip('"') == w.etag


@fact(moto=DONE, seaweedfs=DONE)
def complete_with_a_wrong_object_size(w):
    return outcome(copy_parts(w, w.owner), MpuObjectSize=5)


@fact(moto=DONE, seaweedfs=(400, "BadDigest"))
def complete_with_another_checksum_of_the_whole(w):
    parts, complete = put_parts(w, [b"x"], ChecksumAlgorithm="CRC64NVME", ChecksumType="FULL_OBJECT")
    return outcome(complete, parts, ChecksumCRC64NVME="AAAAAAAAAAA=", ChecksumType="FULL_OBJECT")


@fact(moto=DONE, seaweedfs=(400, "BadDigest"))
def complete_with_another_checksum_of_a_part(w):
    parts, complete = put_parts(w, [b"x"], "CRC32", ChecksumAlgorithm="CRC32")
    return outcome(complete, [{**parts[0], "ChecksumCRC32": "AAAAAA=="}])


@fact(moto=DONE, seaweedfs=(400, "InvalidRequest"))
def complete_a_composite_upload_without_the_parts_checksums(w):
    parts, complete = put_parts(w, [b"x"], "SHA256", ChecksumAlgorithm="SHA256")
    return outcome(complete, [{"PartNumber": 1, "ETag": parts[0]["ETag"]}])


@fact(moto=DONE, seaweedfs=DONE)
def complete_a_composite_upload_without_its_first_part(w):
    parts, complete = put_parts(w, [b"x", b"y"], "SHA256", ChecksumAlgorithm="SHA256")
    return outcome(complete, parts[1:])


@fact(moto=DONE, seaweedfs=(400, "InvalidRequest"))
def create_with_a_checksum_type_that_the_algorithm_does_not_have(w):
    kind = {"ChecksumAlgorithm": "SHA256", "ChecksumType": "FULL_OBJECT"}
    return outcome(w.owner.create_multipart_upload, Bucket=w.dest, Key="parts", **kind)


@fact(moto=(400, "EntityTooSmall"), seaweedfs=(400, "EntityTooSmall"))
def complete_with_a_small_part_before_the_last(w):
    parts, complete = put_parts(w, [BIG[1:], b"x"])
    return outcome(complete, parts)


@fact(moto=(400, "InvalidPart"), seaweedfs=(400, "InvalidPart"))
def complete_with_a_part_that_was_not_uploaded(w):
    parts, complete = put_parts(w, [BIG])
    return outcome(complete, [*parts, {"PartNumber": 2, "ETag": parts[0]["ETag"]}])


@fact(moto=(400, "InvalidPart"), seaweedfs=(400, "InvalidPart"))
def complete_with_the_etag_of_another_part(w):
    parts, complete = put_parts(w, [BIG, b"x"])
    return outcome(complete, [parts[0], {"PartNumber": 2, "ETag": parts[0]["ETag"]}])


@fact(moto=DONE, seaweedfs=(400, "InvalidPartOrder"))
def complete_in_the_wrong_order(w):
    parts, complete = put_parts(w, [BIG, BIG])
    return outcome(complete, parts[::-1])


@fact(moto=(400, "MalformedXML"), seaweedfs=(404, "NoSuchUpload"))
def complete_with_an_empty_list(w):
    _, complete = put_parts(w, [b"x"])
    return outcome(complete, [])


@fact(moto=(412, "PreconditionFailed"), seaweedfs=(412, "PreconditionFailed"))
def complete_over_an_object_with_if_none_match(w):
    w.owner.put_object(Bucket=w.dest, Key="parts", Body=b"")
    parts, complete = put_parts(w, [b"x"])
    return outcome(complete, parts, IfNoneMatch="*")


@fact(moto=(500, None), seaweedfs=(404, "NoSuchUpload"))
def complete_an_aborted_upload(w):
    upload = create(w, w.owner)
    at = {"Bucket": w.dest, "Key": "parts", "UploadId": upload}
    part = {"PartNumber": 1, "ETag": w.owner.upload_part(**at, PartNumber=1, Body=b"x")["ETag"]}
    w.owner.abort_multipart_upload(**at)
    return outcome(w.owner.complete_multipart_upload, **at, MultipartUpload={"Parts": [part]})


@fact(moto=DONE, seaweedfs=DONE)
def complete_a_second_time(w):
    complete = copy_parts(w, w.owner)
    complete()
    return outcome(complete)


@fact(moto=(2010, "user1"), seaweedfs=("now", None))
def open_uploads_year_of_their_start_and_who_began_them(w):
    upload = create(w, w.role, key="left-open")
    (found,) = [u for u in w.owner.list_multipart_uploads(Bucket=w.dest)["Uploads"] if u["UploadId"] == upload]
    began = found.get("Initiator") and found["Initiator"]["DisplayName"].partition("-")[0]
    return "now" if found["Initiated"].year > 2020 else found["Initiated"].year, began


# The copy role's other rights in the destination


@fact(moto=(403, None), seaweedfs=(403, None))
def role_head_in_the_destination(w):
    copy(w)
    return outcome(w.role.head_object, Bucket=w.dest, Key="copied")


@fact(moto=DENIED, seaweedfs=DENIED)
def role_get_in_the_destination(w):
    copy(w)
    return outcome(w.role.get_object, Bucket=w.dest, Key="copied")


@fact(moto=DENIED, seaweedfs=DENIED)
def role_tagging_in_the_destination(w):
    copy(w)
    return outcome(w.role.get_object_tagging, Bucket=w.dest, Key="copied")


@fact(moto=DENIED, seaweedfs=DENIED)
def role_attributes_in_the_destination(w):
    copy(w)
    return outcome(w.role.get_object_attributes, Bucket=w.dest, Key="copied", ObjectAttributes=["ETag"])


@fact(moto=DENIED, seaweedfs=DENIED)
def role_reads_the_policy_of_the_destination(w):
    return outcome(w.role.get_bucket_policy, Bucket=w.dest)


@fact(moto=DENIED, seaweedfs=DENIED)
def role_delete_in_the_destination(w):
    return outcome(w.role.delete_object, Bucket=w.dest, Key="copied")


@fact(moto=DENIED, seaweedfs=DENIED)
def role_lists_open_uploads(w):
    return outcome(w.role.list_multipart_uploads, Bucket=w.dest)


@fact(moto=DENIED, seaweedfs=DENIED)
def role_puts_into_the_source(w):
    return outcome(w.role.put_object, Bucket=w.source, Key="new", Body=b"x")


@fact(moto=DENIED, seaweedfs=DENIED)
def base_user_lists_the_source(w):
    return outcome(w.server.client("s3", w.server.user).list_objects_v2, Bucket=w.source)


# Bucket policy


@fact(moto=DONE, seaweedfs=DENIED)
def role_lists_a_bucket_without_a_policy(w):
    return outcome(w.role.list_objects_v2, Bucket=new_bucket(w.server, "dest", w.server.owner))


@fact(moto=DONE, seaweedfs=DENIED)
def role_copies_under_a_policy_that_grants_the_listing_only(w):
    return outcome(copy, w, Bucket=destination(w.server, put=False))


@fact(moto=(DONE, (403, None), (403, None)), seaweedfs=(DONE, DENIED, DENIED))
def copy_beside_a_bucket_policys_deny_and_under_it_and_put_by_the_owner(w):
    bucket = new_bucket(w.server, "dest", w.server.owner)
    objects = f"arn:aws:s3:::{bucket}"
    policy = servers.document(
        {
            **servers.allow(["s3:PutObject", "s3:PutObjectAcl"], f"{objects}/*"),
            "Principal": {"AWS": [w.server.policy_principal()]},
        },
        {**servers.deny("s3:PutObject", f"{objects}/2020/*"), "Principal": "*"},
    )
    w.owner.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    copies = (outcome(copy, w, key, Bucket=bucket) for key in ("2021/k", "2020/k"))
    return *copies, outcome(w.owner.put_object, Bucket=bucket, Key="2020/k", Body=b"")


@fact(moto=DONE, seaweedfs=(204, None))
def policy_for_a_role_that_does_not_exist(w):
    principal = f"arn:aws:iam::{servers.VENDOR}:role/NoSuchRole"
    policy = world.manual_policy(principal, w.dest)
    bucket = new_bucket(w.server, "dest", w.server.owner)
    return outcome(w.owner.put_bucket_policy, Bucket=bucket, Policy=policy.replace(w.dest, bucket))


def put_policy(w, *change):
    """Put the manual's policy with one text replaced by another."""
    bucket = new_bucket(w.server, "dest", w.server.owner)
    policy = world.manual_policy(w.server.policy_principal(), bucket)
    text = policy.replace(*change)
    assert text != policy
    return outcome(w.owner.put_bucket_policy, Bucket=bucket, Policy=text)


@fact(moto=DONE, seaweedfs=(400, "MalformedPolicy"))
def policy_that_is_not_json(w):
    return put_policy(w, '"s3:PutObjectAcl"]', '"s3:PutObjectAcl",]')


@fact(moto=DONE, seaweedfs=(400, "InvalidPolicyDocument"))
def policy_with_a_wrong_resource(w):
    return put_policy(w, "arn:aws:s3:::", "arn:aws:s3::")


@fact(moto=DONE, seaweedfs=(204, None))
def policy_with_an_action_that_there_is_not(w):
    return put_policy(w, "s3:ListBucket", "s3:NoSuchAction")


@fact(moto=DONE, seaweedfs=(400, "InvalidPolicyDocument"))
def policy_with_a_wrong_effect(w):
    return put_policy(w, '"Allow"', '"Maybe"')


@fact(moto=DONE, seaweedfs=(400, "PolicyTooLarge"))
def policy_over_20_kb(w):
    return put_policy(w, '"Version"', " " * 20 * 1024 + '"Version"')


@fact(moto=(DONE, DONE), seaweedfs=((501, "NotImplemented"), (204, None)))
def block_public_access_and_then_a_public_policy(w):
    bucket = new_bucket(w.server, "dest", w.server.owner)
    block = {"BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    policy = servers.document({**servers.allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"), "Principal": "*"})
    return (
        outcome(w.owner.put_public_access_block, Bucket=bucket, PublicAccessBlockConfiguration=block),
        outcome(w.owner.put_bucket_policy, Bucket=bucket, Policy=json.dumps(policy)),
    )


@fact(moto=DONE, seaweedfs=DENIED)
def role_lists_under_a_policy_that_names_the_roles_own_arn(w):
    bucket = new_bucket(w.server, "dest", w.server.owner)
    policy = world.manual_policy(servers.ROLE_ARN, bucket)
    w.owner.put_bucket_policy(Bucket=bucket, Policy=policy)
    return outcome(w.role.list_objects_v2, Bucket=bucket)


@fact(moto=list, seaweedfs=str)
def resource_of_a_stored_policy_that_was_put_as_a_list_of_one(w):
    stored = json.loads(w.owner.get_bucket_policy(Bucket=w.dest)["Policy"])
    return type(stored["Statement"][0]["Resource"])


# Buckets


def create_bucket(w, name, region=servers.REGION, s3=None):
    return outcome((s3 or w.owner).create_bucket, Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})


@fact(moto=(400, "IllegalLocationConstraintException"), seaweedfs=DONE)
def bucket_in_another_region_than_the_endpoints(w):
    return create_bucket(w, "dest-far", "us-west-2")


@fact(moto=(409, "BucketAlreadyOwnedByYou"), seaweedfs=(409, "BucketAlreadyOwnedByYou"))
def bucket_that_is_there(w):
    return create_bucket(w, w.dest)


@fact(moto=(409, "BucketAlreadyExists"), seaweedfs=(409, "BucketAlreadyExists"))
def bucket_that_is_there_and_anothers(w):
    return create_bucket(w, w.source)


@fact(moto=(DONE, DONE), seaweedfs=(DONE, DONE))
def bucket_made_elsewhere_and_listed_from_here(w):
    made = create_bucket(w, "dest-elsewhere", "us-west-2", elsewhere(w))
    return made, outcome(w.owner.list_objects_v2, Bucket="dest-elsewhere")


# Listing


@fact(moto=True, seaweedfs=True)
def listing_gives_odd_keys_back_in_byte_order(w):
    keys = list(world.listing(w.role, w.source, "odd/"))
    return keys == sorted((f"odd/{name}" for name in world.ODD_NAMES), key=str.encode)


@fact(moto=True, seaweedfs=True)
def listing_page_by_page_gives_the_same(w):
    pages = w.role.get_paginator("list_objects_v2").paginate(
        Bucket=w.source, Prefix="odd/", PaginationConfig={"PageSize": 2}
    )
    return [e["Key"] for p in pages for e in p["Contents"]] == list(world.listing(w.role, w.source, "odd/"))


@fact(moto=(3, 3, 0), seaweedfs=(3, 3, 0))
def listing_starts_after_a_key_that_is_not_there_before_and_beyond_the_prefix(w):
    def count(after):
        return w.role.list_objects_v2(Bucket=w.source, Prefix="2021/05/31/", StartAfter=after)["KeyCount"]

    return count("2021/05/31/!"), count("2021/"), count("2021/06/")


@fact(moto=["2021/05/"], seaweedfs=["2021/05/"])
def listing_by_folders(w):
    found = w.role.list_objects_v2(Bucket=w.source, Prefix="2021/", Delimiter="/")
    return [p["Prefix"] for p in found["CommonPrefixes"]]


@fact(moto=["CRC32"], seaweedfs=None)
def listing_names_a_stored_checksums_algorithm(w):
    w.vendor.put_object(Bucket=w.source, Key="sums/crc32", Body=b"sum", ChecksumAlgorithm="CRC32")
    entry = world.listing(w.role, w.source, "sums/")["sums/crc32"]
    assert "ChecksumType" not in entry
    return entry.get("ChecksumAlgorithm")


@fact(moto=DONE, seaweedfs=DONE)
def listing_with_a_wrong_expected_owner(w):
    return outcome(w.role.list_objects_v2, Bucket=w.source, ExpectedBucketOwner=OTHER_ACCOUNT)


@fact(moto=DENIED, seaweedfs=DENIED)
def listing_of_a_missing_bucket_by_the_role(w):
    return outcome(w.role.list_objects_v2, Bucket="no-such-bucket")


# Signatures and bodies


@fact(moto=(403, "SignatureDoesNotMatch"), seaweedfs=(403, "SignatureDoesNotMatch"))
def signed_header_changed(w):
    return outcome(copy, w, s3=altered(w, "CopyObject", {"x-amz-copy-source": f"{w.source}/{MULTI}"}))


@fact(moto=(403, "SignatureDoesNotMatch"), seaweedfs=(403, "SignatureDoesNotMatch"))
def signed_header_dropped(w):
    return outcome(copy, w, s3=altered(w, "CopyObject", {"x-amz-acl": None}))


@fact(moto=DONE, seaweedfs=(403, "SignatureDoesNotMatch"))
def amz_header_that_was_not_signed(w):
    return outcome(copy, w, s3=altered(w, "CopyObject", {"x-amz-metadata-directive": "REPLACE"}))


@fact(moto=DONE, seaweedfs=DONE)
def signature_for_another_region(w):
    return outcome(elsewhere(w).list_objects_v2, Bucket=w.dest)


@fact(moto=(DONE,) * 4, seaweedfs=((403, "RequestTimeTooSkewed"), DONE, DONE, (403, "RequestTimeTooSkewed")))
def clock_16_and_14_minutes_off_either_way(w):
    return tuple(with_clock(minutes, w.owner.list_objects_v2, Bucket=w.dest) for minutes in (-16, -14, 14, 16))


@fact(moto=(500, None), seaweedfs=DONE)
def signature_of_version_two(w):
    return outcome(signed_by(w, "s3").get_object, Bucket=w.source, Key=PLAIN)


@fact(moto=(403, None), seaweedfs=DENIED)
def no_signature(w):
    return outcome(signed_by(w, UNSIGNED).get_object, Bucket=w.source, Key=PLAIN)


@fact(moto=DONE, seaweedfs=DONE)
def body_that_is_not_the_signed_one(w):
    s3 = w.server.client("s3", w.server.owner)
    s3.meta.events.register("before-send.s3.PutObject", lambda request, **_: setattr(request, "body", b"as sent!!"))
    answer = outcome(s3.put_object, Bucket=w.dest, Key="body", Body=b"as signed")
    assert w.owner.get_object(Bucket=w.dest, Key="body")["Body"].read() == b"as sent!!"
    return answer


@fact(moto=(DONE, DONE), seaweedfs=((400, "BadDigest"), (400, "BadDigest")))
def put_with_another_md5_or_crc32(w):
    wrong = {"ContentMD5": base64.b64encode(bytes(16)).decode()}, {"ChecksumCRC32": "AAAAAA=="}
    return tuple(outcome(w.owner.put_object, Bucket=w.dest, Key="body", Body=b"x", **digest) for digest in wrong)


@fact(moto=(DONE, DONE), seaweedfs=(DONE, DONE))
def put_with_a_query_that_is_not_known(w):
    def put(query):
        s3 = w.server.client("s3", w.server.owner)
        s3.meta.events.register(
            "before-sign.s3.PutObject", lambda request, **_: setattr(request, "url", f"{request.url}?{query}")
        )
        return outcome(s3.put_object, Bucket=w.dest, Key="body", Body=b"x")

    return put("annotation"), put("foo=bar")


# STS and bad credentials


def list_with(w, keys):
    return outcome(w.server.client("s3", keys).list_objects_v2, Bucket=w.source)


@fact(moto=(400, "InvalidToken"), seaweedfs=(403, "InvalidAccessKeyId"))
def s3_with_a_wrong_token(w):
    return list_with(w, servers.Keys(w.keys.access_key, w.keys.secret, "wrong"))


@fact(moto=(403, "InvalidAccessKeyId"), seaweedfs=(403, "InvalidAccessKeyId"))
def s3_without_the_token(w):
    return list_with(w, servers.Keys(w.keys.access_key, w.keys.secret))


@fact(moto=DONE, seaweedfs=(403, "InvalidAccessKeyId"))
def s3_with_an_expired_token(w):
    if w.name == "moto":
        return list_with(w, servers.Keys.from_sts(assume_for(w, 0)))
    # The session's own token, made out anew with the key of servers.py: it is good, and then two hours older.
    header, body, _ = w.keys.token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))

    def encoded(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    def older(seconds):
        aged = claims | {name: claims[name] - seconds for name in ("exp", "iat", "nbf")}
        text = f"{header}.{encoded(json.dumps(aged).encode())}"
        mac = hmac.new(b"interoperability-tests-only-key!", text.encode(), hashlib.sha256)
        return list_with(w, servers.Keys(w.keys.access_key, w.keys.secret, f"{text}.{encoded(mac.digest())}"))

    assert older(0) == DONE
    return older(7200)


@fact(moto=(403, "SignatureDoesNotMatch"), seaweedfs=(403, "SignatureDoesNotMatch"))
def s3_with_a_wrong_secret(w):
    return list_with(w, servers.Keys(w.keys.access_key, "wrong", w.keys.token))


@fact(moto=(403, "InvalidAccessKeyId"), seaweedfs=(403, "InvalidAccessKeyId"))
def s3_with_an_unknown_key(w):
    return list_with(w, servers.Keys("AKIAUNKNOWN", "none"))


@fact(moto=(403, "SignatureDoesNotMatch"), seaweedfs=(403, None))
def sts_with_a_wrong_secret(w):
    sts = w.server.client("sts", servers.Keys(w.server.user.access_key, "wrong"))
    return outcome(sts.get_caller_identity)


@fact(moto=DENIED, seaweedfs=DENIED)
def assume_a_role_that_is_not_there(w):
    sts = w.server.client("sts", w.server.user)
    return outcome(sts.assume_role, RoleArn=f"{servers.ROLE_ARN}0", RoleSessionName="flex")


@fact(moto=DENIED)
def assume_a_role_of_the_same_account_that_trusts_another(w):
    arn = moto_role(w, "Untrusting", f"arn:aws:iam::{OTHER_ACCOUNT}:root")
    return outcome(w.server.client("sts", w.server.owner).assume_role, RoleArn=arn, RoleSessionName="flex")


@fact(moto=DENIED, seaweedfs=DONE)
def assume_without_a_right_to(w):
    return outcome(assume_for, w, 3600, w.keys)


@fact(moto=DONE, seaweedfs=DONE)
def assume_for_twelve_hours(w):
    return outcome(assume_for, w, 43_200)


@fact(moto=(DONE, DONE), seaweedfs=((400, "InvalidParameterValue"), (400, "InvalidParameterValue")))
def assume_for_a_second_less_than_allowed_and_a_second_more(w):
    return outcome(assume_for, w, 899), outcome(assume_for, w, 43_201)


def chained(w):
    """Keys of a session that may assume the copy role; SeaweedFS lets every session do so."""
    if w.name == "seaweedfs":
        return w.keys
    arn = moto_role(w, f"chained-{next(COUNTER)}", "*", servers.allow("sts:*", "*"))
    sts = w.server.client("sts", w.server.owner)
    return servers.Keys.from_sts(sts.assume_role(RoleArn=arn, RoleSessionName="flex"))


@fact(moto=DONE, seaweedfs=DONE)
def assume_from_a_session_for_twelve_hours(w):
    return outcome(assume_for, w, 43_200, chained(w))


@fact(moto=(DONE, DONE), seaweedfs=((403, None), DENIED))
def session_token_for_a_session_and_for_the_owner(w):
    return tuple(outcome(w.server.client("sts", keys).get_session_token) for keys in (chained(w), w.server.owner))


@fact(moto=(servers.SUBSCRIBER, True), seaweedfs=(servers.VENDOR, False))
def caller_identity_of_the_base_user_account_and_whether_the_arn_is_in_it(w):
    who = w.server.client("sts", w.server.user).get_caller_identity()
    return who["Account"], f":{servers.SUBSCRIBER}:" in who["Arn"]


@fact(moto=servers.SESSION_ARN, seaweedfs=servers.SESSION_ARN)
def caller_identity_of_the_role(w):
    return w.server.client("sts", w.keys).get_caller_identity()["Arn"]


@pytest.mark.parametrize(("name", "question", "answer"), FACTS)
def test_fact(worlds, name, question, answer):
    assert question(worlds[name]) == answer
