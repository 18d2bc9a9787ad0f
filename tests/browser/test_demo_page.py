"""What a newcomer does on the demo page: ask, see what is wrong, approve, look outside; by mouse and by keyboard."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.demo_stage import Stage

WHY = "Minutes and drafts for the Lyon office move"


def send(page: Page, line: str) -> None:
    page.get_by_label("Command").fill(line)
    page.get_by_label("Command").press("Enter")


def modal(page: Page) -> Locator:
    return page.locator("dialog.modal")


def ask(page: Page) -> None:
    send(page, "/licence request copilot")
    modal(page).get_by_label("What will you use it for?").fill(WHY)
    modal(page).get_by_label("Every day").check()
    modal(page).get_by_role("button", name="Send request").click()
    expect(modal(page)).to_contain_text("Reference REQ-1042")
    modal(page).get_by_role("button", name="Done").click()
    expect(modal(page)).to_have_count(0)


def be(page: Page, name: str) -> None:
    page.get_by_role("option", name=name).click()
    expect(page.get_by_role("option", name=name)).to_have_attribute("aria-selected", "true")


def log(page: Page) -> Locator:
    return page.get_by_role("log")


def test_ask_approve_and_look_outside(page: Page, demo: Stage) -> None:
    expect(page.get_by_text("Tour 1 of 8").first).to_be_visible()
    ask(page)
    expect(log(page)).to_contain_text("Waiting for Ben Okafor")
    expect(page.get_by_role("option", name="Ben Okafor")).to_contain_text("1 to answer")
    expect(page.locator(".tour")).to_contain_text("You are Ben, her manager")
    be(page, "Ben Okafor")
    page.get_by_role("button", name="Approve Copilot for Ana Lindqvist").click()
    expect(log(page)).to_contain_text("Approved by Ben Okafor")
    expect(log(page)).to_contain_text("changed just now")
    outside = page.locator("#panel")
    expect(outside.locator("tr.fresh")).to_contain_text("38")
    expect(outside.locator(".entry.fresh")).to_contain_text("Ana Lindqvist")
    page.get_by_role("tab", name="ServiceNow").click()
    expect(outside).to_contain_text("Resolved")
    page.get_by_role("tab", name="Traffic").click()
    expect(outside).to_contain_text("Ben Okafor pressed “Approve”")
    page.get_by_role("tab", name="Record").click()
    expect(outside).to_contain_text("request approved")
    page.get_by_role("button", name="Check the chain").click()
    expect(outside).to_contain_text("3 entries, chain intact")
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.locator(".tour")).to_contain_text("You are Dara, licence manager. Ask what you are short of")
    be(page, "Dara Novak")
    page.get_by_role("button", name="“/licence position”").click()
    page.get_by_label("Command").press("Enter")
    expect(log(page)).to_contain_text("AutoCAD LT is short")
    expect(page.locator(".tour")).to_contain_text("You are Eli, IT. Look for seats nobody uses")
    for _ in range(4):
        page.get_by_role("button", name="Skip").click()
    expect(page.locator(".tour")).to_contain_text("The tour is over")
    be(page, "Ana Lindqvist")
    expect(page.locator("#try")).to_contain_text("/licence request copilot")
    expect(page.locator("#try")).not_to_contain_text("/licence position")
    expect(log(page)).to_contain_text("Ready")
    expect(log(page)).to_contain_text("1 reply")


def test_the_tour_can_do_the_steps(page: Page) -> None:
    page.get_by_role("button", name="Do it for me").click()
    expect(page.locator(".tour")).to_contain_text("You are Ben")
    page.get_by_role("button", name="Do it for me").click()
    expect(page.locator(".tour")).to_contain_text("Look right")
    expect(page.locator(".checks .done")).to_have_count(3)
    expect(page.get_by_role("option", name="Ben Okafor")).to_have_attribute("aria-selected", "true")
    page.get_by_role("button", name="Next", exact=True).click()
    page.get_by_role("button", name="Do it for me").click()
    expect(page.locator(".tour")).to_contain_text("Tour 5 of 8")
    expect(page.get_by_role("option", name="Dara Novak")).to_have_attribute("aria-selected", "true")
    expect(log(page)).to_contain_text("AutoCAD LT is short")


def test_errors_stand_at_their_field_and_what_was_typed_is_kept(page: Page) -> None:
    send(page, "/licence request copilot")
    why = modal(page).get_by_label("What will you use it for?")
    why.fill("short")
    modal(page).get_by_role("button", name="Send request").click()
    expect(modal(page).locator(".field-error")).to_have_text("Please complete this required field.")
    modal(page).get_by_label("Every day").check()
    modal(page).get_by_role("button", name="Send request").click()
    error = modal(page).get_by_text("Write at least 10 characters")
    expect(error).to_be_visible()
    expect(why).to_have_attribute("aria-describedby", str(error.get_attribute("id")))
    expect(why).to_have_attribute("aria-invalid", "true")
    expect(modal(page).get_by_label("Until when?")).to_be_focused()
    expect(why).to_have_value("short")
    expect(modal(page).get_by_label("Every day")).to_be_checked()


def test_a_changed_form_keeps_what_was_typed(page: Page) -> None:
    """The product is chosen last; the app rewrites the form, and the words before it stay."""
    send(page, "/licence request")
    why = modal(page).get_by_label("What will you use it for?")
    why.fill(WHY)
    product = modal(page).get_by_role("combobox", name="Which product?")
    product.fill("mir")
    modal(page).get_by_role("option", name="Miro").click()
    expect(modal(page)).to_contain_text("Miro · chosen")
    expect(why).to_have_value(WHY)
    expect(product).to_have_value("Miro")
    page.reload()
    expect(why).to_have_value(WHY)
    expect(product).to_have_value("Miro")


def test_text_is_never_more_than_text(page: Page) -> None:
    send(page, "/licence gallery")
    expect(log(page)).to_contain_text("<script>document.title='broken'</script>")
    expect(log(page)).to_contain_text("<javascript:alert(1)|press me>")
    expect(log(page)).to_contain_text("snake_case_name 2*3*4")
    assert log(page).locator("script, a[href^=javascript]").count() == 0
    assert log(page).locator("img[src=x]").count() == 0
    assert "broken" not in page.title()
    for name, words in (("strong", "bold"), ("em", "italic"), ("s", "struck"), ("pre", "fenced *not bold*")):
        expect(log(page).locator(name).filter(has_text=words).first).to_be_visible()
    expect(log(page).get_by_role("link", name="a link")).to_have_attribute("href", "https://example.com/a?b=1&c=2")


def test_every_kind_of_element_reaches_the_app(page: Page, demo: Stage) -> None:
    send(page, "/licence gallery")
    log(page).get_by_role("combobox", name="Choose one").click()
    log(page).get_by_role("option", name="First").click()
    log(page).get_by_role("combobox", name="who").fill("chitra")
    log(page).get_by_role("option", name="Chitra Rao").click()
    log(page).get_by_label("day").fill("2026-12-24")
    log(page).get_by_label("day").blur()
    log(page).get_by_label("Two").check()
    log(page).get_by_label("Right").check()
    log(page).get_by_role("button", name="Danger").click()
    expect(log(page).get_by_role("link", name="Guide")).to_have_attribute("target", "_blank")
    page.wait_for_function("() => !document.querySelector('.busy')")
    told = {body["actions"][0]["action_id"]: body["actions"][0] for body in demo.seen}
    assert told["menu"]["selected_option"]["value"] == "1"
    assert told["who"]["selected_user"] == demo.user("chitra")
    assert told["day"]["selected_date"] == "2026-12-24"
    assert [one["value"] for one in told["ticks"]["selected_options"]] == ["2"]
    assert told["radio"]["selected_option"]["value"] == "r"
    assert told["danger"]["value"] == "1.1"


def test_a_dialog_asks_first_and_starts_on_cancel(page: Page, demo: Stage) -> None:
    ask(page)
    be(page, "Ben Okafor")
    buy = page.get_by_role("button", name="Approve and buy")
    buy.click()
    question = page.get_by_role("dialog", name="Approve and buy 1 seat?")
    expect(question.get_by_role("button", name="Go back")).to_be_focused()
    page.keyboard.press("Escape")
    expect(question).to_have_count(0)
    expect(buy).to_be_focused()
    assert not any(body.get("actions", [{}])[0].get("action_id") == "buy" for body in demo.seen)
    page.get_by_role("button", name="More").click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_function("() => !document.querySelector('.busy')")
    expect(page.get_by_role("button", name="More")).to_be_focused()
    assert demo.seen[-1]["actions"][0]["selected_option"]["value"] == "why"


def test_by_keyboard_alone(page: Page, demo: Stage) -> None:
    page.keyboard.press("F6")
    expect(page.get_by_role("listbox", name="People of the story")).to_be_focused()
    page.keyboard.press("F6")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Command")).to_be_focused()
    page.keyboard.type("/licence request copilot")
    page.keyboard.press("Enter")
    expect(modal(page).get_by_role("combobox", name="Which product?")).to_be_focused()
    modal(page).get_by_label("What will you use it for?").focus()
    page.keyboard.type(WHY)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(modal(page).get_by_label("Every day")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(modal(page).get_by_role("button", name="Send request")).to_be_focused()
    page.keyboard.press("Tab")
    assert modal(page).evaluate("(one) => one.contains(document.activeElement)"), "Tab stays inside"
    modal(page).get_by_role("button", name="Send request").press("Enter")
    expect(modal(page)).to_contain_text("Request sent")
    page.keyboard.press("Escape")
    expect(modal(page)).to_have_count(0)
    expect(page.get_by_label("Command")).to_be_focused()
    page.keyboard.press("Shift+F6")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    approve = page.get_by_role("button", name="Approve Copilot for Ana Lindqvist")
    approve.focus()
    page.keyboard.press("Enter")
    expect(log(page)).to_contain_text("Approved by Ben Okafor")
    page.keyboard.press("Shift+F6")
    page.keyboard.press("Shift+F6")
    expect(page.get_by_role("tab", name="Microsoft 365")).to_be_focused()


def test_closing_a_form_is_told_to_the_app(page: Page, demo: Stage) -> None:
    send(page, "/licence request copilot")
    modal(page).wait_for()
    page.keyboard.press("Escape")
    expect(modal(page)).to_have_count(0)
    assert [body["type"] for body in demo.seen] == ["view_closed"]


def test_address_keeps_person_channel_and_panel(page: Page) -> None:
    be(page, "Dara Novak")
    page.get_by_role("tab", name="#licences").click()
    page.get_by_role("tab", name="Traffic").click()
    page.reload()
    expect(page.get_by_role("option", name="Dara Novak")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tab", name="#licences")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tab", name="Traffic")).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page.get_by_role("tab", name="Microsoft 365")).to_have_attribute("aria-selected", "true")


def test_home_is_drawn_when_it_is_opened(page: Page, demo: Stage) -> None:
    page.get_by_role("tab", name="Home").click()
    expect(log(page).get_by_role("heading", name="Your licences and requests")).to_be_visible()
    page.get_by_role("button", name="Give back Miro").click()
    page.wait_for_function("() => !document.querySelector('.busy')")
    assert [one["tab"] for one in demo.seen if one["type"] == "home"] == ["home"]
    assert demo.seen[-1]["view"]["type"] == "home"


def test_the_clock_moves_forward_and_says_what_came(page: Page) -> None:
    ask(page)
    before = str(page.locator(".moment-now").text_content())
    page.get_by_role("button", name="+7 days").click()
    expect(page.locator(".bar.note")).to_contain_text("7 days passed")
    expect(page.locator(".moment-now")).not_to_have_text(before)
    page.get_by_role("button", name="To next event").click()
    question = page.get_by_role("dialog", name="Move to the next event?")
    expect(question).to_contain_text("Weekly summary")
    question.get_by_role("button", name="Stay here").click()
    expect(question).to_have_count(0)


def test_what_fails_is_said_and_switched_off(page: Page, demo: Stage) -> None:
    page.get_by_role("button", name="Make something fail").click()
    dialog = page.get_by_role("dialog", name="Make something fail")
    dialog.get_by_label("down").check()
    dialog.get_by_role("button", name="Apply").click()
    expect(page.locator(".bar.fault")).to_contain_text("On: Microsoft 365 is down. Requests are still taken.")
    assert [rule["kind"] for rule in demo.world.graph.faults.listed()] == ["unavailable"]
    page.get_by_role("button", name="Switch off: Microsoft 365 down").click()
    expect(page.locator(".bar.fault")).to_have_count(0)
    assert demo.world.graph.faults.listed() == []


def test_a_late_answer_and_bad_blocks_are_said_in_words(page: Page, demo: Stage) -> None:
    demo.world.slack.deliveries.ack_timeout = 0.3
    ask(page)
    be(page, "Ben Okafor")
    page.get_by_role("button", name="Wait").click()
    expect(log(page)).to_contain_text("Seatkeeper did not answer in time. Press again; nothing is done twice.")
    demo.hold.set()
    demo.world.slack.deliveries.ack_timeout = 3.0
    send(page, "/licence wrong")
    said = page.get_by_text("Slack would refuse this: block 1 has 3,012 of 3,000 characters.")
    expect(said).to_be_visible()
    said.click()
    expect(page.locator(".bar.wrong pre")).to_contain_text('"type": "section"')


def test_narrow_large_dark_and_forced_colours_lose_nothing(page: Page) -> None:
    ask(page)
    send(page, "/licence gallery")
    expect(log(page)).to_contain_text("Gallery")
    wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    for width in (320, 800, 1200):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate(wide) == 0, f"sideways scroll at {width}"
    page.set_viewport_size({"width": 320, "height": 700})
    for pane in ("You", "Outside", "Messages"):
        page.get_by_role("navigation").get_by_role("button", name=pane).click()
        assert page.evaluate(wide) == 0, f"sideways scroll in {pane}"
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate(wide) == 0, "sideways scroll with text at 200 %"
    page.emulate_media(color_scheme="dark", reduced_motion="reduce", forced_colors="active")
    expect(log(page)).to_contain_text("Gallery")


def test_other_people_are_found_by_name(page: Page) -> None:
    page.get_by_role("option", name="Goran Petrović").click()
    page.get_by_role("button", name="Someone else").click()
    expect(page.get_by_role("option", name="Goran Petrović")).to_have_attribute("aria-selected", "true")
    assert page.evaluate("() => document.documentElement.scrollHeight <= innerHeight"), "the page itself scrolls"
    page.get_by_label("Find somebody else").fill("li wei")
    page.get_by_role("option", name="Li Wei").click()
    expect(page.get_by_role("option", name="Li Wei")).to_have_attribute("aria-selected", "true")
    expect(log(page)).to_contain_text("Nothing here yet.")


def test_a_stopped_service_is_said_and_nothing_typed_is_lost(page: Page, demo: Stage) -> None:
    send(page, "/licence request copilot")
    why = modal(page).get_by_label("What will you use it for?")
    why.fill(WHY)
    modal(page).get_by_label("Every day").check()
    demo.stop_service()
    modal(page).get_by_role("button", name="Send request").click()
    expect(modal(page)).to_contain_text(
        "Seatkeeper is not running. Your answers are kept; press again once it is back."
    )
    expect(page.locator(".bar.wrong")).to_contain_text("This page tries again every 2 s.")
    expect(why).to_have_value(WHY)
    page.get_by_role("button", name="What to do").click()
    expect(page.get_by_role("dialog", name="Seatkeeper is not running")).to_contain_text("make demo")
