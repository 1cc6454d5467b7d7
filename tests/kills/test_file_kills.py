"""Kill whoever announces, takes, copies or tidies a file between any two steps: nothing is lost or doubled."""

import io
from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib.core.clock import Clock, now
from chalicelib.core.jobs import JobContext
from chalicelib.core.unit import Unit
from chalicelib.files import object_store, store
from chalicelib.files.announce import Announced, Belongs, NewUpload, announce
from chalicelib.files.check import check
from chalicelib.files.complete import complete
from chalicelib.files.file import File
from chalicelib.files.generate import Generated, keep, new_file_id
from chalicelib.files.jobs import CheckFile, ProcessImageOptimization, TidyFile
from chalicelib.files.manage import remove
from chalicelib.files.process_image import process
from chalicelib.files.share_file import NewShare, share
from chalicelib.files.tidy import tidy
from tests.conftest import EmbeddedAws
from tests.draining import drain
from tests.files import samples
from tests.files.uploading import COMPANY, objects
from tests.kills.dying import Death, run_dying
from tests.kills.test_kills import messages_come_back_at_once, until_it_survives

pytestmark = pytest.mark.slow


def unit() -> Unit:
    return Unit(COMPANY)


def context(later: timedelta = timedelta(0)) -> JobContext:
    return JobContext("job", 1, False, "cor", COMPANY, later_by(later))


def later_by(later: timedelta) -> Clock:
    return lambda: now() + later


def tidied(file_id: str, later: timedelta = timedelta(hours=1)) -> None:
    tidy(TidyFile(company_id=COMPANY, file_id=file_id), context(later))


def put(content: bytes, content_type: str) -> Announced:
    """Announced and put; not told of."""
    announced = announce(unit, NewUpload("a file", content_type, len(content)), Belongs(), now)
    upload = announced.file.upload
    assert upload
    key = object_store.incoming_key(COMPANY, announced.file.id, upload.id)
    object_store.put(key, content, content_type)
    return announced


def agrees() -> None:
    """What counts as stored is what records say, and every object is named by a record, and the other way round."""
    files = store.page_files(store.FileFilter(company_id=COMPANY), 100, None).data
    deleted = store.page_files(store.FileFilter(company_id=COMPANY, deleted=True), 100, None).data
    records = [*files, *deleted]
    assert store.storage(COMPANY).used == sum(file.reserved_bytes for file in records)
    named = {
        object_store.kept_key(COMPANY, file.id, content.place, name)
        for file in records
        for content in file.contents
        for name in (object_store.ORIGINAL, *(variant.name for variant in content.variants))
    }
    assert set(objects()) == named


def killing(prepare: Callable[[], str], work: Callable[[str], None], after: Callable[[str], None], least: int) -> None:
    """Kill the work at every moment; whoever is left does it again, and an hour later all is as it should be."""
    messages_come_back_at_once()

    def case(death: Death) -> bool:
        file_id = prepare()
        died = run_dying(lambda: work(file_id), death)
        after(file_id)
        agrees()
        return died

    assert until_it_survives(case) >= least


def check_of(file_id: str) -> CheckFile:
    file = store.find_file(COMPANY, file_id)
    upload = file.upload.id if file and file.upload else "upl_none"
    return CheckFile(company_id=COMPANY, file_id=file_id, upload_id=upload)


def is_taken(file_id: str, content: bytes) -> File:
    file = store.get_file(COMPANY, file_id)
    assert file.state == "ready"
    original = io.BytesIO()
    object_store.read(object_store.kept_key(COMPANY, file_id, file.contents[0].place), original)
    assert (len(file.contents), original.getvalue()) == (1, content)
    return file


def test_an_upload_is_taken_once_whatever_dies(aws: EmbeddedAws) -> None:
    def after(file_id: str) -> None:
        check(check_of(file_id), context())
        drain()
        tidied(file_id)
        is_taken(file_id, samples.PDF)

    killing(
        lambda: put(samples.PDF, "application/pdf").file.id,
        lambda file_id: check(check_of(file_id), context()),
        after,
        8,
    )


def test_a_hostile_upload_is_refused_whatever_dies(aws: EmbeddedAws) -> None:
    def after(file_id: str) -> None:
        check(check_of(file_id), context())
        tidied(file_id)
        assert (store.get_file(COMPANY, file_id).refusal, objects()) == ("malware", {})

    content = samples.EICAR
    killing(lambda: put(content, "text/plain").file.id, lambda file_id: check(check_of(file_id), context()), after, 8)


def test_copies_of_an_image_are_made_once_whatever_dies(aws: EmbeddedAws) -> None:
    content = samples.photo(20, 10)

    def prepare() -> str:
        file_id = put(content, "image/jpeg").file.id
        check(check_of(file_id), context())
        return file_id

    def work(file_id: str) -> None:
        process(ProcessImageOptimization(company_id=COMPANY, file_id=file_id, number=1), context())

    def after(file_id: str) -> None:
        work(file_id)
        tidied(file_id)
        assert len(is_taken(file_id, content).contents[0].variants) == 3

    killing(prepare, work, after, 6)


def test_announcing_and_telling_leave_nothing_half_whatever_dies(aws: EmbeddedAws) -> None:
    def work(file_id: str) -> None:
        complete(unit, COMPANY, file_id, now)

    def after(file_id: str) -> None:
        # Whoever announced has gone, and nobody tells of it any more.
        tidied(file_id)
        drain()
        is_taken(file_id, samples.PDF)

    killing(lambda: put(samples.PDF, "application/pdf").file.id, work, after, 3)


def test_what_was_deleted_goes_for_good_whatever_dies(aws: EmbeddedAws) -> None:
    def prepare() -> str:
        file_id = put(samples.PDF, "application/pdf").file.id
        check(check_of(file_id), context())
        share(unit, COMPANY, file_id, NewShare(expires_at=now() + timedelta(days=1)), now)
        remove(unit, COMPANY, file_id, now)
        return file_id

    month = timedelta(days=30, minutes=1)

    def after(file_id: str) -> None:
        tidied(file_id, month)
        assert store.find_file(COMPANY, file_id) is None

    killing(prepare, lambda file_id: tidied(file_id, month), after, 6)


def test_what_the_system_makes_is_there_once_or_not_at_all(aws: EmbeddedAws) -> None:
    def work(file_id: str) -> None:
        made = Generated(
            id=file_id, name="x.csv", content_type="text/csv", purpose="export", size=len(samples.CSV), sha256=""
        )
        keep(unit, COMPANY, made, samples.CSV, now)

    tried = 0

    def after(file_id: str) -> None:
        nonlocal tried
        tried += 1
        if tried % 2:
            work(file_id)  # it is run again
        tidied(file_id)
        found = store.find_file(COMPANY, file_id)
        assert found is None or is_taken(file_id, samples.CSV)
        assert found is not None or not tried % 2

    killing(new_file_id, work, after, 3)
