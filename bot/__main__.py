"""The command line: `seatkeeper`, the same as `python -m bot`. Errors are one line; exit codes 0, 1 and 2."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Protocol

from bot import cli_audit, cli_doctor, cli_policy, cli_position, cli_recognise, cli_serve, cli_setup, demo
from bot.bootstrap import NotReady
from bot.settings import SettingsError
from model.session import DatabaseBusy
from workflows.refusals import Refusal


class Command(Protocol):
    """A module that adds its words to the parser and runs them."""

    def add_parser(self, subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None: ...


COMMANDS = (cli_serve, cli_setup, cli_position, cli_doctor, cli_policy, cli_audit, cli_recognise, demo)


def parser() -> argparse.ArgumentParser:
    """All words of the command line."""
    whole = argparse.ArgumentParser(
        prog="seatkeeper",
        description="Keeps a company's software licences in order, in Slack. Settings come from the environment or "
        "from .env; the README lists them.",
        epilog="Try it without any account: seatkeeper demo",
    )
    words = whole.add_subparsers(dest="word", required=True, metavar="WORD", title="words")
    for command in COMMANDS:
        command.add_parser(words)
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 something is wrong, 2 used wrongly."""
    given = parser().parse_args(arguments)
    try:
        return int(given.run(given))
    except SettingsError as wrong:
        for problem in wrong.problems:
            print(problem, file=sys.stderr)
        return 2
    except (NotReady, Refusal, DatabaseBusy, OSError) as wrong:
        print(str(wrong) or type(wrong).__doc__, file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main())
