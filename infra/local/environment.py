"""What every process of the local system is told: ports, keys of the simulated vendors, names of resources."""

import json
import os
import secrets
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.ministack import ROOT
from infra.local.ports import LARGEST_PORT, at_or_anywhere, url
from infra.local.simulators.fattureincloud.signer import Signer

DEFAULT_PORT = 8000
ACCOUNT = "000000000000"
REGION = "eu-central-1"
AWS_PORT_OFFSET = 10_000
"""The embedded AWS listens at PILOT_PORT plus this, the simulators from one thousand further on, if they can."""
VENDORS = ("retell", "calcom", "twilio", "fic")
SECRETS = {
    "retell": ("RETELL_API_KEY",),
    "calcom": ("CALCOM_API_KEY", "CALCOM_WEBHOOK_SECRET"),
    "twilio": ("TWILIO_AUTH_TOKEN", "TWILIO_ACCOUNT_SID"),
    "fic": ("FIC_CLIENT_ID", "FIC_CLIENT_SECRET"),
}
"""The first is the credential whose presence means the real vendor."""
PEOPLE_KEY = "PEOPLE_KEY"
"""What personal values are sealed with; kept with the data, which means nothing without it."""
FIC_DEMO_TOKEN = "FIC_DEMO_TOKEN"
"""Opens the simulated Fatture in Cloud's demo company; only where it is simulated."""
FIC_SIGNING_KEY = "fic_signing_key"
"""The PEM that the simulated Fatture in Cloud signs with; only its simulator is told."""


class Misconfigured(RuntimeError):
    """A setting that cannot be; the message names it."""


@dataclass(frozen=True)
class Surroundings:
    """Where the parts of one local system are. `simulated`: the vendors played by simulators, with their ports."""

    folder: Path
    port: int
    aws_port: int
    simulated: dict[str, int]
    variables: dict[str, str]
    signing_key: str = ""

    @property
    def api(self) -> str:
        """The API's base URL."""
        return url(self.port)

    @property
    def aws(self) -> str:
        """The embedded AWS's endpoint."""
        return url(self.aws_port)

    def simulator(self, vendor: str) -> str:
        """A simulator's base URL."""
        return url(self.simulated[vendor])

    def apply(self, environ: MutableMapping[str, str]) -> None:
        """Make `environ` that of the local system: nothing of a real AWS account stays in it."""
        for name in [name for name in environ if name.startswith("AWS_")]:
            del environ[name]
        environ.update(self.variables)


def chosen_port(environ: Mapping[str, str]) -> int:
    """PILOT_PORT, 8000 unless set; raises Misconfigured."""
    text = environ.get("PILOT_PORT") or str(DEFAULT_PORT)
    if not text.isdecimal() or not 1 <= int(text) <= LARGEST_PORT:
        raise Misconfigured(f"PILOT_PORT is {text!r}; it has to be a port from 1 to {LARGEST_PORT}.")
    return int(text)


def data_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the local system keeps its data: `.local/`, or PILOT_LOCAL_DIR (the tests' systems have their own)."""
    return Path(environ.get("PILOT_LOCAL_DIR") or ROOT / ".local").resolve()


def survey(environ: Mapping[str, str], port: int, folder: Path) -> Surroundings:
    """Decide on ports, vendors and keys. The same port finds the same ports again unless they were taken since."""
    played = [vendor for vendor in VENDORS if not environ.get(SECRETS[vendor][0])]
    ports = _ports(folder / "ports.json", port, ["aws", *played])
    aws_port, simulated = ports["aws"], {vendor: ports[vendor] for vendor in played}
    keys = _keys(folder / "keys.json")
    variables = _aws(aws_port, port, environ.get("PILOT_PUBLIC_URL")) | _vendors(simulated, keys) | _direct(environ)
    variables[PEOPLE_KEY] = environ.get(PEOPLE_KEY) or keys[PEOPLE_KEY]
    return Surroundings(folder, port, aws_port, simulated, variables, keys[FIC_SIGNING_KEY])


def _ports(file: Path, port: int, names: list[str]) -> dict[str, int]:
    kept: dict[str, dict[str, int]] = _read(file)
    mine = kept.setdefault(str(port), {})
    for name in names:
        usual = port + AWS_PORT_OFFSET + 1000 * ("aws", *VENDORS).index(name)
        mine[name] = at_or_anywhere(mine.get(name, usual))
    write_private(file, json.dumps(kept))
    return {name: mine[name] for name in names}


def _aws(aws_port: int, port: int, public_url: str | None) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": url(aws_port),
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "test",  # what the embedded AWS checks signed links with
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCOUNT_ID": ACCOUNT,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PILOT_STAGE": "local",
        "PILOT_PREFIX": "pilot-local",
        "PILOT_QUEUE_BASE_URL": f"{url(aws_port)}/{ACCOUNT}",
        "PILOT_SECRETS_FROM": "environment",
        "PILOT_PRIVATE_WEBHOOKS": "1",  # a listener on this very machine is who one tries webhooks with
        "PILOT_PUBLIC_URL": public_url or url(port),  # a tunnel's, where the real vendors are to reach us
    }


def _vendors(simulated: Mapping[str, int], keys: Mapping[str, str]) -> dict[str, str]:
    variables = {}
    for vendor, port in simulated.items():
        variables[f"{vendor.upper()}_BASE_URL"] = url(port)
        variables |= {name: keys[name] for name in SECRETS[vendor]}
    if "fic" in simulated:
        variables |= {
            "FIC_OAUTH_URL": f"{url(simulated['fic'])}/oauth",
            "FIC_WEBHOOK_PUBLIC_KEY": Signer(keys[FIC_SIGNING_KEY]).public_key,
            FIC_DEMO_TOKEN: keys[FIC_DEMO_TOKEN],
        }
    return variables


def _keys(file: Path) -> dict[str, str]:
    """Generated once: a webhook that the simulator sends after a restart is signed with the key of before."""
    kept: dict[str, str] = _read(file)
    names = [*(name for vendor in VENDORS for name in SECRETS[vendor]), FIC_DEMO_TOKEN, PEOPLE_KEY]
    if all(name in kept for name in (*names, FIC_SIGNING_KEY)):
        return kept
    kept |= {name: kept.get(name) or f"local_{secrets.token_hex(16)}" for name in names}
    kept.setdefault(FIC_SIGNING_KEY, Signer().private_pem)
    write_private(file, json.dumps(kept))
    return kept


def _read(file: Path) -> dict[str, Any]:
    try:
        kept = json.loads(file.read_bytes())
        if isinstance(kept, dict):
            return kept
    except FileNotFoundError:
        return {}
    except ValueError:
        pass
    raise Misconfigured(
        f"{file} cannot be read. Put it back from a copy, or move it away: then it is made anew"
        f"{', and what was sealed or signed with the keys in it means nothing' if file.name == 'keys.json' else ''}."
    )


def _direct(environ: Mapping[str, str]) -> dict[str, str]:
    """No proxy between our own processes."""
    spared = ",".join(filter(None, [environ.get("NO_PROXY") or environ.get("no_proxy"), "127.0.0.1,localhost"]))
    return {"NO_PROXY": spared, "no_proxy": spared}


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner may read, all of it or nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.new")
    new.touch(mode=0o600)
    with open(new, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(file)
