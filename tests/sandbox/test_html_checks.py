"""What is found in the content of a mail, and what is not."""

import pytest

from everpost.sandbox.html_checks import CLIPPED_BYTES, EXAMPLES_MAX, check

GOOD = (
    '<!doctype html><html lang="en"><head><title>Your order</title></head><body><img src="cid:logo" alt="Shop">'
    '<p>Hello. <a href="https://shop.example.com/o/1">See your order</a>, or write to '
    '<a href="mailto:help@example.com">help@example.com</a>. <a href="https://www.example.com/">example.com</a></p>'
    "</body></html>"
)


def codes(html, text="Hello"):
    return [finding.code for finding in check(html, text)]


def within(body):
    return GOOD.replace("</body>", f"{body}</body>")


def test_nothing_is_found_in_a_sound_mail_or_one_without_html():
    assert codes(GOOD) == []
    assert codes(None, None) == codes("", "x") == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("<script>go()</script>", ["script"]),
        ("<p onclick='go()'>x</p>", ["script"]),
        ("<a href='javascript:go()'>x</a>", ["script"]),
        ("<form action='https://example.com'><input></form>", ["form"]),
        ("<img src='cid:a'>", ["no_alt"]),
        ("<img src='cid:a' alt=''>", []),
        ("<img src='https://cdn.example.com/a.png' alt='a'>", ["remote_image"]),
        ("<img src='//cdn.example.com/a.png' alt='a'>", ["remote_image"]),
        ("<img src='data:image/png;base64,AA' alt='a'>", []),
        ("<a href=''>x</a>", ["empty_link"]),
        ("<a>x</a>", ["empty_link"]),
        ("<a href='#'>x</a>", ["empty_link"]),
        ("<a href='/orders'>x</a>", ["empty_link"]),
        ("<a href='https://'>x</a>", ["empty_link"]),
        ("<a href='http://[x'>x</a>", ["empty_link"]),
        ("<a name='top'></a>", []),
        ("<a href='https://example.com/'></a>", ["unnamed_link"]),
        ("<a href='https://example.com/'><img src='cid:a' alt='Shop'></a>", []),
        ("<a href='http://example.com/'>Shop</a>", ["plain_http"]),
        ("<a href='https://evil.example/'>bank.example</a>", ["other_target"]),
        ("<a href='https://evil.example/'>https://bank.example/login</a>", ["other_target"]),
        ("<a href='https://click.shop.example/'>https://shop.example/</a>", []),
        ("<a href='https://a.example/'>never ends", []),
        ("<a href='https://evil.example/'>bank.example <p>", ["other_target"]),
        ("<a href='tel:+4930123'>Call</a>", []),
    ],
)
def test_each_of_them_is_found_by_itself(body, found):
    assert codes(within(body)) == found


def test_the_plain_part_the_title_and_the_language_are_missed():
    assert codes(GOOD, "  \n") == codes(GOOD, None) == ["no_text"]
    assert codes(GOOD.replace("Your order", " ")) == ["no_title"]
    assert codes(GOOD.replace(' lang="en"', "")) == ["no_lang"]
    assert codes("<p>Hello</p>", None) == ["no_text", "no_title", "no_lang"]


def test_what_gmail_clips_is_found_by_bytes_not_characters():
    room = CLIPPED_BYTES - len(GOOD.encode())
    assert codes(within("x" * room)) == []
    assert codes(within("x" * (room + 1))) == ["clipped"]
    assert codes(within("ü" * (room // 2 + 1))) == ["clipped"]


def test_places_are_counted_and_some_are_shown():
    [finding] = check(within("".join(f"<img src='cid:{n}'>" for n in range(9)) + "<img src='cid:0'>"), "x")
    assert (finding.count, len(finding.examples)) == (10, EXAMPLES_MAX)
    assert finding.examples[0] == "cid:0"


@pytest.mark.parametrize(
    "odd", ["<<<img <b <![CDATA[ <a href='", "<img", "<!--", "\x00</", "<a href='http://[x", "&#x110000;"]
)
def test_markup_that_is_no_markup_is_read_to_its_end(odd):
    assert "no_alt" in codes("<img src=x>" + odd * 100)
