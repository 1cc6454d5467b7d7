"""Mail in plain text, through SES."""

from collections.abc import Sequence

from botocore.exceptions import ClientError

from chalicelib.core import aws
from chalicelib.core.jobs import CannotSucceed
from chalicelib.core.settings import settings

REFUSED_FOR_GOOD = {"MessageRejected", "BadRequestException", "MailFromDomainNotVerifiedException"}


def send(to: Sequence[str], subject: str, text: str) -> None:
    """One mail to all of `to` (at most 50, who see each other); raises CannotSucceed when SES refuses it for good."""
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
