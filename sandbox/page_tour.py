"""The tour: what each step asks, whether the state says it is done, and doing it for somebody who asks.

Done is read from the outside: what stands in Slack, in Microsoft 365, in ServiceNow and on record. How it came about
does not matter. Doing a step is what a person would do: type the command, fill the form as it comes, press the button.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sandbox.blocks_text import buttons, elements, render_text
from sandbox.page_service import Service
from sandbox.page_tour_taking import Taking
from sandbox.page_world import DemoWorld
from sandbox.slack_person import NotThere, Person
from sandbox.slack_values import VALUE_OF

Json = dict[str, Any]
MANAGER = "licence manager"  # the role in the cast that asks what is short
POSITION = "/licence position"
ROUNDS = 4  # a form may ask again after a choice; more often means that it does not want to be sent
SAMPLE_WORDS = "Minutes and drafts for the Lyon office move"


class TourStuck(Exception):
    """A step could not be done for the person; the message says why, for the page."""


class Tour:
    """Steps 1 to 4: ask, approve, look outside, ask what is short; then those of `page_tour_taking`."""

    def __init__(self, world: DemoWorld, service: Service, forward: Callable[[timedelta], object]) -> None:
        self._world = world
        self._service = service
        self._taking = Taking(world, MANAGER, forward)

    def steps(self) -> list[Json]:
        """Each step with its sentence, whether it is done, and the facts the last one is made of."""
        asker, decider = self._names()
        product = self._world.tour_product.capitalize()
        facts = self._facts() if asker else {}
        seat, ticket = facts.get("seat", ""), facts.get("ticket", "")
        decided = bool(seat) or facts.get("answered", False)
        record = bool(facts.get("record"))
        steps: list[Json] = [
            {
                "title": f"You are {asker}. Ask for {product}.",
                "hint": f"Send “/licence request {self._world.tour_product}” below the messages.",
                "done": decided or facts.get("asked", False),
                "as": self._ids()[0],
            },
            {
                "title": f"You are {decider}, {self._role(1)}. The card holds the answer: approve.",
                "hint": "Cost, free seats and the reason stand on it before you press.",
                "done": decided,
                "as": facts.get("waits_for") or self._ids()[1],
            },
            {
                "title": "Look right: Microsoft 365 has the seat, ServiceNow closed its ticket, the record has both.",
                "hint": "Nothing here is pretended: the panels show what the other systems hold.",
                "done": bool(seat and ticket and record),
                "checks": [
                    {"panel": "m365", "text": seat or "Microsoft 365 has no seat yet", "done": bool(seat)},
                    {"panel": "servicenow", "text": ticket or "ServiceNow has no closed ticket yet",
                     "done": bool(ticket)},
                    {"panel": "record", "text": facts.get("record") or self._no_record(), "done": record},
                ],
            },
        ]  # fmt: skip
        if manager := self._manager():
            name = manager["real_name"].split()[0]
            steps.append({
                "title": f"You are {name}, {MANAGER}. Ask what you are short of: {POSITION}.",
                "hint": "What is bought, what is in use, and what the difference costs.",
                "done": any("short" in self._words(one).lower() for one in self._answers(manager["id"])),
                "as": manager["id"],
            })  # fmt: skip
            steps += self._taking.steps()
        return steps

    # -- what the state says -----------------------------------------------------------------------------------------

    def _ids(self) -> tuple[str, str]:
        cast = [member.user_id for member in self._world.cast]
        return (cast[0], cast[1]) if len(cast) > 1 else ("", "")

    def _role(self, number: int) -> str:
        return self._world.cast[number].role if len(self._world.cast) > number else ""

    def _manager(self) -> Json | None:
        members = [one for one in self._world.cast if one.role == MANAGER]
        return self._world.slack.world.user(members[0].user_id) if members else None

    def _names(self) -> tuple[str, str]:
        users = [self._world.slack.world.user(one) for one in self._ids()]
        first, second = (user["real_name"].split()[0] if user else "" for user in users)
        return first, second

    def _facts(self) -> Json:
        asker = self._world.slack.world.user(self._ids()[0])
        if asker is None:
            return {}
        told = [one for one in self._direct_messages(asker["id"]) if self._mentions(one)]
        starts = [(render_text(one["blocks"]) or one["text"]).lstrip("*") for one in told]
        return {
            "asked": any("REQ-" in self._words(one) for one in told),
            "answered": any(start.startswith(("Approved", "Ready")) for start in starts),
            "waits_for": self._card(asker)[0],
            "seat": self._seat(asker),
            "ticket": self._ticket(asker),
            "record": self._record() if told else "",
        }

    def _direct_messages(self, user_id: str) -> list[Json]:
        slack = self._world.slack.world
        direct = slack.store.get("slack.direct", user_id)
        if direct is None:
            return []
        return slack.store.where(
            "slack.message",
            lambda one: one["channel"] == direct["id"] and not one.get("deleted") and not one.get("ephemeral_for"),
        )

    def _answers(self, user_id: str) -> list[Json]:
        """What this person alone was answered to a command."""
        store = self._world.slack.world.store
        return store.where(
            "slack.message", lambda one: one.get("ephemeral_for") == user_id and "bought" in self._words(one).lower()
        )

    def _words(self, message: Json) -> str:
        return f"{message['text']}\n{render_text(message['blocks'])}"

    def _mentions(self, message: Json) -> bool:
        return self._world.tour_product.lower() in self._words(message).lower()

    def _card(self, asker: Json) -> tuple[str, Json, str]:
        """The open approval of the asker's request: whose it is, the message, the label of its leading button."""
        store = self._world.slack.world.store
        for user_id in store.keys("slack.direct"):
            for message in self._direct_messages(user_id) if user_id != asker["id"] else []:
                if not self._mentions(message) or asker["real_name"] not in self._words(message):
                    continue
                for _, label, element in buttons(message["blocks"]):
                    if label.startswith("Approve") and element.get("style") == "primary":
                        return user_id, message, label
        return "", {}, ""

    def _seat(self, asker: Json) -> str:
        from sandbox.graph import describe

        for user in describe(self._world.graph.context)["users"]:
            if asker["email"].lower() == str(user["userPrincipalName"]).lower() or asker["real_name"] == user["name"]:
                for seat in user["seats"]:
                    if self._world.tour_product.lower() in seat["name"].lower():
                        return f"{user['name']} has {seat['name']}"
        return ""

    def _ticket(self, asker: Json) -> str:
        for record in self._world.servicenow.control.records():
            about = json.dumps(record, ensure_ascii=False).lower()
            if (
                (not record["active"] or record["state_word"] in ("Resolved", "Closed"))
                and asker["real_name"].lower() in about
                and self._world.tour_product.lower() in about
            ):
                return f"{record['number']} is {record['state_word']}"
        return ""

    def _no_record(self) -> str:
        """While Seatkeeper is away nobody can say what is on record."""
        return "The record has nothing yet" if self._service.running() else "The record cannot be read now"

    def _record(self) -> str:
        chain = self._service.chain_lately() or {}
        entries, intact = chain.get("links", 0), chain.get("ok", False)
        return f"{entries} {'entry' if entries == 1 else 'entries'}, chain intact" if entries and intact else ""

    # -- doing it ----------------------------------------------------------------------------------------------------

    def do(self, number: int) -> None:
        """Do a step as the person would; step 3 is looking. TourStuck with a sentence when it cannot be done."""
        asker_id, _ = self._ids()
        asker = self._world.slack.world.user(asker_id)
        if asker is None:
            raise TourStuck("The people of the tour are not in this company.")
        try:
            if number == 1:
                self._ask(Person(self._world.slack.url, asker_id))
            elif number == 2:
                self._approve(asker)
            elif number == 4 and (manager := self._manager()):
                _type(Person(self._world.slack.url, manager["id"]), POSITION)
            elif number > 4:
                self._taking.do(number - 4)
        except NotThere as missing:
            raise TourStuck(f"This step needs a hand: {str(missing)[:300]}") from missing

    def _ask(self, person: Person) -> None:
        while person.screen()["modals"]:
            person.close()
        _type(person, f"/licence request {self._world.tour_product}")
        person.wait_for(lambda one: one.modal())
        for _ in range(ROUNDS):
            _complete(person, self._world.tour_product)
            if not person.modal().get("submit"):
                return
            sent = person.submit()
            if sent.get("closed") or not person.screen()["modals"]:
                return
            if sent.get("error"):
                raise TourStuck("Seatkeeper did not answer in time. Press again; nothing is done twice.")
            if not person.modal().get("submit"):
                person.close()
                return
        raise TourStuck(f"The form asks for something: {' '.join(person.modal().get('errors', {}).values())}")

    def _approve(self, asker: Json) -> None:
        user_id, message, label = self._card(asker)
        if not user_id:
            raise TourStuck(f"Nobody has a card of {asker['real_name']} yet. Do step 1 first, or wait a moment.")
        answer = Person(self._world.slack.url, user_id).press(label, in_message=message)
        if not answer.get("ok"):
            raise TourStuck("Seatkeeper did not answer in time. Press again; nothing is done twice.")


