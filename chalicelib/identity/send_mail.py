"""The jobs that mail: links, whose secret is made here so that none lies in an event or on a queue, and notices."""

from datetime import timedelta

from chalicelib.core import mail
from chalicelib.core.clock import epoch
from chalicelib.core.jobs import JobContext
from chalicelib.core.settings import settings
from chalicelib.identity import guard_store, links, mail_templates, store
from chalicelib.identity.account import Account
from chalicelib.identity.jobs import SendInvitation, SendPasswordReset
from chalicelib.identity.mail_templates import Matter, Purpose

REMEMBERED = timedelta(days=14)
"""As long as a message may lie on a dead-letter queue and be put back."""


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


def mail_admins(matter: Matter, context: JobContext, **values: str) -> None:
    """Mail every admin who signs in; at least once each, whichever attempt of the job gets so far."""
    company = store.find_company(context.company_id)
    for user in store.admins(context.company_id):
        name = f"{context.id}:{user.id}"
        if guard_store.has_mailed(context.company_id, name):
            continue
        language = company.language if company else settings().default_language
        named = company.name if company else "PilotPractice"
        what = mail_templates.notice(matter, language, company=named, name=user.name, **values)
        mail.send([user.email], what.subject, what.text)
        marking = context.unit()
        guard_store.mark_mailed(marking, name, epoch(context.clock() + REMEMBERED))
        marking.commit()


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
    url = mail_templates.link_url(purpose, secret, settings().public_url)
    what = mail_templates.link(purpose, language, company=named, name=user.name, link=url)
    mail.send([user.email], what.subject, what.text)
    marking = context.unit()
    guard_store.mark_mailed(marking, context.id, epoch(context.clock() + REMEMBERED))
    marking.commit()
