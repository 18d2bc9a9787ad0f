"""Reading people for the sync of Microsoft 365: what was bought, everybody page by page, or what changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import structlog

from integrations import graph_types as g
from integrations.errors import NotFound, Refused
from integrations.graph_listing import (
    BEST,
    MANAGERS_ONLY,
    NOT_PREMIUM,
    WITHOUT_SIGN_IN,
    Expired,
    Form,
    UserPage,
    plainer,
)
from integrations.graph_reports import KINDS
from workflows import directory, usage
from workflows import directory_seats as seats
from workflows import directory_stage as stage
from workflows.perform_m365_rows import sku_row, soonest, subscription_row
from workflows.perform_m365_state import Wait
from workflows.perform_m365_usage import ReadUsage

log = structlog.get_logger(__name__)

#: More changed people than this are read quicker by reading everybody.
MOST_CHANGED = 1_000
#: A tenant with P1 has refused sign-ins now and then: asked so often, with this pause, before doing without.
PREMIUM_TRIES, PREMIUM_PAUSE = 3, timedelta(seconds=20)

NO_PREMIUM = (
    "The tenant has no Entra ID P1 or P2, so Microsoft tells no sign-ins: use is judged by the usage reports alone."
)
NO_AUDIT = (
    "The registration may not read sign-ins: add the application permission AuditLog.Read.All in Entra and grant admin "
    "consent."
)
NO_SIGN_INS = "Microsoft refused to list sign-ins; use is judged by the usage reports alone."


class ReadPeople(ReadUsage):
    """The steps that read and lay down."""

    def _begin(self) -> None:
        """What was bought, in two requests, and from when on changes are told, in a third."""
        read_at = self.run.now()
        skus = self.graph.subscribed_skus()
        bought, trouble = self._subscriptions()
        delta = self._latest()
        with self.database.unit_of_work() as work:
            directory.store_figures(work, skus, read_at, self.run.now())
            gone = usage.store_skus(work.connection, [sku_row(one) for one in skus], read_at)
            if bought is not None:
                usage.store_subscriptions(work.connection, [subscription_row(one) for one in bought], read_at)
                usage.say(work.connection, "subscriptions", "fine", f"{len(bought)} subscriptions.", None, read_at)
            else:
                usage.say(work.connection, "subscriptions", "no_permission", trouble, None, read_at)
            copilot = usage.has_sku_named(work.connection, "copilot")
            sources = [one for one in KINDS if one != "copilot" or copilot]
            self.save(work, delta=delta, delta_at=read_at.isoformat(), skus_gone=gone, sources=sources)
            work.commit()

    def _subscriptions(self) -> tuple[list[g.Subscription] | None, str]:
        try:
            return self.graph.subscriptions(), ""
        except (Refused, NotFound) as error:
            if isinstance(error, Refused) and error.fatal:
                raise
            words = (
                "Subscriptions are not shown: the registration needs the application permission Organization.Read.All."
            )
            return None, words

    def _latest(self) -> str | None:
        try:
            return self.graph.listing.latest()
        except (Refused, NotFound) as error:
            log.warning("changes cannot be followed", cause=str(error))
            return None

    def _people(self) -> None:
        """Everybody, page by page; a full reading reads the usage reports beside them."""
        if self.state.get("listed"):
            return
        form, first = self._first_page()
        try:
            with closing(soonest(self._pages(form, first), self.parts_meanwhile())) as parts:
                for part in parts:
                    if isinstance(part, UserPage):
                        self._take_page(form, part)
                    else:
                        self.take_part(part)
        finally:
            self.keep_wait()
        if not self.state["listed"]:
            self.put_back()

    def _pages(self, form: Form, page: UserPage) -> Iterator[UserPage]:
        """Pages from this one on, until the turn is over."""
        yield page
        while page.next_link is not None and self.turn_lasts():
            page = self.graph.listing.page(form, page.next_link)
            yield page

    def _take_page(self, form: Form, page: UserPage) -> None:
        """Lay down a page, and store at once what cannot be in doubt (see `model.sync`)."""
        signed = sum(stage.last_use(user.sign_in) is not None for user in page.users)
        before, with_use = self.state["seen"], self.state["kind"] == "full" and not self.reports_left
        with self.database.unit_of_work() as work:
            count, digest = stage.lay(
                work.connection, page.users, before, self.state["digest"], merged=self.first, later=not with_use
            )
            until = before + count
            told: dict[str, Any] = {"total": page.total} if page.total is not None else {}
            if self.first:
                self.state.setdefault("skus", seats.registered(work.connection))
                told["counts"] = self.more(directory.welcome(work.connection, before, until, self.began))
                self.measure(work, until)
            if with_use:
                self.store_use(work, before, until)
            else:
                told["behind"] = until
            self.save(
                work,
                form=form.plain(),
                link=page.next_link,
                listed=page.next_link is None,
                seen=until,
                digest=digest,
                signed=signed + self.state.get("signed", 0),
                **told,
            )
            work.commit()

    def _first_page(self) -> tuple[Form, UserPage]:
        """The page to go on with, and the form its tenant takes."""
        if self.state["link"] is not None:
            form = Form(**self.state["form"])
            return form, self.graph.listing.page(form, self.state["link"])
        form = BEST if self.state["kind"] == "full" else WITHOUT_SIGN_IN
        while True:
            try:
                return form, self.graph.listing.page(form)
            except Refused as error:
                form = self._another_form(form, error)

    def _another_form(self, form: Form, error: Refused) -> Form:
        """What to ask after a refusal; raises it when there is nothing plainer."""
        if error.fatal or (error.code == "Authorization_RequestDenied" and not form.sign_in):
            raise error
        if error.code == NOT_PREMIUM:
            tries = self.state.get("premium", 0) + 1
            with self.database.unit_of_work() as work:
                known = usage.state_of(work.connection, "sign_in") == "no_licence"
                self.save(work, premium=tries)
                if tries < PREMIUM_TRIES and not known:
                    self.run.later(self.run.now() + PREMIUM_PAUSE, work)
                    work.commit()
                    raise Wait
                work.commit()
            self.state["without"] = ["no_licence", NO_PREMIUM]
            return WITHOUT_SIGN_IN
        if error.code == "Authorization_RequestDenied":
            self.state["without"] = ["no_permission", NO_AUDIT]
            return WITHOUT_SIGN_IN
        following = plainer(form, error.detail)
        if following is None:
            raise error
        if form.sign_in and not following.sign_in:
            self.state["without"] = ["unreadable", NO_SIGN_INS]
        return following

    def _managers(self) -> None:
        """A pass of its own where the listing could not bring managers along; at last twenty by twenty."""
        if Form(**self.state["form"]).managers:
            return
        if self.state.get("managers_listed"):
            return
        link, form = self.state.get("managers_link"), MANAGERS_ONLY
        try:
            first = self.graph.listing.page(form, link)
        except Refused as error:
            if error.fatal or error.code == "foreign_link":
                raise
            self._managers_by_twenty()
            return
        with closing(soonest(self._pages(form, first))) as pages:
            for page in pages:
                with self.database.unit_of_work() as work:
                    found = ((user.id, user.manager_id) for user in page.users)
                    stage.lay_managers(work.connection, [(one, boss) for one, boss in found if boss is not None])
                    self.save(work, managers_link=page.next_link, managers_listed=page.next_link is None)
                    work.commit()
        if not self.state["managers_listed"]:
            self.put_back()

    def _managers_by_twenty(self) -> None:
        while True:
            with self.database.reading() as connection:
                ids = stage.ids_after(connection, self.state["after"], 100)
            if not ids:
                return
            found = self.graph.listing.managers(ids)
            with self.database.unit_of_work() as work:
                stage.lay_managers(work.connection, found.items())
                self.save(work, after=ids[-1])
                work.commit()
            self.breathe()

    def _changes(self) -> None:
        """Who changed is read in full; too many, and everybody is."""
        while True:
            page = self.graph.listing.changes(self.state["link"])
            gone = [one.id for one in page.changes if one.gone]
            ids = list(dict.fromkeys(one.id for one in page.changes if not one.gone))
            if self.state["seen"] + len(ids) > MOST_CHANGED:
                raise Expired
            people = self.graph.listing.people(ids)
            with self.database.unit_of_work() as work:
                count, digest = stage.lay(work.connection, people, self.state["seen"], self.state["digest"])
                stage.lay_gone(work.connection, gone, self.state["seen"])
                self.save(
                    work,
                    link=page.next_link,
                    seen=self.state["seen"] + count,
                    gone=self.state.get("gone", 0) + len(gone),
                    digest=digest,
                    delta=page.delta_link,
                )
                work.commit()
            if page.next_link is None:
                return
            self.breathe()
