"""The checks of the wording guide, §5, over every message and window there is; each test names its numbers.

`message_checks.check` holds 1, 2, 3, 5, 6 and 7 for one message; the tests of each view call it for their situations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from bot.ids import Action
from bot.views import home as home_views
from bot.views import request_modal
from bot.views.answers import approvals, mine, status
from bot.views.approval_card import approval_card
from bot.views.decisions_card import decisions_card
from bot.views.notes import parked_card, stuck_card
from bot.views.progress_card import progress_card
from bot.views.said import price, price_paid
from bot.views.seat_cards import ending_card
from bot.views.text import Message
from licensing.money import Money, Sums
from model.people import Role
from model.requests import RequestKind, Status, StepKind
from sandbox.blocks_text import elements, render_text
from tests.unit.message_checks import AMERICAN, BLAME, NEVER, check, element, labels, shown
from tests.unit.test_modal_wording import chosen, home, row, seat, windows
from tests.unit.test_view_approval import situations
from tests.unit.test_view_progress import states
from tests.unit.test_view_seats import ending
from tests.unit.test_view_stuck import stuck
from tests.unit.view_facts import DUE, NOW, ORDINARY, PRICE, VOICES, Voice, approval, asked, request, step, who
from web.words import html
from workflows.reads.catalogue import Found, Offer
from workflows.reads.facts import ApprovalFacts, DecisionsFacts, Price
from workflows.reads.home import TodayFacts
from workflows.reads.seat_facts import HoldingFacts, ParkedFacts

Json = dict[str, Any]
HONOLULU, AUCKLAND = "Pacific/Honolulu", "Pacific/Auckland"
CALENDAR_DAY = r"\b\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) 20\d\d\b"
TOKEN = r"<!date\^(\d+)\^[^|]*\|([^>]*)>"


def cards(voice: Voice) -> Iterator[tuple[str, Message]]:
    """Every approval card and every card of a requester."""
    for name, facts in situations(voice).items():
        yield f"approval card, {name}", approval_card(facts)
    for name, one in states(voice).items():
        yield f"progress card, {name}", progress_card(one, NOW)


def surfaces(voice: Voice) -> Iterator[tuple[str, list[Json]]]:
    """Blocks of every card, window and Home."""
    for name, message in cards(voice):
        yield name, message.blocks
    for name, view in windows(voice).items():
        yield name, view["blocks"]


def words_of(value: Any) -> Iterator[str]:
    """Every text in a block: labels, hints, options, dialogs."""
    if isinstance(value, list):
        for one in value:
            yield from words_of(one)
    elif isinstance(value, dict):
        if value.get("type") in ("mrkdwn", "plain_text"):
            yield value["text"]
        for one in value.values():
            yield from words_of(one)


# -- wording


def test_5_6_7_nothing_that_can_be_opened_uses_a_forbidden_blaming_or_american_word() -> None:
    """Also labels, hints, options and dialogs, which a scan of the sections alone would miss."""
    for name, blocks in surfaces(ORDINARY):
        for text in words_of(blocks):
            plain = re.sub(r"<[^<>]*>|`[^`]*`", " ", text)
            for pattern in (NEVER, BLAME, AMERICAN):
                assert not (found := re.search(pattern, plain, re.IGNORECASE)), f"{name}: {found} in {text}"


def test_3_every_button_of_a_list_is_heard_apart_and_no_row_has_a_menu() -> None:
    same = tuple(seat(ORDINARY, number, product=f"Visio Plan {number}") for number in range(1, 16))
    for view in (home_views.home_view(replace(home(ORDINARY, 15), holding=HoldingFacts(same, Sums.of([]))), NOW),):
        heard = [one.get("accessibility_label") for _, one in elements(view["blocks"]) if one["type"] == "button"]
        named = [one for one in heard if one]
        assert len(set(named)) == len(named) > 15
        assert not [block for block in view["blocks"] if (block.get("accessory") or {}).get("type") == "overflow"]


def test_4_each_state_is_a_word_and_never_only_a_colour() -> None:
    """Without any style the first words of a card still differ for each state; colour is on the way on, at most."""
    first = {name: shown(message).split("·")[0] for name, message in cards(ORDINARY) if name.startswith("progress")}
    by_state = {states(ORDINARY)[name.removeprefix("progress card, ")].request.status: words for name, words in
                first.items()}  # fmt: skip
    assert len(set(by_state.values())) == len(by_state) >= 8
    for name, blocks in surfaces(ORDINARY):
        styled = [one for _, one in elements(blocks) if one["type"] == "button" and one.get("style") == "primary"]
        asks = [one for one in styled if one["action_id"] != Action.ASK_LICENCE.value]
        assert len(asks) <= 1, name


# -- days, money, what is not known


@pytest.mark.parametrize("name", situations(ORDINARY))
def test_8_days_are_the_same_in_honolulu_and_auckland_and_instants_are_local(name: str) -> None:
    message = approval_card(situations(ORDINARY)[name])
    for text in [message.text, *words_of(message.blocks)]:
        plain = re.sub(TOKEN, "", text)
        assert not re.search(r"\d\d:\d\d|UTC", plain), f"an instant outside a token: {plain}"
        west, east = (str(html(text, zone).striptags()) for zone in (HONOLULU, AUCKLAND))
        instants = re.findall(TOKEN, text)
        days = re.findall(CALENDAR_DAY, plain)
        assert all(day in west and day in east for day in days)
        assert (west == east) is not bool(instants)


def test_8_an_instant_is_the_readers_and_a_day_never_shifts() -> None:
    due = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
    facts = approval(request=request(ORDINARY, step(ORDINARY, due_at=due), until_on=date(2027, 1, 31)))
    message = approval_card(facts)
    west, east = (str(html("\n".join(words_of(message.blocks)), zone).striptags()) for zone in (HONOLULU, AUCKLAND))
    assert "decide by Mon 23 Nov 2026, 17:30" in west and "decide by Tue 24 Nov 2026, 16:30" in east
    assert "31 Jan 2027, then taken back" in west and "31 Jan 2027, then taken back" in east
    assert "ends on 31 Jan 2027" in ending_card(ending()).text and "<!date" not in ending_card(ending()).text


def test_9_money_has_two_decimals_and_a_period_or_an_end() -> None:
    amount = re.compile(r"(?:€|US\$|£|CHF )[\d,.]*\d")
    seen = 0
    for name, blocks in surfaces(ORDINARY):
        for text in words_of(blocks):
            for found in amount.finditer(text):
                seen += 1
                assert re.fullmatch(r"\D*(?:\d{1,3}(?:,\d{3})*)\.\d\d", found[0]), f"{name}: {found[0]}"
                after = text[found.end() : found.end() + 40]
                assert re.match(
                    r" (?:a (?:seat a )?(?:year|month)|to \d|for a year|left|over its budget|and |in all)"
                    r"|,? then |[.,;\n]|\)|$",
                    after,
                ), f"{name}: {found[0]}{after}"
    assert seen > 30


def test_9_currencies_stand_side_by_side_and_nothing_to_pay_is_words() -> None:
    sums = Sums.of([Money(Decimal("1412.00"), "EUR"), Money(Decimal("240.00"), "USD")])
    said = mine(home(ORDINARY, 1, holding=HoldingFacts((seat(ORDINARY),), sums)))
    assert "together €1,412.00 and US$240.00 a year" in said.text
    nothing = Price(Money(Decimal(0), "EUR"), "year", date(2027, 3, 31))
    assert nothing.yearly == Money(Decimal(0), "EUR"), "a price of nothing is known"
    assert price_paid(nothing) == "nothing extra to pay"
    rows = shown(Message("x", [home_views.seat_row(replace(seat(ORDINARY), price=nothing))]))
    assert "nothing extra to pay" in rows and "not known" not in rows and "0.00" not in rows


def test_10_what_is_not_known_is_said_with_its_reason_and_never_zero() -> None:
    unknown = Price(None, "year", None, "the price is not recorded")
    assert price(unknown) == "not known: the price is not recorded"
    card = approval_card(situations(ORDINARY)["price not known"])
    assert "the price is not recorded" in shown(card) and "counts as above every limit" in card.text
    seats = shown(approval_card(situations(ORDINARY)["seats not known"]))
    assert "not known: no purchase is recorded" in seats and "0 of" not in seats
    assert "not known: no report of use is connected yet" in seats
    total = Sums.of([PRICE.yearly, None, None])
    facts = home(ORDINARY, 1, holding=HoldingFacts((seat(ORDINARY),), total))
    assert "together €336.00 a year, 2 prices not known" in home_views.total(facts), "a sum says what it leaves out"
    assert request_modal.offer_words(Offer(1, "x")) == "free seats not known"


# -- asking and deciding


def test_11_a_last_day_that_must_be_chosen_is_no_optional_field() -> None:
    """A product with no end may be had for a year at most; the form asked for a day only after it was sent."""
    endless = replace(PRICE, ends_on=None)
    tiers = tuple(replace(one, price=endless) for one in chosen(ORDINARY).tiers)
    free = chosen(ORDINARY, tiers=tiers, chosen=tiers[0], latest=date(2027, 11, 23), owned=None)
    for facts, optional, hint in (
        (free, False, "At most until 23 Nov 2027. Shorter is easier to approve."),
        (chosen(ORDINARY), True, "Leave empty to keep it until the contract ends on 31 Mar 2027."),
        (None, True, "Leave empty to keep it until the contract ends."),
    ):
        form = request_modal.request_form(request_modal.Asking(), facts, "U0ANA", NOW.date())
        until = next(block for block in form["blocks"] if block.get("block_id") == "until")
        assert until.get("optional", False) is optional
        assert until["hint"]["text"].startswith(hint)


def test_12_an_alternative_that_was_refused_is_said_to_the_approver() -> None:
    owned = chosen(ORDINARY).owned
    assert owned is not None
    taken = request_modal.nothing_to_ask(owned, chosen(ORDINARY))
    assert "No request was sent." in render_text(taken["blocks"]) and "submit" not in taken
    assert f"was offered {ORDINARY.product}" in shown(approval_card(situations(ORDINARY)["offered"]))


def test_13_one_press_where_nothing_is_spent_and_a_dialog_with_sum_end_and_budget_where_it_is() -> None:
    assert "confirm" not in element(approval_card(approval()), "Approve")
    said = element(approval_card(approval(free=0, buys=1)), "Approve and buy")["confirm"]["text"]["text"]
    for part in ("€118.75", "to 31 Mar 2027", "then €336.00 a year", "Budget Design: €1,204.00 left", "Goran Petrović"):
        assert part in said
    assert "confirm" not in element(approval_card(approval(free=0, buys=1)), "Approve and wait")


def test_13_whoever_confirms_the_order_is_not_told_that_somebody_else_does() -> None:
    """Goran Petrović read on his own card that Goran Petrović confirms the order, and of a queue with no button."""
    bought = request(ORDINARY, step(ORDINARY, kind=StepKind.PURCHASE), purchase=True)
    card = approval_card(approval(free=0, buys=1, request=bought))
    said = element(card, "Approve and buy")["confirm"]["text"]["text"]
    assert said.endswith("Your press places the order.") and "confirms the order" not in said
    assert "queue" not in shown(card) and "Approve and wait" not in labels(card)


def test_14_a_decided_card_has_no_buttons_another_text_and_its_end() -> None:
    open_card = approval_card(approval())
    for name in ("approved", "denied", "withdrawn", "expired"):
        after = approval_card(situations(ORDINARY)[name])
        assert labels(after) == [] and after.text != open_card.text, name
        assert "Seat given" not in after.text
    assert "Ana Lindqvist until 31 Mar 2027" in shown(approval_card(situations(ORDINARY)["approved"]))


def test_16_five_open_decisions_are_one_list_with_a_row_and_a_button_each() -> None:
    facts = DecisionsFacts(who(2, ORDINARY.ben), tuple(_open(number) for number in range(5)))
    card = decisions_card(facts)
    assert labels(card).count("Decide") == 5
    assert card.text.count("<!date") == 5 and "UTC" not in re.sub(TOKEN, "", card.text)
    check(card, most_blocks=40, most_characters=9000)


def _open(number: int) -> ApprovalFacts:
    return approval(request=request(ORDINARY, step(ORDINARY, asked(ORDINARY, id=number)), reference=f"REQ-{number}"))


def test_what_comes_next_is_what_will_happen() -> None:
    """A purchase was announced as given within minutes, and something new as a seat that is given."""
    buys = request(ORDINARY, purchase=True)
    new = request(ORDINARY, kind=RequestKind.NEW_PRODUCT, lines=())
    two = step(ORDINARY, asked(ORDINARY), asked(ORDINARY, id=6, who=who(7, ORDINARY.mia)))
    facts = states(ORDINARY)["waiting"]
    assert "Next: the seat is bought, then given" in shown(progress_card(replace(facts, request=buys), NOW))
    said = shown(progress_card(replace(facts, request=new), NOW))
    assert "Next: procurement takes it on" in said and "for you" in said and "to be named" not in said
    assert "Now: Ben Okafor or Mia Chen decides, due" in shown(
        progress_card(replace(facts, request=request(ORDINARY, two)), NOW)
    )


# -- people


@pytest.mark.parametrize("name", ["ordinary", "right to left", "longest", "hostile"])
def test_20_cards_to_a_channel_name_nobody(name: str) -> None:
    voice = VOICES[name]
    parked = ParkedFacts(7, "servicenow", "wrong code", "ServiceNow refuses the close code.", 3, ("INC1",), NOW, False)
    for message in (parked_card(parked), stuck_card(stuck(voice)), stuck_card(stuck(voice, Status.AWAITING_APPROVAL))):
        check(message, own_words=name == "ordinary")
        for person in (voice.ana, voice.ben, voice.mia):
            assert person not in message.text and person not in shown(message)


def test_20_a_manager_never_reads_a_date_of_use() -> None:
    team = [block for block in windows(ORDINARY)["team"]["blocks"] if block["type"] == "section"]
    assert team and not re.search(CALENDAR_DAY, render_text(team))


@pytest.mark.parametrize(
    ("count", "counted", "more"), [(0, "No licences", ""), (1, "1 licence,", ""), (40, "40 licences", "Show all 40")]
)
def test_21_none_one_and_many_in_home_and_its_answers(count: int, counted: str, more: str) -> None:
    facts = home(ORDINARY, count, today=None)
    view = home_views.home_view(facts, NOW)
    assert len(view["blocks"]) <= 60
    words = render_text(view["blocks"])
    assert counted in words and ("Show all" in words) is bool(more) and more in words
    assert ("Your licences\n" in words) is bool(count), "a group with nothing in it is absent"
    for message in (mine(facts), status(facts), approvals(facts)):
        check(message, most_blocks=40, most_characters=9000)
    if not count:
        assert approvals(facts).text == "Nothing waits for you."
        assert status(facts).text.startswith("You have no requests.")


def test_21_none_one_and_many_in_the_search() -> None:
    few = request_modal.options_answer(Found((), (), 0), "Design")
    assert [one["value"] for group in few["option_groups"] for one in group["options"]] == ["else"]
    many = tuple(Offer(number, f"Product {number}", free=1) for number in range(99))
    crowd = request_modal.options_answer(Found((), many, 10_000), "Design")
    assert crowd["option_groups"][0]["label"]["text"] == "Keep typing: 10,000 match, 99 shown"
    assert request_modal.offer_words(Offer(1, "x", free=0, waiting=0)) == "none free"


def test_21_a_list_of_many_decisions_says_how_many_are_left_out() -> None:
    none = decisions_card(DecisionsFacts(who(2, ORDINARY.ben), ()))
    assert none.text == "Nothing waits for your decision."
    one = decisions_card(DecisionsFacts(who(2, ORDINARY.ben), (_open(1),)))
    assert one.text.startswith("1 decision waits for you")
    many = decisions_card(DecisionsFacts(who(2, ORDINARY.ben), tuple(_open(number) for number in range(10_000))))
    assert "10,000 decisions wait for you" in many.text and "and 9980 more" in shown(many).replace(",", "")
    assert len(many.blocks) <= 40


def test_22_a_name_of_formatting_signs_formats_nothing() -> None:
    """A row's bold broke where a name held an asterisk: nothing in mrkdwn can escape one."""
    facts = replace(home(VOICES["hostile"], 2), requests=(row(VOICES["hostile"], 1),))
    # a refusal's sentence carries bold of its own and a name that is only escaped
    others = [
        blocks for name, blocks in surfaces(VOICES["hostile"]) if name not in ("nothing changed", "home, unknown")
    ]
    texts = _mrkdwn(others)
    texts += _mrkdwn(home_views.home_view(facts, NOW)["blocks"])
    for text in texts:
        assert text.count("*") % 2 == 0 and "~" not in text, text
        assert not re.search(r"\*\*|\* [^*]*\*\*", text), text


