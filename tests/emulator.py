"""MiniStack as the tests run it: an account made ready once is copied to others, and a package is unpacked once."""

# Runs on the interpreter of MiniStack's own environment: nothing of the house can be imported here.

import hashlib
import json
import pickle
import re
import sys
import tempfile
import threading
import zipfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from ministack import app as ministack
from ministack.core import lambda_runtime
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict
from ministack.services import dynamodb

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

PATH = re.compile(r"/_test/accounts/(\d{12})/(forget|rows|keep/(\d+)|become/(\d+))")
_serve = ministack.app
_kept: dict[int, tuple[str, bytes]] = {}


def _stores() -> Iterator[tuple[str, str, dict[tuple[Any, ...], Any]]]:
    # Whatever services keep, they keep in these dictionaries, under keys that begin with the account.
    for module in [name for name in sys.modules if name.startswith("ministack.services.")]:
        for name, value in list(vars(sys.modules[module]).items()):
            if isinstance(value, AccountScopedDict | AccountRegionScopedDict):
                yield module, name, value._data


def _keep(account: str, number: int) -> None:
    """Keep the account as it stands under that number."""
    state = {
        (module, name): mine
        for module, name, store in _stores()
        if (mine := {key: value for key, value in store.items() if key[0] == account})
    }
    _kept[number] = account, pickle.dumps(state)


def _become(account: str, number: int) -> None:
    """Give the account what was kept of another; names and ARNs say the account, which is as long as any other."""
    other, kept = _kept[number]
    state = pickle.loads(kept.replace(other.encode(), account.encode()))
    for (module, name), mine in state.items():
        getattr(sys.modules[module], name)._data.update(mine)


def _rows(account: str) -> dict[str, list[Any]]:
    """Every item of every table in the account."""
    return {
        key[-1]: [item for items in list(table["items"].values()) for item in list(items.values())]
        for key, table in list(dynamodb._tables._data.items())
        if key[0] == account
    }


def _forget(account: str) -> None:
    """Take away everything of the account: the more there is, the longer a listing takes."""
    for _, _, store in _stores():
        for key in [key for key in store if key[0] == account]:
            del store[key]


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    """MiniStack's application, with the calls on accounts before it."""
    call = PATH.fullmatch(scope.get("path", "")) if scope["type"] == "http" else None
    if call is None:
        await _serve(scope, receive, send)
        return
    account, act, keep, become = call.groups()
    answer: Any = None
    if keep:
        _keep(account, int(keep))
    elif become:
        _become(account, int(become))
    elif act == "forget":
        _forget(account)
    else:
        answer = _rows(account)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


class UnpackedOnce(zipfile.ZipFile):
    """Every Lambda of a stage has the same package: it is unpacked once, and they all run in that folder."""

    one_at_a_time = threading.Lock()

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        content = Path(str(self.filename)).read_bytes()
        place = Path(tempfile.gettempdir(), hashlib.sha256(content).hexdigest())
        with self.one_at_a_time:
            if not place.exists():
                super().extractall(place, members, pwd)
        Path(path).rmdir()
        Path(path).symlink_to(place)


if __name__ == "__main__":
    lambda_runtime.zipfile.ZipFile = UnpackedOnce
    ministack.app = serve
    ministack.main()
