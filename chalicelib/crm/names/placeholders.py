"""What language models and forms put where a name was not given; none of it names anybody."""

from chalicelib.crm.names.fold import fold

_NOBODY = frozenset(
    map(
        fold,
        (
            *("null", "none", "nil", "nan", "undefined", "unknown", "unnamed", "anonymous", "n/a", "na", "tbd", "tba"),
            *("not provided", "not given", "not specified", "not available", "not known", "unspecified", "no name"),
            *("name", "full name", "first name", "customer", "caller", "user", "guest", "string"),
            *("unknown caller", "unknown customer", "the caller", "empty", "missing", "redacted", "withheld", "-", "?"),
            *("unbekannt", "keine angabe", "k. a.", "k.a.", "nicht angegeben", "anonym", "anrufer", "kunde", "kundin"),
            *("sconosciuto", "sconosciuta", "non fornito", "non specificato", "anonimo", "anonima", "nessuno"),
            *("không rõ", "không biết", "không có", "chưa biết", "ẩn danh", "khách hàng", "khách"),
        ),
    )
)
_ANYBODY = frozenset(
    map(
        fold,
        (
            *("any", "anyone", "anybody", "whoever", "whoever is free", "no preference", "any staff", "any available"),
            *("anyone available", "first available", "either", "doesn't matter", "does not matter", "don't care"),
            *("egal", "irgendwer", "irgendjemand", "jeder", "beliebig", "wer frei ist", "keine präferenz"),
            *("chiunque", "qualcuno", "qualsiasi", "indifferente", "nessuna preferenza", "è uguale"),
            *("ai cũng được", "bất kỳ ai", "bất kỳ", "bất kì", "bất kì ai", "không quan trọng"),
        ),
    )
)
_BRACKETS = "<>[]{}()\"'` .*_"


def given(text: str | None) -> str | None:
    """The text, None where it is a stand-in for what was not given, as a whole: Christopher Null is called that."""
    if text is None or _plain(text) in _NOBODY or not _plain(text):
        return None
    return text


def anybody_for_none(text: str | None) -> str | None:
    """Whom someone wants to be served by, None for whoever is free."""
    found = given(text)
    return None if found is None or _plain(found) in _ANYBODY else found


def _plain(text: str) -> str:
    return " ".join(fold(text.strip(_BRACKETS).replace("_", " ")).split())
