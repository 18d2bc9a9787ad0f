"""A contract nears its day: brief, reduction, asking in time, ServiceNow item, calendar, notice, proof, saving once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from icalendar import Calendar
from sqlalchemy import select, update

from bot.ids import Action
from bot.settings import load
from model.contracts import Contract, Entitlement
from model.licences import Product, Seat
from model.reclaim import CampaignState, ReclaimCampaign, Saving
from model.renewals import ProofFile, Renewal, RenewalStage, RenewalState
from model.requests import Card
from model.tickets import Ticket, TicketPurpose
from sandbox.graph_directory import USER
from sandbox.slack_person import NotThere, message_text
from sandbox.slack_person import Person as SlackPerson
from tests.http.whole_acts import open_office, press, send
from tests.whole import COPILOT, Whole, directory_id, slack_id
from workflows.renewals import pages

POLICY = """
version: 1
approval: {steps: [line_manager], fallback: {roles: [licence_manager]}}
finance: {above: {EUR: 50000.00}, counts: purchases}
channels: {licences: licences, it_alerts: it-alerts, renewals: renewals}
reclaim: {idle_days: 60}
"""
HOLDERS = {"ana": "2026-11-20", "kai": "2026-08-03", "li": "2026-08-04", "tom": "2026-11-20"}
LONG_AGO = datetime(2025, 3, 3, tzinfo=UTC)


@pytest.fixture
def office(tmp_path: Path, sqlite_url: str) -> Iterator[Whole]:
    with open_office(tmp_path, sqlite_url, copilot_seats=5, policy=POLICY, reads_use=True) as made:
        made.slack.add_channel("C0CHANNEL9", "renewals", [slack_id(key) for key in ("dara", "goran", "fatima", "eli")])
        _holders(made)
        with made.work() as work:
            row = Contract(
                vendor="Northwind", number="K-1", starts_on=date(2026, 4, 1), ends_on=date(2027, 3, 31),
                notice_count=2, notice_unit="months", auto_renew=True, commit_floor=2, owner_id=made.staff["dara"],
                receipt_counts=True, recorded_at=made.now(),
            )  # fmt: skip
            work.session.add(row)
            work.session.flush()
            work.connection.execute(
                update(Entitlement)
                .where(Entitlement.product_id == made.products["copilot"])
                .values(contract_id=row.id, starts_on=date(2026, 4, 1), unit_price=Decimal("336.00"))
            )
            work.connection.execute(
                update(Product).where(Product.id == made.products["copilot"]).values(lost_on_return="Copilot stops.")
            )
        yield made


def _holders(made: Whole) -> None:
    """Four hold Copilot for long; two of them have not used it since August."""
    with made.work() as work:
        for key, used_on in HOLDERS.items():
            made.graph.directory.grant(directory_id(key), COPILOT)
            document = made.graph.directory.seen(USER, directory_id(key))
            assert document is not None
            made.graph.directory.write(USER, document | {"usage": {"Copilot Chat": used_on}})
            work.session.add(
                Seat(
                    product_id=made.products["copilot"], sku_id=made.skus["copilot"], person_id=made.staff[key],
                    path="direct", began_at=LONG_AGO, recorded_at=LONG_AGO,
                )
            )  # fmt: skip


def state(office: Whole) -> Any:
    with office.database.reading() as connection:
        return connection.execute(
            select(Renewal.state)
            .join(Contract, Contract.id == Renewal.contract_id)
            .where(Contract.number == "K-1")
            .order_by(Renewal.ends_on)
        ).scalars().first()  # fmt: skip


def one(office: Whole, *columns: Any) -> Any:
    with office.database.reading() as connection:
        return connection.execute(select(*columns)).one()


def item(office: Whole) -> Any:
    """The renewal's record in ServiceNow; there is one."""
    with office.database.reading() as connection:
        return connection.execute(
            select(Ticket.number, Ticket.state).where(Ticket.purpose == TicketPurpose.RENEWAL)
        ).one()


def to(office: Whole, day: str, hour: int = 9) -> None:
    """Go to a day, at one hour, with everything that is due in one go."""
    at = datetime.fromisoformat(f"{day}T{hour:02d}:00:00+00:00")
    office.forward(seconds=(at - office.now()).total_seconds())


def brief(office: Whole, key: str = "dara") -> str:
    return message_text(office.person(key).message("REN-"))