def test_22_names_from_right_to_left_do_not_reorder_a_sentence() -> None:
    voice = VOICES["right to left"]
    for name, blocks in surfaces(voice):
        for text in words_of(blocks):
            for found in re.finditer(re.escape(voice.ana), text):
                # what a person typed themselves has a block of its own, and a name alone has nothing to reorder
                alone = text.strip() == voice.ana
                assert alone or text[: found.start()].count("\u2068") > text[: found.start()].count("\u2069"), name


def _mrkdwn(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for one in value for text in _mrkdwn(one)]
    if not isinstance(value, dict):
        return []
    own = [value["text"]] if value.get("type") == "mrkdwn" else []
    return own + [text for one in value.values() for text in _mrkdwn(one)]


# -- figures and roles


def test_28_a_figure_has_its_source_and_its_time() -> None:
    for name, facts in situations(ORDINARY).items():
        said = shown(approval_card(facts))
        if facts.numbers is not None and "Free seats" in said:
            assert re.search(r"figures from [A-Za-z0-9 ]+, <!date", said), name
    now = home_views.home_view(home(ORDINARY), NOW)
    assert "from Microsoft 365 and the licence register" in render_text(now["blocks"])
    old = home_views.home_view(home(ORDINARY, figures_at=datetime(2026, 11, 20, 6, tzinfo=UTC)), NOW)
    assert "Microsoft 365 has not answered since" in render_text(old["blocks"])


