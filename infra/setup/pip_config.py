"""uv reads no pip configuration: what `pip config list` says, said again as settings of uv."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

SECTIONS = ("global", "install", ":env:")
"""Those that `pip install` reads, each overruled by the next."""
PLAIN = {
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "index-url": "UV_DEFAULT_INDEX",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
}
SEVERAL = {"extra-index-url": "UV_INDEX", "trusted-host": "UV_INSECURE_HOST"}
YES = ("1", "true", "yes", "on")


@dataclass(frozen=True)
class UvSettings:
    """Variables for uv's environment, and flags for its commands."""

    variables: dict[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()


def translate(listed: str, environ: Mapping[str, str], *, own_index_only: bool = False) -> UvSettings:
    """What uv is to be told, by the output of `pip config list`; settings of uv itself in `environ` stay as they are.

    `own_index_only`: leave out what one machine has beside the index, so that nothing of it gets into a lock.
    """
    said = _said(listed)
    found = {variable: said[name] for name, variable in PLAIN.items() if name in said}
    if own_index_only:
        said = {name: value for name, value in said.items() if name not in ("extra-index-url", "find-links")}
    found |= {variable: " ".join(said[name].split()) for name, variable in SEVERAL.items() if name in said}
    if "UV_INDEX" in found:
        # As pip does it; by itself uv never asks a second index for a package that the first one knows.
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    links = [link for link in said.get("find-links", "").split() if _exists(link)]
    if links:
        found["UV_FIND_LINKS"] = ",".join(links)
    if "proxy" in said:
        proxy = said["proxy"] if "://" in said["proxy"] else f"http://{said['proxy']}"
        found |= {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy}
    if "SSL_CERT_FILE" not in found | dict(environ):
        found["UV_SYSTEM_CERTS"] = "1"
    kept = {name: value for name, value in found.items() if not (name.startswith("UV_") and environ.get(name))}
    no_index = said.get("no-index", "").lower() in YES
    return UvSettings(kept, ("--no-index",) if no_index else ())


def _said(listed: str) -> dict[str, str]:
    by_section: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if section in by_section and value:
            # Printed as Python writes a text.
            by_section[section][name] = str(ast.literal_eval(value)).strip()
    return {name: value for section in SECTIONS for name, value in by_section[section].items() if value}


def _exists(link: str) -> bool:
    """Whether uv can read it; pip passes over a folder that is not there, uv fails."""
    parts = urlsplit(link)
    if parts.scheme in ("http", "https"):
        return True
    return Path(unquote(parts.path) if parts.scheme == "file" else link).expanduser().exists()
