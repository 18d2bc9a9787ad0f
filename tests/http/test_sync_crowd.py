"""Very many people from a seed: the stand-in keeps none of them, and the sync brings all of them in."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from model.licences import Seat
from model.people import Person
from model.usage import LastUse
from sandbox.graph_crowd import Crowd
from tests.http.sandbox_graph_tenant import E5, VISIO
from tests.http.sync_desk import desk

SIZE = 1_300


def test_a_crowd_is_the_same_for_the_same_seed_and_holds_every_form_of_never() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    crowd, again, other = Crowd(50, [E5], now, 1), Crowd(50, [E5], now, 1), Crowd(50, [E5], now, 2)
    people = [crowd.person(number) for number in range(50)]
    assert people == [again.person(number) for number in range(50)]
    assert crowd.id_of(3) != other.id_of(3) and other.number_of(crowd.id_of(3)) is None
    assert [crowd.number_of(one["id"]) for one in people] == list(range(50))
    assert crowd.number_of("nobody") is None
    seen = [one["signInActivity"] for one in people]
    assert None in seen and {} in seen and any(one and "0001-01-01T00:00:00Z" in one.values() for one in seen)


def test_all_of_a_crowd_come_in_with_seats_managers_and_use(tmp_path: Path, sqlite_url: str) -> None:
    crowd = Crowd(SIZE, [E5, VISIO], datetime.now(UTC))
    with desk(tmp_path, sqlite_url, people=2, crowd=crowd) as made:
        made.register(VISIO, "visio")
        assert made.sync() == "done"
        count = {
            name: made.rows(query)[0][0]
            for name, query in {
                "people": select(func.count()).select_from(Person),
                "led": select(func.count()).where(Person.manager_id.is_not(None)),
                "seats": select(func.count()).select_from(Seat),
                "sign_ins": select(func.count()).where(LastUse.source == "sign_in", LastUse.used_on.is_not(None)),
                "teams": select(func.count()).where(LastUse.source == "teams", LastUse.used_on.is_not(None)),
            }.items()
        }
        used = sum(crowd.used_on(number) is not None for number in range(SIZE))
        assert count == {
            "people": SIZE + 2, "led": SIZE - 1, "seats": 2 + crowd.holders(0) + crowd.holders(1),
            "sign_ins": used + 2, "teams": used + 2,
        }  # fmt: skip
        pages = [one for one in made.tenant.traffic.since() if one["path"].startswith("/v1.0/users?")]
        assert len(pages) == 3
