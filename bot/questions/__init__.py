"""What IT is asked because only a person can know: a module for each kind of question, all kinds in `KINDS`."""

from __future__ import annotations

from typing import Any

from bot.questions.accounts import ACCOUNTS
from bot.questions.devices import DEVICES
from bot.questions.kind import Kind

KINDS: tuple[Kind[Any], ...] = (DEVICES, ACCOUNTS)
