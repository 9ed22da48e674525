"""What is out and not back bounds what is handed out."""

from faust.types import TP

from storage.event_log import Record
from storage.faust_hand import Hand

A, B = TP("topic", 0), TP("topic", 1)


def a_run(first: int, frames: int = 1, size_bytes: int = 1) -> list[Record]:
    return [Record("topic", 0, offset, 0, b"x" * size_bytes, 1) for offset in range(first, first + frames)]


def test_the_number_of_frames_is_bounded() -> None:
    hand = Hand(frames_max=4)
    for offset in range(4):
        assert hand.has_space()
        hand.take(A, a_run(offset, size_bytes=10))
    assert not hand.has_space()
    assert not hand.has_room()
    assert hand.release(A, 0)
    assert hand.has_space()
    assert not hand.has_room(), "reading begins again when half is free"
    assert hand.release(A, 1)
    assert hand.has_room()


def test_the_bytes_are_bounded_but_one_frame_always_goes() -> None:
    hand = Hand(frames_max=1000, bytes_max=100)
    assert hand.has_space()
    hand.take(A, a_run(0, size_bytes=500))
    assert not hand.has_space()
    assert hand.release(A, 0)
    assert hand.has_room()


def test_what_was_not_out_does_not_come_back() -> None:
    hand = Hand(frames_max=2)
    hand.take(A, a_run(0, size_bytes=1))
    assert not hand.release(A, 1)
    assert not hand.release(B, 0)
    assert hand.release(A, 0)
    assert not hand.release(A, 0)


def test_a_dropped_place_makes_room_and_leaves_the_others() -> None:
    hand = Hand(frames_max=2)
    hand.take(A, a_run(0, size_bytes=1))
    hand.take(B, a_run(0, size_bytes=1))
    hand.drop(A)
    assert hand.has_space()
    assert not hand.release(A, 0)
    assert hand.release(B, 0)
    hand.drop_all()
    assert hand.has_room()


def test_a_run_counts_with_all_its_frames_and_comes_back_under_its_last() -> None:
    hand = Hand(frames_max=4)
    hand.take(A, a_run(0, frames=4))
    assert not hand.has_space()
    assert not hand.release(A, 0)
    assert hand.release(A, 3)
    assert hand.has_room()


def test_unfinished_is_the_first_that_is_out_whatever_came_back_behind_it() -> None:
    hand = Hand(frames_max=100)
    assert hand.unfinished(A) is None
    for first in (5, 8, 11):
        hand.take(A, a_run(first, frames=3))
    assert hand.release(A, 10)
    assert hand.unfinished(A) == 5
    assert hand.release(A, 7)
    assert hand.unfinished(A) == 11
    hand.drop(A)
    assert hand.unfinished(A) is None
