"""What bookings leave to be done later."""

from datetime import datetime
from typing import Literal

from chalicelib.core.events import Job
from chalicelib.core.needs import Needs, union

News = Literal["booked", "requested", "confirmed", "moved", "cancelled", "declined"]
"""What customers are told of an appointment."""

PROVIDER = Needs(writes=("booking", "occupancy", "crm", "directory"), secrets=("calcom_api_key",))
"""A booking provider asked, and what it says brought into the calendars."""
CALENDARS = Needs(reads=("crm",), writes=("booking", "occupancy", "directory"))
"""Appointments made, moved or given up where no vendor is asked."""
OFFERS = union(CALENDARS, Needs(writes=("messaging",)))
"""Times offered by text, where the customer may be texted."""
MAILS = Needs(reads=("booking", "crm"), writes=("directory", "guards"), mail=True)
"""A mail to a customer, once; some with a link whose secret the directory knows."""


class ReconcileBooking(Job):
    """Ask the provider about a hold, and confirm or release it."""

    queue = "sync.calcom"
    needs = PROVIDER
    handler = "chalicelib.booking.provider.reconcile_booking:reconcile"
    attempts = 12

    appointment_id: str


class SettleChange(Job):
    """Ask the provider what became of a change, and write it down or undo it."""

    queue = "sync.calcom"
    needs = PROVIDER
    handler = "chalicelib.booking.provider.reconcile_change:settle_change"
    attempts = 12

    appointment_id: str
    change_id: str


class TellCalCom(Job):
    """Bring a booking at its provider up to ours in what it need not agree to: no-shows, attendees, guests."""

    queue = "sync.calcom"
    needs = PROVIDER
    handler = "chalicelib.booking.provider.push:tell"
    attempts = 12

    appointment_id: str


PushBooking = TellCalCom
"""Its name on the wire is older than the second provider."""


class CancelLeftover(Job):
    """Cancel a booking at a provider (by its id there) that no appointment stands for any more."""

    queue = "sync.calcom"
    needs = PROVIDER
    handler = "chalicelib.booking.provider.reconcile_change:cancel_leftover"
    attempts = 12

    appointment_id: str
    provider: str
    uid: str


class PollCalCom(Job):
    """Ask Cal.com what has changed since the last time, and act on it."""

    queue = "sync.calcom"
    needs = PROVIDER
    handler = "chalicelib.integrations.calcom.news:poll"
    attempts = 4


class ApplyCalComBooking(Job):
    """Act on a booking of Cal.com's that the poll could not be done with."""

    queue = "sync.calcom"
    needs = PROVIDER
    handler = "chalicelib.integrations.calcom.news:apply_one"
    attempts = 8

    uid: str


class CheckCalComWebhooks(Job):
    """See that Cal.com still sends us what happens, and subscribe anew where it does not."""

    queue = "sync.calcom"
    needs = union(PROVIDER, Needs(secrets=("calcom_webhook_secret",)))
    handler = "chalicelib.integrations.calcom.webhook_subscription:check"
    attempts = 4


class ApplyCalComEvent(Job):
    """Act on a delivery of Cal.com's that lies in the inbox."""

    queue = "sync.calcom"
    needs = union(PROVIDER, Needs(reads=("inbox",)))
    handler = "chalicelib.integrations.calcom.news:apply_delivery"
    attempts = 10

    delivery_id: str


class FollowGroup(Job):
    """Bring what is kept for each participant up to the group: time, limits, what they have had done.

    `merged_from`: the group from which some of them came just now; they are told, each by an event.
    """

    queue = "default"
    needs = CALENDARS
    handler = "chalicelib.booking.groups.sync_participants:follow"
    attempts = 10

    appointment_id: str
    merged_from: str = ""


class RecompileBranches(Job):
    """Compile the schedules of the company's branches after `after` (an id, or "") anew."""

    queue = "default"
    needs = CALENDARS
    handler = "chalicelib.booking.practice_admin.manage:recompile_branches"
    attempts = 10

    after: str


class OfferOpening(Job):
    """Offer what has become free to those who wait for it; nothing when nobody does.

    Where: in `branch_ids`; where the appointment takes place or did; wherever the member of staff works. When: on the
    days from `first` to `last` (None: whenever). `waiting_id`: somebody who has just come, whom no list may show yet.
    `reason`: why an appointment was released.
    """

    queue = "default"
    needs = OFFERS
    handler = "chalicelib.booking.waitlist.make_offers:offer_opening"
    attempts = 10

    branch_ids: tuple[str, ...] = ()
    appointment_id: str = ""
    staff_id: str = ""
    first: datetime | None = None
    last: datetime | None = None
    waiting_id: str = ""
    reason: str = ""


class ServeWaiting(Job):
    """Let whoever has booked a time that they waited for wait for it no longer."""

    queue = "default"
    needs = OFFERS
    handler = "chalicelib.booking.waitlist.serve:serve_waiting"

    appointment_id: str


class CheckWaiting(Job):
    """End an offer that nobody answered, or waiting that is over, or look again at who has waited for a day."""

    queue = "default"
    needs = OFFERS
    handler = "chalicelib.booking.waitlist.end_offer:check_waiting"
    attempts = 10

    waiting_id: str


class MailOffer(Job):
    """Mail the link to an offer, whose secret only the job knows."""

    queue = "notifications"
    needs = MAILS
    handler = "chalicelib.booking.waitlist.offer_mail:mail_offer"

    waiting_id: str
    offer_id: str


class MailCustomer(Job):
    """Tell the customer by mail what happened to an appointment (`news`), where the practice wants it.

    `customer_id`: to that participant of a group alone; `moved_from`: the group that they were in before.
    """

    queue = "notifications"
    needs = MAILS
    handler = "chalicelib.booking.customer_notices.send:mail_customer"
    attempts = 6

    appointment_id: str
    news: News
    customer_id: str = ""
    moved_from: str = ""


class AskForReview(Job):
    """Mail the customer of a completed visit the link to review it, where the practice wants it."""

    queue = "notifications"
    needs = MAILS
    handler = "chalicelib.booking.customer_notices.send:ask_for_review"
    attempts = 6

    appointment_id: str


class ResumeSeries(Job):
    """Go on with a series that a request left: book what it holds, make the change it was in, or give up its holds."""

    queue = "sync"
    needs = PROVIDER
    handler = "chalicelib.booking.series.resume:resume"
    attempts = 12

    series_id: str
