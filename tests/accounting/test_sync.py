"""Reading everything from a simulated Fatture in Cloud: complete, once, and again without writing."""

from chalicelib.accounting.account import Account
from infra.local.simulators.fattureincloud import FattureInCloudSimulator
from tests.accounting.books import account, assert_same, records, synced  # noqa: F401 - fixture


def test_a_full_run_reads_everything(fic: FattureInCloudSimulator, account: Account) -> None:  # noqa: F811
    for resource in ("clients", "suppliers", "invoices", "quotes"):
        run = synced(account, resource)
        assert (run.status, run.failure) == ("done", None)
        assert run.written == len(records(resource)) == run.total == run.done
    assert_same(fic, account)
