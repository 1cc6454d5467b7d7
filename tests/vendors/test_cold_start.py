"""The webhook modules start cold without an HTTP client."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("module", ["retell", "calcom.webhook", "fattureincloud_webhook"])
def test_no_http_client_is_imported(module: str) -> None:
    heavy = ("requests", "urllib3", "http.client", "botocore", "jwt", "cryptography")
    program = f"import sys, chalicelib.vendors.{module}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
