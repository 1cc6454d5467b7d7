"""What installers print before they fail, and what a person is told."""

import pytest

from infra.setup.failures import explain

SITUATIONS = [
    (
        "a version that is gone (uv)",
        "  cause: Because there is no version of beta==1.5 and you require beta==1.5, we can conclude that your "
        "requirements are unsatisfiable.",
        "beta 1.5, which pins.txt pins, is not offered by the package index.",
        "beta",
    ),
    (
        "a package that is gone (uv)",
        "  cause: Because delta-x was not found in the package registry and you require delta-x==1.0, we can conclude",
        "delta-x 1.0, which pins.txt pins, is not offered by the package index.",
        "delta-x",
    ),
    (
        "a package that is gone, the sentence folded (uv)",
        "  cause: Because delta-x was not found in the package registry and you require\n         delta-x==1.0, we can",
        "delta-x 1.0, which pins.txt pins, is not offered by the package index.",
        "delta-x",
    ),
    (
        "no file for this Python (uv)",
        "  cause: Because gamma==1.0 has no wheels with a matching Python ABI tag (e.g., `cp311`) and you require "
        "gamma==1.0, we can conclude that your requirements are unsatisfiable.",
        "gamma 1.0, which pins.txt pins, is not offered for this Python on this kind of machine.",
        "gamma",
    ),
    (
        "a version that is gone (pip)",
        "ERROR: Could not find a version that satisfies the requirement beta==1.5 (from versions: 1.0, 2.0)\n"
        "ERROR: No matching distribution found for beta==1.5\n",
        "beta 1.5, which pins.txt pins, is not offered by the package index.",
        "beta",
    ),
    (
        "another file (uv)",
        "error: Failed to download `beta==1.0`\n  cause: Hash mismatch for `beta==1.0`\n\nExpected:\n  sha256:11\n",
        "What is offered as beta 1.0 is not the file that pins.txt pins",
        "",
    ),
    (
        "another file (pip)",
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n"
        "    beta==1.0 from file:///x/beta-1.0-py3-none-any.whl#sha256=22 (from -r pins.txt (line 2)):\n"
        "        Expected sha256 11\n             Got        22\n",
        "What is offered as beta 1.0 is not the file that pins.txt pins",
        "",
    ),
    (
        "no network (uv)",
        "error: Request failed after 3 retries in 8.5s\n  cause: Failed to fetch: https://x.example/simple/gamma/\n"
        "  cause: error sending request for url (https://x.example/simple/gamma/)\n  cause: dns error\n",
        "The package index cannot be reached.",
        "",
    ),
    (
        "no network (pip, which then says that there is no such package)",
        "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError': /simple/alpha/\n"
        "ERROR: No matching distribution found for alpha==1.0\n",
        "The package index cannot be reached.",
        "",
    ),
    (
        "an unknown certificate (uv)",
        "error: Request failed\n  cause: error sending request for url (https://x/)\n"
        "  cause: invalid peer certificate: UnknownIssuer\n",
        "`pip config set global.cert",
        "",
    ),
    ("a full disk", "error: failed to write file\n  cause: No space left on device (os error 28)\n", "Make room", ""),
    ("anything else", "error: it rains\n", "pins.txt could not be installed; the lines above say why", ""),
]


@pytest.mark.parametrize(
    ("output", "said", "missing"), [case[1:] for case in SITUATIONS], ids=[c[0] for c in SITUATIONS]
)
def test_a_person_is_told_what_it_is_and_what_to_do(output: str, said: str, missing: str) -> None:
    failure = explain(output, "pins.txt")
    assert said in failure.message
    assert failure.missing == missing
