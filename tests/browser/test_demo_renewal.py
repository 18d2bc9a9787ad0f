"""A renewal in the browser, as `seatkeeper demo` starts it: the brief, fewer seats, others' word, the item, the proof.

What comes later (asking holders, the saving that is counted once) is lived through in `tests/http/test_whole_renewals`.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

COPILOT = "Microsoft Copilot for M…"


def _brief(page: Page, state: str) -> None:
    """Open the brief of Copilot's contract from the list in the channel, as Dara, once the list says how it stands.

    A list that is being rewritten takes no press: the button that was there is gone.
    """
    page.get_by_role("option", name="Dara Novak").click()
    page.get_by_role("tab", name="#renewals").click()
    expect(page.get_by_role("log")).to_contain_text(f"LF-MS-COPILOT) · {state}")
    page.get_by_role("button", name=re.compile("^Open the renewal of Microsoft Copilot")).last.click()


def _calendar(page: Page) -> str:
    """What a calendar program reads at the address that `/licence renewals` leads to."""
    page.get_by_label("Command").fill("/licence renewals")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("button", name="Renewals in my calendar").last.click()
    window = page.locator("dialog.modal")
    found = re.search(r"http\S+/calendar/[\w-]+\.ics", window.get_by_text("/calendar/").inner_text())
    assert found is not None
    answer = page.request.get(found[0])
    assert answer.headers["content-type"].startswith("text/calendar")
    window.get_by_role("button", name="Close").last.click()
    return answer.text()


@pytest.mark.timeout(300)
def test_from_the_brief_to_the_proof(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.set_default_timeout(30_000)
    expect.set_options(timeout=60_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.get_by_label("Command").wait_for()
    page.get_by_role("button", name="+1 day: move the clock forward").click()
    expect(page.locator(".bar", has_text="1 day passed")).to_contain_text("in #renewals")

    _brief(page, "decide by")
    window = page.locator("dialog.modal")
    expect(window).to_contain_text(re.compile(r"In short: \d+ seats would do"))
    window.get_by_role("button", name=f"Reduce {COPILOT}").click()
    expect(window).to_contain_text("must be freed: asking starts on")
    window.get_by_label("How many are to remain?").fill("29")
    window.get_by_role("button", name="Save decision").click()
    expect(window).to_contain_text("The contract allows no fewer than 30")
    window.get_by_label("How many are to remain?").fill("35")
    window.get_by_role("button", name="Save decision").click()
    expect(page.get_by_role("log")).to_contain_text("decided, others must agree: reduce")

    page.get_by_role("button", name="+1 hour: move the clock forward").click()  # Eli's working day begins later
    for name in ("Fatima Haddad", "Eli Marsh"):
        page.get_by_role("option", name=name).click()
        page.get_by_role("tab", name="Seatkeeper").click()
        page.get_by_role("button", name=f"Agree: {COPILOT}", exact=True).click()
        expect(page.get_by_role("log")).to_contain_text("reduce to 35")

    page.get_by_role("tab", name="ServiceNow").click()
    item = page.locator("#panel .entry", has_text="LF-MS-COPILOT")
    expect(item).to_contain_text("Open")
    expect(page.get_by_role("log")).to_contain_text("RITM")
    page.get_by_role("option", name="Dara Novak").click()
    assert re.search(r"SUMMARY:Decide by \d+ \w+ \d{4}: Northgate Licensing\\, LF-MS-COPILOT", _calendar(page))
    _brief(page, "decided: reduce, no proof yet")
    expect(window).to_contain_text("Decided, not yet done: reduce to 35")
    expect(window).to_contain_text("RITM")
    window.get_by_role("button", name=f"Read the notice for {COPILOT}").click()
    expect(window).to_contain_text("Microsoft Copilot for Microsoft 365: 35 units from")
    window.get_by_role("button", name="Close").last.click()
    window.get_by_role("button", name=f"Add proof for {COPILOT}").click()
    window.get_by_label("How?").fill("E-mail to their renewals desk, answered the same day")
    window.get_by_label("The confirmation itself").set_input_files(
        {"name": "copilot 2027.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 35 units"}
    )
    expect(window).to_contain_text("copilot 2027.pdf, 17 bytes")
    window.get_by_role("button", name="Add proof").click()
    expect(item).to_contain_text("Closed Complete")
    _brief(page, "done: reduce")
    expect(window).to_contain_text(re.compile("Done: sent on .* by Dara Novak, answer attached: copilot 2027.pdf"))
    context.close()
    assert errors == []