def test_a_reduction_is_asked_for_in_time_proved_and_saved_once(office: Whole) -> None:
    to(office, "2026-11-24")
    told = office.person("dara").message("Decide by 29 Jan 2027: Copilot, 5 seats")
    assert "Nobody has decided" in message_text(told)
    in_channel = office.person("goran").message("Decide by 29 Jan 2027: Copilot", "renewals")
    image = next(block for block in in_channel["blocks"] if block["type"] == "image")
    assert "Bought 5. In use 4" in image["alt_text"] and image["slack_file"]["id"].startswith("F")

    wrong = send(office, "dara", "Reduce", "Decide by 29 Jan 2027", quantity="1")
    assert wrong["errors"]["quantity"].startswith("The contract allows no fewer than 2")
    answer = office.person("dara").fill(quantity="2").submit()
    assert answer["ok"], answer
    office.settle()

    assert state(office) == RenewalState.DECIDED
    assert "Waiting for Mia Chen" in brief(office)
    press(office, "mia", "Agree", "Waiting for Mia Chen")

    said = brief(office)
    assert "Decided, not yet done: reduce to 2" in said and "Goran Petrović sends the drafted notice" in said
    assert item(office).number in said and item(office).state == "open"
    campaign = one(office, ReclaimCampaign.id, ReclaimCampaign.state, ReclaimCampaign.decide_by)
    assert (campaign.state, campaign.decide_by) == (CampaignState.DRY_RUN, date(2027, 1, 29))
    assert "4 are in use, so 2 must be freed: asking starts on 15 Dec 2026" in said
    _calendar_shows_it(office)
    office.person("dara").press("Read the notice", in_message="REN-")
    letter = str(office.person("dara").modal())
    assert "Copilot: 2 units from 1 Apr 2027" in letter and "by 31 Jan 2027" in letter and "contract K-1" in letter
    office.person("dara").close()

    second = send_refused(office, "goran", "Renew 5")
    assert second == ""  # the card of everybody has changed: no such button is left

    to(office, "2026-12-14")
    assert one(office, ReclaimCampaign.state).state == CampaignState.DRY_RUN
    to(office, "2026-12-15")
    for key in ("kai", "li"):
        send(office, key, "Give it back", "Do you still need")
    to(office, "2026-12-16")
    _confirmed(office)
    assert not any(office.graph.directory.holds(directory_id(key), COPILOT) for key in ("kai", "li"))
    assert state(office) == RenewalState.PROOF_AWAITED  # freed seats are no proof

    to(office, "2027-01-12")
    _proved_by_a_file(office)
    assert state(office) == RenewalState.DONE
    said = message_text(office.person("dara").message("Done:")).replace("*", "")
    assert "Done: sent on 11 Jan 2027 by Goran Petrović, answer attached: k-1 answer.pdf." in said
    assert item(office).state == "complete"

    to(office, "2027-04-02")
    to(office, "2027-04-03")
    with office.database.reading() as connection:
        saved = connection.execute(select(Saving.kind, Saving.amount)).all()
        units = connection.execute(
            select(Entitlement.quantity)
            .where(Entitlement.product_id == office.products["copilot"], Entitlement.starts_on == date(2027, 4, 1))
        ).scalars().all()  # fmt: skip
    assert [kind for kind, _ in saved] == ["reduced", "reduced"]
    assert {amount for _, amount in saved} == {Decimal("336.00")}
    assert list(units) == [2]


LETTER = b"%PDF-1.7 We confirm 2 units of contract K-1 from 1 Apr 2027."


def _proved_by_a_file(office: Whole) -> None:
    """What cannot be read proves nothing and says so; what can is kept with its digest, and handed out as it came."""
    dara = office.person("dara")
    sent: dict[str, Any] = {"sent_by": slack_id("goran"), "sent_on": "2027-01-11", "how": "E-mail to renewals"}
    dara.press("Add proof", in_message="REN-")
    assert "Attach the confirmation" in str(dara.fill_in(sent).submit()["errors"])
    with pytest.raises(NotThere, match="not taken here"):
        dara.attach("file", "letter.exe", b"MZ").submit()
    dara.attach("file", "gone.pdf", b"gone").fill_in(sent)
    store = office.slack.world.store
    gone = next(one for one in store.all("slack.file") if one["name"] == "gone.pdf")
    assert dara.submit()["ok"]
    store.put(
        "slack.file", gone["id"], gone | {"length": 5}
    )  # shorter than announced: a page to sign in, or half of it
    office.settle()
    assert state(office) == RenewalState.PROOF_AWAITED
    assert "is no proof yet" in told(office, "dara") and "Nothing changed; add proof again." in told(office, "dara")

    dara.press("Add proof", in_message="Decided, not yet done")
    assert dara.attach("file", "k-1 answer.pdf", LETTER).fill_in(sent).submit()["ok"]
    office.settle()
    with office.database.reading() as connection:
        row = connection.execute(
            select(ProofFile.id, ProofFile.state, ProofFile.size, ProofFile.sha256, ProofFile.by_id, ProofFile.at,
                   ProofFile.renewal_id).where(ProofFile.state == "kept")
        ).one()  # fmt: skip
    digest = hashlib.sha256(LETTER).hexdigest()
    assert (row.size, row.sha256, row.by_id) == (len(LETTER), digest, office.staff["dara"])
    assert row.at.date() == date(2027, 1, 12) and office.running is not None
    base = f"http://127.0.0.1:{office.running.port}/renewals/{row.renewal_id}"
    key = load(office.environment, dotenv=None).key("links")
    with requests.Session() as browser:
        page = browser.get(pages.address(base.partition("/renewals")[0], key, row.renewal_id, row.by_id, office.now()),
                           timeout=20)  # fmt: skip
        assert digest in page.text and "attached" in page.text
        file = browser.get(f"{base}/files/{row.id}", timeout=20)
        assert file.content == LETTER and "attachment" in file.headers["Content-Disposition"]
    assert requests.get(f"{base}/files/{row.id}", timeout=20).status_code == 401


