"""What the memory of answered deliveries keeps, for how long and how much of it."""

from __future__ import annotations

from web.replays import KEPT_SECONDS, Answered


def test_a_key_is_taken_once_until_it_is_given_up() -> None:
    answered = Answered()
    assert [answered.take("a"), answered.take("a"), answered.take("b")] == [True, False, True]
    answered.give_up("a")
    answered.give_up("never taken")
    assert [answered.take("a"), answered.take("b")] == [True, False]


def test_it_outlasts_every_timestamp_that_passes_for_fresh() -> None:
    now = [0.0]
    answered = Answered(clock=lambda: now[0])
    answered.take("a")
    now[0] = KEPT_SECONDS - 1
    assert not answered.take("a")
    now[0] = KEPT_SECONDS
    assert answered.take("a")
    assert KEPT_SECONDS == 2 * 300, "five minutes behind the clock to five ahead"


def test_it_is_bounded_and_forgets_the_oldest() -> None:
    answered = Answered(most=2, clock=lambda: 0.0)
    assert all(answered.take(key) for key in "abc")
    assert [answered.take("c"), answered.take("b"), answered.take("a")] == [False, False, True]
