import pytest
from hypothesis import given
from hypothesis import strategies as st

from everpost.dialects.addresses import address_of, check_email, parse_address, parse_address_list
from everpost.model.message import Address

ANN = Address("ann@example.com", "Ann")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ann@example.com", Address("ann@example.com")),
        ("  ann@example.com ", Address("ann@example.com")),
        ("<ann@example.com>", Address("ann@example.com")),
        ("Ann <ann@example.com>", ANN),
        ("Ann<ann@example.com>", ANN),
        ('"Ann" <ann@example.com>', ANN),
        ('"Doe, Ann" <ann@example.com>', Address("ann@example.com", "Doe, Ann")),
        (r'"Ann \"A\" \\ <x@example.org>" <ann@example.com>', Address("ann@example.com", 'Ann "A" \\ <x@example.org>')),
        ("Änn (at work) <ann@example.com>", Address("ann@example.com", "Änn (at work)")),
        ("ann@example.com <ann@example.com>", Address("ann@example.com", "ann@example.com")),
        ("o'neil+tag{x}@a-b.example.com", Address("o'neil+tag{x}@a-b.example.com")),
        ("ann@bücher.example", Address("ann@xn--bcher-kva.example")),
        ("änn@example.com", Address("änn@example.com")),
    ],
)
def test_an_address_is_read(text, expected):
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("ann", "needs an @"),
        ("ann@", "@"),
        ("@example.com", "before the @"),
        ("ann@example", "period"),
        ("ann@@example.com", "@"),
        ("ann@example.com, bob@example.org", "several addresses: give a list"),
        ("ann..x@example.com", "period"),
        (".ann@example.com", "period"),
        ("ann@-example.com", "hyphen"),
        ("ann@example.com>", "missing"),
        ("ann smith@example.com", "SPACE"),
        ("a" * 65 + "@example.com", "at most 64"),
        ("ann@" + "a" * 64 + ".com", "63"),
        ("ann@" + ".".join(["a" * 60] * 5), "at most 254"),
        ("ann@192.0.2.1", "192.0.2.1"),
        ("Doe, Ann <ann@example.com>", "double quotes"),
        ("bob@example.org; Ann <ann@example.com>", "double quotes"),
        ("ann@example.com\nBcc: bob@example.org", "control"),
        ("Ann\r\nBcc: x <ann@example.com>", "control"),
        ("Ann\0 <ann@example.com>", "control"),
        ("Ann\ud800 <ann@example.com>", "control"),
        ("x" * 400 + " <ann@example.com>", "at most 320"),
        ("x" * 100_000, "too long"),
    ],
)
def test_a_faulty_address_is_refused_with_its_reason(text, why):
    found = parse_address(text)
    assert isinstance(found, str)
    assert why in found
    assert len(found) < 400


def test_a_list_is_cut_at_the_commas_that_stand_between_addresses():
    text = '"Doe, Ann" <ann@example.com>,bob@example.org, , Bob "B <bob@example.net>'
    assert parse_address_list(text)[:2] == [Address("ann@example.com", "Doe, Ann"), Address("bob@example.org")]
    assert "double quotes" in str(parse_address_list(text)[2])
    assert parse_address_list("") == []
    assert parse_address_list(" , ") == []


def test_a_bad_place_in_a_list_does_not_touch_its_neighbours():
    assert parse_address_list("ann@example.com, nonsense, bob@example.org")[::2] == [
        Address("ann@example.com"),
        Address("bob@example.org"),
    ]


def test_the_parts_of_an_address_are_checked_alike():
    assert address_of("ann@example.com", "Ann") == ANN
    assert "control" in str(address_of("ann@example.com", "Ann\r\nX: y"))
    assert check_email("ann@example.com") is None
    assert "needs an @" in str(check_email("ann"))


@given(st.text(max_size=60), st.sampled_from(["\r", "\n", "\0", "\x1b", "\x85", "\u2028"]), st.text(max_size=60))
def test_no_control_character_ever_gets_through(before, control, after):
    for text in (f'"{before}{control}{after}" <ann@example.com>', f"{before}x{control}x{after}@example.com"):
        assert isinstance(parse_address(text), str)


@given(st.text(max_size=100))
def test_no_text_makes_the_parser_fail(text):
    for found in [parse_address(text), *parse_address_list(text)]:
        assert isinstance(found, (Address, str))