def send_refused(office: Whole, key: str, label: str) -> str:
    """The label of a button that is still there, "" when no message has it."""
    found = [one for one in office.person(key).messages("renewals") if label in str(one["blocks"])]
    return label if found else ""


def _calendar_shows_it(office: Whole) -> None:
    """The answer to /licence renewals has the way to an address of one's own; a new one ends the old."""
    dara = office.person("dara")
    dara.command("/licence renewals")
    dara.press("Renewals in my calendar", in_message="to decide.")
    first = _calendar_of(office, dara)
    assert "Decide by 29 Jan 2027: Northwind, K-1" in first[1] and first[0] == 200
    dara.press("Make a new calendar address")
    second = _calendar_of(office, dara)
    assert second[1] == first[1] and second[2] != first[2]
    assert requests.get(first[2], timeout=10).status_code == 404
    dara.close()


def _calendar_of(office: Whole, person: SlackPerson) -> tuple[int, list[str], str]:
    """Status, names of entries and address, read where the address of the open window says."""
    assert office.running is not None
    path = re.search(r"/calendar/[\w-]+\.ics", str(person.modal()))
    assert path is not None
    address = f"http://127.0.0.1:{office.running.port}{path[0]}"
    answer = requests.get(address, timeout=10)
    names = [str(event["summary"]) for event in Calendar.from_ical(answer.content).walk("VEVENT")]
    return answer.status_code, names, address


def _confirmed(office: Whole) -> None:
    """The list, as somebody with that right works through it."""
    dara = office.person("dara")
    dara.press("Review the list", in_message="seats to look at")
    dara.press("Take back 2 seats")
    office.settle()
    office.forward(minutes=5)


def test_with_the_service_down_over_a_stage_the_brief_still_comes_once(office: Whole) -> None:
    to(office, "2026-11-24")
    first = len(_briefs(office))
    to(office, "2027-01-20")  # the days before -60 and -30 were slept through
    assert len(_briefs(office)) == first + 1
    assert [one for one in office.person("dara").messages() if "Decide by 29 Jan 2027" in message_text(one)]
    with office.database.reading() as connection:
        stages = connection.execute(select(RenewalStage.name, RenewalStage.stood_for_by)).all()
    assert len({name for name, _ in stages}) == len(stages)
    to(office, "2027-01-20", 12)
    assert len(_briefs(office)) == first + 1
    to(office, "2027-02-01")
    assert state(office) == RenewalState.MISSED
    assert "Too late to change:" in brief(office)


def _briefs(office: Whole) -> list[int]:
    audience = f"person:{office.staff['dara']}"
    with office.database.reading() as connection:
        rows = select(Card.id).join(Renewal, Renewal.id == Card.subject_id).join(
            Contract, Contract.id == Renewal.contract_id
        )  # fmt: skip
        return list(
            connection.execute(
                rows.where(Card.kind == "renewal", Card.audience == audience, Contract.number == "K-1")
            ).scalars()
        )


def told(office: Whole, key: str) -> str:
    """All that somebody was told, in their own messages, in the channel and on windows."""
    person = office.person(key)
    return " ".join(message_text(one) for one in [*person.messages(), *person.messages("renewals")])


