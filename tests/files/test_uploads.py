"""Files through the API: uploaded, looked at, had, versioned, found, deleted; what links and lies come to."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.core.clock import now
from chalicelib.core.jobs import JobContext, Postpone
from chalicelib.core.settings import settings
from chalicelib.core.unit import Unit
from chalicelib.crm.contact_points.contact import Contact
from chalicelib.files import object_store, store
from chalicelib.files.check import check
from chalicelib.files.jobs import CheckFile, TidyFile
from chalicelib.files.tidy import tidy
from infra.local.demo_people import add_person
from infra.local.invoking import Caller, call
from tests.conftest import EmbeddedAws
from tests.draining import drain
from tests.files import samples
from tests.files.uploading import (
    COMPANY,
    STAFF,
    announce,
    complete,
    download,
    get,
    had,
    objects,
    put,
    show,
    upload,
    used,
)

OTHER = Caller("com_other")


def context(later: timedelta = timedelta(0)) -> JobContext:
    """A worker's, some time later."""
    return JobContext("job", 1, False, "cor", COMPANY, lambda: now() + later)


def job_of(file_id: str) -> CheckFile:
    """The look at what is on its way."""
    upload = store.get_file(COMPANY, file_id).upload
    assert upload
    return CheckFile(company_id=COMPANY, file_id=file_id, upload_id=upload.id)


def customer(phone: str = "+493055501001") -> str:
    unit = Unit(COMPANY)
    made = add_person(unit, Contact(name="Ada", phone=phone), "test", now())
    unit.commit()
    return made.id


def test_a_document_is_uploaded_looked_at_and_had(aws: EmbeddedAws) -> None:
    given = announce(samples.PDF, "application/pdf", name="Befund.pdf", tags=["lab", " lab "]).json
    assert (given["method"], given["file"]["state"], given["file"]["tags"]) == ("PUT", "waiting", ["lab"])
    assert complete(given["id"]).json["code"] == "not_uploaded"
    assert download(given["id"]).json["code"] == "file_not_ready"
    assert put(given, samples.PDF) == 200
    assert complete(given["id"]).status == 200
    drain()
    file = show(given["id"])
    assert (file["state"], file["kind"], file["content_type"], file["size"]) == (
        "ready", "document", "application/pdf", len(samples.PDF)
    )  # fmt: skip
    answer = download(given["id"]).json
    status, content, headers = get(answer["url"])
    assert (status, content, headers["content-type"]) == (200, samples.PDF, "application/pdf")
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''Befund.pdf"
    assert list(objects()) == [
        object_store.kept_key(COMPANY, file["id"], store.get_file(COMPANY, file["id"]).contents[0].place)
    ]
    assert used() == len(samples.PDF)


def test_a_photograph_is_had_without_what_it_tells(aws: EmbeddedAws) -> None:
    content = samples.photo(orientation=samples.ON_ITS_SIDE)
    file = upload(content, "image/jpeg", name="arm.jpg")
    (version,) = file["versions"]
    assert (file["state"], version["processing"], version["width"], version["height"]) == ("ready", "done", 40, 60)
    assert {each["name"] for each in version["variants"]} == {"full.webp", "full.avif", "full.jpg"}
    for query in ({}, {"variant": "full.webp"}, {"variant": "full.avif"}):
        plain = had(file["id"], **query)
        assert not [word for word in (b"Exif", b"Secret", b"GPS", b"ICC_PROFILE") if word in plain], query
    assert had(file["id"], variant="original") == content
    assert download(file["id"]).json["name"] == "arm.jpg"
    assert download(file["id"], variant="full.avif").json["name"] == "arm.avif"
    assert download(file["id"], variant="tiny.webp").json["code"] == "variant_not_found"
    assert used() == len(content) + sum(each["size"] for each in version["variants"]) == sum(objects().values())


def test_an_image_is_not_had_before_its_metadata_are_gone(aws: EmbeddedAws) -> None:
    content = samples.photo()
    given = announce(content, "image/jpeg").json
    put(given, content)
    check(job_of(given["id"]), context())
    assert show(given["id"])["state"] == "processing"
    assert download(given["id"]).json["code"] == "file_not_ready"
    share = {"expires_at": (now() + timedelta(days=1)).isoformat()}
    assert call("POST", f"/api/files/{given['id']}/shares", caller=STAFF, body=share).json["code"] == "file_not_ready"
    drain()
    assert show(given["id"])["state"] == "ready"


