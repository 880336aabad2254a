"""Addresses: read or refused, never changed into others; and what was read can be handed to every provider.

The input is a text in UTF-8.
"""

from everpost.dialects.addresses import address_of, check_email, parse_address, parse_address_list
from everpost.model import limits
from everpost.model.message import Address, Draft
from everpost.providers.fields import fault_of, quoted_mailbox


def check(data):
    text = data.decode(errors="surrogatepass" if b"\xed" in data else "replace") if _decodes(data) else repr(data)
    one = parse_address(text)
    check_found(one)
    many = parse_address_list(text)
    assert len(many) <= text.count(",") + 1
    for each in many:
        check_found(each)
    check_found(address_of(text))
    check_found(address_of("ann@example.com", text))
    assert (check_email(text) is None) == isinstance(address_of(text), Address)


def _decodes(data):
    try:
        data.decode(errors="surrogatepass" if b"\xed" in data else "replace")
    except UnicodeDecodeError:
        return False
    return True


def check_found(found):
    if isinstance(found, str):
        assert found
        assert found.isprintable()
        return
    local, _, domain = found.email.rpartition("@")
    assert 0 < len(local) <= limits.LOCAL_PART_CHARS_MAX
    assert domain.isascii()
    assert "." in domain
    assert len(found.email) <= limits.ADDRESS_CHARS_MAX
    assert len(found.name) <= limits.NAME_CHARS_MAX
    assert fault_of(Draft(sender=found, to=(found,))) is None, found
    assert check_email(found.email) is None, found
    assert parse_address(quoted_mailbox(found)) == found
    assert parse_address_list(f"{quoted_mailbox(found)}, bob@example.org") == [found, Address("bob@example.org")]
