"""One word for one thing: words that a standard term has replaced (docs/glossary.md) do not come back."""

import ast
import re
import subprocess
from collections.abc import Iterator

import pytest

from chalicelib.core.queues import LANES, queue_of
from tests.structure.sources import CODE, ROOT, sources

MEANS_NOTHING_ELSE = {
    "door doors": "endpoint",
    "noun nouns": "model",
    "undertaker undertakers bury buries buried burying": "dead-letter consumer",
    "rehearse rehearses rehearsed rehearsing rehearsal": "dry run",
    "wish wishes wished sought": "booking request, refused request",
    "situation circumstances": "booking context, rule facts",
    "enlist enlists enlisting": "join (the waiting list)",
    "seating": "group seat",
    "judging noticing": "rating, presence",
    "reconciling settling": "reconcile, pending change",
    "proving": "hold token",
    "footprint": "blocked interval",
    "upserting owning deducting issuing": "upsert, access, deduction, token issue",
    "forgetting mailing": "retention, send",
    "he him his himself she her hers herself": "they, or the customer, the member of staff",
}
"""Words, and what to say in their place. They are not even in the sentences that tests are called by."""
ORDINARY_IN_SENTENCES = {
    "ask asks asked": "request, query, slot spec",
    "wanted": "search query, or what it is",
    "told": "conflicts, audit details, or what was told",
    "standing": "joinable group, customer limits, series progress, or what stands",
    "chance chances": "candidate; of random numbers: rng",
    "board": "branch calendar",
    "compiled": "search index",
    "offering": "make offers",
    "telling": "push, system messages",
    "hearing heard": "time parsing, polling, vendor snapshot",
    "trip trips ways": "travel block, leg",
    "there elsewhere": "external state, other branches",
    "instead": "dry run, or what replaces it",
    "tally tallies counting": "limit usage, limits, count",
    "keeping letters looking ticking": "retention settings, templates, status, tick",
}
"""The same, but people say them: a test's name may, which is a sentence; no other name may."""
FORMER_CLASSES = {
    *("Also", "Attempt", "Begin", "Free", "Ground", "Joining", "Opening", "Place", "Question", "Waiting", "Worker"),
}
"""Names of classes whose words are good ones otherwise: the attempt of a job, the place of a branch."""
ALLOWED = {
    "chalicelib/accounting/ask_to_reconnect.py": "what the job AskToReconnect does; its name is on queues",
    "chalicelib/accounting/ask_to_reconnect.py ask_to_reconnect": "the same",
    "chalicelib/accounting/jobs.py AskToReconnect": "the same",
    "chalicelib/booking/jobs.py AskForReview": "a job's name, on queues",
    "chalicelib/booking/customer_notices/send.py ask_for_review": "what the job AskForReview does",
    "chalicelib/booking/listeners.py _ask_for_review": "the same",
    "chalicelib/booking/practice/policy.py asks_for_reviews": "a field of the API, stored",
    "functions/text_sessions/answers.py ask_for_rating": "a field of the API",
    "chalicelib/calls/call.py asked_at": "stored",
    "chalicelib/integrations/calcom/match.py there": "what `pilot calcom link` prints beside `here`",
    "chalicelib/booking/tables.py compiled": "an attribute of the table",
    "chalicelib/booking/tables.py compiled_until": "an attribute of the table",
    "chalicelib/booking/tables.py tally": "an attribute of the table",
    "chalicelib/core/rows.py tally": "an attribute of the table",
    "chalicelib/core/failed_jobs.py record_dead_letters": "dead letters, as AWS calls them",
    "chalicelib/core/worker.py consume_dead_letters": "the same",
    "chalicelib/core/worker.py DEAD_LETTERS_EVERY_SECONDS": "the same",
    "chalicelib/core/ops_health.py dead_letters": "the same",
    "infra/api_split.py _LETTERS": "letters of the alphabet",
    "infra/api_split.py letters": "the same",
    "tests/packaging/test_api_split.py LETTERS": "the same",
    "tests/packaging/test_api_split.py letters": "the same",
    **{
        f"functions/queues/{queue_of(lane)}.py bury_{lane.replace('.', '_')}": "the name of a Lambda" for lane in LANES
    },
    "chalicelib/core/function.py on_dead_letters": "dead letters, as AWS calls them",
}
"""`file` or `file name`: where such a word stays, and why."""
PRONOUN = re.compile(r"\b(he|him|his|himself|she|her|hers|herself)\b", re.IGNORECASE)


def _each_word(words: dict[str, str]) -> dict[str, str]:
    return {word: better for line, better in words.items() for word in line.split()}


NEVER = _each_word(MEANS_NOTHING_ELSE)
NOT_AS_A_NAME = NEVER | _each_word(ORDINARY_IN_SENTENCES)


def words_of(name: str) -> list[str]:
    """`MOST_AtOnce` is most, at, once."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return [word.lower() for word in spaced.split("_") if word]


def names_in(tree: ast.Module) -> Iterator[str]:
    """Every name that a module gives to something; what it imports under its own name was named elsewhere."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.alias(asname=str(name)) | ast.ExceptHandler(name=str(name)):
                yield name


def replaced(name: str) -> list[str]:
    """What to say in place of each word of a name that is not to be in it."""
    words = NEVER if name.startswith("test_") else NOT_AS_A_NAME
    found = [f"{word} ({words[word]})" for word in words_of(name) if word in words]
    return [*found, f"{name} as a class"] if name in FORMER_CLASSES else found


def test_no_name_has_a_word_that_a_standard_term_has_replaced() -> None:
    found: dict[str, list[str]] = {}
    for path, tree in sources(*CODE, "tests").items():
        module = path.stem.removeprefix("test_")
        named = {str(path): replaced(module), **{f"{path} {name}": replaced(name) for name in names_in(tree)}}
        found |= {where: words for where, words in named.items() if words}
    assert {where: words for where, words in found.items() if where not in ALLOWED} == {}
    assert sorted(ALLOWED.keys() - found.keys()) == [], "these are gone: take them out of the list"


def test_no_pronoun_says_a_gender() -> None:
    command = ["git", "ls-files", "-co", "--exclude-standard", "--", *CODE, "tests", "docs", "*.md", "Makefile"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    read = {path for path in listed if path.endswith((".py", ".md", ".html", "Makefile")) and (ROOT / path).is_file()}
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in sorted(read - {"tests/structure/test_words.py"})
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1)
        if PRONOUN.search(line)
    ]
    assert len(read) > 1000
    assert found == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wish", ["wish"]),
        ("BookingWish", ["wish"]),
        ("MOST_WISHES", ["wishes"]),
        ("_asked_before", ["asked"]),
        ("test_what_is_asked_for", []),
        ("test_the_undertaker", ["undertaker"]),
        ("Place", ["Place"]),
        ("place", []),
        ("heading", []),
        ("HTTPWish", ["wish"]),
    ],
)
def test_names_are_taken_apart(name: str, words: list[str]) -> None:
    assert [found.split(" ")[0] for found in replaced(name)] == words
