"""Mails in pages, as Resend's clients go through them."""

import pytest

from dropins.mail_place import opened_place
from everpost.entrypoints.http import dropins


@pytest.fixture
async def place():
    async with opened_place() as place:
        yield place


async def page_of(place, **query):
    """The ids, and whether there are more."""
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    answer = await place.call("GET", f"/emails?{asked}")
    assert answer.status == 200, answer.body
    return [each["id"] for each in answer.json["data"]], answer.json["has_more"]


async def test_pages_lead_back_as_they_lead_forth(place, monkeypatch):
    monkeypatch.setattr(dropins, "_PASSED_MAX", 2)
    ids = [await place.send(f"r{number}@example.org") for number in range(7)][::-1]
    assert await page_of(place, limit=3) == (ids[:3], True)
    assert await page_of(place, limit=3, after=ids[2]) == (ids[3:6], True)
    assert await page_of(place, limit=3, after=ids[5]) == (ids[6:], False)
    assert await page_of(place, limit=3, before=ids[6]) == (ids[3:6], True)
    assert await page_of(place, limit=3, before=ids[3]) == (ids[:3], False)
    assert await page_of(place, limit=3, before=ids[1]) == (ids[:1], False)
    assert await page_of(place, limit=3, before=ids[0]) == ([], False)


async def test_what_lies_too_far_back_is_not_shown_in_part(place, monkeypatch):
    monkeypatch.setattr(dropins, "_PASSED_MAX", 2)
    monkeypatch.setattr(dropins, "_NEWER_MAX", 4)
    ids = [await place.send(f"r{number}@example.org") for number in range(7)]
    answer = await place.call("GET", f"/emails?before={ids[0]}")
    assert (answer.status, "newest one on" in answer.json["message"]) == (400, True)


@pytest.mark.parametrize("query", ["before=7", "after=7", f"after={'e' * 29}&before={'e' * 29}", "limit=0"])
async def test_a_question_that_makes_no_sense_is_refused_in_resend_s_form(place, query):
    answer = await place.call("GET", f"/emails?{query}")
    assert (answer.status, answer.json["name"]) == (422, "validation_error")
