"""The command line: `seatkeeper`, the same as `python -m bot`. Errors are one line; exit codes 0, 1 and 2.

Only the module of the word that was given is imported: the help and the demo have no use for the rest, and importing
all of it takes more than a second.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from bot.settings import SettingsError

#: Module -> its words with what the list of words says about them.
COMMANDS: dict[str, dict[str, str]] = {
    "bot.cli_serve": {
        "serve": "run the service: web, bot, clock and workers in one process",
        "migrate": "bring the database to this version's schema",
    },
    "bot.cli_setup": {
        "sync": "read Microsoft 365, people, Slack accounts, seat counts or Intune now, not on schedule",
        "role": "give, end or list roles (licence_manager, it, finance, …)",
        "product": "add a product to the register, or list them",
    },
    "bot.cli_import": {"import": "fill the register from a CSV or XLSX file"},
    "bot.cli_recognise": {"recognise": "say which products a list of installed titles is"},
    "bot.cli_position": {"position": "what is bought, used, free and short, for any day, and why it changed"},
    "bot.cli_renewals": {"renewals": "what has to be decided until when: contracts and Microsoft subscriptions"},
    "bot.cli_reconcile": {"reconcile": "hold purchases, the vendor's figures, invoices and seats against each other"},
    "bot.cli_budgets": {"budgets": "what cost centres and departments may spend, have spent and are committed to"},
    "bot.cli_doctor": {"doctor": "check settings, database, clock, sign-ins and permissions, and say what to do"},
    "bot.cli_policy": {"policy": "check, simulate, propose and activate the policy"},
    "bot.cli_sources": {"sources": "list sources of inventories with what they would have sent, or accept one"},
    "bot.cli_reclaim": {"reclaim": "campaigns to take seats back: see, plan, begin, call off, switch removals off"},
    "bot.cli_matches": {"matches": "list accounts that may be one person, and say whether they are"},
    "bot.cli_audit": {"audit": "check or export the audit trail"},
    "bot.demo": {"demo": "play the whole product in a browser, with stand-ins for everything outside"},
}


def parser(word: str | None = None) -> argparse.ArgumentParser:
    """The command line with everything about one word, or with the list of all words."""
    whole = argparse.ArgumentParser(
        prog="seatkeeper",
        description="Keeps a company's software licences in order, in Slack. Settings come from the environment or "
        "from .env; the README lists them.",
        epilog="Try it without any account: seatkeeper demo",
    )
    words = whole.add_subparsers(dest="word", required=True, metavar="WORD", title="words")
    for module, own in COMMANDS.items():
        if word in own:
            import_module(module).add_parser(words)
            continue
        for name, sentence in own.items():
            words.add_parser(name, help=sentence)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 something is wrong, 2 used wrongly."""
    typed = sys.argv[1:] if arguments is None else list(arguments)
    given = parser(typed[0] if typed else None).parse_args(typed)
    try:
        return int(given.run(given))
    except SettingsError as wrong:
        for problem in wrong.problems:
            print(problem, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except _for_people() as wrong:
        print(str(wrong) or type(wrong).__doc__, file=sys.stderr)
    return 1


def _for_people() -> tuple[type[Exception], ...]:
    """What is said in one line; asked for only when something was raised."""
    from bot.bootstrap import NotReady
    from model.session import DatabaseBusy
    from workflows.refusals import Refusal

    return NotReady, Refusal, DatabaseBusy, OSError


if __name__ == "__main__":
    sys.exit(main())
