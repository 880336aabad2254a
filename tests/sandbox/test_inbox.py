from everpost.dialects.contract import Parsed
from everpost.model.message import Address, Draft
from everpost.sandbox.inbox import Inbox


def parsed(delivery_id, text="x", to=()):
    draft = Draft(sender=Address("ann@example.com"), to=tuple(map(Address, to)), text=text)
    return Parsed(draft=draft, delivery_id=delivery_id)


def test_the_newest_mails_are_kept_and_the_ledger_forgets_nothing():
    inbox = Inbox(lambda: 1.0, kept_max=2)
    for number in range(3):
        inbox.add("sendgrid", "main", f"m{number}", parsed(f"em_{number}.0"))
    assert [caught.provider_message_id for caught in inbox.list()] == ["m2", "m1"]
    assert inbox.taken == {"em_0.0": 1, "em_1.0": 1, "em_2.0": 1}
    assert inbox.get("1") is None


def test_large_mails_push_out_older_ones():
    inbox = Inbox(lambda: 1.0, kept_bytes_max=25)
    for number in range(3):
        inbox.add("sendgrid", "main", f"m{number}", parsed(None, "x" * 10))
    assert [caught.provider_message_id for caught in inbox.list()] == ["m2", "m1"]
    inbox.add("sendgrid", "main", "huge", parsed(None, "x" * 100))
    assert [caught.provider_message_id for caught in inbox.list()] == ["huge"]


def test_a_double_hand_over_is_counted():
    inbox = Inbox(lambda: 1.0)
    inbox.add("sendgrid", "main", "a", parsed("em_1.0"))
    inbox.add("mailgun", "main", "b", parsed("em_1.0"))
    assert inbox.taken == {"em_1.0": 2}
    assert [caught.provider for caught in inbox.find("em_1.0")] == ["sendgrid", "mailgun"]
    inbox.clear()
    assert (len(inbox), inbox.taken, inbox.list()) == (0, {}, [])


def test_mail_to_one_address_is_found_among_all_for_as_long_as_it_is_kept():
    inbox = Inbox(lambda: 1.0, kept_max=3)
    for name, to in (("m0", "ab"), ("m1", "b"), ("m2", "aa"), ("m3", "b")):
        inbox.add("sendgrid", "main", name, parsed(None, to=to))
    inbox.add("mailgun", "main", "m4", parsed(None, to="a"))
    inbox.add("sendgrid", "main", "m5", parsed(None, to="c"), lose=True)
    found = {to: [caught.provider_message_id for caught in inbox.newest("sendgrid", to)] for to in "abc"}
    assert found == {"a": [], "b": ["m3"], "c": []}
    assert [caught.provider_message_id for caught in inbox.newest(recipient="a")] == ["m4"]
    inbox.clear()
    assert [*inbox.newest(recipient="a")] == []


def test_a_page_of_the_list_goes_on_before_a_mail_even_if_that_was_removed():
    inbox = Inbox(lambda: 1.0)
    for number in range(5):
        inbox.add("sendgrid", "main", f"m{number}", parsed(None, to="a"))
    assert inbox.remove("3")
    assert not inbox.remove("3")
    assert [caught.id for caught in inbox.list(2)] == ["5", "4"]
    assert [caught.id for caught in inbox.list(2, "3")] == ["2", "1"]
    assert [caught.id for caught in inbox.newest(recipient="a")] == ["5", "4", "2", "1"]


def test_a_removed_mail_stays_in_the_ledger():
    inbox = Inbox(lambda: 1.0)
    inbox.remove(inbox.add("sendgrid", "main", "a", parsed("em_1.0")).id)
    assert (len(inbox), inbox.taken) == (0, {"em_1.0": 1})
