"""The end of the tour: a seat nobody uses is asked about, given back, taken after a confirmation, and put back.

As with the other steps, done is read from what stands in Slack, however it came about; doing a step presses what a
person would press, and moves the clock where only time goes on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from sandbox.blocks_text import buttons, render_text
from sandbox.page_world import DemoWorld
from sandbox.slack_person import NotThere, Person

Json = dict[str, Any]
#: The role in the cast that looks for idle seats. Whoever plans a campaign may not confirm its list.
PLANNER = "IT"
GIVE_BACK, REVIEW, UNDO = "Give it back", "Review the list", "Undo all"
PRESS_SECONDS = 8.0
#: How far a step moves the clock while it waits: questions come in working hours, lists when answers are due.
UNTIL_ASKED, UNTIL_LISTED = (timedelta(hours=1), 24), (timedelta(days=1), 21)
_TAKEN = re.compile(r"\b\d+ seats? taken back")


class Taking:
    """Steps 5 to 8. `forward` moves the demo's clock, with all that falls due on the way."""

    def __init__(self, world: DemoWorld, confirmer_role: str, forward: Callable[[timedelta], object]) -> None:
        self._world = world
        self._confirmer_role = confirmer_role
        self._forward = forward

    def steps(self) -> list[Json]:
        planner, confirmer = self._member(PLANNER), self._member(self._confirmer_role)
        if planner is None or confirmer is None:
            return []
        product = self._world.tour_product
        holder = self._world.slack.world.user(self._asked())
        first, eli, dara = ((user or {}).get("real_name", "").split(" ")[0] for user in (holder, planner, confirmer))
        answered, taken, undone = self._answered(), self._taken(confirmer), self._put_back(confirmer)
        answered, taken = answered or taken or undone, taken or undone
        return [
            {
                "title": f"You are {eli}, {PLANNER}. Look for seats nobody uses: /licence reclaim {product}.",
                "hint": "It is a dry run, and nobody hears of it until you press “Ask …”.",
                "done": answered or any(True for _ in self._questions()),
                "as": planner["id"],
            },
            {
                "title": f"You are {first}, asked whether you still need it. Give it back."
                if holder
                else "A holder is asked whether they still need it, in their working hours. Give it back.",
                "hint": "Without an answer nothing is taken: a person looks at it first.",
                "done": answered,
                "as": holder["id"] if holder else "",
            },
            {
                "title": f"You are {dara}, {self._confirmer_role}. Move the clock until a list comes, and confirm it.",
                "hint": f"The holder's word alone takes nothing, and {eli}, who planned it, cannot confirm it.",
                "done": taken,
                "as": confirmer["id"],
            },
            {
                "title": f"You are still {dara}. Undo it: the seat comes back with the settings it had.",
                "hint": "Whoever gave it back can do the same: “I need it back”.",
                "done": undone,
                "as": confirmer["id"],
            },
        ]  # fmt: skip

    def do(self, number: int) -> None:
        """Do one of them, 1 to 4. Raises NotThere when what it needs is not there."""
        planner, confirmer = self._member(PLANNER), self._member(self._confirmer_role)
        if planner is None or confirmer is None:
            return
        if number == 1:
            self._ask(self._person(planner["id"]))
        elif number == 2:
            self._give_back()
        elif number == 3:
            self._confirm(self._person(confirmer["id"]))
        elif number == 4:
            person = self._person(confirmer["id"])
            person.press(UNDO, in_message=self._card(person, UNDO, ""))

    # -- what the state says -----------------------------------------------------------------------------------------

    def _member(self, role: str) -> Json | None:
        found = next((one for one in self._world.cast if one.role == role), None)
        return self._world.slack.world.user(found.user_id) if found is not None else None

    def _direct(self) -> Iterator[tuple[str, Json]]:
        """Messages of the app to one person about the product, each with its reader."""
        store = self._world.slack.world.store
        owner = {one["id"]: one["user"] for one in store.where("slack.channel", lambda one: one["kind"] == "im")}
        for message in store.where("slack.message", lambda one: one["channel"] in owner and not one.get("deleted")):
            if self._world.tour_product.lower() in _words(message).lower():
                yield owner[message["channel"]], message

    def _questions(self) -> Iterator[tuple[str, Json]]:
        """Open ones: holders who can still answer."""
        for user, message in self._direct():
            if any(label == GIVE_BACK for _, label, _ in buttons(message["blocks"])):
                yield user, message

    def _asked(self) -> str:
        """Whom to be for the answer: of the cast, else anybody who was asked."""
        cast = [one.user_id for one in self._world.cast]
        asked = [user for user, _ in self._questions()]
        return min(asked, key=lambda user: cast.index(user) if user in cast else len(cast), default="")

    def _answered(self) -> bool:
        return any(render_text(one["blocks"]).startswith("*Given back*") for _, one in self._direct())

    def _taken(self, confirmer: Json) -> bool:
        return any(user == confirmer["id"] and _TAKEN.search(_words(one)) for user, one in self._direct())

    def _put_back(self, confirmer: Json) -> bool:
        return any(
            user == confirmer["id"] and _TAKEN.search(_words(one)) and "*Put back" in render_text(one["blocks"])
            for user, one in self._direct()
        )

    # -- doing it ----------------------------------------------------------------------------------------------------

    def _person(self, user_id: str) -> Person:
        return Person(self._world.slack.url, user_id)

    def _ask(self, planner: Person) -> None:
        planner.command(f"/licence reclaim {self._world.tour_product}")
        message, label = planner.wait_for(_dry_run, timeout=PRESS_SECONDS)
        planner.press(label, in_message=message)

    def _give_back(self) -> None:
        hours, times = UNTIL_ASKED
        for _ in range(times):
            if any(True for _ in self._questions()):
                break
            self._forward(hours)
        user = self._asked()
        if not user:
            raise NotThere("nobody has been asked yet. Do the step before it first.")
        holder = self._person(user)
        holder.press(GIVE_BACK, in_message=next(one for reader, one in self._questions() if reader == user))
        holder.submit()

    def _confirm(self, person: Person) -> None:
        days, times = UNTIL_LISTED
        for _ in range(times):
            if self._cards(person, REVIEW, "to look at"):
                break
            self._forward(days)
        card = self._card(person, REVIEW, "to look at")
        while person.screen()["modals"]:
            person.close()
        person.press(REVIEW, in_message=card)
        label = next((text for _, text, _ in buttons(person.modal()["blocks"]) if text.startswith("Take back")), None)
        if label is None:
            raise NotThere("nothing is ticked. Tick a row of the list, then press the red button.")
        person.press(label)
        while person.screen()["modals"]:
            person.close()

    def _card(self, person: Person, label: str, words: str) -> Json:
        """The newest message to a person about the product with this button. Raises NotThere."""
        found = self._cards(person, label, words)
        if not found:
            raise NotThere(f"there is no message with “{label}” yet.")
        return max(found, key=lambda one: float(one["ts"]))

    def _cards(self, person: Person, label: str, words: str) -> list[Json]:
        return [
            one
            for user, one in self._direct()
            if user == person.id
            and words in _words(one)
            and any(text == label for _, text, _ in buttons(one["blocks"]))
        ]


def _words(message: Json) -> str:
    return f"{message['text']}\n{render_text(message['blocks'])}"


def _dry_run(person: Person) -> tuple[Json, str] | None:
    """The answer to the command, with the label that asks the holders."""
    for conversation in person.screen()["conversations"]:
        for message in reversed(conversation.get("messages") or []):
            for _, label, _ in buttons(message["blocks"]):
                if re.fullmatch(r"Ask \d+ (person|people)", label):
                    return message, label
    return None
