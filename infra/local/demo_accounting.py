"""Connects the demo company's account at the simulated Fatture in Cloud, where that is simulated."""

import os

from chalicelib.accounting import account_store
from chalicelib.accounting.accounts import Credentials, attach
from chalicelib.accounting.connection import Tokens
from chalicelib.core.clock import now
from chalicelib.core.unit import SYSTEM, Unit
from chalicelib.vendors.fattureincloud.client import FicCompany
from infra.local.environment import FIC_DEMO_TOKEN
from infra.local.simulators.fattureincloud.simulator import COMPANY as FIC_COMPANY

LEGACY_ID = 1
"""The account that the old system's guides name."""


def connect_accounting(company_id: str) -> None:
    """As with a token made by hand, once. Nobody is asked: the simulator starts only after the demo data is there."""
    token = os.environ.get(FIC_DEMO_TOKEN)
    if token is None or account_store.accounts(company_id, deleted=True):
        return
    tokens = Tokens(access_token=token)
    credentials = Credentials(tokens=tokens, kind="token", user_id=SYSTEM.id, legacy_id=LEGACY_ID)
    company = FicCompany(id=FIC_COMPANY, name="Studio Demo S.r.l.")
    attach(lambda: Unit(company_id), [company], credentials, now)
