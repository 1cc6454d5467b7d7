"""The jobs that mail links: the secret is made here, so that none ever lies in an event or on a queue."""

from datetime import timedelta

from botocore.exceptions import ClientError

from chalicelib.core import aws
from chalicelib.core.clock import epoch
from chalicelib.core.jobs import CannotSucceed, JobContext
from chalicelib.core.settings import settings
from chalicelib.identity import guard_store, links, store
from chalicelib.identity.account import Account
from chalicelib.identity.jobs import SendInvitation, SendPasswordReset
from chalicelib.identity.letters import Letter, Purpose, letter

REMEMBERED = timedelta(days=14)
"""As long as a message may lie on a dead-letter queue and be put back."""
REFUSED_FOR_GOOD = {"MessageRejected", "BadRequestException", "MailFromDomainNotVerifiedException"}


def send_invitation(job: SendInvitation, context: JobContext) -> None:
    """Mail the link to somebody invited; nothing where the invitation was taken up or withdrawn meanwhile."""
    account = store.get_account(job.company_id, job.user_id)
    if account.user.status == "invited":
        _send_link("invitation", account, context)


def send_password_reset(job: SendPasswordReset, context: JobContext) -> None:
    """Mail the link to the user; nothing where the user is not (or no longer) let in."""
    account = store.get_account(job.company_id, job.user_id)
    if account.may_sign_in:
        _send_link("password_reset", account, context)


def _send_link(purpose: Purpose, account: Account, context: JobContext) -> None:
    """At least once: a crash between mailing and marking mails a second link, and both open the account until used."""
    if guard_store.has_mailed(context.company_id, context.id):
        return
    user = account.user
    company = store.find_company(user.company_id)
    unit = context.unit()
    secret = links.make_link(unit, purpose, account, context.clock)
    unit.commit()
    language = company.language if company else settings().default_language
    named = company.name if company else "PilotPractice"
    mail(
        user.email,
        letter(purpose, language, company=named, name=user.name, secret=secret, public_url=settings().public_url),
    )
    marking = context.unit()
    guard_store.mark_mailed(marking, context.id, epoch(context.clock() + REMEMBERED))
    marking.commit()


def mail(to: str, what: Letter) -> None:
    """Hand it to SES; raises CannotSucceed when SES refuses it for good."""
    try:
        aws.client("sesv2").send_email(
            FromEmailAddress=settings().mail_from,
            Destination={"ToAddresses": [to]},
            Content={
                "Simple": {
                    "Subject": {"Data": what.subject, "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": what.text, "Charset": "UTF-8"}},
                }
            },
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in REFUSED_FOR_GOOD:
            raise CannotSucceed(f"SES refuses the mail: {code}") from None
        raise
