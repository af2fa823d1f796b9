"""Overlapping visits stand side by side; only a crowd hides some, and says how many."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clinicdesk.desktop.appointments.lanes import MOST_LANES, Part, Place, in_lanes


def test_visits_that_do_not_overlap_keep_the_whole_width() -> None:
    assert in_lanes([(0, 30), (30, 60)]).places == (Place(0, 1), Place(0, 1))


def test_a_pair_shares_the_width_and_leaves_the_next_alone() -> None:
    assert in_lanes([(0, 30), (15, 45), (45, 60)]).places == (Place(0, 2), Place(1, 2), Place(0, 1))


def test_a_chain_takes_the_first_lane_that_is_free_again() -> None:
    assert in_lanes([(0, 30), (15, 60), (30, 45)]).places == (Place(0, 2), Place(1, 2), Place(0, 2))


def test_from_four_on_the_third_lane_stands_for_the_rest() -> None:
    lanes = in_lanes([(0, 60), (0, 50), (10, 40), (20, 30)])
    assert lanes.places == (Place(0, 3), Place(1, 3), None, None)
    (more,) = lanes.more
    assert (more.start, more.end, more.hidden, more.place) == (10, 40, (2, 3), Place(2, 3))


def test_what_holds_no_time_leaves_its_width_to_what_does() -> None:
    both = in_lanes([(0, 30), (0, 30), (0, 30), (60, 90)], idle=[0, 2, 3])
    assert both.places == (Place(0, 2, Part.ASIDE), Place(0, 1, Part.FRONT), Place(1, 2, Part.ASIDE), Place(0, 1))


def test_a_strip_of_what_holds_no_time_shows_one_of_a_crowd() -> None:
    lanes = in_lanes([(0, 30)] * 4, idle=[0, 1, 2])
    assert lanes.places == (Place(0, 2, Part.ASIDE), None, None, Place(0, 1, Part.FRONT))
    assert lanes.more[0].hidden == (1, 2)


SPANS = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 60)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=30
)


@given(SPANS, st.sets(st.integers(0, 29)))
def test_nothing_shown_covers_another_and_nothing_is_lost(spans: list[tuple[int, int]], idle: set[int]) -> None:
    lanes = in_lanes(spans, idle)
    shown = [(i, place) for i, place in enumerate(lanes.places) if place]
    for i, one in shown:
        assert one.lane < one.lanes <= MOST_LANES
        for j, other in shown:
            if i < j and spans[i][0] < spans[j][1] and spans[j][0] < spans[i][1]:
                assert one.across[1] <= other.across[0] + 1e-9 or other.across[1] <= one.across[0] + 1e-9
    hidden = [index for more in lanes.more for index in more.hidden]
    assert sorted([i for i, _ in shown] + hidden) == list(range(len(spans)))
