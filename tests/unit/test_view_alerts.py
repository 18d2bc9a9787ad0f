"""Red alerts as people see them: the channel card, the question to a person, sources watched only (§2.11, §2.13)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.views.alert_card import alert_card, alerts_card, alerts_window, headline, row_words
from bot.views.alert_forms import exception_form, really_form, who_words, wrong_product_form
from bot.views.found_card import answer_window, found_card
from bot.views.observe_card import names_card, observe_card, work_off_window, would_window
from bot.views.text import Message
from model.alerts import AlertState, Cause
from sandbox.blocks import validate_view
from tests.unit.message_checks import check, element, labels, shown
from tests.unit.view_facts import NOW, ORDINARY, VOICES, Voice, who
from workflows.reads.alerts import AlertFacts, FoundFacts, ObserveFacts, PlaceFacts, TicketFacts
from workflows.reads.baselines import ToWorkOff, WouldRow
from workflows.reads.names import Unsettled
from workflows.titles_settled import As

EARLIER = NOW - timedelta(days=2)
FIGURES: dict[Cause, dict[str, Any]] = {
    Cause.UNAUTHORISED: {"devices": 3, "bought": "0", "in_use": "3", "at_risk": {"EUR": "1650.00"}},
    Cause.SHORTFALL: {"devices": 9, "bought": "20", "in_use": "24", "short": "4", "at_risk": None},
    Cause.NEAR_LIMIT: {"devices": 9, "bought": "40", "in_use": "38", "free": "2", "at_risk": None},
    Cause.EXPIRED_RIGHT: {"devices": 6, "bought": "0", "in_use": "6", "ended_on": "2026-10-31", "at_risk": None},
    Cause.DUPLICATE_ACTIVATION: {"devices": 2, "allowed": 1, "last_five": "Q7XYZ"},
}


def alert(voice: Voice = ORDINARY, cause: Cause = Cause.UNAUTHORISED, **changed: Any) -> AlertFacts:
    facts = AlertFacts(
        id=88,
        version=3,
        cause=cause,
        state=AlertState.OPEN,
        product=voice.product,
        product_id=7,
        figures=FIGURES[cause],
        rule="restricted, nothing bought (rule 3)",
        first_seen_at=EARLIER,
        last_seen_at=NOW,
        devices=3,
        departments=(voice.team,),
        sites=("Lyon",),
        to_ask=3,
        asked=0,
        answered=0,
        ticket=TicketFacts("INC0012345", "open", "incident", "a" * 32),
        taken_by=None,
        taken_at=None,
        exception_until=None,
        exception_by=None,
        closed_at=None,
        own={},
    )
    return replace(facts, **changed)


def standings(voice: Voice) -> dict[str, AlertFacts]:
    """Every state a card can show."""
    taken: Any = {"state": AlertState.TAKEN, "taken_by": who(2, voice.ben), "taken_at": NOW, "to_ask": 0}
    return {
        "open": alert(voice),
        "no ticket": alert(voice, ticket=None),
        "asked": alert(voice, asked=3, answered=1, to_ask=0),
        "taken": alert(voice, **taken),
        "taken and asked": alert(voice, **taken, asked=3, answered=1),
        "awaiting": alert(
            voice, state=AlertState.AWAITING_SCAN, own={"waits": {"pending": 1, "silent": [voice.words]}}
        ),
        "still": alert(voice, own={"still": {"devices": 1, "at": NOW.isoformat()}}),
        "excepted": alert(
            voice, state=AlertState.EXCEPTED, exception_until=date(2027, 6, 30), exception_by=who(3, voice.mia)
        ),
        "closed": alert(voice, state=AlertState.CLOSED, closed_at=NOW),
        "record gone": alert(voice, own={"ticket_gone": "INC0012345"}),
        **{cause.value: alert(voice, cause) for cause in Cause},
    }


def card(facts: AlertFacts) -> Message:
    return alert_card(facts, dashboard_url="https://licences.example.test", ticket_url="https://example.test/INC")


@pytest.mark.parametrize("voice", VOICES)
def test_every_card_keeps_the_limits_whatever_names_are_in_it(voice: str) -> None:
    for facts in standings(VOICES[voice]).values():
        check(card(facts), own_words=voice == "ordinary")
    many = [replace(alert(VOICES[voice]), id=number) for number in range(1, 8)]
    check(alerts_card(many, EARLIER, "https://licences.example.test"), own_words=voice == "ordinary")
    assert not validate_view(alerts_window(many * 6))


def test_the_channel_card_word_by_word() -> None:
    message = card(alert(replace(ORDINARY, product="AutoCAD LT")))
    said = shown(message).replace("*", "")
    assert "Red alert: AutoCAD LT on 3 devices, no licence" in said
    assert "Nobody has it yet. 3 installations, 0 seats bought. First seen" in said
    for part in (
        "3 devices, Design, Lyon", "€1,650.00 a year", "INC0012345, New, opened by itself",
        "restricted, nothing bought (rule 3)", "ALERT-88 · closes by itself when a scan shows it gone",
    ):  # fmt: skip
        assert part in said
    assert labels(message) == ["I will take it", "Ask 3 people", "Open the ticket", "Grant an exception"]
    dialog = element(message, "Ask 3 people")["confirm"]
    assert dialog["title"]["text"] == "Ask 3 people?" and dialog["confirm"]["text"] == "Ask 3 people"
    assert dialog["text"]["text"] == "Each gets a private message with three answers. Nobody else sees it."
    assert "Ticket INC0012345" in message.text and "Nobody has it yet." in message.text


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (Cause.UNAUTHORISED, "Red alert: Camtasia on 3 devices, no licence"),
        (Cause.SHORTFALL, "Short by 4: Camtasia, 24 in use, 20 bought"),
        (Cause.NEAR_LIMIT, "2 left: Camtasia, 38 of 40 in use"),
        (Cause.EXPIRED_RIGHT, "Right ended on 31 Oct 2026: Camtasia, still on 3 devices"),
        (Cause.DUPLICATE_ACTIVATION, "One Camtasia key on 3 devices"),
    ],
)
def test_the_header_says_the_cause(cause: Cause, words: str) -> None:
    assert headline(alert(replace(ORDINARY, product="Camtasia"), cause)) == words


@pytest.mark.parametrize(
    ("devices", "people", "words", "numbers"),
    [
        (0, 1, "1 person has it", "1 in use, 0 bought."),
        (0, 2, "2 people have it", "2 in use, 0 bought."),
        (30, 0, "still on 30 devices", "30 installations, 0 seats bought."),
        (1, 2, "still on 1 device, and 2 people have it", "1 installation, 0 seats bought."),
    ],
)
def test_the_end_of_a_purchase_is_told_of_seats_as_of_devices(
    devices: int, people: int, words: str, numbers: str
) -> None:
    figures = {**FIGURES[Cause.EXPIRED_RIGHT], "devices": devices, "people": people, "in_use": str(devices + people)}
    facts = alert(replace(ORDINARY, product="Figma"), Cause.EXPIRED_RIGHT, figures=figures, devices=devices)
    assert headline(facts) == f"Right ended on 31 Oct 2026: Figma, {words}"
    assert numbers in shown(card(facts))


def test_a_shortfall_without_a_limit_names_no_number_bought() -> None:
    facts = alert(replace(ORDINARY, product="MATLAB"), Cause.SHORTFALL, figures={"in_use": "12", "short": "3"})
    assert headline(facts) == "Short by 3: MATLAB, 12 in use"


def test_the_figures_of_a_shortfall_add_up_though_part_of_it_raises_no_alert() -> None:
    """ "Short by 4: 16 in use, 10 bought" left two of six without a word."""
    figures = {"in_use": "16", "bought": "10", "short": "3", "adopted": "2", "hidden": "1"}
    facts = alert(replace(ORDINARY, product="SQL Server"), Cause.SHORTFALL, figures=figures)
    parts = "2 more accepted as baseline and 1 more only watched"
    assert headline(facts) == f"Short by 3: SQL Server, 16 in use, 10 bought; {parts}"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("taken", "Ben Okafor has it"),
        ("asked", "3 asked, 1 answered."),
        ("awaiting", "Resolved in ServiceNow, waiting for a scan of 1 device."),
        ("still", "Still on 1 device at the scan of"),
        ("excepted", "Exception until 30 Jun 2027, Mia Chen."),
        ("closed", "Closed: gone at the scan of"),
        ("record gone", "INC0012345 was deleted in ServiceNow"),
    ],
)
def test_each_state_is_said_in_words(state: str, words: str) -> None:
    message = card(standings(ORDINARY)[state])
    assert words in shown(message).replace("*", "")
    if state != "record gone":
        assert words.split(" at the")[0] in message.text


def test_buttons_follow_the_state() -> None:
    known = {name: labels(card(facts)) for name, facts in standings(ORDINARY).items()}
    assert "I will take it" not in known["taken"]
    assert "Ask 3 people" not in known["asked"]
    assert known["closed"] == [] and known["excepted"] == []
    assert "Open a ticket" in labels(alert_card(alert(ticket=None)))


def test_many_are_one_card_with_the_five_costliest() -> None:
    cheap = [
        replace(alert(), id=n, figures=FIGURES[Cause.UNAUTHORISED] | {"at_risk": {"EUR": str(n)}}) for n in range(1, 8)
    ]
    message = alerts_card(cheap, EARLIER)
    assert labels(message) == ["See"] * 5 + ["See alerts"]
    assert "and 2 more" in shown(message) and message.text.startswith("7 red alerts since")
    assert "€7.00 a year" in shown(message) and "€2.00" not in shown(message)
    closed = [replace(one, state=AlertState.CLOSED) for one in cheap]
    assert shown(alerts_card(closed, EARLIER)).endswith("all closed.")


def place(voice: Voice = ORDINARY, **changed: Any) -> PlaceFacts:
    facts = PlaceFacts(
        id=5,
        alert_id=88,
        product=voice.product,
        product_id=7,
        cause=Cause.UNAUTHORISED,
        banned=False,
        device="LYO-0231",
        kind="portable",
        asked_at=NOW,
        answer="",
        words="",
        remove_by=None,
        gone_at=None,
        closed=False,
        excepted=False,
    )
    return replace(facts, **changed)


def question(*places: PlaceFacts, contact: str = "") -> FoundFacts:
    guide = "https://help.example.test/remove"
    return FoundFacts(places, who(9, contact) if contact else None, date(2026, 11, 27), guide)


def test_the_persons_message_word_by_word() -> None:
    message = found_card(question(place(replace(ORDINARY, product="AutoCAD LT")), contact="Eli Marsh"))
    check(message)
    said = shown(message).replace("*", "")
    assert "AutoCAD LT is on your laptop LYO-0231, and the company has no licence for it." in said
    assert "That is often nobody's doing: software comes with a device or a project. What fits?" in said
    assert "By Fri 27 Nov 2026. You and IT (Eli Marsh) see this." in said
    assert "Without an answer Eli gets in touch." in said
    assert labels(message) == ["Ask for a licence", "I will remove it", "That is not right"]
    assert all("style" not in element(message, label) for label in labels(message))


def test_what_was_answered_takes_the_place_of_the_question() -> None:
    for answered, words in (
        (place(answer="remove", remove_by=date(2026, 12, 4)), "You remove it by 4 Dec 2026:"),
        (place(answer="ask"), "You ask for a licence:"),
        (place(answer="have", words="We do."), "A person looks at it:"),
        (place(gone_at=NOW, answer="remove"), "Settled:"),
        (place(answer="right", words="it is Autodesk DWG TrueView, which is free"), "You were right: it is Autodesk"),
        (place(excepted=True), "Settled:"),
    ):
        message = found_card(question(answered))
        check(message)
        assert words in shown(message).replace("*", "") and not labels(message)


@pytest.mark.parametrize("voice", VOICES)
def test_several_titles_are_one_message_with_a_row_each(voice: str) -> None:
    some = [replace(place(VOICES[voice]), id=number, device=f"LYO-{number}") for number in range(1, 5)]
    message = found_card(question(*some, replace(some[0], id=9, answer="remove")))
    check(message, own_words=voice == "ordinary")
    assert labels(message) == ["Answer"] * 4
    assert not validate_view(answer_window(some[0]))


def test_forbidden_software_is_not_asked_for() -> None:
    message = found_card(question(place(banned=True)))
    assert "it may not be used here" in shown(message)
    assert labels(message) == ["I will remove it", "That is not right"]


@pytest.mark.parametrize("voice", VOICES)
def test_a_manager_is_asked_in_place_of_somebody_who_cannot_be(voice: str) -> None:
    facts = VOICES[voice]
    own = place(facts, of=who(4, facts.ana))
    message = found_card(question(own))
    check(message, own_words=voice == "ordinary")
    assert labels(message) == ["Ask for a licence", "They remove it", "That is not right"]
    assert "has neither Slack nor mail here, so you are asked." in shown(message)
    assert "not their device" in str(really_form(own)).lower() and validate_view(really_form(own)) == []
    several = found_card(question(own, replace(place(facts), id=6)))
    assert "2 programs on devices of your team need an answer." in shown(several).replace("*", "")
    removed = found_card(question(replace(own, answer="remove", remove_by=date(2026, 12, 4))))
    assert "They remove it by 4 Dec 2026:" in shown(removed).replace("*", "")


@pytest.mark.parametrize("voice", VOICES)
def test_windows_are_ones_slack_takes(voice: str) -> None:
    facts = alert(VOICES[voice])
    titles = [(number, VOICES[voice].product, number) for number in range(1, 30)]
    windows = [
        exception_form(facts, NOW.date(), "U0ELI"),
        really_form(place(VOICES[voice])),
        *(wrong_product_form(facts, titles, [VOICES[voice].words], as_) for as_ in As),
    ]
    for view in windows:
        assert validate_view(view) == []


def test_who_is_it_names_people_and_devices_for_one_reader() -> None:
    words = who_words([("Ana Lindqvist", "LYO-1", "remove"), ("", "SRV-2", "")])
    assert words == "Ana Lindqvist: LYO-1, removes it; nobody known: SRV-2."


WOULD = {"alerts": 41, "tickets": 12, "questions": 6}


def source(**changed: Any) -> ObserveFacts:
    return replace(ObserveFacts(4, "intune", NOW - timedelta(days=3), "", None, None, 1204), **changed)


def test_a_source_in_observe_says_what_it_would_have_sent() -> None:
    message = observe_card(source(), WOULD, NOW)
    check(message)
    assert "Watching only: Intune, 3 days" in shown(message)
    assert "Would have sent: 41 alerts, 12 tickets, 6 questions. Nothing was sent." in shown(message)
    assert labels(message) == ["See what", "Accept as baseline"]
    accepted = observe_card(source(accepted_by=who(3, "Dara Novak"), accepted_at=NOW), WOULD, NOW)
    assert "Accepted by Dara Novak" in shown(accepted).replace("*", "") and "1,204 installations" in shown(accepted)


def test_an_accepted_source_says_what_is_left_to_work_off() -> None:
    accepted = observe_card(source(accepted_by=who(3, "Dara Novak"), accepted_at=NOW, short=2), WOULD, NOW)
    check(accepted)
    assert labels(accepted) == ["See what"] and "2 shortfalls to work off" in shown(accepted)


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("named", [True, False])
def test_what_would_have_been_sent_is_a_row_for_each_cause(voice: str, named: bool) -> None:
    facts = VOICES[voice]
    where = tuple((facts.ana if number % 2 else "", f"LYO-{number}") for number in range(20)) if named else ()
    rows = [
        WouldRow(cause, facts.product, FIGURES[cause], 30, "restricted", number == 0, number, where)
        for number, cause in enumerate([*Cause] * 10)
    ]
    view = would_window("fusioninventory", rows)
    assert validate_view(view) == []
    said = str(view)
    assert "and 10 more" in said and "asks nobody" in said and "asks 2 people" in said and "no ticket" in said
    assert ("LYO-3" in said) is named and ("and 10 more" in said)
    assert validate_view(would_window("ocs", [])) == []


def test_what_was_adopted_is_one_list_and_what_is_not_known_says_so() -> None:
    rows = [
        ToWorkOff("AutoCAD LT", "device", Decimal(12), Decimal(9), None),
        ToWorkOff("Camtasia", "named_user", Decimal(3), None, None),
        ToWorkOff("Visio", "device", Decimal(2), Decimal(0), None),
    ]
    view = work_off_window("ocs", rows)
    assert validate_view(view) == []
    said = str(view).replace("*", "")
    assert "2 shortfalls of 3 left to work off." in said
    assert "AutoCAD LT, by device: 12 short at the baseline, 9 today" in said
    assert "Camtasia, by named user: 3 short at the baseline, not known today" in said
    assert "Visio, by device: 2 short at the baseline, settled" in said
    assert validate_view(work_off_window("ocs", [])) == []


@pytest.mark.parametrize("voice", VOICES)
def test_the_weeks_names_are_one_list(voice: str) -> None:
    one = Unsettled(1, 1, VOICES[voice].product, VOICES[voice].team, "", 12, 12, 3, True, None, "", 0)
    message = names_card([replace(one, id=number) for number in range(1, 15)])
    check(message, most_blocks=40, most_characters=9000, own_words=voice == "ordinary")
    assert "14 software names to settle" in shown(message) and "and 6 more" in shown(message)
    assert labels(message) == ["Settle names"]


def test_seats_that_run_out_put_no_money_at_risk() -> None:
    near = alert(cause=Cause.NEAR_LIMIT)
    message = alert_card(near)
    assert "At risk" not in shown(message) + message.text
    assert " · " not in row_words(near)
