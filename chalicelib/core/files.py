"""Files in the bucket: whoever has a signed link may put one file there, or get it, until the link expires."""

from datetime import timedelta
from urllib.parse import quote

from botocore.exceptions import ClientError

from chalicelib.core import aws
from chalicelib.core.settings import settings

UPLOAD_FOR = timedelta(minutes=15)
DOWNLOAD_FOR = timedelta(hours=1)
"""A link lives no longer than the credentials it was signed with, which in a Lambda may end earlier."""


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


def download_link(key: str, name: str, content_type: str) -> str:
    """Where to GET the file, to be saved under `name` and never shown as a page of ours; no request."""
    url: str = aws.client("s3").generate_presigned_url(
        "get_object",
        Params={
            "Bucket": settings().files_bucket,
            "Key": key,
            "ResponseContentType": content_type,
            "ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        },
        ExpiresIn=int(DOWNLOAD_FOR.total_seconds()),
    )
    return url


def exists(key: str) -> bool:
    """Whether the file has been put; one request."""
    try:
        aws.client("s3").head_object(Bucket=settings().files_bucket, Key=key)
    except ClientError as error:
        # Who may not list the bucket is told 403 of what is not there.
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):
            return False
        raise
    return True
