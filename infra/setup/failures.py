"""What the lines of uv and pip mean for the person who wanted to set up, and what to do next."""

import re
from dataclasses import dataclass

NOT_OFFERED = (
    re.compile(r"you require ([\w.-]+)==([^\s,]+)"),  # uv
    re.compile(r"No matching distribution found for ([\w.-]+)==(\S+)"),  # pip
)
NO_FILE = "has no wheels"
DIFFERENT = (
    re.compile(r"Hash mismatch for `([\w.-]+)==([^`]+)`"),
    re.compile(r"\n    ([\w.-]+)==(\S+) from [^\n]*:\n +Expected sha256"),
)
UNREACHABLE = (
    *("error sending request", "dns error", "Connection refused", "connection broken", "operation timed out"),
    *("Read timed out", "Temporary failure in name resolution"),
)
CERTIFICATE = ("invalid peer certificate", "CERTIFICATE_VERIFY_FAILED", "certificate verify failed")
FULL = "No space left on device"


@dataclass(frozen=True)
class Failure:
    """What to tell. `missing`: the name of the pinned package that is not to be had, if it is that."""

    message: str
    missing: str = ""


def explain(output: str, requirements: str) -> Failure:
    """A sentence or two about what an installer printed before it failed on this file."""
    unfolded = " ".join(output.split())  # uv folds its sentences to the width of a terminal
    for phrases, message in _SITUATIONS:
        if any(phrase in unfolded for phrase in phrases):
            return Failure(message)
    for pattern in DIFFERENT:
        if found := pattern.search(output):
            return Failure(
                f"What is offered as {found[1]} {found[2]} is not the file that {requirements} pins by its hash, and "
                f"was not installed: a mirror may have built it anew. {_OTHER_INDEX}"
            )
    for pattern in NOT_OFFERED:
        if found := pattern.search(unfolded):
            return Failure(_not_offered(found[1], found[2], requirements, NO_FILE in unfolded), found[1])
    return Failure(f"The packages of {requirements} could not be installed; the lines above say why.")


def _not_offered(name: str, version: str, requirements: str, only_here: bool) -> str:
    where = "for this Python on this kind of machine" if only_here else "by the package index"
    return (
        f"{name} {version}, which {requirements} pins, is not offered {where}. Bring this checkout up to date "
        f"(`git pull`). If that changes nothing: {_OTHER_INDEX} Or pin another version: "
        f"`make requirements UPGRADE='--upgrade-package {name}'`."
    )


_OTHER_INDEX = "Use another index: `pip config set global.index-url https://…`."
_SITUATIONS = (
    (
        CERTIFICATE,
        "The package index's certificate is not trusted. If your network has certificates of its own, say where: "
        "`pip config set global.cert /path/to/certificates.pem`.",
    ),
    (
        UNREACHABLE,
        "The package index cannot be reached. Check the network; if it has a mirror or a proxy, say so: "
        "`pip config set global.index-url https://…` or `pip config set global.proxy http://…`.",
    ),
    ((FULL,), "The disk is full. Make room (all environments take some 700 MB) and run the same command again."),
)
