"""Asks a company's admins to connect an account again, by mail."""

from chalicelib.accounting import account_store
from chalicelib.accounting.jobs import AskToReconnect
from chalicelib.core.jobs import JobContext
from chalicelib.identity.send_mail import mail_admins


def ask_to_reconnect(job: AskToReconnect, context: JobContext) -> None:
    """One mail for all accounts that still need it; nothing where somebody was faster."""
    wanting = [
        account.name
        for account in account_store.accounts(job.company_id)
        if account.id in job.account_ids and account.status == "needs_reconnection"
    ]
    if wanting:
        mail_admins("reconnect_accounting", context, accounts=", ".join(wanting))
