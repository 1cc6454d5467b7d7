"""Small pages for people without a token: server-rendered, without script, the same protections on each."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from chalice.app import Response

from chalicelib.core.requests import Request

LANGUAGES = ("en", "de", "it", "vi")
_PROTECTED: dict[str, str | list[str]] = {
    "Content-Type": "text/html; charset=utf-8",
    # A page's address is a secret: it is kept in no cache, told to no other site, and found by no search engine.
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def page(template: Path, values: Mapping[str, Any], *, status: int = 200, forms_to: str = "") -> Response:
    """A page made of a Jinja2 template; all of `values` is escaped. `forms_to`: another place forms may go to."""
    # Nothing but the page's own style and its forms; whatever slipped into it would not run.
    targets = f"'self' {forms_to}".strip()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; form-action {targets}; base-uri 'none'"
    headers = {**_PROTECTED, "Content-Security-Policy": f"{policy}; frame-ancestors 'none'"}
    return Response(body=_template(template).render(values), status_code=status, headers=headers)


def redirect(url: str) -> Response:
    """Go on there, with GET."""
    headers: dict[str, str | list[str]] = {
        "Location": url, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"
    }  # fmt: skip
    return Response(body="", status_code=303, headers=headers)


def wants_page(request: Request) -> bool:
    """Whether a browser asks, which is shown a page also of what went wrong."""
    return "text/html" in (request.header("accept") or "")


def language_of(request: Request) -> str:
    """The first language that the browser asks for and pages are written in; English otherwise."""
    for part in (request.header("accept-language") or "")[:200].split(","):
        found = part.partition(";")[0].strip().lower()[:2]
        if found in LANGUAGES:
            return found
    return LANGUAGES[0]


@cache
def _template(path: Path) -> Any:
    # Imported here: only pages need it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, loader=FileSystemLoader(path.parent))
    return environment.get_template(path.name)
