"""What calls leave to be done later."""

from chalicelib.core.events import Job
from chalicelib.core.needs import Needs

TWILIO = ("twilio_account_sid", "twilio_auth_token")
MAILS = Needs(reads=("calls", "booking", "crm", "identity"), writes=("guards",), mail=True)
"""A mail to staff, once."""


class RecordCall(Job):
    """Bring a delivery of Retell's that lies in the inbox into the call's record."""

    queue = "default"
    needs = Needs(reads=("inbox", "booking"), writes=("calls", "directory"))
    handler = "chalicelib.calls.record_call:record_delivery"
    attempts = 10

    delivery_id: str


class LinkBookedCall(Job):
    """Write into a call that its booking stands, when it was not the agent's own request that confirmed it."""

    queue = "default"
    needs = Needs(reads=("booking",), writes=("calls",))
    handler = "chalicelib.calls.record_call:link_booked"

    call_id: str
    appointment_id: str


class ApplyPhoneEvent(Job):
    """Act on a status or recording callback of Twilio's that lies in the inbox."""

    queue = "sync"
    needs = Needs(reads=("inbox", "booking"), writes=("calls", "directory"))
    handler = "chalicelib.calls.phone_events:apply_delivery"
    attempts = 10

    delivery_id: str
    reference: str = ""


class SettlePhoneCall(Job):
    """Find out what became of an incoming call: answered, or missed."""

    queue = "sync"
    needs = Needs(reads=("booking",), writes=("calls",), secrets=TWILIO)
    handler = "chalicelib.calls.missed_call:settle"
    attempts = 12

    phone_call_id: str


class TextMissedCaller(Job):
    """Answer a missed call with a text, once per caller and hour."""

    queue = "messages"
    needs = Needs(reads=("booking",), writes=("calls", "messaging"))
    handler = "chalicelib.calls.missed_call:text_back"

    phone_call_id: str


class AlertMissedCall(Job):
    """Tell staff by mail of a missed call, and of what the caller left on the mailbox."""

    queue = "notifications"
    needs = MAILS
    handler = "chalicelib.calls.missed_alert:alert"

    phone_call_id: str


class ReconcileOutbound(Job):
    """Ask the vendor whether a call that we asked for was started."""

    queue = "sync"
    needs = Needs(reads=("booking", "crm"), writes=("calls", "directory"), secrets=("retell_api_key", *TWILIO))
    handler = "chalicelib.calls.call_out:reconcile"
    attempts = 12

    phone_call_id: str


class MailCallMessage(Job):
    """Mail staff a message that a caller left."""

    queue = "notifications"
    needs = MAILS
    handler = "chalicelib.calls.messages:mail_message"

    message_id: str


class ForgetRecordings(Job):
    """Remove transcripts and recordings that the company keeps no longer; comes again until none is left."""

    queue = "default"
    needs = Needs(writes=("calls", "inbox"))
    handler = "chalicelib.calls.retention:forget"


class CheckChains(Job):
    """Judge a page of the company's calls; the next page is the next job, and the last one reports what was found.

    `run` (a day) and `page` name the job's work, so that it is done once; `after` is where the page before ended.
    """

    queue = "qa_automation"
    needs = Needs(reads=("calls", "booking", "crm", "directory", "identity"), writes=("guards",))
    handler = "chalicelib.calls.chain_check:check"

    run: str
    page: int = 0
    after: str = ""
    checked: int = 0
    failed: int = 0
    findings: list[tuple[str, list[str]]] = []


class SendChainReport(Job):
    """Mail what a weekly check found: ids of calls, and the criteria or rules that failed."""

    queue = "notifications"
    needs = Needs(reads=("identity",), writes=("guards",), mail=True)
    handler = "chalicelib.calls.report_chains:send"

    checked: int
    failed: int
    findings: list[tuple[str, list[str]]]
