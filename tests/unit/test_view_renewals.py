"""Renewals as people see them: the brief in each state, its windows, the drafted notice (wording guide §2.12)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bot.views import renewal_forms as forms
from bot.views.renewal_card import renewal_card
from bot.views.renewal_open import Reader, chart_of
from licensing.money import Money, Sums
from licensing.renewal.dates import DecideBy, Due, Occasion
from licensing.renewal.offer import Suggestion
from licensing.renewal.windows import Decision
from model.renewals import RenewalState
from sandbox.blocks import validate_view
from sandbox.blocks_text import render_text
from tests.unit.message_checks import check, element, labels, shown
from tests.unit.renewal_brief_facts import DARA, FATIMA, GORAN, PRICE, decided, euro, facts
from tests.unit.view_facts import ORDINARY, VOICES, Voice
from workflows.reads.renewal_brief import UNSETTLED
from workflows.reads.renewal_facts import BriefFacts, CampaignNote, LineFacts, MoneyFacts, ProductFacts, UseFacts
from workflows.renewals.notices import draft
from workflows.renewals.rollover import UNPROVED

TODAY = date(2026, 11, 23)
READER = Reader(TODAY, 3, "https://seats.example")
S = RenewalState
COPILOT = Voice("Ana Lindqvist", "Chitra Rao", "Mia Chen", "Design", "Copilot", "Why")


def example(**changed: Any) -> BriefFacts:
    return facts(COPILOT, **changed)


def test_the_brief_says_what_the_guide_shows() -> None:
    message = renewal_card(example(), READER)
    check(message)
    seen = shown(message)
    assert message.blocks[0]["text"]["text"] == "Decide by 29 Jan 2027: Copilot, 40 seats"
    assert (
        "*Nobody has decided.* In short: 34 seats would do (likely 32 to 36); 6 fewer save €2,016.00 a year. "
        "Renews by itself at 40 on 1 Apr 2027."
    ) in message.blocks[1]["text"]["text"]
    for words in (
        "37 of 40, peak 39 in Jun 2026",
        "4, not known 2",
        "€336.00 a seat a year",
        "€12,000.00 left; renewal at 40 €14,112.00",
        "nothing, not short",
        "3 free, 4 idle",
        "6 seats, €2,016.00 a year",
        "30 until 31 Mar 2028",
        "34 = 37 in use − 4 idle − 2 leaving + 3 in the hiring plan; forecasts of the past year were off by 2.",
        "31 Jan 2027 is a Sunday",
        "REN-12",
    ):
        assert words in seen, words
    assert labels(message) == ["Renew 40", "Reduce", "Renegotiate", "Cancel contract"]
    assert element(message, "Cancel contract")["style"] == "danger"
    for words in ("Decide by 29 Jan 2027", "34 seats would do", "peak 39", "Least allowed: 30", "Price: €336.00"):
        assert words in message.text, words


def test_the_chart_says_all_to_those_who_cannot_see_it() -> None:
    made = example()
    picture = chart_of(made)
    message = renewal_card(made, READER)
    assert picture is not None and message.picture == picture
    image = next(one for one in message.blocks if one["type"] == "image")
    assert image["alt_text"] == (
        "Seats, Apr 2025 to Nov 2026, with forecast to Mar 2028. Bought 40. In use 37, peak 39 in Jun 2026. "
        "Forecast 34, likely 32 to 36."
    )
    assert chart_of(example()) == picture  # the same data is uploaded once
    other = replace(made, chart=replace(made.chart, used=made.chart.used[1:])) if made.chart else made
    assert (again := chart_of(other)) is not None and again.key != picture.key


def test_renewing_asks_with_the_cost_and_what_it_is_over() -> None:
    dialog = element(renewal_card(example(auto_renew=False), READER), "Renew 40")["confirm"]
    assert dialog["title"]["text"] == "Renew 40 seats?"
    assert dialog["text"]["text"] == (
        "€14,112.00 for 1 Apr 2027 to 31 Mar 2028. That is €2,112.00 over the budget. Goran Petrović gets the ticket."
    )
    assert (dialog["confirm"]["text"], dialog["deny"]["text"]) == ("Renew 40", "Go back")


def test_an_announced_rise_stands_beside_the_price_and_in_the_question() -> None:
    line = LineFacts(7, "Copilot", 40, PRICE, "year", euro("352.80"), Decimal(5))
    made = example(lines=(line,), main=line, auto_renew=False)
    message = renewal_card(made, READER)
    check(message)
    assert "€336.00 a seat a year, 5% rise announced" in shown(message)
    dialog = element(message, "Renew 40")["confirm"]["text"]["text"]
    assert dialog.startswith("€14,112.00 for 1 Apr 2027 to 31 Mar 2028, with the announced 5%.")
    dollars = replace(line, announced=Money(Decimal("390.00"), "USD"), rise=None)
    other = renewal_card(example(lines=(dollars,), main=dollars, auto_renew=False), READER)
    assert "€336.00 a seat a year, US$390.00 a seat a year announced" in shown(other)
    assert ", at announced prices." in element(other, "Renew 40")["confirm"]["text"]["text"]


def test_what_is_not_recorded_is_said_with_who_can_fill_it_in() -> None:
    line = LineFacts(7, "Copilot", 40, None, "year")
    made = example(
        lines=(line,), main=line, missing="its notice period and a price", missing_by="procurement",
        money=MoneyFacts(Sums.of([None]), None, "no cost centre is recorded", ""),
        due=Due(Occasion.TERM, date(2026, 4, 1), date(2027, 3, 31), ()),
    )  # fmt: skip
    message = renewal_card(made, READER)
    check(message)
    seen = shown(message)
    assert "No date to decide by: Copilot, 40 seats" in seen
    assert "*Not recorded:* its notice period and a price. Procurement can fill it in." in str(message.blocks)
    assert "not known: no price is recorded" in seen and "price not known" in seen


def test_a_site_licence_has_a_price_and_no_number_and_says_so() -> None:
    """The demo's brief read "renewal as it is 1 price not known", beside the price."""
    line = LineFacts(7, "Sensor", None, PRICE, "year")
    made = example(lines=(line,), main=line, money=MoneyFacts(Sums.of([None]), euro("9000.00"), "", "CC-1"))
    message = renewal_card(made, READER)
    check(message)
    assert "€9,000.00 left; renewal as it is not known: no number of seats is recorded" in shown(message)
    dialog = element(message, "Renew")["confirm"]["text"]["text"]
    assert dialog.startswith("What it costs is not known: no number of seats is recorded for 1 Apr 2027")


