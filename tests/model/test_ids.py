from everpost.model import ids

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def number_of(message_id):
    value = 0
    for char in message_id.removeprefix(ids.MESSAGE_PREFIX):
        value = value * 32 + ALPHABET.index(char)
    return value


def test_a_message_id_spells_out_its_milliseconds_and_its_chance():
    chance = 0x0123456789ABCDEF0123
    id_ = ids.message_id(1_800_000_000.1234, chance)
    assert len(id_) == ids.MESSAGE_ID_CHARS
    assert divmod(number_of(id_), 1 << 80) == (1_800_000_000_123, chance)


def test_ids_of_later_messages_sort_behind_those_of_earlier_ones():
    made = [ids.message_id(at, chance) for at in (0.0, 1.0, 1.5, 1.8e9, 1e10) for chance in (0, (1 << 80) - 1)]
    assert made == sorted(made)


def test_what_an_id_belongs_to_can_be_read_off_it():
    message = ids.message_id(1.0, 1)
    attempt = ids.attempt_id(ids.delivery_id(message, 0), 3)
    assert attempt == f"{message}.0.3"
    assert ids.message_of(attempt) == message
