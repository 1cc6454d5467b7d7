"""The bucket of files: signed links, the copy that nobody can replace, and what is put and read by ourselves.

`incoming/<company>/<file>/<upload>` is where links may write. `files/<company>/<file>/<place>/<name>` is ours alone:
what lies there was copied from `incoming/`, or made here, and is given out only when its record says so.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from email.header import decode_header, make_header
from typing import IO, Any
from urllib.parse import quote

import msgspec
from botocore.exceptions import ClientError

from chalicelib.core import aws
from chalicelib.core.settings import settings

INCOMING, KEPT = "incoming", "files"
"""The folders of the bucket."""
ORIGINAL = "original"
UPLOAD_FOR = timedelta(minutes=15)
DOWNLOAD_FOR = timedelta(minutes=15)
"""A link lives no longer than the credentials it was signed with, which in a Lambda may end earlier."""
CHUNK = 1024 * 1024
BATCH = 1000
_ABSENT = (403, 404)
"""Who may not list the bucket is told 403 of what is not there."""


class Replaced(Exception):
    """What was to be copied is not there any more as it was seen."""


class StoredObject(msgspec.Struct, frozen=True):
    """`name`: what the browser that sent a form called its file, "" elsewhere."""

    size: int
    etag: str
    name: str = ""


def incoming_key(company_id: str, file_id: str, upload_id: str) -> str:
    """Where an upload is put."""
    return f"{INCOMING}/{company_id}/{file_id}/{upload_id}"


def kept_key(company_id: str, file_id: str, place: str, name: str = ORIGINAL) -> str:
    """Where a version, or a copy made of it, is kept."""
    return f"{KEPT}/{company_id}/{file_id}/{place}/{name}"


def upload_link(key: str, content_type: str, size: int) -> tuple[str, dict[str, str]]:
    """Where to PUT a file of exactly that type and size, and the headers to set; no request.

    The headers are signed: another type, another length, or a second file under the same key is refused.
    """
    url = aws.client("s3").generate_presigned_url(
        "put_object",
        Params={
            "Bucket": settings().files_bucket,
            "Key": key,
            "ContentType": content_type,
            "ContentLength": size,
            "IfNoneMatch": "*",
        },
        ExpiresIn=int(UPLOAD_FOR.total_seconds()),
    )
    return url, {"Content-Type": content_type, "If-None-Match": "*"}


def upload_form(key: str, most_bytes: int, then: str) -> tuple[str, dict[str, str]]:
    """Where a browser's form may POST one file, and its hidden fields; S3 sends the browser on to `then`. No request.

    A form cannot say that nothing may lie there before: until it expires, it may be sent again.
    """
    fields = {"Content-Type": "application/octet-stream", "success_action_redirect": then}
    made = aws.client("s3").generate_presigned_post(
        settings().files_bucket,
        key,
        Fields={**fields, "x-amz-meta-name": "${filename}"},
        Conditions=[
            *({name: value} for name, value in fields.items()),
            ["starts-with", "$x-amz-meta-name", ""],
            ["content-length-range", 1, most_bytes],
        ],
        ExpiresIn=int(UPLOAD_FOR.total_seconds()),
    )
    return made["url"], made["fields"]


def form_origin() -> str:
    """Where forms are sent, for a page's Content-Security-Policy."""
    scheme, _, rest = upload_form("x", 1, "x")[0].partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def download_link(key: str, name: str, content_type: str, lasting: timedelta = DOWNLOAD_FOR) -> str:
    """Where to GET the file, to be saved under `name` and never shown as a page of ours; no request."""
    url: str = aws.client("s3").generate_presigned_url(
        "get_object",
        Params={
            "Bucket": settings().files_bucket,
            "Key": key,
            "ResponseContentType": content_type,
            "ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "ResponseCacheControl": "private, no-store",
        },
        ExpiresIn=int(lasting.total_seconds()),
    )
    return url


def find(key: str) -> StoredObject | None:
    """What lies there; one request."""
    try:
        found = aws.client("s3").head_object(Bucket=settings().files_bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in _ABSENT:
            return None
        raise
    name = found.get("Metadata", {}).get("name", "")
    return StoredObject(int(found["ContentLength"]), found["ETag"], _unicode(name))


def copy(source: str, seen: StoredObject, target: str) -> None:
    """Copy what was seen, and nothing that has been put in its place since: raises Replaced. One request."""
    bucket = settings().files_bucket
    try:
        aws.client("s3").copy_object(
            Bucket=bucket,
            Key=target,
            CopySource={"Bucket": bucket, "Key": source},
            CopySourceIfMatch=seen.etag,
            MetadataDirective="REPLACE",
            ContentType="application/octet-stream",
        )
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in (412, *_ABSENT):
            raise Replaced from None
        raise


def read(key: str, into: IO[bytes]) -> int:
    """Write it into a file, a megabyte at a time; returns how many bytes. One request; raises ClientError."""
    body = aws.client("s3").get_object(Bucket=settings().files_bucket, Key=key)["Body"]
    size = 0
    for chunk in body.iter_chunks(CHUNK):
        size += into.write(chunk)
    into.seek(0)
    return size


def put(key: str, content: bytes | IO[bytes], content_type: str) -> None:
    """Put it, over what lies there. One request."""
    aws.client("s3").put_object(Bucket=settings().files_bucket, Key=key, Body=content, ContentType=content_type)


def keys_below(*folder: str) -> Iterator[str]:
    """Keys of all that lies below a folder such as `incoming/<company>/<file>`; a request for a thousand."""
    more: dict[str, Any] = {}
    while True:
        found = aws.client("s3").list_objects_v2(Bucket=settings().files_bucket, Prefix="/".join((*folder, "")), **more)
        yield from (each["Key"] for each in found.get("Contents", ()))
        if not found.get("IsTruncated"):
            return
        more = {"ContinuationToken": found["NextContinuationToken"]}


def remove(keys: Iterable[str]) -> None:
    """Take them away, for good; what is not there is no fault. A request for a thousand, none for none."""
    left = list(keys)
    for start in range(0, len(left), BATCH):
        batch = [{"Key": key} for key in left[start : start + BATCH]]
        answer = aws.client("s3").delete_objects(
            Bucket=settings().files_bucket, Delete={"Objects": batch, "Quiet": True}
        )
        if answer.get("Errors"):
            raise OSError(f"S3 kept {len(answer['Errors'])} of {len(batch)}: {answer['Errors'][0].get('Code')}")


def _unicode(text: str) -> str:
    # S3 gives metadata that is not ASCII as a mail header would (RFC 2047).
    try:
        return str(make_header(decode_header(text)))
    except (ValueError, LookupError):
        return text
