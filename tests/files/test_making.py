"""What is made of files and of nothing: pairs of images, files that the system makes, copies of videos."""

import hashlib
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.core.clock import now
from chalicelib.core.jobs import JobContext
from chalicelib.core.rows import OutboxRow
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.files import store, video
from chalicelib.files.generate import Generated, keep, new_file_id
from chalicelib.files.jobs import TidyFile
from chalicelib.files.tidy import tidy
from infra.local.demo_people import add_person
from infra.local.invoking import call
from tests.conftest import EmbeddedAws
from tests.files import samples
from tests.files.uploading import COMPANY, STAFF, download, had, objects, show, upload, used


def customer(phone: str) -> str:
    unit = Unit(COMPANY)
    made = add_person(unit, Contact(name="Ada", phone=phone), "test", now())
    unit.commit()
    return made.id


def generated(content: bytes, **fields: Any) -> Generated:
    digest = hashlib.sha256(content).hexdigest()
    made: dict[str, Any] = {
        "id": new_file_id(), "name": "customers.csv", "content_type": "text/csv", "purpose": "export",
        "size": len(content), "sha256": digest,
    }  # fmt: skip
    return Generated(**made | fields)


def test_what_the_system_makes_is_told_of_once(aws: EmbeddedAws) -> None:
    made = generated(samples.CSV)
    for _ in range(2):
        keep(lambda: Unit(COMPANY), COMPANY, made, samples.CSV, now)
    assert (had(made.id), used(), show(made.id)["source"]) == (samples.CSV, len(samples.CSV), "system")
    (output,) = [row.data for row in OutboxRow.scan() if row.type == "files.FileGenerated"]
    assert f'"link":"{settings().public_url}/api/files/{made.id}/download"' in str(output)


def test_what_is_made_and_not_written_down_goes(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    made = generated(samples.CSV)

    def dies(*_: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(store, "add_file", dies)
        with pytest.raises(MemoryError):
            keep(lambda: Unit(COMPANY), COMPANY, made, samples.CSV, now)
    assert len(objects()) == 1
    context = JobContext("job", 1, False, "cor", COMPANY, lambda: now() + timedelta(hours=1))
    tidy(TidyFile(company_id=COMPANY, file_id=made.id), context)
    assert objects() == {}


def test_two_images_of_a_customer_make_a_pair(aws: EmbeddedAws) -> None:
    ada, bob = customer("+493055501001"), customer("+493055501002")
    before, after = (upload(samples.png(), "image/png", customer_id=ada)["id"] for _ in range(2))
    theirs = upload(samples.png(), "image/png", customer_id=bob)["id"]
    paper = upload(samples.PDF, "application/pdf", customer_id=ada)["id"]

    def pair(first: str, second: str) -> Any:
        body = {"before_id": first, "after_id": second, "note": "Six weeks"}
        return call("POST", "/api/file-pairs", caller=STAFF, body=body)

    for first, second, code in (
        (before, theirs, "different_customers"),
        (before, paper, "not_an_image"),
        (before, "fil_none", "file_not_found"),
    ):
        assert pair(first, second).json["code"] == code
    assert pair(before, before).json["errors"][0]["code"] == "same_image"
    made = pair(before, after).json
    listed = call("GET", "/api/file-pairs", caller=STAFF, query={"customer_id": ada}).json["data"]
    assert listed == [made]
    assert call("GET", "/api/file-pairs", caller=STAFF, query={"customer_id": bob}).json["data"] == []
    for status in (204, 404):
        assert call("DELETE", f"/api/file-pairs/{made['id']}", caller=STAFF).status == status
    assert show(before)["state"] == "ready"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds of a test card with a tone, which say where they were taken."""
    target = tmp_path_factory.mktemp("film") / "film.mov"
    sources = ["-f", "lavfi", "-i", "testsrc=size=320x240:rate=10:duration=2", "-f", "lavfi", "-i", "sine=duration=2"]
    about = ["-metadata", "location=+52.5+013.4/", "-metadata", "make=Secret Camera", "-c:v", "mpeg4", "-q:v", "1"]
    command = [video.program(), "-loglevel", "error", *sources, *about, "-pix_fmt", "yuv420p", str(target)]
    subprocess.run(command, check=True)
    return target.read_bytes()


def test_a_video_gets_a_poster_and_a_smaller_copy(aws: EmbeddedAws, film: bytes) -> None:
    assert b"Secret Camera" in film
    file = upload(film, "video/quicktime", name="gait.mov")
    (version,) = file["versions"]
    assert (version["processing"], version["width"], version["height"]) == ("done", 320, 240)
    assert {each["name"] for each in version["variants"]} == {"poster.jpg", "full.mp4"}
    copy = had(file["id"])
    assert (len(copy) < len(film), b"Secret Camera" in copy, copy[4:8]) == (True, False, b"ftyp")
    assert download(file["id"]).json["name"] == "gait.mp4"
    assert had(file["id"], variant="poster.jpg").startswith(b"\xff\xd8\xff")
    assert had(file["id"], variant="original") == film
    assert used() == sum(objects().values())


def test_without_ffmpeg_a_video_stays_as_it_is(aws: EmbeddedAws, film: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOT_FFMPEG", "/nowhere/ffmpeg")
    settings.cache_clear()
    (version,) = upload(film, "video/quicktime")["versions"]
    assert (version["processing"], version["reason"], version["variants"]) == ("left", "no_ffmpeg", [])
    (again,) = upload(film, "video/quicktime", name="again")["versions"]
    assert again["processing"] == "left"
    file = call("GET", "/api/files", caller=STAFF).json["data"][0]
    assert had(file["id"]) == film


@pytest.mark.parametrize("damage", ["cut", "playlist"])
def test_a_video_that_cannot_be_read_stays_as_it_is(aws: EmbeddedAws, film: bytes, damage: str) -> None:
    content = film[:3000] if damage == "cut" else film[:32] + b"#EXTM3U\n#EXTINF:1\nfile:///etc/passwd\n"
    (version,) = upload(content, "video/quicktime")["versions"]
    assert (version["processing"], version["reason"]) == ("left", "unreadable")


def test_long_videos_and_slow_work_are_left(film: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    source.write_bytes(film)
    monkeypatch.setattr(video, "LONGEST_SECONDS", 1)
    with pytest.raises(video.CannotCompress) as left:
        video.compress(source, "video/quicktime", tmp_path)
    assert left.value.reason == "too_long"
    monkeypatch.setattr(video, "LONGEST_SECONDS", 2.5)
    assert video.compress(source, "video/quicktime", tmp_path).width == 320
    monkeypatch.setattr(video, "WORK_SECONDS", 0.001)
    with pytest.raises(video.CannotCompress) as slow:
        video.compress(source, "video/quicktime", tmp_path)
    assert slow.value.reason == "too_long"


def test_the_machines_own_ffmpeg_is_the_last_resort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", lambda: (_ for _ in ()).throw(RuntimeError))
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert video.program() == "/usr/bin/ffmpeg"
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(video.CannotCompress) as left:
        video.program()
    assert left.value.reason == "no_ffmpeg"
