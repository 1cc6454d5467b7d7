"""A worker that dies while it renews a token leaves an account that works, or one that asks for a person."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.accounting import account_store
from chalicelib.accounting.leased_client import leased_client
from chalicelib.core.clock import Clock
from chalicelib.core.errors import VendorRefused
from chalicelib.core.unit import Unit
from infra.local.simulators.fattureincloud.simulator import COMPANY, FattureInCloudSimulator
from tests.conftest import EmbeddedAws
from tests.kills.dying import Death, run_dying
from tests.kills.test_kills import until_it_survives
from tests.sizes import EVERY_MOMENT

from .test_accounts import connect


def later(**ahead: float) -> Clock:
    return lambda: datetime.now(UTC) + timedelta(**ahead)


def spend(clock: Clock) -> int:
    (account,) = account_store.accounts("com_test")
    with leased_client("com_test", account, lambda: Unit("com_test"), clock) as client:
        return client.page(COMPANY, "suppliers", 1, per_page=1).total


def status() -> str:
    return account_store.accounts("com_test")[0].status


@pytest.mark.slow
@pytest.mark.parametrize("rotates", [False, True])
def test_whatever_dies_while_a_token_is_renewed(aws: EmbeddedAws, fic: FattureInCloudSimulator, rotates: bool) -> None:
    sent: list[str] = []

    def case(death: Death) -> bool:
        connect()
        fic.access.rotates = rotates
        died = run_dying(lambda: spend(later(hours=25)), death)
        after_the_lease = later(hours=25, minutes=2)
        try:
            assert spend(after_the_lease) == 60
        except VendorRefused as refused:  # the new refresh token died with the worker
            sent.append(refused.code)
            assert status() == "needs_reconnection"
            connect()
            assert spend(later()) == 60
        else:
            assert status() == "connected"
        return died

    calls = until_it_survives(case)
    print(f"{calls} outside calls, a person asked {len(sent)} times")
    assert calls >= 8
    # Between FIC's answer and its being stored: after the call, and around the sealing of what it gave.
    assert sent == (["fic_grant_refused"] * (4 if EVERY_MOMENT else len(sent)) if rotates else [])
