"""Values pass through `Database.call` unchanged, on the embedded side and through supabase-py alike."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from store import Json
from store.database import Argument
from tests.database.calls import field_of
from tests.database.gateway import Person
from tests.database.sides import ADMIN, ENGINEER, MACHINE, STRANGER, Side


@dataclass(frozen=True, slots=True)
class Value:
    """A JSON value as SQL writes it and as Python reads it."""

    name: str
    text: str
    value: Json


VALUES = [
    Value("null", "null", None),
    Value("true", "true", True),
    Value("false", "false", False),
    Value("zero", "0", 0),
    Value("bigint", "-9223372036854775808", -9223372036854775808),
    Value("beyond bigint", "123456789012345678901234567890", 123456789012345678901234567890),
    Value("fraction", "0.1", 0.1),
    Value("exponent", "1e-7", 1e-7),
    Value("empty text", '""', ""),
    Value("text", '"a \\"quoted\\" \\\\ line\\nand \\t more"', 'a "quoted" \\ line\nand \t more'),
    Value("text that looks like JSON", '"{\\"a\\": 1}"', '{"a": 1}'),
    Value("emoji and right to left", '"👩‍👩‍👧 שלום مرحبا"', "👩‍👩‍👧 שלום مرحبا"),
    Value("empty array", "[]", []),
    Value("array", '[1, "a", null, true, [2.5], {}]', [1, "a", None, True, [2.5], {}]),
    Value("empty object", "{}", {}),
    Value("object", '{"": 1, "a": {"b": [null, {"c": "d"}]}}', {"": 1, "a": {"b": [None, {"c": "d"}]}}),
    Value("object like an error", '{"code": "42501", "message": "no"}', {"code": "42501", "message": "no"}),
]


@pytest.mark.parametrize("case", VALUES, ids=lambda case: case.name)
def test_every_json_value_comes_back(side: Side, case: Value) -> None:
    """Whatever a function returns is the same Python value, of the same type."""
    answer = side.seen_by(ENGINEER).call("probe_value", p_json=case.text)
    assert answer == case.value
    assert type(answer) is type(case.value)


TEXTS = [
    "",
    " ",
    "it's a 'quote', a \"double\" one, $1 %s %(a)s {} \\ /* -- ;",
    "line\nline\r\n\ttab \u2028 \x7f",
    "👩‍👩‍👧‍👦🇩🇪 ünïcödé e\u0301",
    "שלום \u202eمرحبا\u202c",
    "null",
    '{"a": 1}',
    "ab" * 100_000,
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_text_arrives_unchanged(side: Side, text: str) -> None:
    """No character of a text argument is lost, escaped or read as SQL or JSON."""
    answer = side.seen_by(ENGINEER).call("probe_echo", p_text=text)
    assert (field_of(answer, "text"), field_of(answer, "characters")) == (text, len(text))


JSONS: list[Argument] = [
    {},
    [],
    [None, True, 0, 9223372036854775807, 0.5, "a'\"\\\n👍"],
    {"a": {"b": [{"c": None}, [[]]]}, "": "שלום", "quote'\"": "{}"},
    ["0.10", {"cost_usd": "12345678901234567890.123456789"}],
]


@pytest.mark.parametrize("value", JSONS, ids=range(len(JSONS)))
def test_json_arrives_unchanged(side: Side, value: Argument) -> None:
    """An array or object is the same on its way in and out."""
    assert field_of(side.seen_by(ENGINEER).call("probe_echo", p_json=value), "json") == value


@dataclass(frozen=True, slots=True)
class Given:
    """An argument and the value that comes back."""

    name: str
    argument: Argument
    answer: Json


GIVEN = [
    Given("text", None, None),
    Given("json", None, None),
    Given("number", None, None),
    Given("number", 0, 0),
    Given("number", 32768, 32768),
    Given("number", -2147483649, -2147483649),
    Given("number", 9223372036854775807, 9223372036854775807),
    Given("flag", True, True),
    Given("flag", False, False),
    Given("flag", None, None),
    Given("at", "2026-11-22T12:00:00.123456+01:00", "2026-11-22T11:00:00.123456+00:00"),
    Given("at", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00+00:00"),
    Given("at", None, None),
]


@pytest.mark.parametrize("case", GIVEN, ids=lambda case: f"{case.name}={case.argument}")
def test_arguments_keep_their_type(side: Side, case: Given) -> None:
    """Numbers, booleans, instants and nulls reach the function as what they are."""
    answer = side.seen_by(ENGINEER).call("probe_echo", **{f"p_{case.name}": case.argument})
    assert field_of(answer, case.name) == case.answer


def test_arguments_left_out_have_their_defaults(side: Side) -> None:
    """An argument that is left out takes the function's default; null does not."""
    expected = {"json": None, "text": "left out", "characters": 8, "number": 7, "flag": None, "at": None}
    assert side.seen_by(ENGINEER).call("probe_echo") == expected


def test_values_of_sql_types_read_alike(side: Side) -> None:
    """Each SQL type has one form in JSON, with instants in UTC."""
    assert side.seen_by(ENGINEER).call("probe_types") == {
        "bigint": 9223372036854775807,
        "money": "12345678901234567890.123456789",
        "numeric": 0.25,
        "float": 1e-7,
        "timestamptz": "2026-11-22T11:00:00.123456+00:00",
        "date": "2026-11-22",
        "interval": "1 day 02:03:04",
        "uuid": "00000000-0000-4000-8000-000000000001",
        "array": ["a", None, "ü"],
        "null": None,
    }


def test_no_answer_is_none(side: Side) -> None:
    """An SQL null is None, as is the JSON null."""
    assert side.seen_by(ENGINEER).call("probe_nothing") is None


def test_long_arrays_are_not_capped(side: Side) -> None:
    """A hosted project's limit of 1000 rows does not cut a JSON value."""
    assert side.seen_by(ENGINEER).call("probe_many", p_count=3000) == [{"n": n + 1} for n in range(3000)]


@pytest.mark.parametrize("person", [ADMIN, ENGINEER, MACHINE, STRANGER], ids=str)
def test_whoami_names_the_caller(side: Side, person: Person) -> None:
    """A signed-in user learns their id, address and role in the console."""
    expected = {"user_id": person.user_id, "email": person.email, "role": person.role, "token_id": None}
    answer = side.seen_by(person).call("whoami")
    assert isinstance(answer, dict)
    assert bool(answer.pop("permissions")) == (person.role is not None)
    assert answer == expected


def test_functions_see_the_role_of_the_caller(side: Side) -> None:
    """Functions run as `authenticated`, or as `anon` without a user, and find what is in `public`."""
    member = {"role": "authenticated", "user_id": ENGINEER.user_id, "schema": "public"}
    nobody = {"role": "anon", "user_id": None, "schema": "public"}
    assert side.seen_by(ENGINEER).call("probe_caller") == member
    assert side.seen_by(None).call("probe_caller") == nobody
