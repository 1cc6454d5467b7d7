"""The job that mails an offer; its link is made here, so that no secret lies in an event or on a queue."""

from datetime import timedelta

from chalicelib.booking.jobs import MailOffer
from chalicelib.booking.practice import store as practice_store
from chalicelib.booking.waitlist import store as waitlist_store
from chalicelib.booking.waitlist.messages import say
from chalicelib.booking.waitlist.offer_link import make_link, told
from chalicelib.core import mail
from chalicelib.core.clock import epoch
from chalicelib.core.jobs import JobContext
from chalicelib.crm import store as crm
from chalicelib.identity import guard_store

REMEMBERED = timedelta(days=14)


def mail_offer(job: MailOffer, context: JobContext) -> None:
    """Mail the link to an offer that still stands.

    At least once: a crash between mailing and marking mails a second link, and both lead to the one offer.
    """
    waiting = waitlist_store.find(job.company_id, job.waiting_id)
    offer = waiting.offer if waiting else None
    if waiting is None or offer is None or offer.id != job.offer_id or offer.until <= context.clock():
        return
    customer = crm.find_customer(job.company_id, waiting.customer_id)
    if customer is None or not customer.email or guard_store.has_mailed(job.company_id, context.id):
        return
    schedule = practice_store.get_schedule(job.company_id, waiting.branch_id)
    unit = context.unit()
    link = make_link(unit, waiting, offer)
    unit.commit()
    said, language = told(schedule, offer, link), schedule.branch.language
    mail.send([customer.email], say("subject", language, said), say("mail", language, said))
    marking = context.unit()
    guard_store.mark_mailed(marking, context.id, epoch(context.clock() + REMEMBERED))
    marking.commit()