LIES: list[tuple[bytes, str, str]] = [
    (samples.PAGE, "image/png", "not_accepted"),
    (samples.SVG, "image/png", "not_accepted"),
    (samples.SVG, "text/plain", "not_accepted"),
    (b"\xef\xbb\xbf  " + samples.PAGE, "text/plain", "not_accepted"),
    ("\ufeff<html>".encode("utf-16-le"), "text/csv", "not_accepted"),
    (samples.PDF, "image/jpeg", "kind_differs"),
    (samples.photo(), "application/pdf", "kind_differs"),
    (samples.archive(aDOTtxt=b"x"), "application/pdf", "not_accepted"),
    (samples.office("word/document.xml", word__vbaProjectDOTbin=b"x"), "application/pdf", "macros"),
    (samples.photo() + samples.archive(aDOTclass=b"x"), "image/jpeg", "two_kinds"),
    (samples.PDF.replace(b"1 0 obj", b"<script>alert(1)</script>"), "application/pdf", "two_kinds"),
    (b"GIF89a/*<script>" + samples.animation(), "image/gif", "two_kinds"),
    (samples.png()[:60], "image/png", "unreadable"),
    (samples.photo()[:-400], "image/jpeg", "unreadable"),
    (samples.lying_png(30_000, 30_000), "image/png", "bomb"),
    (samples.EICAR, "text/plain", "malware"),
    (samples.PDF + b"\n" * 1_048_500 + samples.EICAR, "application/pdf", "malware"),
    (b"MZ\x90\x00\x03" + bytes(100), "text/plain", "not_accepted"),
]


@pytest.mark.parametrize(("content", "content_type", "reason"), LIES)
def test_what_lies_is_refused_and_leaves_nothing(
    aws: EmbeddedAws, content: bytes, content_type: str, reason: str
) -> None:
    file = upload(content, content_type)
    assert (file["state"], file["refusal"], file["versions"]) == ("refused", reason, [])
    assert download(file["id"]).json["code"] == "file_refused"
    assert (objects(), used()) == ({}, 0)


def test_a_wrong_but_harmless_type_is_put_right(aws: EmbeddedAws) -> None:
    file = upload(samples.png(), "image/jpeg", name="arm.jpg.exe")
    assert (file["content_type"], file["name"]) == ("image/png", "arm.jpg.exe.png")
    table = upload(samples.office("xl/workbook.xml"), "text/csv", name="list")
    assert (table["kind"], table["name"]) == ("sheet", "list.xlsx")


@pytest.mark.parametrize(
    "wrong",
    [
        {"content_type": "text/html"},
        {"content_type": "image/svg+xml"},
        {"size": 0},
        {"size": 51 * 1024 * 1024},
        {"size": "3"},
        {"name": ""},
        {"name": "x" * 256},
        {"tags": ["a"] * 21},
        {"tags": [" "]},
        {"tags": ["\u202e"]},
        {"customer_id": "cus_none"},
        {"appointment_id": "apt_none"},
        {"customer_id": "a#b"},
    ],
)
def test_what_cannot_be_announced(aws: EmbeddedAws, wrong: dict[str, Any]) -> None:
    assert announce(b"abc", "image/png", **wrong).status == 422
    assert used() == 0


def test_a_link_takes_what_was_announced_once(aws: EmbeddedAws) -> None:
    content = samples.PDF
    given = announce(content, "application/pdf").json
    assert put(given, content + b"x") == 403
    assert put(given | {"headers": given["headers"] | {"Content-Type": "text/html"}}, content) == 403
    assert put(given | {"headers": {"Content-Type": "application/pdf"}}, content) == 403
    assert put(given | {"url": given["url"].replace(given["id"], "fil_other")}, content) == 403
    assert put(given | {"url": given["url"].replace("incoming", "files")}, content) == 403
    assert put(given, content) == 200
    assert put(given, content) == 412


def test_what_is_put_after_the_check_is_never_had(aws: EmbeddedAws) -> None:
    first, second = samples.PDF, samples.PDF.replace(b"1.7", b"1.4")
    given = announce(first, "application/pdf").json
    put(given, first)
    complete(given["id"])
    drain()
    assert put(given, second) == 200  # the place is free again, and nobody looks there
    assert complete(given["id"]).status == 200
    drain()
    assert had(given["id"]) == first
    tidy(TidyFile(company_id=COMPANY, file_id=given["id"]), context(timedelta(hours=1)))
    assert [key.split("/")[0] for key in objects()] == ["files"]


