"""Generated mails for the properties of providers and dialects."""

import string

from hypothesis import strategies as st

from everpost.model.message import Address, Attachment, Draft

LINE = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])
names = st.text(LINE, max_size=40).map(str.strip)
lines = st.text(LINE, max_size=120)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1, max_size=200)
words = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=12)
emails = st.builds("{}@{}.example.com".format, words, st.text(string.ascii_lowercase, min_size=1, max_size=8))
addresses = st.builds(Address, emails, names)
attachments = st.builds(
    Attachment,
    filename=st.text(LINE, min_size=1, max_size=90).filter(lambda name: name.strip() == name),
    content_type=st.sampled_from(["text/plain", "text/plain; charset=utf-8", "image/png", "application/pdf"]),
    content=st.binary(min_size=1, max_size=200),
    content_id=st.none() | words,
)


@st.composite
def drafts(draw):
    """Mails that every provider can carry; no address is named twice."""
    envelope = draw(st.lists(addresses, min_size=1, max_size=6, unique_by=lambda address: address.email.lower()))
    cut = sorted(draw(st.tuples(st.integers(1, len(envelope)), st.integers(1, len(envelope)))))
    return Draft(
        sender=draw(addresses),
        to=tuple(envelope[: cut[0]]),
        cc=tuple(envelope[cut[0] : cut[1]]),
        bcc=tuple(envelope[cut[1] :]),
        reply_to=tuple(draw(st.lists(addresses, max_size=2, unique=True))),
        subject=draw(lines.filter(bool)),
        text=draw(texts),
        html=draw(st.none() | texts),
        attachments=tuple(draw(st.lists(attachments, max_size=3))),
        headers=draw(st.dictionaries(words.map("X-{}".format), lines, max_size=3)),
        tags=tuple(draw(st.lists(words, max_size=3, unique=True))),
        metadata=draw(st.dictionaries(words, st.text(st.characters(exclude_categories=["Cs"])), max_size=3)),
    )
