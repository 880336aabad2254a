"""`everpost templates`: what it asks of a server, and what a person sees."""

import pytest

TEMPLATE = {
    "id": "order",
    "version": 2,
    "updated_at": "2026-11-26T09:00:00.000Z",
    "subject": "Order {{number}}",
    "text": None,
    "html": "<p>Dear\x1b {{name}}</p>",
    "defaults": {},
    "strict": False,
}
HEAD = {
    "id": "order",
    "version": 2,
    "updated_at": "2026-11-26T09:00:00.000Z",
    "subject": None,
    "has_text": False,
    "has_html": True,
    "strict": False,
}
ONE = "/v1/templates/order"


def test_it_is_put_from_files(server, everpost, tmp_path):
    html, defaults = tmp_path / "order.html", tmp_path / "order.json"
    html.write_text("<p>é</p>", encoding="utf-8")
    defaults.write_text('{"name": "you"}')
    server.put("PUT", ONE, 200, TEMPLATE)
    words = ("--subject", "Order", "--html", str(html), "--defaults", str(defaults), "--strict")
    assert everpost("templates", "put", "order", *words).out == "order is kept, version 2\n"
    assert server.asked[0].json == {
        "subject": "Order",
        "text": None,
        "html": "<p>é</p>",
        "defaults": {"name": "you"},
        "strict": True,
    }
    assert everpost("templates", "put", "order", *words, "--json").json == TEMPLATE


@pytest.mark.parametrize(
    ("content", "words"), [(None, "can't be read"), (b"\xff", "can't be read"), (b"{", "is no JSON")]
)
def test_a_file_that_is_no_good_is_named_and_nothing_is_asked(server, everpost, tmp_path, content, words):
    file = tmp_path / "data.json"
    if content is not None:
        file.write_bytes(content)
    ended = everpost("templates", "render", "order", "--data", str(file))
    assert ended.code == 2
    assert str(file) in ended.err
    assert words in ended.err
    assert server.asked == []


def test_what_it_becomes_is_shown_part_by_part_without_what_steers_a_terminal(server, everpost, tmp_path):
    data = tmp_path / "data.json"
    data.write_text('{"name": "Bob"}')
    server.put("POST", ONE + "/render", 200, {"subject": "Order 7", "text": None, "html": "<p>\x1b[31mBob</p>\n<p>"})
    out = everpost("templates", "render", "order", "--data", str(data)).out
    assert server.asked[0].json == {"data": {"name": "Bob"}}
    assert out.splitlines()[:3] == ["subject", "Order 7", "html"]
    assert "\x1b" not in out
    assert out.splitlines()[-1] == "<p>"


def test_sources_are_shown(server, everpost):
    server.put("GET", ONE, 200, TEMPLATE)
    assert "Order {{number}}" in everpost("templates", "show", "order").out
    assert everpost("templates", "show", "order", "--json").json == TEMPLATE


def test_the_list_tells_what_each_has(server, everpost):
    page = {"data": [HEAD], "next_cursor": None}
    server.put("GET", "/v1/templates", 200, page)
    line = everpost("templates", "list").out.splitlines()[1]
    assert [line.split()[place] for place in (0, 1, -2)] == ["order", "2", "html"]
    assert everpost("templates", "list", "--json").json == page


def test_a_removed_one_is_told(server, everpost):
    server.put("DELETE", ONE, 204, b"")
    assert everpost("templates", "remove", "order").out == "order is removed\n"
