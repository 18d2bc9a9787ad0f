"""Walking the demo page as it must stay usable: a phone with much to say above, forced colours, outline, mail.

Checks 22, 23, 25 and 27 of the wording guide for this page; keyboard, errors and states are in `test_demo_page`.
"""

from __future__ import annotations

import re
import smtplib
from email.message import EmailMessage

from playwright.sync_api import Page, expect

from tests.browser.demo_stage import Stage

ARABIC, CJK, HOSTILE = "محمد عبد الرحمن الفارسي", "佐藤 花子", "*_~<!channel>"


def test_23_on_a_phone_the_messages_keep_their_place(page: Page) -> None:
    """After the clock was moved the strips above filled a small window and no message could be seen."""
    page.get_by_role("button", name="+7 days").click()
    expect(page.locator(".bar.note")).to_contain_text("7 days passed")
    page.set_viewport_size({"width": 320, "height": 568})
    box = page.locator("#stage").bounding_box()
    assert box is not None and box["y"] < 568 - 120 and box["height"] > 100, box
    wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0


def test_27_with_forced_colours_the_chosen_tab_is_the_only_one_marked(page: Page) -> None:
    """A transparent border is drawn in such a mode, so every tab looked chosen."""
    page.emulate_media(forced_colors="active")
    colours = page.evaluate(
        """() => [...document.querySelectorAll('#tabs [role=tab]')].map((one) =>
        [one.getAttribute('aria-selected'), getComputedStyle(one).borderBottomColor])"""
    )
    chosen = {colour for selected, colour in colours if selected == "true"}
    others = {colour for selected, colour in colours if selected != "true"}
    assert len(chosen) == 1 and others and not chosen & others, colours


def test_25_the_outline_of_the_page(page: Page) -> None:
    expect(page.locator("body")).to_match_aria_snapshot(
        """
        - link "Skip to the messages"
        - banner:
          - heading /Seatkeeper demo/ [level=1]
          - group "Clock of the demo"
          - group "Demo"
        - main:
          - region "You are":
            - heading "You are" [level=2]
            - listbox "People of the story"
          - region "Messages":
            - heading "Messages" [level=2]
            - tablist
            - log "Seatkeeper"
            - textbox "Command"
            - button "Send"
          - region "Outside world":
            - heading "Outside world" [level=2]
            - tablist "Outside world"
            - tabpanel "Microsoft 365":
              - table /Products/
        """
    )
    panel = page.locator("#panel table").first
    assert panel.get_by_role("columnheader").count() == 4
    assert panel.get_by_role("rowheader").count() > 0


def test_22_names_of_every_kind_are_whole_and_isolated(page: Page) -> None:
    page.get_by_role("button", name="Someone else").click()
    for name in (ARABIC, CJK, HOSTILE):
        page.get_by_label("Find somebody else").fill(name)
        row = page.get_by_role("option", name=re.compile("^" + re.escape(name)))
        expect(row.locator("bdi")).to_have_text(name)
        row.click()
        expect(row).to_have_attribute("aria-selected", "true")


def test_a_mail_is_seen_in_the_traffic_with_its_words(page: Page, demo: Stage) -> None:
    """There was no way to single it out, and its wire read “mail”."""
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "a@acme.example", "b@acme.example", "A licence waits"
    letter.set_content("Open it to answer: http://127.0.0.1:1/d/example")
    with smtplib.SMTP("127.0.0.1", demo.world.mail.port, timeout=5) as server:
        server.send_message(letter)
    page.get_by_role("tab", name="Traffic").click()
    page.get_by_label("Show").select_option("Mail")
    row = page.locator("#panel details").first
    expect(row).to_contain_text("Seatkeeper mailed b@acme.example: A licence waits")
    expect(row).to_contain_text("Seatkeeper → Mail")
    row.locator("summary").click()
    expect(row).to_contain_text("Open it to answer")


def test_devices_are_found_by_name_person_and_title(page: Page) -> None:
    page.get_by_role("tab", name="Devices").click()
    panel = page.locator("#panel")
    expect(panel).to_contain_text("80 devices")
    expect(panel.locator("details").first).to_contain_text("Ana Lindqvist")  # the one who looks comes first
    find = panel.get_by_label("Find a device, a person or a title")
    find.fill("camtasia")
    expect(panel.locator("details")).to_have_count(6)
    find.fill("LYO-PC-MEET")
    row = panel.locator("details")
    expect(row).to_contain_text("nobody (shared: meeting room)")
    row.locator("summary").click()
    expect(row).to_contain_text("CrowdStrike Windows Sensor · 6.12 · CrowdStrike, Inc.")
    find.fill("nothing of the kind")
    expect(panel).to_contain_text("No device has that name, that person or that title.")


def test_a_title_is_put_on_a_device_and_taken_off_and_a_scan_that_nobody_takes_is_said(page: Page) -> None:
    page.get_by_role("tab", name="Devices").click()
    row = page.locator("#panel details").first
    expect(row).to_contain_text("Ana Lindqvist")
    row.locator("summary").click()
    row.get_by_label("Title to put on").fill("AutoCAD LT 2024")
    row.get_by_role("button", name="Add title").click()
    expect(row).to_contain_text("AutoCAD LT 2024 · 31.0.47.0 · Autodesk")
    expect(row).to_contain_text("changed, not sent yet")
    expect(row.get_by_label("Title to put on")).to_have_value("")
    page.get_by_role("button", name="Send scan").click()
    expect(page.locator("body")).to_contain_text("Seatkeeper did not take the scan (it answered 404).")
    row.get_by_role("button", name="Remove AutoCAD LT 2024").click()
    expect(row).not_to_contain_text("AutoCAD LT 2024 ·")
