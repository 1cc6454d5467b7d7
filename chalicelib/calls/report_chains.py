"""The mail after a weekly check that found something: to the company's admins, or to whoever runs the platform."""

from chalicelib.calls.jobs import SendChainReport
from chalicelib.core import mail
from chalicelib.core.clock import epoch
from chalicelib.core.inbox import PLATFORM
from chalicelib.core.jobs import JobContext
from chalicelib.core.logging import log
from chalicelib.core.settings import settings
from chalicelib.identity import guard_store
from chalicelib.identity.mail_templates import MailTemplate
from chalicelib.identity.members import page_users
from chalicelib.identity.send_mail import REMEMBERED
from chalicelib.identity.store import find_company

_SPOKEN = "en"
_TEMPLATES: dict[str, tuple[str, str]] = {
    "en": (
        "{failed} of {checked} calls lead to no whole appointment",
        "Of {checked} calls of {company} that wanted an appointment, something is missing in {failed}:\n\n"
        "{findings}\n\n{link} tells more about each.\n",
    ),
    "de": (
        "{failed} von {checked} Anrufen führen zu keinem vollständigen Termin",
        "Bei {failed} von {checked} Anrufen bei {company}, die einen Termin wollten, fehlt etwas:\n\n{findings}\n\n"
        "Mehr zu jedem: {link}\n",
    ),
    "it": (
        "{failed} chiamate su {checked} non portano a un appuntamento completo",
        "Su {checked} chiamate di {company} che chiedevano un appuntamento, in {failed} manca qualcosa:\n\n"
        "{findings}\n\nPer saperne di più: {link}\n",
    ),
    "vi": (
        "{failed} trong {checked} cuộc gọi không dẫn đến một lịch hẹn đầy đủ",
        "Trong {checked} cuộc gọi của {company} muốn đặt lịch, {failed} cuộc gọi còn thiếu thông tin:\n\n{findings}\n\n"
        "Chi tiết: {link}\n",
    ),
}
_ORPHANS = (
    "{failed} calls of the last week belong to no company",
    "No rule found a company for these calls:\n\n{findings}\n\n`pilot calls orphans` tells more about each.\n",
)


def send(job: SendChainReport, context: JobContext) -> None:
    """Mail it to each admin who may sign in, once; the platform's to PILOT_OPS_MAIL, if that is set."""
    if job.company_id == PLATFORM:
        log.warning("calls of nobody's", extra={"calls": job.failed})
        if settings().ops_mail:
            _once(settings().ops_mail, "ops", _mail(job, *_ORPHANS, company=""), context)
        return
    company = find_company(job.company_id)
    language = company.language if company else settings().default_language
    subject, text = _TEMPLATES.get(language, _TEMPLATES[_SPOKEN])
    what = _mail(job, subject, text, company=company.name if company else job.company_id)
    cursor: str | None = None
    while True:
        found = page_users(job.company_id, 100, cursor)
        for user in found.data:
            if user.role == "admin" and user.status == "active":
                _once(user.email, user.id, what, context)
        cursor = found.next_cursor
        if cursor is None:
            return


def _mail(job: SendChainReport, subject: str, text: str, *, company: str) -> MailTemplate:
    lines = [f"{call_id}: {', '.join(missing)}" for call_id, missing in job.findings]
    if job.failed > len(lines):
        lines.append("…")
    values = {
        "company": company,
        "checked": job.checked,
        "failed": job.failed,
        "findings": "\n".join(lines),
        "link": f"{settings().public_url.rstrip('/')}/api/calls/{{call}}/chain",
    }
    return MailTemplate(subject.format(**values), text.format(**values))


def _once(to: str, who: str, what: MailTemplate, context: JobContext) -> None:
    name = f"{context.id}:{who}"
    if guard_store.has_mailed(context.company_id, name):
        return
    mail.send([to], what.subject, what.text)
    unit = context.unit()
    guard_store.mark_mailed(unit, name, epoch(context.clock() + REMEMBERED))
    unit.commit()