def test_what_is_replaced_between_two_looks_is_looked_at_again(
    aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, evil = samples.PDF, samples.SVG[: len(samples.PDF)].ljust(len(samples.PDF))
    given = announce(content, "application/pdf").json
    put(given, content)
    copy, others = object_store.copy, [evil]

    def replaced_first(source: str, seen: object_store.StoredObject, target: str) -> None:
        if others:  # a form may be sent again, over what lies there
            object_store.put(source, others.pop(), "application/pdf")
        copy(source, seen, target)

    monkeypatch.setattr(object_store, "copy", replaced_first)
    job = job_of(given["id"])
    with pytest.raises(Postpone):
        check(job, context())
    check(job, context())
    assert (show(given["id"])["state"], show(given["id"])["refusal"]) == ("refused", "not_accepted")
    tidy(TidyFile(company_id=COMPANY, file_id=given["id"]), context(timedelta(hours=1)))
    assert (objects(), used()) == ({}, 0)


def test_the_same_upload_looked_at_twice_at_once_is_one(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    content = samples.PDF
    given = announce(content, "application/pdf").json
    put(given, content)
    job = job_of(given["id"])
    read, others = object_store.read, [lambda: check(job, context())]

    def read_while_another_checks(key: str, into: Any) -> int:
        if others:
            others.pop()()
        return read(key, into)

    monkeypatch.setattr(object_store, "read", read_while_another_checks)
    check(job, context())
    assert had(given["id"]) == content
    assert len(objects()) == 1
    assert used() == len(content)


def test_versions_follow_each_other(aws: EmbeddedAws) -> None:
    file = upload(samples.CSV, "text/csv", name="list.csv")
    second = samples.CSV + b"Eva;1\n"
    body = {"name": "list.csv", "content_type": "text/csv", "size": len(second)}
    given = call("POST", f"/api/files/{file['id']}/versions", caller=STAFF, body=body).json
    assert (given["file"]["state"], given["file"]["uploading"]) == ("ready", True)
    assert had(file["id"]) == samples.CSV
    put(given, second)
    complete(file["id"])
    drain()
    assert had(file["id"]) == second
    assert had(file["id"], version="1") == samples.CSV
    assert download(file["id"], version="3").json["code"] == "version_not_found"
    body["size"] = len(samples.EICAR)
    third = call("POST", f"/api/files/{file['id']}/versions", caller=STAFF, body=body).json
    assert put(third, samples.EICAR) == 200
    complete(file["id"])
    drain()
    shown = show(file["id"])
    assert (shown["state"], shown["refusal"], len(shown["versions"])) == ("ready", "malware", 2)
    assert had(file["id"]) == second
    assert used() == len(samples.CSV) + len(second)


def test_files_are_found_by_whom_they_belong_to_and_what_they_are(aws: EmbeddedAws) -> None:
    ada, bob = customer(), customer("+493055501002")
    mine = upload(samples.PDF, "application/pdf", customer_id=ada, tags=["lab"])["id"]
    image = upload(samples.png(), "image/png", customer_id=ada)["id"]
    theirs = upload(samples.CSV, "text/csv", customer_id=bob)["id"]

    def found(**query: str) -> list[str]:
        answer = call("GET", "/api/files", caller=STAFF, query=query)
        assert answer.status == 200, answer
        return [each["id"] for each in answer.json["data"]]

    assert found(limit="50") == [theirs, image, mine]
    assert found(customer_id=ada) == [image, mine]
    assert found(customer_id=ada, kind="document") == found(tag="lab") == [mine]
    assert found(since="2020-01-01T00:00:00Z", until="2021-01-01T00:00:00Z") == []
    assert found(since=(now() - timedelta(hours=1)).isoformat()) == [theirs, image, mine]
    first = call("GET", "/api/files", caller=STAFF, query={"limit": "2"}).json
    assert [each["id"] for each in first["data"]] == [theirs, image]
    assert found(cursor=first["next_cursor"]) == [mine]
    assert call("GET", "/api/files", caller=OTHER).json["data"] == []
    change = {"customer_id": bob, "name": "../../x\u202egpj.exe", "tags": []}
    changed = call("PATCH", f"/api/files/{mine}", caller=STAFF, body=change).json
    assert (changed["customer_id"], changed["name"], changed["tags"]) == (bob, "x gpj.exe.pdf", [])
    assert (found(customer_id=ada), found(tag="lab")) == ([image], [])
    stale = call("PATCH", f"/api/files/{mine}", caller=STAFF, body={"name": "y", "version": 1})
    assert stale.json["code"] == "stale_version"


def test_a_deleted_file_comes_back_and_after_thirty_days_does_not(aws: EmbeddedAws) -> None:
    file_id = upload(samples.PDF, "application/pdf")["id"]
    path = f"/api/files/{file_id}"
    for _ in range(2):
        assert call("DELETE", path, caller=STAFF).status == 204
        assert call("DELETE", path, caller=STAFF).status == 404
        assert download(file_id).status == 404
        assert call("GET", "/api/files", caller=STAFF).json["data"] == []
        (deleted,) = call("GET", "/api/files", caller=STAFF, query={"deleted": "true"}).json["data"]
        assert deleted["id"] == file_id
        assert call("POST", f"{path}/restore", caller=STAFF).json["deleted_at"] is None
    assert had(file_id) == samples.PDF
    assert call("DELETE", path, caller=STAFF).status == 204
    job = TidyFile(company_id=COMPANY, file_id=file_id)
    tidy(job, context(timedelta(days=29)))
    assert objects()
    for _ in range(2):
        tidy(job, context(timedelta(days=30, minutes=1)))
        assert (objects(), used()) == ({}, 0)
    assert call("POST", f"{path}/restore", caller=STAFF).status == 404


def test_an_upload_that_never_came_is_forgotten(aws: EmbeddedAws) -> None:
    given = announce(samples.PDF, "application/pdf").json
    job = TidyFile(company_id=COMPANY, file_id=given["id"])
    tidy(job, context(timedelta(minutes=20)))
    assert show(given["id"])["state"] == "waiting"
    tidy(job, context(timedelta(minutes=26)))
    assert call("GET", f"/api/files/{given['id']}", caller=STAFF).status == 404
    assert used() == 0


def test_an_upload_that_nobody_told_of_is_taken(aws: EmbeddedAws) -> None:
    given = announce(samples.PDF, "application/pdf").json
    put(given, samples.PDF)
    tidy(TidyFile(company_id=COMPANY, file_id=given["id"]), context(timedelta(minutes=26)))
    drain()
    assert had(given["id"]) == samples.PDF


def test_no_company_stores_more_than_its_share(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOT_FILES_CAP_GB", str(2.5 * len(samples.PDF) / 1024**3))
    settings.cache_clear()
    first = announce(samples.PDF, "application/pdf")
    assert [first.status, announce(samples.PDF, "application/pdf").status] == [201, 201]
    full = announce(samples.PDF, "application/pdf")
    assert (full.status, full.json["code"]) == (409, "storage_full")
    assert announce(samples.PDF, "application/pdf", Caller("com_other")).status == 201
    assert used() == 2 * len(samples.PDF)


def test_another_company_finds_nothing(aws: EmbeddedAws) -> None:
    file_id = upload(samples.PDF, "application/pdf")["id"]
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"name": "x"}),
        ("DELETE", "", None),
        ("GET", "/download", None),
        ("POST", "/complete", None),
        ("POST", "/restore", None),
        ("GET", "/shares", None),
    ):
        refused = call(method, f"/api/files/{file_id}{path}", caller=OTHER, body=body)
        assert (refused.status, refused.json["code"]) == (404, "file_not_found"), path
    url = download(file_id).json["url"]
    assert get(url.replace(COMPANY, "com_other"))[0] == 403
    assert get(url.replace("X-Amz-Expires=900", "X-Amz-Expires=90000"))[0] == 403


def test_a_scanner_may_be_put_in_its_place(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOT_FILES_SCANNER", "tests.files.test_uploads:find_everything")
    settings.cache_clear()
    assert upload(samples.PDF, "application/pdf")["refusal"] == "malware"


def find_everything(content: Any) -> str:
    """A scanner that trusts nobody."""
    return "Everything" if content.read(1) else ""
