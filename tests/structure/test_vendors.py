"""What one vendor calls its own stays in its folders; everything else knows ports."""

import re
from collections import defaultdict

import pytest

from tests.structure.sources import ROOT, sources

NAMED = re.compile(r"[\w./:]*cal\.?_?com\b[\w./:']*|[\w./:]*CalCom\w*|\w*calcom\w*", re.IGNORECASE)
OWN_ENDPOINTS = "functions/booking/calcom.py"
FOLDERS = ("chalicelib/vendors/", "chalicelib/integrations/calcom/", "chalicelib/cli/calcom.py")
NAMES: dict[str, set[str]] = {
    # What jobs are called on the wire, and where those that are Cal.com's alone are done.
    "chalicelib/booking/jobs.py": {
        *("TellCalCom", "PollCalCom", "ApplyCalComBooking", "CheckCalComWebhooks", "ApplyCalComEvent"),
        *("chalicelib.integrations.calcom.news:poll", "chalicelib.integrations.calcom.news:apply_one"),
        *("chalicelib.integrations.calcom.webhook_subscription:check",),
        *("chalicelib.integrations.calcom.news:apply_delivery", "Cal.com", "Cal.com's"),
    },
    # A criterion of the chain, a field of an answer, and what agents call the ids of what they booked by themselves.
    "chalicelib/calls/chain.py": {"has_calcom_id"},
    "chalicelib/calls/phone_booking.py": {"calcom_booking_id"},
    "chalicelib/calls/analysis.py": {
        *("calcom", "calcom_uid", "calcom_booking_uid", "calcom_booking_id", "calcom_id", "calcom_event_type_id"),
    },
    "chalicelib/core/settings.py": {"calcom_base_url", "CALCOM_BASE_URL", "https://api.cal.com"},
}
"""Where Cal.com may be named outside its folders, and by which words."""


def named() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for path in sources("chalicelib"):
        if not str(path).startswith(FOLDERS):
            found[str(path)] |= set(NAMED.findall((ROOT / path).read_text()))
    return {path: words for path, words in found.items() if words}


def test_nothing_outside_its_folders_names_calcom() -> None:
    extra = {path: sorted(words - NAMES.get(path, set())) for path, words in named().items()}
    assert {path: words for path, words in extra.items() if words} == {}


def test_the_list_only_gets_shorter() -> None:
    found = named()
    gone = {path: sorted(words - found.get(path, set())) for path, words in NAMES.items()}
    assert {path: words for path, words in gone.items() if words} == {}, "these are gone: take them out of the list"


@pytest.mark.parametrize(
    "text",
    ["books at Cal.com", 'through == "calcom"', "class CalComState:", "calcom_uid = 1", "import chalicelib.x.calcom"],
)
def test_it_is_found_however_it_is_written(text: str) -> None:
    assert NAMED.findall(text)


def test_names_of_its_modules_are_not_spread() -> None:
    """Whoever is not Cal.com's finds it by name: no import leads into its folders."""
    importing = re.compile(r"^\s*(?:from|import) chalicelib\.(?:vendors|integrations)\.calcom\b", re.MULTILINE)
    shipped = [str(path) for path in sources("chalicelib", "functions")]
    outside = [path for path in shipped if not path.startswith((*FOLDERS, OWN_ENDPOINTS))]
    assert [path for path in outside if importing.search((ROOT / path).read_text())] == []
