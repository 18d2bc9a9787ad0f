"""The demo's clock: every step is as long as it was asked to be, in this process and in those that read its file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.clock import SandboxClock


@pytest.mark.parametrize("in_file", [False, True])
def test_many_short_steps_add_up(tmp_path: Path, in_file: bool) -> None:
    """Steps were rounded to whole seconds in the file, so that a day in three steps ended half a second early."""
    file = tmp_path / "clock" if in_file else None
    clock = SandboxClock(file)
    for _ in range(10):
        clock.forward(timedelta(seconds=0.4))
    assert (SandboxClock(file) if file else clock).offset() == timedelta(seconds=4)


def test_it_never_goes_back() -> None:
    with pytest.raises(ValueError, match="forward only"):
        SandboxClock().forward(timedelta(seconds=-1))
