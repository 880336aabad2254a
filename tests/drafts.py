"""Generated mails for the properties of providers and dialects.

They fill every field with whatever may stand there, and name nothing twice: repetitions are left out on purpose.
"""

import string

from hypothesis import strategies as st

from everpost.model.ids import CORRELATION_KEY
from everpost.model.message import Address, Attachment, Draft, OnUnknown

LINE = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])  # what may stand in a line of a header
VARIABLE = "{{"  # which SparkPost refuses there: test_sparkpost.py
ATOM = string.ascii_letters + string.digits + "!#$%&'*+/=?^_`{|}~-"
KEY = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in '"\\')  # what a form can name
VISIBLE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in "<>")

names = st.text(LINE, max_size=40).map(str.strip).filter(lambda text: VARIABLE not in text)
long_lines = st.builds(
    lambda word, count: (word * 1200)[:count], st.sampled_from(["a", "ab ", "ö"]), st.integers(980, 1010)
)
lines = st.text(LINE, max_size=120).filter(lambda text: VARIABLE not in text) | long_lines
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
words = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=12)
locals_ = st.lists(st.text(ATOM, min_size=1, max_size=8), min_size=1, max_size=3).map(".".join)
keys = st.text(KEY, min_size=1, max_size=12).filter(lambda key: key != CORRELATION_KEY)
emails = st.builds("{}@{}.example.com".format, locals_, st.text(string.ascii_lowercase, min_size=1, max_size=8))
addresses = st.builds(Address, emails, names)
message_ids = st.builds("<{}@{}>".format, words, words)
header_names = words.map("X-{}".format) | st.sampled_from(
    ["List-Unsubscribe", "In-Reply-To", "References", "Precedence"]
)
attachments = st.builds(
    Attachment,
    filename=st.text(LINE, min_size=1, max_size=90),
    content_type=st.sampled_from(
        ["text/plain", "TEXT/html; charset=utf-8", "image/png", "application/pdf", 'application/x; a="b;c"; d=e']
    ),
    content=st.binary(min_size=1, max_size=200),
    content_id=st.none() | st.text(VISIBLE, min_size=1, max_size=20),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
options = st.dictionaries(st.text(max_size=10), json_values, max_size=3)


ODD = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none()) | st.just({"": {}})


@st.composite
def mangled(draw, value):
    """A JSON value of a known form with something else in some of its places, or nothing."""
    if draw(st.integers(0, 9)) == 0:
        return draw(ODD)
    match value:
        case dict():
            kept = [key for key in value if draw(st.integers(0, 19))]
            return {key: draw(mangled(value[key])) for key in kept}
        case list():
            return [draw(mangled(each)) for each in value]
    return value


@st.composite
def headers(draw):
    own = draw(st.none() | message_ids)
    others = draw(st.dictionaries(header_names, lines, max_size=3))
    return others if own is None else {"Message-ID": own, **others}


@st.composite
def bodies(draw):
    """Text, html or both; one of them may be empty, which is not the same as absent."""
    one, other = draw(texts.filter(bool)), draw(st.none() | texts)
    return draw(st.sampled_from([(one, other), (other, one)]))


@st.composite
def drafts(draw, attached=attachments):
    """Mails that every provider can carry."""
    envelope = draw(st.lists(addresses, min_size=1, max_size=6, unique_by=lambda address: address.email.lower()))
    cut = sorted(draw(st.tuples(st.integers(1, len(envelope)), st.integers(1, len(envelope)))))
    text, html = draw(bodies())
    return Draft(
        sender=draw(addresses),
        to=tuple(envelope[: cut[0]]),
        cc=tuple(envelope[cut[0] : cut[1]]),
        bcc=tuple(envelope[cut[1] :]),
        reply_to=tuple(draw(st.lists(addresses, max_size=2, unique=True))),
        subject=draw(lines.filter(bool)),
        text=text,
        html=html,
        attachments=tuple(draw(st.lists(attached, max_size=3))),
        headers=draw(headers()),
        tags=tuple(draw(st.lists(st.text(LINE, min_size=1, max_size=20), max_size=3, unique=True))),
        metadata=draw(st.dictionaries(keys, texts, max_size=3)),
        send_at=draw(st.none() | st.floats(0, 2e9)),
        expires_at=draw(st.none() | st.floats(0, 2e9)),
        route=draw(words),
        on_unknown=draw(st.none() | st.sampled_from(OnUnknown)),
        resolve_within_s=draw(st.none() | st.floats(0, 1e6)),
        provider_options=draw(st.dictionaries(st.just("another"), options, max_size=1)),
    )
