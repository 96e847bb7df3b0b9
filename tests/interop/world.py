"""What lies in the buckets: FLEX-shaped keys with real bytes, and how a test looks at them."""

import gzip
import hashlib
import json
import random
import struct
from datetime import date, timedelta

MIB = 1024 * 1024
# Bodies that keep their layout: one uniform, as the AWS CLI uploads, and one that is not.
UNIFORM = [8 * MIB, 8 * MIB, 3 * MIB + 17]
UNEVEN = [5 * MIB, 6 * MIB, 5 * MIB, 1]
METADATA = {"ContentType": "application/gzip", "CacheControl": "max-age=60", "Metadata": {"origin": "interop"}}

ODD_NAMES = [
    "with space.gz",
    "plus+plus.gz",
    "per%cent.gz",
    "per%20cent.gz",
    "ask?.gz",
    "hash#.gz",
    "and&equals=semi;comma,.gz",
    "it's \"quoted\".gz",
    "tilde~bang!star*(round).gz",
    "<angle>.gz",
    "接続仕様書 第17.4版.pdf",
    "資料/日本語/ドキュメント.pdf",
]


def pcap(seed, packets, payload=900):
    """A capture file: the header, then UDP packets of pseudo-random market data, one a microsecond."""
    noise = random.Random(seed)
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    ethernet = bytes.fromhex("01005e0000010200000000010800")
    for number in range(packets):
        body = noise.randbytes(payload)
        udp = struct.pack(">HHHH", 50000, 50001, 8 + len(body), 0)
        ip = struct.pack(
            ">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp) + len(body), number & 0xFFFF, 0, 1, 17, 0, b"\x0a\0\0\x01", b"\xe0\0\0\x01"
        )
        frame = ethernet + ip + udp + body
        out.append(struct.pack("<IIII", 1622419200, number, len(frame), len(frame)))
        out.append(frame)
    return b"".join(out)


def pcap_gz(seed, packets=20, payload=900):
    return gzip.compress(pcap(seed, packets, payload), compresslevel=1, mtime=0)


def message_gz(seed, lines=200):
    """A day of the text era: FLEX messages, line by line."""
    noise = random.Random(seed)
    text = "".join(f"{90000000000 + n * 37},{noise.randrange(1300, 9999)},{noise.randrange(1, 10**6)}\n" for n in range(lines))
    return gzip.compress(text.encode(), compresslevel=1, mtime=0)


def big_pcap_gz(seed, size):
    """A gzip of a capture, of exactly `size` bytes: the rest after it is filled with empty members and zero bytes."""
    # Noise does not compress: a packet of 1400 bytes takes some 30 more with its headers.
    body = pcap_gz(seed, packets=size // 1475, payload=1400)
    empty = gzip.compress(b"", mtime=0)
    body += empty * ((size - len(body)) // len(empty))
    # Readers ignore zero bytes after the last member.
    return body + bytes(size - len(body))


def sessions_of_may_2021():
    """The trading days: weekdays but for the holidays of 3 to 5 May."""
    days = (date(2021, 5, 1) + timedelta(n) for n in range(31))
    return [d for d in days if d.weekday() < 5 and d.day not in (3, 4, 5)]


def month(files_a_day=3):
    """Key and bytes of every file of 2021/05: text to the 21st, captures from the 24th."""
    for day in sessions_of_may_2021():
        for number in range(1, files_a_day + 1):
            seed = f"{day} {number}"
            folder, stem = f"{day:%Y/%m/%d}", f"{day:%Y%m%d}_{number}_001"
            if day < date(2021, 5, 24):
                yield f"{folder}/{stem}.txt.gz", message_gz(seed)
            else:
                yield f"{folder}/{stem}.pcap.gz", pcap_gz(seed)


def put(s3, bucket, key, body, **options):
    s3.put_object(Bucket=bucket, Key=key, Body=body, **options)


def put_parts(s3, bucket, key, body, layout, **options):
    """Upload `body` in parts of just these sizes, and check that the server made the ETag that S3 makes of them."""
    assert sum(layout) == len(body), "the layout covers the body"
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key, **options)["UploadId"]
    done, offset, digests = [], 0, b""
    for number, size in enumerate(layout, 1):
        part = body[offset : offset + size]
        offset += size
        digests += hashlib.md5(part).digest()
        answer = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=part)
        done.append({"PartNumber": number, "ETag": answer["ETag"]})
    answer = s3.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": done}
    )
    etag = f"{hashlib.md5(digests).hexdigest()}-{len(layout)}"
    assert answer["ETag"].strip('"') == etag
    return etag


def listing(s3, bucket, prefix=""):
    """Every object below the prefix, by key."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {entry["Key"]: entry for page in pages for entry in page.get("Contents", [])}


def digests(s3, bucket, prefix=""):
    """The SHA-256 of what a reader gets for every key."""

    def digest(key):
        return hashlib.sha256(s3.get_object(Bucket=bucket, Key=key)["Body"].read()).hexdigest()

    return {key: digest(key) for key in listing(s3, bucket, prefix)}


def etags(s3, bucket, prefix=""):
    return {key: entry["ETag"].strip('"') for key, entry in listing(s3, bucket, prefix).items()}


def part_sizes(s3, bucket, key):
    """The layout of a multipart object, as HEAD by part number tells it."""
    first = s3.head_object(Bucket=bucket, Key=key, PartNumber=1)
    count = first.get("PartsCount", 1)
    rest = (s3.head_object(Bucket=bucket, Key=key, PartNumber=n) for n in range(2, count + 1))
    return [first["ContentLength"], *(part["ContentLength"] for part in rest)]


def manual_policy(principal, bucket, put=True, condition=True):
    """The manual's bucket policy, or the same with a statement or its condition left out."""
    statements = [
        {
            "Sid": "S3CopyStmtList",
            "Effect": "Allow",
            "Principal": {"AWS": [principal]},
            "Action": "s3:ListBucket",
            "Resource": [f"arn:aws:s3:::{bucket}"],
        }
    ]
    if put:
        statements.append(
            {
                "Sid": "S3CopyStmtPutObject",
                "Effect": "Allow",
                "Principal": {"AWS": [principal]},
                "Action": ["s3:PutObject", "s3:PutObjectAcl"],
                "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
            }
        )
    if put and condition:
        statements[1]["Condition"] = {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
