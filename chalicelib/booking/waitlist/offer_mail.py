"""The job that mails an offer; its link is made here, so that no secret lies in an event or on a queue."""

from datetime import timedelta

from chalicelib.booking.jobs import MailOffer
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.waitlist import store as waitlist_store
from chalicelib.booking.waitlist.messages import say
from chalicelib.booking.waitlist.offer_link import make_link
from chalicelib.core import mail
from chalicelib.core.clock import epoch
from chalicelib.core.jobs import JobContext
from chalicelib.crm.people import store as people
from chalicelib.identity import guard_store

REMEMBERED = timedelta(days=14)


def mail_offer(job: MailOffer, context: JobContext) -> None:
    """Mail the link to an offer that is still open.

    At least once: a crash between mailing and marking mails a second link, and both lead to the one offer.
    """
    entry = waitlist_store.find(job.company_id, job.waiting_id)
    offer = entry.offer if entry else None
    if entry is None or offer is None or offer.id != job.offer_id or offer.until <= context.clock():
        return
    customer = people.find(job.company_id, entry.customer_id)
    if customer is None or not customer.email or guard_store.has_mailed(job.company_id, context.id):
        return
    schedule = practice_store.get_schedule(job.company_id, entry.branch_id)
    unit = context.unit()
    link = make_link(unit, entry, offer)
    unit.commit()
    mail.send([customer.email], say("subject", schedule, offer, link), say("mail", schedule, offer, link))
    marking = context.unit()
    guard_store.mark_mailed(marking, context.id, epoch(context.clock() + REMEMBERED))
    marking.commit()