def test_unknown_use_suggests_nothing_and_is_not_zero() -> None:
    unknown = UseFacts(None, None, None, 0, None, None, None, "seats")
    plain = Due(Occasion.TERM, date(2026, 4, 1), date(2027, 3, 31), ())
    made = example(due=plain, use=unknown, suggestion=None, outlook=None, chart=None,
                   suggestion_unknown="nothing says how many are in use")  # fmt: skip
    message = renewal_card(made, READER)
    check(message)
    seen = shown(message)
    assert "how many would do is not known; nothing says how many are in use" in seen
    assert not any(one["type"] == "image" for one in message.blocks)
    assert "not known: nothing counts it" in seen and "0 of 40" not in seen


def test_use_that_names_nobody_settled_may_raise_is_told_as_far_as_it_is_known() -> None:
    """ "In use: not known: nothing counts it" stood beside "Exposed now: 4 short"."""
    use = UseFacts(None, None, None, 0, 0, 4, Sums.of([euro("1104.00")]), "seats", least=44, undecided=3)
    made = example(use=use, suggestion=None, outlook=None, chart=None, suggestion_unknown=UNSETTLED)
    message = renewal_card(made, READER)
    check(message)
    seen = shown(message)
    assert "at least 44 of 40, up to 3 more if names nobody settled are this" in seen
    assert "nothing counts it" not in seen and "not known; names nobody settled may be this product." in seen


def test_where_idle_seats_cannot_be_asked_about_the_brief_does_not_say_that_none_is() -> None:
    """The brief said "2 look idle", and after the decision "no seat looks idle"."""
    made = example(state=S.PROOF_AWAITED, decision=decided(campaign=None), needs_freed=3)
    assert "no seat looks idle" not in shown(renewal_card(made, READER))
    few = "the 4 that look idle were asked about lately or are left alone by policy"
    assert few in shown(renewal_card(made, READER))
    none = replace(made, use=replace(made.use, idle=0))
    assert "3 must be freed: no seat looks idle" in shown(renewal_card(none, READER))


def test_with_no_room_above_the_floor_nothing_can_be_reduced() -> None:
    assert "Reduce" not in labels(renewal_card(example(floor=40), READER))


