"""The page behind a signed link and the status page in a real browser: without script, small, large, by keyboard, dark.

Checks 11, 23, 24, 25, 26 and 27 of the wording guide, as far as they concern these pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from model.requests import Card, LicenceRequest, Status
from tests.http import alert_acts as acts
from tests.http.web_company import NOW, Company, found
from tests.http.web_server import KEY, serving
from workflows import links
from workflows.alerts import looks
from workflows.cards import CardKind

WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
LONG = "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh " * 4


@dataclass
class Links:
    """A service with a company, and addresses of requests that wait for Ben."""

    company: Company
    url: str

    def ask(self, key: str, why: str = "") -> str:
        self.company.ask(self.company.copilot, key=key, why=why)
        card = self.company.approval_card(self.company.ben)
        with self.company.database.unit_of_work() as work:
            token = links.make(work, KEY, card, self.company.ben, NOW)
            work.commit()
        return f"{self.url}/d/{token}"

    def status(self) -> Status:
        with self.company.database.reading() as connection:
            return Status(connection.execute(select(LicenceRequest.status)).scalar_one())


@pytest.fixture
def there(sqlite_url: str) -> Iterator[Links]:
    company = found(sqlite_url)
    with serving(company) as web:
        yield Links(company, web.url)
    company.database.dispose()


@pytest.fixture
def plain_page(browser: Browser) -> Iterator[Page]:
    """A phone of 320 × 568 with script off; what the browser calls an error fails the test."""
    context = browser.new_context(viewport={"width": 320, "height": 568}, java_script_enabled=False)
    context.set_default_timeout(8000)
    window = context.new_page()
    errors: list[str] = []
    window.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    yield window
    context.close()
    assert [one for one in errors if "422" not in one] == []


def test_26_11_without_script_an_error_leads_to_its_field_and_the_decision_is_made(
    plain_page: Page, there: Links
) -> None:
    page = plain_page
    page.goto(there.ask("v1"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ana Lindqvist asks for Microsoft Copilot")
    page.locator("summary", has_text="Deny").click()
    page.get_by_label("Other").check()
    page.get_by_label("Product to suggest").fill("Miro")
    page.get_by_role("button", name="Deny request").click()
    wrong = page.get_by_role("link", name="Say why in a few words")
    expect(wrong).to_be_visible()
    target = str(wrong.get_attribute("href"))
    field = page.locator(target)
    expect(field).to_have_count(1)
    assert "Say why in a few words" in str(page.locator(f"{target}-wrong").text_content())
    expect(field).to_have_attribute("aria-describedby", f"{target[1:]}-wrong {target[1:]}-hint")
    expect(page.get_by_label("Other")).to_be_checked()
    expect(page.get_by_label("Product to suggest")).to_have_value("Miro")
    page.get_by_label("In your words").fill("The team plan covers it")
    page.get_by_role("button", name="Deny request").click()
    expect(page.get_by_role("status")).to_contain_text("Not approved")
    assert there.status() == Status.DENIED


def test_23_27_narrow_large_dark_and_forced_colours_lose_nothing(browser: Browser, there: Links) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 568})
    page = context.new_page()
    addresses = [there.ask("v1", why=LONG), f"{there.url}/", f"{there.url}/nowhere"]
    for address in addresses:
        page.goto(address)
        assert page.evaluate(WIDE) == 0, address
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate(WIDE) == 0, f"{address} at 200 %"
    page.goto(addresses[0])
    approve = page.get_by_role("button", name="Approve").first
    approve.scroll_into_view_if_needed()
    box = approve.bounding_box()
    assert box is not None and box["height"] >= 44 and box["x"] >= 0 and box["x"] + box["width"] <= 320
    page.emulate_media(color_scheme="dark", forced_colors="active", reduced_motion="reduce")
    expect(approve).to_be_visible()
    assert page.evaluate("() => getComputedStyle(document.querySelector('button')).borderTopWidth") == "2px"
    context.close()


def test_24_by_keyboard_alone_with_the_focus_seen(browser: Browser, there: Links) -> None:
    context = browser.new_context(viewport={"width": 800, "height": 600})
    page = context.new_page()
    page.goto(there.ask("v1"))
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Skip to the content"
    for _ in range(12):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => { const one = document.activeElement, box = one.getBoundingClientRect();
            return {words: one.textContent, outline: getComputedStyle(one).outlineStyle,
                    inside: box.top >= 0 && box.bottom <= innerHeight}; }"""
        )
        assert seen["outline"] == "solid" and seen["inside"], seen
        if seen["words"] == "Approve":
            break
    else:
        pytest.fail("Approve was not reached by Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Approved.")
    assert there.status() == Status.APPROVED
    context.close()