@pytest.mark.parametrize(
    ("role", "today"),
    [(None, False), (Role.LICENCE_MANAGER, True), *((one, False) for one in Role if one is not Role.LICENCE_MANAGER)],
)
def test_30_home_shows_each_role_its_groups_and_no_other(role: Role | None, today: bool) -> None:
    facts = home(
        ORDINARY, 1, roles=frozenset({role} if role else ()), today=TodayFacts(0, (), (), None), team=(), tasks=(),
        questions=(), decisions=DecisionsFacts(who(1, ORDINARY.ana), ()),
    )  # fmt: skip
    view = home_views.home_view(facts, NOW)
    words = render_text(view["blocks"])
    assert ("Today\n" in words) is today
    assert "Your team" not in words and "Waiting for your decision" not in words and "Waiting for you\n" not in words
    seen = {one["action_id"] for _, one in elements(view["blocks"]) if one["type"] == "button"}
    mine_alone = {Action.ASK_LICENCE, Action.OPEN_REQUEST, Action.GIVE_BACK, Action.SETTINGS, Action.STORED_ABOUT_ME,
                  Action.HELP}  # fmt: skip
    assert seen == {str(one) for one in mine_alone}


@pytest.mark.parametrize(
    ("today", "said"),
    [
        (TodayFacts(0, (), (), None, names=14, short=2), "*2 products short*"),
        (TodayFacts(0, (), (), None, renewals=2, short=0), "*2 renewals to decide this month*"),
        (TodayFacts(0, (), (), None, renewals=1, red_renewals=1, short=0), "*1 decision without proof*"),
        (TodayFacts(0, (), (), None, names=1, short=0), "*1 software name to settle*"),
        (TodayFacts(0, (), (), None, names=0, short=None), "*What is short* has not been counted today"),
    ],
)
def test_30_it_and_the_licence_manager_see_what_is_short_and_what_to_settle(today: TodayFacts, said: str) -> None:
    for role in (Role.LICENCE_MANAGER, Role.IT):
        words = render_text(
            home_views.home_view(home(ORDINARY, 1, roles=frozenset({role}), today=today), NOW)["blocks"]
        )
        assert said in words and "Nothing waits for you" not in words, words


