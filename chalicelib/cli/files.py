"""`pilot files`: putting files where a client would put them, looking at them, getting them back."""

import mimetypes
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
import requests

from chalicelib.cli.company import company_option, named_or_only
from chalicelib.cli.output import Failed, console, note, print_json, print_table
from chalicelib.cli.queues import OPERATOR
from chalicelib.cli.stage import Stage, on_stage
from chalicelib.core.clock import now
from chalicelib.core.errors import DomainError
from chalicelib.core.unit import Unit
from chalicelib.files import store
from chalicelib.files.announce import Belongs, NewUpload, announce
from chalicelib.files.complete import complete
from chalicelib.files.download import link
from chalicelib.files.file import File
from chalicelib.files.store import FileFilter

COLUMNS = {
    "id": "File", "name": "Name", "state": "State", "kind": "Kind", "bytes": "Bytes", "copies": "Copies",
    "customer": "Customer", "appointment": "Appointment", "refusal": "Refused for", "created": "Created",
}  # fmt: skip
LOOK_EVERY_SECONDS = 0.5
PATIENCE_SECONDS = 120.0
TIMEOUT_SECONDS = 60
CHUNK = 1024 * 1024
pause: Callable[[float], None] = time.sleep


@click.group()
def files() -> None:
    """Files of a company."""


@files.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@company_option
@click.option("--customer", help="The customer's id.")
@click.option("--appointment", help="The appointment's id.")
@on_stage
def put(stage: Stage, path: Path, company: str | None, customer: str | None, appointment: str | None) -> None:
    """Upload PATH as a client does: announced, put by the signed link, told of; then wait for what is said of it."""
    stage.connect()
    company_id = named_or_only(company)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    new = NewUpload(path.name, kind, path.stat().st_size)
    belongs = Belongs(customer_id=customer, appointment_id=appointment)
    try:
        announced = announce(partial(Unit, company_id, OPERATOR), new, belongs, now)
        with path.open("rb") as content:
            answer = requests.put(announced.url, data=content, headers=announced.headers, timeout=TIMEOUT_SECONDS)
        if not answer.ok:
            raise Failed(f"The bucket refused it: {answer.status_code} {answer.text[:300]}")
        complete(partial(Unit, company_id, OPERATOR), company_id, announced.file.id, now)
        file = _settled(company_id, announced.file.id)
    except DomainError as error:
        raise Failed(error.detail) from None
    _print(stage, [file])
    if file.state == "refused":
        raise Failed(f"It was not taken: {file.refusal}.")


@files.command()
@click.argument("file_id")
@company_option
@click.option("--variant", default="", help="original, or a copy by its name; the largest without metadata otherwise.")
@click.option("--to", "target", type=click.Path(path_type=Path), help="Where to put it; under its own name otherwise.")
@on_stage
def get(stage: Stage, file_id: str, company: str | None, variant: str, target: Path | None) -> None:
    """Get FILE_ID by a signed link."""
    stage.connect()
    company_id = named_or_only(company)
    try:
        found = link(store.get_file(company_id, file_id), variant)
    except DomainError as error:
        raise Failed(error.detail) from None
    target = target or Path(found.name)
    if target.exists():
        raise Failed(f"{target} is there already: name another place with --to.")
    with requests.get(found.url, stream=True, timeout=TIMEOUT_SECONDS) as answer:
        answer.raise_for_status()
        with target.open("wb") as written:
            for chunk in answer.iter_content(CHUNK):
                written.write(chunk)
    if stage.as_json:
        print_json({"path": str(target), "bytes": target.stat().st_size, "content_type": found.content_type})
    else:
        console.print(f"{target} ({found.content_type}, {target.stat().st_size} bytes)")


@files.command("list")
@company_option
@click.option("--customer", help="Only this customer's.")
@click.option("--deleted", is_flag=True, help="Those that were deleted and can be brought back.")
@click.option("--limit", type=click.IntRange(1, 100), default=50)
@on_stage
def list_files(stage: Stage, company: str | None, customer: str | None, deleted: bool, limit: int) -> None:
    """Files of a company, the newest first."""
    stage.connect()
    company_id = named_or_only(company)
    which = FileFilter(company_id=company_id, customer_id=customer, deleted=deleted)
    found = store.page_files(which, limit, None)
    _print(stage, found.data)
    if not stage.as_json:
        kept = store.storage(company_id)
        note(f"{kept.used:,} of {kept.cap:,} bytes are stored." + (" There are more." if found.next_cursor else ""))


def _settled(company: str, file_id: str) -> File:
    """The file once the workers have said what they have to say of it, or as it is after two minutes."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        file = store.get_file(company, file_id)
        busy = file.upload is not None or any(each.processing == "waiting" for each in file.contents)
        if not busy or time.monotonic() > deadline:
            return file
        pause(LOOK_EVERY_SECONDS)


def _print(stage: Stage, found: list[File]) -> None:
    print_table([_row(each) for each in found], COLUMNS, as_json=stage.as_json, empty="No files.")


def _row(file: File) -> dict[str, Any]:
    newest = file.contents[-1] if file.contents else None
    return {
        "id": file.id,
        "name": file.name,
        "state": file.state,
        "kind": newest.content_type if newest else None,
        "bytes": newest.size if newest else None,
        "copies": " ".join(variant.name for variant in newest.variants) if newest else "",
        "customer": file.customer_id,
        "appointment": file.appointment_id,
        "refusal": file.refusal,
        "created": file.created_at.isoformat(timespec="seconds"),
    }