def test_25_what_a_screen_reader_is_told(browser: Browser, there: Links) -> None:
    """One heading first, then the parts in order; each button's name holds its label; each group its legend."""
    context = browser.new_context(java_script_enabled=True)
    page = context.new_page()
    page.goto(there.ask("v1"))
    expect(page.locator("main")).to_match_aria_snapshot(
        """
        - main:
          - heading /asks for Microsoft Copilot/ [level=1]
          - paragraph:
            - strong: Waiting for you.
          - term: For
          - definition: /Ana Lindqvist/
          - blockquote
          - region "Your answer":
            - heading "Your answer" [level=2]
            - button /^Approve Microsoft Copilot/
            - group: Deny
            - group: Ask a question
        """
    )
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.evaluate("() => document.documentElement.lang") == "en-GB"
    for role in ("banner", "main", "contentinfo"):
        assert page.get_by_role(role).count() == 1, role
    for button in page.get_by_role("button").all():
        label = str(button.text_content()).strip()
        assert (button.get_attribute("aria-label") or label).startswith(label)
    page.goto(f"{there.url}/")
    assert page.get_by_role("heading", level=1).count() == 1 and page.get_by_role("region").count() >= 4
    context.close()


def test_11_23_26_software_found_is_answered_in_place_without_script(plain_page: Page, there: Links) -> None:
    """Two titles: an error stands at the question it belongs to, and what is answered leaves the page."""
    company, page = there.company, plain_page
    with company.database.unit_of_work() as work:
        acts.accepted(work, NOW)
        device_id = acts.device(work, "LYO-0231", company.ben, NOW)
        for name in ("AutoCAD LT", LONG.replace(" ", "")[:180]):
            acts.installed(work, device_id, acts.product(work, name[:40].lower(), name, NOW)[1], NOW)
        looks.look(work, company.rules, None, NOW)
        card = work.connection.execute(select(Card.id).where(Card.kind == CardKind.FOUND)).scalar_one()
        token = links.make(work, KEY, card, company.ben, NOW)
        work.commit()
    page.goto(f"{there.url}/d/{token}")
    assert page.evaluate(WIDE) == 0
    question = page.get_by_role("region", name="AutoCAD LT on LYO-0231")
    question.locator("summary", has_text="Ask for a licence").click()
    question.get_by_label("What do you need it for?").fill("Plans")
    question.get_by_role("button", name="Ask for a licence for AutoCAD LT").click()
    wrong = page.get_by_role("link", name="Write at least 10 characters")
    target = str(wrong.get_attribute("href"))
    expect(page.locator(target)).to_have_value("Plans")
    expect(page.locator(target)).to_have_attribute("aria-describedby", f"{target[1:]}-wrong")
    question.get_by_role("button", name="I will remove AutoCAD LT on LYO-0231").click()
    expect(page.get_by_role("status")).to_contain_text("1 more needs an answer below.")
    expect(question).to_have_count(0)
    page.locator("summary", has_text="That is not right").click()
    page.get_by_label("Not my device").check()
    page.get_by_role("button", name="Send to IT").click()
    expect(page.get_by_role("status")).to_contain_text("Thank you. A person looks at it.")