def test_30_the_greeting_stands_below_what_waits() -> None:
    today = TodayFacts(0, (), (), None)
    facts = home(ORDINARY, first_time=True, roles=frozenset({Role.LICENCE_MANAGER}), today=today)
    headers = [one["text"]["text"] for one in home_views.home_view(facts, NOW)["blocks"] if one["type"] == "header"]
    assert headers.index("Today") < headers.index("Licences, without the paperwork")


def test_30_with_nothing_waiting_the_next_day_to_decide_is_named() -> None:
    today = TodayFacts(0, (), (), None, next_decide=("Copilot", date(2027, 1, 29)), short=0)
    view = home_views.home_view(home(ORDINARY, 1, roles=frozenset({Role.LICENCE_MANAGER}), today=today), NOW)
    assert "Nothing waits for you. Next: Copilot, decide by 29 Jan 2027 (67 days)." in render_text(view["blocks"])


def test_30_only_the_requester_has_the_requesters_buttons_and_only_the_asked_may_decide() -> None:
    deciding = {Action.APPROVE, Action.APPROVE_AND_BUY, Action.APPROVE_AND_WAIT, Action.DENY, Action.CHANGE, Action.ASK}
    for name, message in cards(ORDINARY):
        seen = {Action(one["action_id"]) for _, one in elements(message.blocks) if one["type"] == "button"}
        if name.startswith("progress"):
            assert not seen & deciding, name
        else:
            assert not seen & {Action.WITHDRAW, Action.REMIND, Action.ANSWER, Action.REOPEN}, name
    assert DUE > NOW