def test_a_decision_stays_red_until_there_is_proof() -> None:
    note = CampaignNote(5, 6, date(2026, 12, 15), False, False, "")
    made = example(state=S.PROOF_AWAITED, decision=decided(campaign=note), needs_freed=3)
    message = renewal_card(made, READER)
    check(message)
    head = message.blocks[1]["text"]["text"]
    assert head.startswith("*Decided, not yet done: reduce to 34*, Dara Novak <!date")
    assert "Goran Petrović sends the drafted notice by 29 Jan 2027, RITM0012399." in head
    assert ":red_circle:" in head
    assert "37 are in use, so 3 must be freed: asking starts on 15 Dec 2026 (CMP-5, 6 holders)." in shown(message)
    assert labels(message) == ["Read the notice", "Add proof", "Change decision", "Open in dashboard"]
    done = decided(sent_by=GORAN, sent_on=date(2027, 1, 12), sent_how="e-mail")
    message = renewal_card(replace(made, state=S.DONE, decision=done), READER)
    check(message)
    assert message.blocks[1]["text"]["text"] == "*Done:* sent on 12 Jan 2027 by Goran Petrović, answer attached."


def test_others_who_have_to_agree_get_the_buttons_and_nobody_else() -> None:
    decision = decided("renew", None, waits_for=((FATIMA,),), because=("second person above €10,000.00",))
    made = example(state=S.DECIDED, decision=decision)
    theirs = renewal_card(made, Reader(TODAY, FATIMA.id))
    check(theirs)
    assert "*Waiting for Fatima Haddad*" in str(theirs.blocks)
    assert "Second person above €10,000.00." in shown(theirs)
    assert labels(theirs) == ["Agree", "Do not agree", "Change decision"]
    assert labels(renewal_card(made, READER)) == ["Change decision", "Open in dashboard"]


def test_that_it_is_over_the_budget_is_said_once() -> None:
    over = decided("renew", None, over_budget=True, waits_for=((FATIMA,),))
    plain = shown(renewal_card(example(state=S.DECIDED, decision=over), READER))
    assert "It costs €11,424.00. That is over the budget." in plain
    because = ("rule 2: this goes over the budget, so finance decides too",)
    said = shown(renewal_card(example(state=S.DECIDED, decision=replace(over, because=because)), READER))
    assert said.count("over the budget") == 1


def test_a_missed_date_says_what_it_costs() -> None:
    words = "40 seats until 31 Mar 2028, €2,016.00 more than needed. Next decision by 31 Jan 2028."
    message = renewal_card(example(state=S.MISSED, words=words), READER)
    check(message)
    assert message.blocks[1]["text"]["text"] == f"*Too late to change:* {words}"
    assert labels(message) == ["Open in dashboard"]


def test_a_decision_nobody_proved_is_said_once_when_its_term_is_over() -> None:
    message = renewal_card(example(state=S.ROLLED_OVER, words=UNPROVED), READER)
    check(message)
    assert shown(message).count("the next term began by itself") == 1


@pytest.mark.parametrize("state", list(RenewalState))
@pytest.mark.parametrize("name", list(VOICES))
def test_no_name_and_no_words_break_the_brief(state: RenewalState, name: str) -> None:
    voice = VOICES[name]
    line = LineFacts(7, voice.product, 40, PRICE, "year")
    decision = decided(words=voice.words[:1500], waits_for=((GORAN, FATIMA), (DARA,)), because=(voice.words[:200],))
    made = facts(
        voice, state=state, decision=decision, vendor=voice.ana, contract=voice.team[:60], words=voice.words[:400],
        lines=(line, replace(line, entitlement_id=8, product=voice.mia)), main=line,
    )  # fmt: skip
    check(renewal_card(made, READER), most_characters=4500, own_words=voice is ORDINARY)


# -- windows -----------------------------------------------------------------------------------------------------------


def test_reducing_names_the_limits_and_what_has_to_be_freed() -> None:
    view = forms.reduce_form(example(), TODAY, date(2026, 12, 1))
    assert validate_view(view) == []
    assert (view["title"]["text"], view["submit"]["text"]) == ("Reduce the contract", "Save decision")
    assert view["blocks"][0]["element"]["initial_value"] == "34"
    assert view["blocks"][0]["hint"]["text"] == "From 30 to 39."
    assert (
        "34 seats: €11,424.00 a year at today's price. 37 are in use, so 3 must be freed: asking starts on 1 Dec 2026. "
        "If fewer come back, the notice says so."
    ) in render_text(view["blocks"])


