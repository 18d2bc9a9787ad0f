"""The whole product in the browser, as `seatkeeper demo` starts it: ask, approve, see the seat, check the record."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from playwright.sync_api import Browser, expect

from licensing.words import day
from sandbox.company import EXAMPLE_DAY, first_morning


def contract_ends() -> date:
    """31 Mar 2027 on the example day; the company's dates move with the day on which it is played."""
    return date(2027, 3, 31) + (first_morning(datetime.now(UTC)).date() - EXAMPLE_DAY)


def test_ask_approve_and_see_the_seat(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.set_default_timeout(15_000)
    expect.set_options(timeout=20_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.get_by_label("Command").fill("/licence request copilot")
    page.get_by_label("Command").press("Enter")
    form = page.locator("dialog.modal")
    expect(form).to_contain_text("3 of 40 free")
    form.get_by_label("What will you use it for?").fill("Minutes and drafts for the Lyon office move")
    form.get_by_label("A few times a week").check()
    form.get_by_role("button", name="Send request").click()
    expect(form).to_contain_text("Request sent")
    form.get_by_role("button", name="Done").click()
    log = page.get_by_role("log")
    expect(log).to_contain_text("Waiting for Ben Okafor")
    page.get_by_role("option", name="Ben Okafor").click()
    expect(log).to_contain_text("nothing extra to pay")
    page.get_by_role("button", name=re.compile("^Approve .* for Ana Lindqvist")).click()
    expect(log).to_contain_text("Approved by Ben Okafor")
    expect(log).to_contain_text("Seat given")
    expect(page.locator(".checks .done")).to_have_count(3)
    outside = page.locator("#panel")
    expect(outside.locator("tr.fresh")).to_contain_text("38")
    page.get_by_role("tab", name="ServiceNow").click()
    expect(outside).to_contain_text("Closed Complete")
    page.get_by_role("tab", name="Record").click()
    page.get_by_role("button", name="Check the chain").click()
    expect(outside).to_contain_text("chain intact")
    page.get_by_role("option", name="Ana Lindqvist").click()
    expect(log).to_contain_text(f"You have Microsoft Copilot for Microsoft 365 until {day(contract_ends())}")
    page.get_by_role("tab", name="Home").click()
    expect(page.locator("#stage")).to_contain_text("Microsoft Copilot for Microsoft 365")
    context.close()
    assert errors == []
