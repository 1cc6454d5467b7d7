"""What MiniStack's services hold, as files: the same JSON that it saves itself at a stop, made by the fast encoder."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack import app
from ministack.core import persistence

from infra.local.emulator.files import write
from infra.local.emulator.generations import Unreadable

FORMAT, PAYLOAD = "__ministack_format__", "payload"
CODE = "code"
"""The folder of the Lambdas' zips, beside the services' files."""
LARGE = ("dynamodb", "sqs")
"""Modules that copy all they have before they hand it out, and change nothing of it."""


def collect(folder: Path) -> None:
    """Write a file for each service that is in use. For a forked child alone: it changes what it has collected."""
    _keep_code_in(folder)
    for module in filter(None, (sys.modules.get(f"ministack.services.{name}") for name in LARGE)):
        module.copy = SimpleNamespace(deepcopy=lambda each: each)  # type: ignore[attr-defined]  # a fork is a copy
    for name, state_of in app._build_persistence_save_dict().items():
        state = state_of()
        if state is None:  # a module that could not be imported
            continue
        text = json.dumps(
            {FORMAT: persistence._state_format_version(name), PAYLOAD: state}, default=persistence._json_default
        )
        write(folder / f"{name}.json", text.encode())


def restore(folder: Path) -> None:
    """Let every service hold what `collect` wrote. Raises Unreadable for a file that MiniStack does not understand."""
    modules = app._state_map
    for file in sorted(folder.glob("*.json")):
        if file.stem not in modules:
            raise Unreadable(file, "is of a service that this MiniStack does not have")
        state = _payload(file)
        if file.stem == "lambda":
            app._get_module(modules[file.stem])
            _keep_code_in(folder)
        if state:
            try:
                app._get_module(modules[file.stem]).load_persisted_state(state)
            except Exception as error:
                raise Unreadable(file, f"is not understood by MiniStack ({type(error).__name__}: {error})") from error


def _payload(file: Path) -> Any:
    try:
        wrapped = json.loads(file.read_bytes(), object_hook=persistence._json_object_hook)
        version, payload = wrapped[FORMAT], wrapped[PAYLOAD]
    except (ValueError, KeyError, TypeError):
        raise Unreadable(file, "is not what was written") from None
    if version > persistence._state_format_version(file.stem):
        raise Unreadable(file, "was written by a newer MiniStack")
    return payload


def _keep_code_in(folder: Path) -> None:
    module = sys.modules.get("ministack.services.lambda_svc")
    if module is not None:
        # So that a generation has the code of its own functions, and pruning touches no other's.
        module.CODE_BLOB_DIR = str(folder / CODE)  # type: ignore[attr-defined]
