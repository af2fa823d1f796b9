"""Hours are read as people type them, and written so that they are read again."""

from __future__ import annotations

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinicdesk.core.errors import InvalidInput
from clinicdesk.desktop.admin.shift_text import read_shifts, write_shifts
from clinicdesk.features.practitioners.schemas import Shift

MORNING, AFTERNOON = (time(8, 30), time(12, 30)), (time(13, 15), time(17))


@pytest.mark.parametrize(
    "text",
    [
        "8:30–12:30, 13:15–17:00",
        "8:30-12:30,13:15-17",
        " 830 - 1230 ; 1315 - 1700 ",
        "8.30 to 12.30 & 13.15 to 17",
        "08h30—12h30 + 13h15—17h00",
    ],
)
def test_two_stretches_are_read_however_they_are_written(text: str) -> None:
    assert read_shifts(text, 2) == (Shift(2, *MORNING), Shift(2, *AFTERNOON))


def test_nothing_is_a_day_off_and_24_00_is_midnight_at_its_end() -> None:
    assert read_shifts("  ", 0) == ()
    assert read_shifts("18-24", 0) == (Shift(0, time(18), time(0)),)


@pytest.mark.parametrize("text", ["morning", "9", "9-25", "24-25", "9:75-12", "9-12-15", "9-12 and then"])
def test_what_cannot_be_read_names_its_day(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_shifts(text, 3)
    assert (refused.value.reason, refused.value.params["field"]) == ("hours_unreadable", "weekday_3")


@given(
    st.lists(st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda pair: pair[0] < pair[1]), max_size=4)
)
def test_what_is_written_is_read_again(pairs: list[tuple[int, int]]) -> None:
    shifts = tuple(
        Shift(1, time(start // 60, start % 60), time(end // 60 % 24, end % 60)) for start, end in sorted(pairs)
    )
    assert sorted(read_shifts(write_shifts(shifts, 1), 1), key=str) == sorted(shifts, key=str)
