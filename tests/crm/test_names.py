"""Whether two names are one person's: case, accents, order, what is left out, and what stands for no name at all."""

import pytest

from chalicelib.core.errors import Invalid
from chalicelib.core.people import clean_name
from chalicelib.crm.names.compare import fits, name_of, same_name
from chalicelib.crm.names.fold import fold, words
from chalicelib.crm.names.placeholders import anybody_for_none, given


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Ada Keller", "ada keller"),
        ("Ada Keller", "KELLER, Ada"),
        ("Zahnärzte Müller", "Zahnaerzte Mueller"),
        ("Groß", "Gross"),
        ("Chloé D'Arcy", "chloe d arcy"),
        ("Nguyễn Thị Đào", "nguyen thi dao"),
        ("Łukasz Wójcik", "lukasz wojcik"),
        ("Anna-Lena Vogt", "Anna Lena Vogt"),
        ("Ada Maria Keller", "Ada Keller"),
        ("Ada Keller", "Ada"),
        ("Keller", "Ada Keller"),
        ("A. Keller", "Ada Keller"),
        ("Ada M. Keller", "Ada Maria Keller"),
        ("Frau Dr. Ada Keller", "Ada Keller"),
        ("Sig.ra Rossi", "Rossi"),
        ("Mr. Sam Smith", "Sam Smith"),
        ("علی‌رضا", "علیرضا"),
        ("von Braun", "Braun"),
    ],
)
def test_names_that_fit(left: str, right: str) -> None:
    assert fits(name_of(left), name_of(right))
    assert fits(name_of(right), name_of(left))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Ada Keller", "Ben Keller"),
        ("Ada Keller", "Ada Vogt"),
        ("Ada Maria Keller", "Ada Luise Keller"),
        ("A. Keller", "Ben Keller"),
        ("A. Keller", "A. Vogt"),
        ("Ann Lee", "Kim"),
        ("", "Ada"),
        ("", ""),
        ("123", "123"),
        ("Jon", "John"),
        ("Sam Smith Jr.", "Sam Smith Sr."),
    ],
)
def test_names_that_do_not(left: str, right: str) -> None:
    assert not fits(name_of(left), name_of(right))
    assert not fits(name_of(right), name_of(left))


def test_the_very_same_name_has_all_the_same_words() -> None:
    assert same_name("Ada Keller", "keller ada")
    assert not same_name("Ada Maria Keller", "Ada Keller")
    assert not same_name("Ann Ann Lee", "Ann Lee")
    assert not same_name("", "")


def test_words_are_few_and_titles_are_none() -> None:
    assert words("Dr. Ada Keller") == ["ada", "keller"]
    assert words("Herr") == ["herr"]
    assert len(words(" ".join(f"name{chr(97 + n)}" for n in range(20)))) == 12
    assert fold("Zahnärzte") == fold("zahnaerzte") == "zahnarzte"


@pytest.mark.parametrize(
    "text",
    [
        *("null", "None", "unknown", "N/A", "undefined", "<unknown>", "[NAME]", "not_provided", "Not provided.", " - "),
        *("Unbekannt", "keine Angabe", "sconosciuto", "không rõ", "anonymous", "customer", "''", ""),
    ],
)
def test_what_stands_for_no_name(text: str) -> None:
    assert given(text) is None


@pytest.mark.parametrize("text", ["Christopher Null", "Ada", "Nonella", "Nanette", "Guesti", "Unknown Mortal"])
def test_names_that_only_contain_such_a_word(text: str) -> None:
    assert given(text) == text


@pytest.mark.parametrize("text", ["any", "anyone", "Whoever is free", "egal", "chiunque", "bất kỳ ai", "null", ""])
def test_whoever_is_free(text: str) -> None:
    assert anybody_for_none(text) is None


def test_somebody_in_particular() -> None:
    assert anybody_for_none("Any Karl") == "Any Karl"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("علی\u200cرضا", "علی\u200cرضا"),
        ("ශ්\u200dරී", "ශ්\u200dරී"),
        ("नि\u200cशा", "नि\u200cशा"),
        ("\u200cAda\u200d", "Ada"),
        ("Ada \u200dKeller", "Ada Keller"),
        ("A\u200c\u200c\u200dda", "A\u200cda"),
        ("\u200eAda\u200f \ufeffKeller\u00ad", "Ada Keller"),
        ("  Ada \t Keller ", "Ada Keller"),
    ],
)
def test_joiners_stay_between_letters_and_marks_go(text: str, kept: str) -> None:
    assert clean_name(text, "name") == kept


@pytest.mark.parametrize("mark", [*"\u202a\u202b\u202c\u202d\u202e", *"\u2066\u2067\u2068\u2069", "\x00", "\x1b"])
def test_what_turns_the_text_around_it_is_refused(mark: str) -> None:
    with pytest.raises(Invalid):
        clean_name(f"Ada{mark}Keller", "name")


@pytest.mark.parametrize("text", ["", " ", "\u200d", "a" * 201])
def test_no_name_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        clean_name(text, "name")
    assert clean_name("a" * 200, "name") == "a" * 200
