"""What is out and not back bounds what is handed out."""

from faust.types import TP

from storage.faust_hand import Hand

A, B = TP("topic", 0), TP("topic", 1)


def test_the_number_of_frames_is_bounded() -> None:
    hand = Hand(frames_max=4)
    for offset in range(4):
        assert hand.has_space()
        hand.take(A, offset, 10)
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
    hand.take(A, 0, 500)
    assert not hand.has_space()
    assert hand.release(A, 0)
    assert hand.has_room()


def test_what_was_not_out_does_not_come_back() -> None:
    hand = Hand(frames_max=2)
    hand.take(A, 0, 1)
    assert not hand.release(A, 1)
    assert not hand.release(B, 0)
    assert hand.release(A, 0)
    assert not hand.release(A, 0)


def test_a_dropped_place_makes_room_and_leaves_the_others() -> None:
    hand = Hand(frames_max=2)
    hand.take(A, 0, 1)
    hand.take(B, 0, 1)
    hand.drop(A)
    assert hand.has_space()
    assert not hand.release(A, 0)
    assert hand.release(B, 0)
    hand.drop_all()
    assert hand.has_room()
