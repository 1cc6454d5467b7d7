"""Lanes of named queues: every job is on one, and its worker may do what its jobs need and no more."""

from msgspec.structs import fields

from chalicelib.core.discovery import all_endpoints
from chalicelib.core.endpoints import Endpoint
from chalicelib.core.lanes import job_kinds, jobs_on
from chalicelib.core.needs import Needs, union
from chalicelib.core.queues import LANES, NAMED_QUEUES, lanes_of, queue_of
from chalicelib.core.settings import sqs_name

VENDORS = {
    "sync.calcom": {"calcom_api_key", "calcom_webhook_secret"},
    "sync.fic": {"fic_client_id", "fic_client_secret"},
    "workflows.webhooks": set[str](),
}


def workers() -> dict[str, Endpoint]:
    return {each.queue: each for each in all_endpoints() if each.kind == "queue" and not each.dead}


def test_each_named_queue_has_a_lane_of_its_own_and_each_lane_a_named_queue() -> None:
    assert [lane for lane in LANES if "." not in lane] == sorted(NAMED_QUEUES, key=LANES.index)
    assert {queue_of(lane) for lane in LANES} == set(NAMED_QUEUES)
    assert lanes_of("sync") == ("sync", "sync.calcom", "sync.fic")
    assert lanes_of("sync.fic") == ("sync.fic",)
    assert lanes_of("syn") == lanes_of("") == lanes_of("sync.") == ()
    assert len({sqs_name(lane) for lane in LANES}) == len(LANES)


def test_each_lane_has_a_worker_and_someone_for_its_dead_letters() -> None:
    assert set(workers()) == set(LANES)
    assert {each.queue for each in all_endpoints() if each.dead} == set(LANES)


def test_each_job_is_on_a_lane_that_some_worker_has() -> None:
    assert {kind.name(): kind.queue for kind in job_kinds() if kind.queue not in LANES} == {}
    assert len(job_kinds()) > 40


def test_a_worker_may_do_what_any_of_its_jobs_needs() -> None:
    for lane, worker in workers().items():
        assert union(worker.needs, *(kind.needs for kind in jobs_on(lane))) == worker.needs


def test_a_worker_may_do_nothing_that_none_of_its_jobs_needs() -> None:
    own = Needs(reads=("switches",), writes=("jobs",), updates=("heartbeats",))
    for lane, worker in workers().items():
        expected = union(own, Needs(sends=(lane,)), *(kind.needs for kind in jobs_on(lane)))
        assert worker.needs == expected, lane


def test_a_vendors_secrets_are_for_its_lane() -> None:
    found = workers()
    for lane, secrets in VENDORS.items():
        assert set(found[lane].needs.secrets) <= secrets
    assert "records" not in found["sync.calcom"].needs.written()
    assert "booking" not in found["sync.fic"].needs.written()
    assert not {"booking", "crm", "calls", "accounting"} & set(found["workflows.webhooks"].needs.written())


def test_a_union_has_each_name_once_and_every_field() -> None:
    both = union(Needs(reads=("b", "a"), mail=True), Needs(reads=("a", "c"), vault=True))
    assert both == Needs(reads=("a", "b", "c"), mail=True, vault=True)
    assert union() == Needs()
    assert {field.name for field in fields(Needs)} == set(Needs.__struct_fields__)
