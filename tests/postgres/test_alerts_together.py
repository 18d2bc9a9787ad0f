"""Two people act on the same alert or device at the same moment: one does it, the other hears who; both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from model.alerts import AlertState, DeviceDoubt, DeviceIdentity, RedAlert
from model.events import Event, Tag
from model.people import Device, Person, Role
from model.session import UnitOfWork
from model.sync import MatchDoubt
from tests.http import alert_acts as acts
from tests.http.whole_acts import open_office
from tests.postgres.test_decide_together import at_once
from tests.postgres.test_lines_together import crossing
from tests.whole import Whole
from workflows import device_doubts, match_doubts, questions
from workflows.alerts import acting
from workflows.alerts.causes import picture
from workflows.alerts.looks import apply
from workflows.refusals import AlreadyDecided


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, database_url) as made:
        with made.work() as work:
            acts.accepted(work, made.now())
            product_id, title_id = acts.product(work, "autocad-lt", "AutoCAD LT", made.now())
            acts.installed(work, acts.device(work, "LYO-1", made.staff["ana"], made.now()), title_id, made.now())
        acts.look(made, product_id)
        yield made


def taking(office: Whole, who: str) -> Callable[[UnitOfWork], None]:
    rules, now, by = office.service.rules(), office.now(), office.staff[who]
    alert = acts.the_alert(office)

    def take(work: UnitOfWork) -> None:
        acting.take(work, rules, alert.id, alert.version, by, {Role.IT}, now)

    return take


def taken(office: Whole) -> int:
    with office.database.reading() as connection:
        return connection.execute(
            select(func.count()).select_from(Event).where(Event.tag == Tag.ALERT_TAKEN)
        ).scalar_one()


def test_who_comes_second_hears_who_has_it(office: Whole) -> None:
    refused = crossing(office, taking(office, "eli"), taking(office, "dara"))
    assert isinstance(refused, AlreadyDecided) and refused.name == "Eli Marsh"
    assert "Eli Marsh took this" in refused.sentence
    alert = acts.the_alert(office)
    assert alert.state == AlertState.TAKEN and alert.taken_by_id == office.staff["eli"]
    assert taken(office) == 1


def test_two_presses_at_once_take_it_once(office: Whole) -> None:
    def pressed(who: str) -> Callable[[], object]:
        return lambda: office.person(who).press("I will take it", in_message="Red alert: AutoCAD LT")

    at_once([pressed("eli"), pressed("dara")])
    office.settle()
    assert acts.the_alert(office).state == AlertState.TAKEN and taken(office) == 1


def test_a_look_that_read_before_another_wrote_does_no_harm(office: Whole) -> None:
    """Both see the same; the second finds the alert there and opens none."""
    with office.database.reading() as connection:
        seen = picture(connection, office.service.rules().policy, None, office.now())
    acts.look(office)
    with office.work() as work:
        apply(work, office.service.rules(), seen, office.now())
    with office.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(RedAlert)).scalar_one() == 1


def test_two_answers_about_one_device_are_carried_out_once(office: Whole) -> None:
    """One says that it is the same machine, the other that it is not: the second hears who was quicker."""
    now = office.now()
    with office.work() as work:
        first, second = (acts.device(work, f"LYO-{number}", office.staff["ana"], now) for number in (2, 3))
        work.session.add(
            DeviceIdentity(kind="uuid", value="u-3", device_id=second, first_seen_at=now, last_seen_at=now)
        )
        doubt = DeviceDoubt(device_id=second, other_id=first, words="One machine, or two?", seen_at=now)
        work.session.add(doubt)
        work.session.flush()
        doubt_id = doubt.id

    def said(who: str, answer: device_doubts.Answer) -> Callable[[UnitOfWork], None]:
        def decide(work: UnitOfWork) -> None:
            questions.answer(work, device_doubts.MATTER, doubt_id, answer, office.staff[who], {Role.IT}, now)

        return decide

    refused = crossing(office, said("eli", device_doubts.Answer.ONE), said("dara", device_doubts.Answer.TWO))
    assert isinstance(refused, questions.Answered) and "Eli Marsh answered this already" in refused.sentence
    with office.database.reading() as connection:
        assert connection.execute(select(DeviceIdentity.device_id)).scalar_one() == first
        assert connection.execute(select(Device.state).where(Device.id == second)).scalar_one() == "retired"
        assert connection.execute(select(DeviceDoubt.decision)).scalar_one() == "one"


def test_two_who_say_whose_account_it_is_at_once_say_it_once(office: Whole) -> None:
    now, ana = office.now(), office.staff["ana"]
    with office.work() as work:
        words = "A second Slack account has this person's address. Which one is theirs?"
        doubt = MatchDoubt(key="slack:U0TWO", kind="slack", person_id=ana, account="U0TWO", words=words, found_at=now)
        work.session.add(doubt)
        work.session.flush()
        doubt_id = doubt.id

    def said(who: str, answer: match_doubts.Answer) -> Callable[[UnitOfWork], None]:
        def decide(work: UnitOfWork) -> None:
            questions.answer(work, match_doubts.MATTER, doubt_id, answer, office.staff[who], {Role.IT}, now)

        return decide

    refused = crossing(office, said("eli", match_doubts.Answer.SAME), said("dara", match_doubts.Answer.DIFFERENT))
    assert isinstance(refused, questions.Answered) and "Eli Marsh answered this already" in refused.sentence
    with office.database.reading() as connection:
        assert connection.execute(select(Person.slack_id).where(Person.id == ana)).scalar_one() == "U0TWO"
        assert connection.execute(select(MatchDoubt.outcome)).scalar_one() == "same"