def test_each_press_counts_for_who_presses_and_the_second_says_who_was_first(office: Whole) -> None:
    to(office, "2026-11-24")
    dara, goran, eli = office.person("dara"), office.person("goran"), office.person("eli")
    card = goran.message("Decide by 29 Jan 2027: Copilot", "renewals")
    eli.press("Cancel contract", in_message=card)  # IT reads renewals and decides none
    office.settle()
    assert "This is decided by Dara Novak" in told(office, "eli")
    assert state(office) == RenewalState.BRIEFED

    dara.choose(Action.RENEWAL_MORE, "Open in dashboard", in_message="Decide by 29 Jan 2027")
    (link,) = [one for block in dara.modal()["blocks"] for one in block.get("elements", ()) if one.get("url")]
    dara.close()
    assert office.running is not None
    path = link["url"].partition("/renewals/")[2]
    with requests.Session() as browser:
        page = browser.get(f"http://127.0.0.1:{office.running.port}/renewals/{path}", timeout=20)
    assert page.status_code == 200 and "Copilot: decide by 29 Jan 2027" in page.text

    dara.press("Reduce", in_message="Decide by 29 Jan 2027")
    goran.press("Renegotiate", in_message=card)
    assert goran.fill(words="Leave the announced rise out.").submit()["ok"]
    late = dara.fill(quantity="3").submit()
    office.settle()
    assert "Goran Petrović decided to renegotiate this" in str(late) + str(dara.modal())
    dara.close()
    assert "Decided, not yet done: renegotiate" in brief(office)
    assert "Leave the announced rise out." in str(dara.message("REN-")["blocks"])

    dara.press("Change decision", in_message="REN-")
    office.settle()
    assert state(office) == RenewalState.BRIEFED and item(office).state in ("cancelled", "open")
    dara.press("Cancel contract", in_message="REN-")
    window = str(dara.modal())
    assert "4 people lose Copilot on 31 Mar 2027. The notice must reach Northwind by 29 Jan 2027." in window
    assert not dara.submit()["ok"]  # without the tick
    dara.close()


def test_put_off_handed_over_and_not_agreed_to(office: Whole) -> None:
    to(office, "2026-11-24")
    dara = office.person("dara")
    dara.choose(Action.RENEWAL_MORE, "Defer", in_message="Decide by 29 Jan 2027")
    refused = dara.fill(until="2027-01-28", words="Budget round").submit()
    assert refused["errors"]["until"] == "Choose a day up to Tue 26 Jan 2027."
    assert dara.fill(until="2026-12-14", words="Budget round").submit()["ok"]
    office.settle()
    assert "Put off to 14 Dec 2026, nobody has decided." in brief(office).replace("*", "")
    to(office, "2026-12-14")
    assert state(office) == RenewalState.BRIEFED

    dara.choose(Action.RENEWAL_MORE, "Assign owner", in_message="REN-")
    assert dara.fill(owner=slack_id("chitra")).submit()["ok"]
    office.settle()
    assert "Chitra Rao answers for it" in brief(office, "chitra")
    send(office, "chitra", "Reduce", "REN-", quantity="4")
    assert "Waiting for Mia Chen" in brief(office, "chitra")
    send(office, "mia", "Do not agree", "Waiting for Mia Chen", words="We need all five.")
    assert state(office) == RenewalState.BRIEFED
    assert "Nobody has decided" in brief(office, "chitra")


def test_a_window_opened_on_one_decision_says_nothing_about_the_next(office: Whole) -> None:
    """Mia was asked about a reduction; while she wrote why not, it was taken back and the whole was renewed."""
    to(office, "2026-11-24")
    dara, mia = office.person("dara"), office.person("mia")
    send(office, "dara", "Reduce", "Decide by 29 Jan 2027", quantity="4")
    mia.press("Do not agree", in_message="Waiting for Mia Chen")
    dara.press("Change decision", in_message="REN-")
    office.settle()
    press(office, "dara", "Renew 5", "REN-")
    late = mia.fill(words="We need all five.").submit()
    assert "The renewal changed meanwhile. The card shows the new figures now: press again." in str(late) + str(
        mia.modal()
    )
    mia.close()
    assert state(office) == RenewalState.DECIDED
    press(office, "mia", "Agree", "Waiting for Mia Chen")
    assert state(office) == RenewalState.DONE


def test_the_list_says_what_is_to_be_decided_and_what_is_missing(office: Whole) -> None:
    to(office, "2026-11-24")
    dara = office.person("dara")
    answer = dara.command("/licence renewals")
    office.settle()
    said = str(answer) + told(office, "dara")
    assert "decide by 29 Jan 2027 (66 days)" in said and "Not recorded:" in said
    refused = office.person("kai").command("/licence renewals")
    assert "is shown to those who look after licences: ask Dara Novak" in str(refused) + told(office, "kai")
