"""A simulator's state on disk: all of it or as it was before, and never written over what could not be read."""

import os
from pathlib import Path
from typing import Any

import msgspec


class StateUnreadable(Exception):
    """There is a file, and it is not a state; the message names it and what to do."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(
            f"{file} cannot be read ({why}). It holds what the simulated {file.stem} knows, and nothing of it has been "
            "changed. Put the file back from a copy, or move it away: then that simulator begins without its past."
        )


class StateFile:
    """Keeps the state of one simulator. `None` keeps nothing."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._written = b""

    @property
    def in_use(self) -> bool:
        """Whether anything is kept."""
        return self._file is not None

    def read(self) -> Any:
        """The state, None when there is none yet; raises StateUnreadable."""
        if self._file is None or not self._file.exists():
            return None
        try:
            found = self._file.read_bytes()
            state = msgspec.json.decode(found)
        except (OSError, msgspec.MsgspecError) as error:
            raise StateUnreadable(self._file, str(error)) from None
        if not isinstance(state, dict):
            raise StateUnreadable(self._file, "it is not an object")
        self._written = found
        return state

    def misfit(self, error: Exception) -> StateUnreadable:
        """What to raise when the state is none of the simulator's."""
        assert self._file is not None
        return StateUnreadable(self._file, f"{type(error).__name__}: {error}")

    def write(self, state: Any) -> None:
        """Keep the state if it differs from what is kept; raises OSError, and then the file is as it was."""
        encoded = msgspec.json.encode(state)
        if self._file is None or encoded == self._written:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        new = self._file.with_name(f"{self._file.name}.new")
        with open(new, "wb") as opened:
            opened.write(encoded)
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(self._file)
        self._written = encoded
