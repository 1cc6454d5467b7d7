"""Mail in plain text, with files where there are any, through SES."""

from collections.abc import Sequence
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from chalicelib.core import aws
from chalicelib.core.jobs import CannotSucceed
from chalicelib.core.settings import settings

REFUSED_FOR_GOOD = {"MessageRejected", "BadRequestException", "MailFromDomainNotVerifiedException"}


class Attached(msgspec.Struct, frozen=True):
    """A file that goes with a mail."""

    name: str
    content_type: str
    content: bytes


def send(to: Sequence[str], subject: str, text: str, files: Sequence[Attached] = ()) -> None:
    """One mail to all of `to` (at most 50, who see each other); raises CannotSucceed when SES refuses it for good."""
    message: dict[str, Any] = {
        "Subject": {"Data": subject, "Charset": "UTF-8"},
        "Body": {"Text": {"Data": text, "Charset": "UTF-8"}},
    }
    if files:
        message["Attachments"] = [
            {
                "FileName": file.name,
                "ContentType": file.content_type,
                "ContentDisposition": "ATTACHMENT",
                "ContentTransferEncoding": "BASE64",
                "RawContent": file.content,
            }
            for file in files
        ]
    try:
        aws.client("sesv2").send_email(
            FromEmailAddress=settings().mail_from, Destination={"ToAddresses": list(to)}, Content={"Simple": message}
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in REFUSED_FOR_GOOD:
            raise CannotSucceed(f"SES refuses the mail: {code}") from None
        raise
