"""Mail by SES."""

from collections.abc import Sequence

from botocore.exceptions import ClientError

from chalicelib.core import aws
from chalicelib.core.jobs import CannotSucceed
from chalicelib.core.settings import settings

REFUSED_FOR_GOOD = {"MessageRejected", "BadRequestException", "MailFromDomainNotVerifiedException"}


def send(to: Sequence[str], subject: str, text: str) -> None:
    """Send one mail in plain text, for all of `to` to see; raises CannotSucceed when SES will never take it."""
    try:
        aws.client("sesv2").send_email(
            FromEmailAddress=settings().mail_from,
            Destination={"ToAddresses": list(to)},
            Content={
                "Simple": {
                    "Subject": {"Data": subject, "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": text, "Charset": "UTF-8"}},
                }
            },
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in REFUSED_FOR_GOOD:
            raise CannotSucceed(f"SES refuses the mail: {code}") from None
        raise
