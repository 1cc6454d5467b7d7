"""Pages for people without a token: getting a file that was shared, uploading files that were asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from chalice.app import Response

from chalicelib.core import html
from chalicelib.core.clock import now
from chalicelib.core.endpoints import PUBLIC
from chalicelib.core.errors import Conflict, DomainError, Forbidden, NotFound
from chalicelib.core.function import Function
from chalicelib.core.needs import Needs
from chalicelib.core.requests import Request
from chalicelib.core.unit import Unit
from chalicelib.files import page_words
from functions.public.visits import count

if TYPE_CHECKING:
    from chalicelib.files.answer_request import Form
    from chalicelib.files.file_request import FileRequest

function = Function(__name__)
PAGES = Path(page_words.__file__).with_name("pages")
LONGEST_FORM = 2000
"""Bytes of a page's own forms: a button or a password."""
LIMITED = "too_many_requests 429"
SHARE_READS, REQUEST_READS = ("files", "directory", "identity"), ("identity", "directory")


@function.route(
    "GET",
    "/public/shares/{token}",
    ability=PUBLIC,
    needs=Needs(reads=SHARE_READS, updates=("guards",)),
    errors=("share_not_found 404", LIMITED),
)
def show_share_page(request: Request, token: str) -> Response:
    """What a link leads to, with a button; nothing is counted, so that a preview of the link takes nothing away."""
    count(request)
    return _said(request, lambda: _share(request, token))


@function.route(
    "POST",
    "/public/shares/{token}",
    ability=PUBLIC,
    idempotent=False,
    needs=Needs(reads=("identity", "directory"), writes=("files",), downloads=("files",)),
    errors=("share_not_found 404", "wrong_password 403", "file_not_ready 409", LIMITED),
)
def open_share_page(request: Request, token: str) -> Response:
    """Count a download and go on to the file, by a link that lives for a minute."""
    from chalicelib.files.share_file import open_share

    count(request)

    def opened() -> Response:
        password = _form(request).get("password", "")
        try:
            found = open_share(lambda company_id: _unit(request, company_id), token, password, now)
        except Forbidden:
            if not html.wants_page(request):
                raise
            return _share(request, token, wrong=True)
        return html.redirect(found.url)

    return _said(request, opened)


@function.route(
    "GET",
    "/public/file-requests/{token}",
    ability=PUBLIC,
    needs=Needs(reads=("files", *REQUEST_READS), updates=("guards",)),
    errors=("file_request_not_found 404", LIMITED),
)
def show_request_page(request: Request, token: str) -> Response:
    """What is asked for, what is here already, and a button to add a file."""
    from chalicelib.files import request_link

    count(request)
    return _said(request, lambda: _request(request, token, request_link.find(token, now)))


@function.route(
    "POST",
    "/public/file-requests/{token}",
    ability=PUBLIC,
    idempotent=False,
    needs=Needs(reads=REQUEST_READS, writes=("files",), uploads=("incoming",), downloads=("incoming",)),
    errors=(
        "file_request_not_found 404", "file_request_over 409", "enough_files 409", "storage_full 409", "no_files 409",
        LIMITED,
    ),
)  # fmt: skip
def add_to_request(request: Request, token: str) -> Response:
    """A form for one more file, which goes straight to the bucket; or, with `do=finish`, that this was all."""
    from chalicelib.files import answer_request

    count(request)

    def added() -> Response:
        new_unit: Callable[[str], Unit] = lambda company_id: _unit(request, company_id)  # noqa: E731
        if _form(request).get("do") == "finish":
            return _request(request, token, answer_request.finish(new_unit, token, now))
        form = answer_request.new_form(new_unit, token, now)
        return _request(request, token, form.request, form)

    return _said(request, added)


@function.route(
    "GET",
    "/public/file-requests/{token}/uploaded",
    ability=PUBLIC,
    needs=Needs(reads=REQUEST_READS, writes=("files",), downloads=("incoming",)),
    errors=("file_request_not_found 404", "file_not_found 404", LIMITED),
)
def return_from_upload(request: Request, token: str) -> Response:
    """Where the bucket sends the browser on to: what it has brought is looked at."""
    from chalicelib.files.answer_request import uploaded
    from chalicelib.files.request_link import page_url

    count(request)
    # The bucket adds parameters of its own, so these are no model.
    file_id = (request.query.get("file") or [""])[0]

    def returned() -> Response:
        uploaded(lambda company_id: _unit(request, company_id), token, file_id[:100].replace("#", ""), now)
        return html.redirect(page_url(token))

    return _said(request, returned)


def _said(request: Request, answer: Callable[[], Response]) -> Response:
    """The answer; of what was refused a page, where a browser asks."""
    try:
        return answer()
    except DomainError as error:
        if not html.wants_page(request):
            raise
        lang = html.language_of(request)
        words = page_words.words_of(lang)
        title = words["nothing"] if isinstance(error, NotFound) else words["not_now"]
        text = "" if isinstance(error, NotFound) else error.detail if isinstance(error, Conflict) else ""
        return html.page(PAGES / "message.html", {"lang": lang, "title": title, "text": text}, status=error.status)


def _share(request: Request, token: str, *, wrong: bool = False) -> Response:
    from chalicelib.files.download import largest
    from chalicelib.files.share_file import look

    file, share = look(token, now)
    lang, company = html.language_of(request), _company(share.company_id)
    words = page_words.words_of(lang, company=company, until=page_words.time_text(share.expires_at))
    name, size = largest(file)
    values = {
        "lang": lang, "title": company, "words": words, "name": name, "size": page_words.size_text(size),
        "has_password": share.password_hash is not None, "wrong": wrong,
    }  # fmt: skip
    # A browser that is sent on from a form to the bucket asks whether the form may go there.
    return html.page(PAGES / "share.html", values, status=403 if wrong else 200, forms_to=_bucket())


def _request(request: Request, token: str, asked: "FileRequest", form: "Form | None" = None) -> Response:
    from chalicelib.files.answer_request import files_of

    lang = html.language_of(request)
    words = page_words.words_of(
        lang,
        company=_company(asked.company_id),
        until=page_words.time_text(asked.expires_at),
        size=page_words.size_text(form.most_bytes) if form else "",
    )
    files = [
        {"name": each.name, "state": words[each.state].replace("{reason}", each.refusal)}
        for each in reversed(files_of(asked))
        if each.state != "waiting"
    ]
    values = {
        "lang": lang, "title": asked.title, "message": asked.message, "words": words, "files": files,
        "form": {"url": form.url, "fields": form.fields} if form else None, "open": asked.is_open(now()),
    }  # fmt: skip
    return html.page(PAGES / "request.html", values, forms_to=_bucket() if form else "")


def _bucket() -> str:
    from chalicelib.files.object_store import form_origin

    return form_origin()


def _company(company_id: str) -> str:
    from chalicelib.identity.store import find_company

    found = find_company(company_id)
    return found.name if found else ""


def _form(request: Request) -> dict[str, str]:
    text = request.raw[:LONGEST_FORM].decode("utf-8", "replace")
    try:
        return {name: values[0] for name, values in parse_qs(text, max_num_fields=10).items()}
    except ValueError:  # more fields than any form of ours has
        return {}


def _unit(request: Request, company_id: str) -> Unit:
    return request.unit(company_id=company_id)
