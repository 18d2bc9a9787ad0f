"""The table of a return's life: closed, reachable, final where it says so, and the only way to change the state."""

from __future__ import annotations

import ast
from itertools import product
from pathlib import Path

import pytest

from model.licences import SeatReturn
from workflows import seat_life
from workflows.seat_life import ALLOWED, FINAL, IllegalMove, State, Verb

ROOT = Path(__file__).parents[2]


def test_every_state_is_reached_from_a_confirmation_and_only_the_final_ones_stay() -> None:
    reached, ahead = {State.CONFIRMED}, [State.CONFIRMED]
    while ahead:
        here = ahead.pop()
        new = {after for (before, _), after in ALLOWED.items() if before is here} - reached
        reached, ahead = reached | new, [*ahead, *new]
    assert reached == set(State)
    assert {state for state in State if not any(before is state for before, _ in ALLOWED)} == FINAL
    assert {verb for _, verb in ALLOWED} == set(Verb)


@pytest.mark.parametrize(("state", "verb"), list(product(State, Verb)))
def test_what_the_table_does_not_hold_is_refused_and_changes_nothing(state: State, verb: Verb) -> None:
    row = SeatReturn(state=state.value)
    if (state, verb) in ALLOWED:
        assert seat_life.can(row, verb)
        seat_life.move(row, verb)
        assert (row.state, type(row.state)) == (ALLOWED[state, verb], str)
        return
    assert not seat_life.can(row, verb)
    with pytest.raises(IllegalMove) as refused:
        seat_life.move(row, verb)
    assert row.state == state and refused.value.say().endswith(".")


def test_a_seat_is_taken_only_after_it_was_confirmed_and_comes_back_only_after_it_went() -> None:
    assert {before for (before, _), after in ALLOWED.items() if after is State.REMOVING} <= {
        State.CONFIRMED, State.REMOVING,
    }  # fmt: skip
    assert {before for (before, _), after in ALLOWED.items() if after is State.RESTORING} == {State.REMOVED}


def spelt_out(path: Path) -> list[int]:
    """Lines on which a state of a return is assigned to an attribute `state` by its word."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            for to, value in pairs:
                words = {one.value for one in ast.walk(value) if isinstance(one, ast.Constant)}
                if isinstance(to, ast.Attribute) and to.attr == "state" and words & set(State):
                    found.append(node.lineno)
    return found


def test_nothing_else_writes_where_a_return_stands() -> None:
    paths = [path for folder in ("workflows", "bot", "web") for path in (ROOT / folder).rglob("*.py")]
    found = {str(path.relative_to(ROOT)): lines for path in paths if (lines := spelt_out(path))}
    assert not found, found


def test_a_state_that_is_spelt_out_would_be_found(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text('row.state = "removed"\nrow.state, row.note = "kept", ""\nrow.note = "kept"\n', encoding="utf-8")
    assert spelt_out(wrong) == [1, 2]
