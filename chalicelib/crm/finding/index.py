"""The job that lets a person be found by what their record says now."""

from chalicelib.core.jobs import JobContext
from chalicelib.core.retry import until_committed
from chalicelib.core.unit import MOST_ACTIONS
from chalicelib.crm.finding import store
from chalicelib.crm.finding.entries import entries
from chalicelib.crm.jobs import IndexPerson
from chalicelib.crm.people import store as people


def index_person(job: IndexPerson, context: JobContext) -> None:
    """Write the entries that are missing and take away those that are wrong; two requests and a transaction.

    Nothing where all is right already, and also for a person who is gone: none of theirs are left.
    """

    def attempt() -> bool:
        # The entries first: whoever changes the person meanwhile brings a job that sees what this one wrote.
        old = store.found_by(job.company_id, job.customer_id)
        person = people.find_kept(job.company_id, job.customer_id)
        right = tuple(entries(person)) if person else ()
        if right == old.entries:
            return True
        # Where all of it is too much for one transaction, what is wrong goes with the next.
        added = [entry for entry in right if entry not in old.entries]
        both = len(added) + len(old.entries) >= MOST_ACTIONS
        unit = context.unit()
        store.stage(unit, job.customer_id, old, tuple(dict.fromkeys((*old.entries, *right))) if both else right)
        unit.commit()
        return not both

    while not until_committed(attempt):
        pass
