"""Which REST API serves which path: said here alone; APIs, alarms and the distribution's behaviors follow from it."""

FRONT = "front"
"""Serves what no prefix below names, so also every path outside `/api/`: the distribution's default."""
_LETTERS = {"a-e": "abcde", "f-o": "fghilmno", "p-t": "prst"}
PREFIXES: dict[str, str] = {f"/api/{letter}": api for api, letters in _LETTERS.items() for letter in letters}
"""Beginnings of paths with their APIs; the first that fits decides, as it does at CloudFront.

A path alone decides, never what other routes there are. Nothing that has routes moves to another API: its requests
would find no route while a deployment is under way. When an API is full, a collection that has no routes yet gets an
entry of its own before its letter's.
"""
APIS = (FRONT, *_LETTERS)


class Undecided(ValueError):
    """A route whose parameter stands where the API is decided: requests for it would go to several."""


def api_of(path: str) -> str:
    """The API that serves a route's path, such as `/api/staff/{staff_id}`. Raises Undecided."""
    literal = path.partition("{")[0]
    for prefix, api in PREFIXES.items():
        if literal.startswith(prefix):
            return api
        if literal != path and prefix.startswith(literal):
            raise Undecided(f"{path}: a parameter stands where its API is decided; begin it with a name")
    return FRONT