def _type(person: Person, line: str) -> None:
    if not person.command(line).get("ok"):
        raise TourStuck("Seatkeeper did not answer the command. Look at Traffic, then try again.")


def _complete(person: Person, words: str) -> None:
    """Fill what is required and still empty in the form on top, in its order; a choice may bring new fields."""
    tried: set[str] = set()
    while True:
        view = person.modal()
        missing = [
            (block, element)
            for block, element in elements(view["blocks"])
            if block["type"] == "input" and not block.get("optional") and block["block_id"] not in tried
            and _is_empty(view, block, element)
        ]  # fmt: skip
        if not missing:
            return
        block, element = missing[0]
        tried.add(block["block_id"])
        value = _sample(person, block, element, words)
        if block.get("dispatch_action"):
            person.choose(element["action_id"], value, block_id=block["block_id"])
        else:
            person.fill_in({block["block_id"]: value})


def _is_empty(view: Json, block: Json, element: Json) -> bool:
    known = view["state"]["values"].get(block["block_id"], {}).get(element["action_id"], {})
    return known.get(VALUE_OF[element["type"]][0]) in (None, "", [])


def _sample(person: Person, block: Json, element: Json, words: str) -> Any:
    kind = element["type"]
    if kind.endswith("external_select"):
        found = person.options(element["action_id"], words, block_id=block["block_id"])
        if not found:
            raise NotThere(f"nothing is offered for “{words}”")
        best = next((one for one in found if words.lower() in one["text"]["text"].lower()), found[0])
        return [best["value"]] if kind.startswith("multi") else best["value"]
    if kind in ("static_select", "radio_buttons"):
        groups = [{"options": element.get("options") or []}, *(element.get("option_groups") or [])]
        return next(one["value"] for group in groups for one in group["options"])
    if kind in ("multi_static_select", "checkboxes"):
        return [element["options"][0]["value"]]
    if kind.endswith("users_select"):
        return [person.id] if kind.startswith("multi") else person.id
    if kind == "number_input":
        return str(element.get("min_value") or 1)
    return SAMPLE_WORDS
