"""The embedded AWS: starts and stops a MiniStack process in an environment of its own."""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infra.local.processes import die_with_parent

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / ".local" / "ministack-venv" / "bin" / "ministack"
STOP_SECONDS = 20


class PortTaken(RuntimeError):
    """Something else listens there already."""


class NotInstalled(RuntimeError):
    """`make setup` has not been run."""


@dataclass
class MiniStack:
    """A running MiniStack. `stop` is graceful where it was given a place for its state, so that it is kept."""

    url: str
    process: subprocess.Popen[bytes]
    scratch: Path
    keeps: bool = True

    def stop(self) -> None:
        """End it and wait; then remove what it left in its scratch folder."""
        if self.process.poll() is None and self.keeps:
            self.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS)
        # The Lambdas that it runs are of its process group; with them alive it would take twenty seconds and more.
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.scratch, ignore_errors=True)


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program() -> Path:
    """The MiniStack executable; raises NotInstalled."""
    if not PROGRAM.exists():
        raise NotInstalled(f"MiniStack is not installed at {PROGRAM}: run `make setup`.")
    return PROGRAM


def start(
    port: int = 0,
    data_dir: Path | None = None,
    *,
    auth: bool = False,
    log: Path | None = None,
    launcher: Path | None = None,
) -> MiniStack:
    """Start it on 127.0.0.1 and wait until it answers. With `data_dir` its state survives a graceful stop.

    `launcher` is a script that starts it on the interpreter of its environment, with something added.
    Raises PortTaken, NotInstalled, or RuntimeError with its last words when it does not come up.
    """
    port = port or free_port()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise PortTaken(f"Port {port} is taken, and the embedded AWS wants it.") from None
    # A folder of its own: MiniStack leaves some 48 MB per deployed Lambda behind in TMPDIR.
    scratch = ROOT / ".local" / f"ministack-tmp-{port}"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    output = open(log, "ab") if log else subprocess.DEVNULL  # noqa: SIM115 - handed to the process
    command = [program().with_name("python"), launcher] if launcher else [program()]
    process = subprocess.Popen(
        command,
        env=_environment(port, data_dir, scratch, auth),
        stdout=output,
        stderr=output,
        cwd=scratch,
        start_new_session=True,
        preexec_fn=die_with_parent,
    )
    if log:
        output.close()  # type: ignore[union-attr]
    running = MiniStack(f"http://127.0.0.1:{port}", process, scratch, keeps=data_dir is not None)
    try:
        _wait(running)
    except BaseException:  # a stop asked for meanwhile, too
        running.stop()
        raise
    return running


def _environment(port: int, data_dir: Path | None, scratch: Path, auth: bool) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PILOT_", "PYTHON"))}
    state = {}
    if data_dir:
        data_dir.mkdir(parents=True, exist_ok=True)
        state = {
            "PERSIST_STATE": "1",
            "S3_PERSIST": "1",
            "STATE_DIR": str(data_dir / "state"),
            "S3_DATA_DIR": str(data_dir / "s3"),
        }
    return (
        kept
        | state
        | {
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "TMPDIR": str(scratch),
            "AUTH": "true" if auth else "false",
            "LOG_LEVEL": "WARNING",
        }
    )


def _wait(running: MiniStack) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if running.process.poll() is not None:
            raise RuntimeError("MiniStack ended at once; run it by hand to see why.")
        try:
            with urllib.request.urlopen(f"{running.url}/_ministack/health", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("MiniStack did not answer within 20 seconds.")
