"""The mail that tells staff of a missed call."""

from datetime import timedelta

from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.practice.models import Branch
from chalicelib.calls import phone_store as store
from chalicelib.calls.jobs import AlertMissedCall
from chalicelib.calls.missed_call_texts import name_of_caller, say
from chalicelib.calls.phone_call import PhoneCall
from chalicelib.core import mail
from chalicelib.core.clock import epoch
from chalicelib.core.jobs import JobContext
from chalicelib.identity import guard_store, members

REMEMBERED = timedelta(days=14)
MOST_RECIPIENTS = 50
"""What SES takes in one mail."""


def alert(job: AlertMissedCall, context: JobContext) -> None:
    """Mail those whom the branch names, or else the company's admins; at least once."""
    call = store.find(job.company_id, job.phone_call_id)
    if call is None or guard_store.has_mailed(context.company_id, context.id):
        return
    branch = practice_store.get_schedule(call.company_id, call.branch_id).branch
    to = _recipients(call.company_id, branch)
    if not to:
        return
    mail.send(to, say("alert_subject", branch.language, branch=branch.name), _text(call, branch))
    unit = context.unit()
    guard_store.mark_mailed(unit, context.id, epoch(context.clock() + REMEMBERED))
    unit.commit()


def _recipients(company_id: str, branch: Branch) -> list[str]:
    named = list(branch.call_routing.alert_emails)
    if named:
        return named[:MOST_RECIPIENTS]
    found = members.page_users(company_id, 100, None).data
    admins = [user.email for user in found if user.role == "admin" and user.status == "active"]
    return admins[:MOST_RECIPIENTS]


def _text(call: PhoneCall, branch: Branch) -> str:
    when = call.started_at.astimezone(branch.clock()).strftime("%Y-%m-%d %H:%M")
    caller = name_of_caller(call.caller, branch.language)
    text = say("alert", branch.language, caller=caller, branch=branch.name, when=when)
    if call.voicemail:
        left = call.voicemail
        text += say("alert_voicemail", branch.language, seconds=left.seconds or "?", url=left.url)
    return text
