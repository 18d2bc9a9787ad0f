"""Policy versions: the first by itself, every later one proposed by one person and put in force by another."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select, update

from model.events import Event
from model.licences import Sku
from model.session import Database, make_engine
from model.tickets import PolicyVersion
from tests.http.web_company import NOW, POLICY, Company, found
from workflows import policies
from workflows.policies import ActiveRules, PolicyRefused
from workflows.policy_file import PolicyProblems

OTHER = POLICY.replace("50.00", "75.00")
BROKEN = POLICY + "limits: {max_seats: 0}\n"


@pytest.fixture
def company(database_url: str) -> Iterator[Company]:
    made = found(database_url)
    yield made
    made.database.dispose()


def tags(company: Company) -> list[str]:
    with company.database.reading() as connection:
        return list(connection.execute(select(Event.tag).where(Event.subject.like("policy:%"))).scalars())


def propose(company: Company, text: str, by: str) -> int:
    with company.database.unit_of_work() as work:
        version = policies.propose(work, text, by, NOW)
        work.commit()
    return version


def activate(company: Company, version: int, by: str) -> None:
    with company.database.unit_of_work() as work:
        policies.activate(work, version, by, NOW)
        work.commit()


def test_a_second_person_puts_a_proposal_in_force(company: Company) -> None:
    rules = ActiveRules(company.database, graph=True, instance="example")
    before = rules()
    assert rules() is before, "the text is parsed once"
    version = propose(company, OTHER, "Dara@Acme.example ")
    assert rules() is before
    with pytest.raises(PolicyRefused, match="Dara Novak proposed version 2, so somebody else activates it"):
        activate(company, version, "dara@acme.example")
    activate(company, version, "pia@acme.example")
    after = rules()
    assert after.version_id == version != before.version_id
    assert (after.graph, after.servicenow, after.instance) == (True, False, "example")
    assert after.policy.pre_approved[0].below["EUR"] == 75
    assert tags(company) == [
        "policy:version:proposed", "policy:version:activated", "policy:version:proposed", "policy:version:activated"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("by", "words"),
    [
        ("ben@acme.example", "Ben Okafor may not change the policy; administrators may, for example Dara Novak."),
        ("nobody@acme.example", "Nobody in the staff directory has the address nobody@acme.example."),
    ],
)
def test_others_may_neither_propose_nor_activate(company: Company, by: str, words: str) -> None:
    with pytest.raises(PolicyRefused, match=words):
        propose(company, OTHER, by)
    version = propose(company, OTHER, "dara@acme.example")
    with pytest.raises(PolicyRefused, match=words):
        activate(company, version, by)


def test_what_is_in_force_gone_or_unknown_is_not_activated(company: Company) -> None:
    version = propose(company, OTHER, "dara@acme.example")
    activate(company, version, "pia@acme.example")
    for number, words in ((1, "was in force before"), (version, "is in force already"), (99, "no version 99")):
        with pytest.raises(PolicyRefused, match=words):
            activate(company, number, "pia@acme.example")
    with pytest.raises(PolicyRefused, match="policy in force already"):
        propose(company, OTHER, "dara@acme.example")
    assert propose(company, POLICY, "pia@acme.example") == 1, "returning to an old text keeps its number"
    with pytest.raises(PolicyRefused, match="proposed already, as version 1 by pia@acme.example"):
        propose(company, POLICY, "dara@acme.example")
    activate(company, 1, "dara@acme.example")
    assert company.rules.version_id == 1


def test_a_text_with_an_error_is_never_stored(company: Company) -> None:
    with pytest.raises(PolicyProblems, match="max_seats"):
        propose(company, BROKEN, "dara@acme.example")
    with company.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(PolicyVersion)).scalar() == 1


def test_a_changed_file_waits_for_a_person_and_is_said_once(company: Company) -> None:
    def look(text: str) -> policies.Notice:
        with company.database.unit_of_work() as work:
            seen = policies.notice_file(work, text, NOW)
            work.commit()
        return seen

    assert look(POLICY).words == ""
    changed = look(OTHER)
    assert changed.proposed_id == 2 and company.rules.version_id == 1
    assert changed.words.startswith(
        "policy.yaml has changed: version 2 waits for a second person. "
        "The policy of 23 Nov 2026 stays in force until then."
    )
    assert look(OTHER) == changed
    assert tags(company).count("policy:version:proposed") == 2, "the first version and this one"
    broken = look(BROKEN)
    assert broken.broken and broken.proposed_id is None
    assert "*max_seats* must be 1 to 50, it says 0" in broken.words
    assert "The policy of 23 Nov 2026 stays in force. Correct the line, then run the check." in broken.words
    activate(company, 2, "dara@acme.example")
    assert "no longer in force" in look(POLICY).words
    assert company.rules.version_id == 2


def test_two_first_starts_at_once_store_one_policy(database_url: str) -> None:
    databases = [Database(make_engine(database_url)) for _ in range(2)]
    gate = threading.Barrier(2)
    got: list[int] = []

    def start(database: Database) -> None:
        gate.wait()
        with database.unit_of_work() as work:
            got.append(policies.ensure_first(work, POLICY, NOW))
            work.commit()

    threads = [threading.Thread(target=start, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 2 and len(set(got)) == 1
    for database in databases:
        database.dispose()


def test_a_first_policy_with_an_error_is_not_taken_over(database_url: str) -> None:
    database = Database(make_engine(database_url))
    with database.unit_of_work() as work, pytest.raises(PolicyProblems):
        policies.ensure_first(work, BROKEN, NOW)
    with pytest.raises(LookupError, match="no policy is in force"):
        ActiveRules(database)()
    database.dispose()


def test_a_tier_that_the_register_does_not_know_is_named_with_its_line(company: Company) -> None:
    """`highest: Plan3` for "Plan 3" was taken, and then opened every tier."""
    with company.database.unit_of_work() as work:
        work.session.add(Sku(product_id=company.copilot, part_number="PLAN3", tier="Plan 3", rank=3))
        work.commit()
    text = POLICY + "products:\n  copilot:\n    tiers:\n      - {rule: 6, highest: Plan 3}\n"
    wrong = text.replace("Plan 3", "Plan3") + "  unheard-of: {tiers: [{rule: 7, highest: Gold}]}\n"
    said = r"line 9: \*highest\* must be a tier of copilot: Plan 3; it says Plan3"
    with pytest.raises(PolicyProblems, match=said):
        propose(company, wrong, "dara@acme.example")
    with company.database.unit_of_work() as work:
        noticed = policies.notice_file(work, wrong, NOW)
    assert noticed.broken and "it says Plan3" in noticed.words
    version = propose(company, text, "dara@acme.example")
    with company.database.unit_of_work() as work:
        work.connection.execute(update(Sku).where(Sku.tier == "Plan 3").values(tier="Plan 4"))
        work.commit()
    with pytest.raises(PolicyRefused, match="does not fit the register. version 2, line 9"):
        activate(company, version, "pia@acme.example")