def test_of_several_purchases_the_product_is_chosen() -> None:
    made = example()
    other = LineFacts(8, "Power BI Pro", 12, Money(Decimal("90"), "EUR"), "year")
    view = forms.reduce_form(replace(made, lines=(*made.lines, other)), TODAY, None)
    assert validate_view(view) == []
    options = view["blocks"][0]["element"]["options"]
    assert [one["value"] for one in options] == ["7", "8"]


def test_cancelling_names_who_loses_what_and_wants_a_tick() -> None:
    view = forms.cancel_form(example())
    assert validate_view(view) == []
    assert "37 people lose Copilot on 31 Mar 2027. The notice must reach Northwind by 29 Jan 2027." in str(view)
    assert "I have read this" in str(view)
    assert view["submit"]["text"] == "Cancel contract"


@pytest.mark.parametrize("name", list(VOICES))
def test_windows_hold_any_name(name: str) -> None:
    made = facts(VOICES[name], state=S.PROOF_AWAITED, decision=decided(words=VOICES[name].words))
    for view in (
        forms.reduce_form(made, TODAY, None),
        forms.renegotiate_form(made),
        forms.cancel_form(made),
        forms.defer_form(made, TODAY, date(2027, 1, 26)),
        forms.owner_form(made),
        forms.disagree_form(made),
        forms.proof_form(made, TODAY, "U03"),
        forms.notice_window(draft(made)),
    ):
        assert validate_view(view) == [], view["title"]


# -- the notice --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "quantity", "says"),
    [
        ("reduce", 34, ("Fewer units: contract K-1",
                        "Copilot: 34 units from 1 Apr 2027 to 31 Mar 2028 (until then 40).",
                        "by 29 Jan 2027", "the number of units")),
        ("cancel", None, ("Notice of cancellation: contract K-1", "ends on 31 Mar 2027 and is not to be renewed",
                          "by 29 Jan 2027")),
        ("renegotiate", None, ("New terms: contract K-1", "we ask for other terms: no rise",
                                "This is no cancellation")),
        ("renew", None, ("Renewal: contract K-1", "Copilot: 40 units from 1 Apr 2027 to 31 Mar 2028.")),
    ],
)  # fmt: skip
def test_the_notice_names_contract_dates_and_quantity(
    verdict: str, quantity: int | None, says: tuple[str, ...]
) -> None:
    letter = draft(example(decision=decided(verdict, quantity, words="no rise.")))
    for words in says:
        assert words in letter.text, letter.text
    assert letter.text.endswith("Goran Petrović")
    assert letter.text.startswith("To Northwind")


def test_what_is_not_on_record_stays_a_blank_for_a_person() -> None:
    line = LineFacts(None, "Copilot", None, None, "year")
    made = example(contract="", lines=(line,), main=line, senders=(), decision=decided("renew", None))
    letter = draft(made)
    assert "[contract number]" in letter.text and "[number] units" in letter.text and letter.text.endswith("[name]")


def test_a_statement_reports_units_of_its_period() -> None:
    """What is used, above what was bought; of what is not counted the number is left open."""
    used = product(7, "Copilot", 40, 43, "336.00", reported=43)
    silent = product(8, "SQL Server", 4, None, "1245.00")
    made = example(due=Due(Occasion.ANNIVERSARY, date(2026, 4, 1), date(2026, 12, 31), ()), products=(used, silent))
    letter = draft(made)
    assert letter.subject == "True-up: contract K-1"
    reported = "we report: Copilot: 43 units; SQL Server: [number] units."
    assert f"For the period to 31 Dec 2026 of contract K-1 {reported}" in letter.text


def test_money_of_a_line_paid_once_saves_nothing_a_year() -> None:
    line = LineFacts(7, "Copilot", 40, euro("90.00"), "once")
    assert "6 fewer, price not known" in shown(renewal_card(example(lines=(line,), main=line), READER))


def test_a_window_is_shown_with_both_its_ends() -> None:
    opens = DecideBy(Decision.TRUE_UP, date(2026, 12, 2), date(2026, 12, 2), date(2026, 11, 2))
    used = product(7, "Copilot", 40, 43, "336.00", reported=43)
    made = example(due=Due(Occasion.ANNIVERSARY, date(2026, 1, 1), date(2026, 12, 31), (opens,)), products=(used,))
    message = renewal_card(made, READER)
    check(message)
    assert "Taken from 2 Nov 2026 to 2 Dec 2026." in shown(message)
    assert labels(message) == ["Report 43"]


