"""What is checked before a mail is accepted."""

import pytest

from core_values import carrier, route
from everpost.core.admit import admit
from everpost.model import limits
from everpost.model.account import Quota
from everpost.model.message import Address
from everpost.model.route import RouteAccount
from store_values import NOW, message

ROUTES = {"default": route("a", "b"), "bulk": route("b", name="bulk")}
CARRIERS = {"a": carrier("a"), "b": carrier("b", account={"provider": "other"})}


def admitted(mail, routes=ROUTES, carriers=CARRIERS):
    return admit(mail, routes, carriers, NOW)


def faults(mail):
    problem = admitted(mail)
    assert (problem.code, problem.status) == ("validation_failed", 422)
    return {error.field: error.message for error in problem.errors}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"route": "bulk"},
        {"send_at": NOW - 1},
        {"send_at": NOW + limits.SEND_AT_AHEAD_S_MAX},
        {"expires_at": NOW + 1},
        {"expires_at": NOW + limits.EXPIRES_AHEAD_S_MAX},
        {"send_at": NOW + 10, "expires_at": NOW + 11},
        {"provider_options": {"other": {}}},
        {"provider_options": {"plain": {}, "other": {}}},
    ],
)
def test_a_mail_that_some_account_can_carry_is_admitted(fields):
    assert admitted(message(**fields)) is None


def test_a_mail_that_no_provider_can_express_is_refused_with_what_is_wrong_at_each():
    """While its sender listens: later it would wait for an account that never comes."""
    carriers = {name: carrier(name, fault=lambda mail: f"it has no {mail.subject}") for name in ("a", "b")}
    problem = admitted(message(subject="templates"), carriers=carriers)
    assert problem.code == "no_account_can_carry"
    assert [error.message for error in problem.errors] == [
        "account a: it has no templates",
        "account b: it has no templates",
    ]
    assert admitted(message(), carriers=carriers | {"b": carrier("b", fault=lambda _: None)}) is None


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"send_at": NOW + limits.SEND_AT_AHEAD_S_MAX + 1}, "send_at", "must be at most 365 days ahead"),
        ({"expires_at": NOW}, "expires_at", "lies in the past"),
        ({"expires_at": NOW + limits.EXPIRES_AHEAD_S_MAX + 1}, "expires_at", "must be at most 730 days ahead"),
        ({"send_at": NOW + 10, "expires_at": NOW + 10}, "expires_at", "must come after send_at"),
        ({"route": "fast"}, "route", "unknown route 'fast'; known: bulk, default"),
        (
            {"provider_options": {"third": {}}},
            "provider_options.third",
            "no account of provider 'third'; there are: other, plain",
        ),
    ],
)
def test_a_faulty_field_is_named_with_what_is_wrong(fields, field, words):
    assert faults(message(**fields)) == {field: words}


def test_all_faulty_fields_are_told_at_once():
    options = {"x": {}, "y": {}, "plain": {}}
    problem = admitted(message(send_at=NOW + 1e9, expires_at=NOW - 1, route="fast", provider_options=options))
    assert [error.field for error in problem.errors] == [
        "send_at",
        "expires_at",
        "expires_at",
        "route",
        "provider_options.x",
        "provider_options.y",
    ]


def test_without_any_route_or_account_that_is_said():
    problem = admit(message(provider_options={"x": {}}), {}, {}, NOW)
    assert [error.message for error in problem.errors] == [
        "unknown route 'default'; known: none",
        "no account of provider 'x'; there are: none",
    ]


def test_a_mail_that_no_account_of_its_route_can_carry_is_refused_with_each_ones_reason():
    carriers = {"a": carrier("a", recipients_max=0), "c": carrier("c")}
    problem = admitted(message(), carriers=carriers)
    assert (problem.code, problem.status) == ("no_account_can_carry", 422)
    assert problem.detail == "no account of the route 'default' can carry this mail; nothing was accepted"
    assert [(error.field, error.message) for error in problem.errors] == [
        ("route", "account a: 1 recipients are more than its 0"),
        ("route", "account b: it is not configured"),
    ]


def test_one_account_that_can_carry_it_is_enough():
    assert admitted(message(), carriers={"b": carrier("b")}) is None
    assert admitted(message(), carriers={"a": carrier("a", recipients_max=0), "b": carrier("b")}) is None


def test_a_mail_to_more_recipients_than_any_quota_allows_is_refused_since_it_could_never_go_out():
    to = tuple(Address(f"bob{number}@example.org") for number in range(11))
    carriers = {name: carrier(name, account={"quota": Quota(per_day=10)}) for name in "ab"}
    assert admitted(message(to=to), carriers=carriers).code == "no_account_can_carry"
    assert admitted(message(to=to[:10]), carriers=carriers) is None


def test_a_paused_account_counts_since_an_operator_can_resume_it():
    paused = {"default": route(RouteAccount(account="a", paused=True))}
    assert admitted(message(), routes=paused) is None
