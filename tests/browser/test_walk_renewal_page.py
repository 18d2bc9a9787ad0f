"""The page of a renewal in a real browser: without script, small, large, dark, and as a screen reader is told it."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import Browser, expect

from tests.http.test_web_renewal import person, renewal, to_renew
from tests.http.web_company import NOW
from tests.http.web_server import KEY
from workflows.renewals import pages

WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_23_25_26_27_small_large_dark_and_without_script(browser: Browser, sqlite_url: str) -> None:
    with to_renew(sqlite_url) as web:
        token = pages.token_for(KEY, person(web, "owner@example.test"), NOW.date() + timedelta(days=1))
        context = browser.new_context(viewport={"width": 320, "height": 568}, java_script_enabled=False)
        context.set_default_timeout(15_000)
        page = context.new_page()
        errors: list[str] = []
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.goto(f"{web.url}/renewals/{renewal(web)}?key={token}")
        assert "key=" not in page.url, "the address stands in no history"
        assert page.evaluate(WIDE) == 0
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate(WIDE) == 0, "200 %"
        assert page.get_by_role("heading", level=1).count() == 1
        for name in ("Dates", "Decision and proof", "Figures by product", "What happened"):
            expect(page.get_by_role("region", name=name, exact=True).first).to_be_visible()
        figures = page.get_by_role("table").filter(has_text="Would do")
        expect(figures.get_by_role("rowheader", name="Whiteboard")).to_be_visible()
        chart = page.get_by_role("img", name="Whiteboard")
        expect(chart).to_be_visible()
        page.locator("summary", has_text="1 purchase").first.click()
        expect(page.get_by_role("table").filter(has_text="PO-1")).to_be_visible()
        page.emulate_media(color_scheme="dark")
        lines = "() => getComputedStyle(document.querySelector('figure svg [stroke^=var]')).stroke"
        assert page.evaluate(lines) != "rgb(11, 79, 163)", "the chart takes the dark colours"
        context.close()
        assert errors == []