# -- several products --------------------------------------------------------------------------------------------------


def product(number: int, name: str, bought: int, in_use: int | None, price: str, **changed: Any) -> ProductFacts:
    line = LineFacts(number, name, bought, euro(price), "year")
    use = UseFacts(in_use, None, 1 if in_use else None, 0, bought - in_use if in_use is not None else None, 0, Sums(),
                   "seats")  # fmt: skip
    made = ProductFacts(
        name=name, product_id=number, sku_id=None, lines=(line,), use=use,
        suggestion=Suggestion(in_use) if in_use is not None else None,
        suggestion_unknown="" if in_use is not None else "nothing says how many are in use",
        next_costs=Sums.of([euro(price) * bought]),
    )  # fmt: skip
    return replace(made, **changed)


def several(*products: ProductFacts, **changed: Any) -> BriefFacts:
    lines = tuple(line for one in products for line in one.lines)
    total = Sums.of([money for one in products for money in one.next_costs.each()])
    return example(
        lines=lines, main=lines[0], products=products, floor=None, suggestion=products[0].suggestion,
        money=MoneyFacts(total, euro("9000.00"), "", "CC-1"), **changed,
    )  # fmt: skip


E3 = product(1, "Microsoft 365 E3", 55, 51, "408.00")
VISIO = product(2, "Visio Plan 2", 6, 5, "162.00")
SILENT = product(3, "SQL Server", 4, None, "1245.00")
FABRIC = product(4, "Fabric (Free)", 1_000_000, 9, "0.00")


def test_a_contract_of_several_products_shows_each_and_sums_over_all() -> None:
    """Only the dearest product had figures; the others were names behind it."""
    message = renewal_card(several(E3, VISIO, SILENT, FABRIC, commit_floor=40), READER)
    check(message)
    seen = shown(message)
    for words in (
        "Decide by 29 Jan 2027: Microsoft 365 E3, 55 seats and 3 more",
        "In short: 4 fewer of Microsoft 365 E3 and 1 fewer of Visio Plan 2 save €1,794.00 a year; "
        "of 1 product how many would do is not known.",
        "*Microsoft 365 E3* · 51 of 55 in use · 51 would do · next term €22,440.00",
        "*Visio Plan 2* · 5 of 6 in use · 5 would do · next term €972.00",
        "*SQL Server* · 4 bought, use not known · how many would do is not known · next term €4,980.00",
        "*Fabric (Free)* · 9 of 1,000,000 in use",
        "€9,000.00 left; renewal as it is €28,392.00",
        "2 seats, not known of 1 product",
        "5 free, 2 idle",
        "5 seats, €1,794.00 a year; not known of 1",
        "40 in all until 31 Mar 2028",
    ):
        assert words in seen, words
    assert "Microsoft 365 E3: 51 of 55 in use, 51 would do." in message.text
    assert labels(message) == ["Renew", "Reduce", "Renegotiate", "Cancel contract"]
    assert element(message, "Renew")["confirm"]["title"]["text"] == "Renew Microsoft 365 E3 and 3 more?"


def test_what_two_purchases_share_is_counted_once_and_currencies_stay_apart() -> None:
    upkeep = replace(
        SILENT, name="maintenance of SQL Server", use=replace(SILENT.use, short=2, exposed=Sums.of([euro("7800.00")]))
    )
    dollars = LineFacts(5, "Zoom", 10, Money(Decimal("149.90"), "USD"), "year")
    zoom = product(5, "Zoom", 10, 8, "1.00", lines=(dollars,), next_costs=Sums.of([Money(Decimal("1499.00"), "USD")]))
    seen = shown(renewal_card(several(upkeep, replace(upkeep, name="SQL Server"), VISIO, zoom), READER))
    assert "2 short in 1 product, €7,800.00" in seen
    assert "save €162.00 and US$299.80 a year" in seen


def test_more_products_than_a_message_holds_are_counted() -> None:
    many = [product(number, f"Product {number}", 5, 4, "10.00") for number in range(1, 31)]
    message = renewal_card(several(*many), READER)
    check(message)
    assert "and 20 more, all of them on its page" in shown(message)
