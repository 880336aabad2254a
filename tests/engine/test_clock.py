from everpost.engine.clock import SystemClock


def test_entropy_is_80_bits_and_never_the_same():
    clock = SystemClock()
    drawn = [clock.entropy() for _ in range(1000)]
    assert len(set(drawn)) == 1000
    assert 79 <= max(drawn).bit_length() <= 80
    assert SystemClock().entropy() not in drawn
