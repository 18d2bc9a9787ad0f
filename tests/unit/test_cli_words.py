"""The command line's list of words is what its modules say, and showing it imports none of them."""

from __future__ import annotations

import argparse
import subprocess
import sys
from importlib import import_module

import pytest

from bot.__main__ import COMMANDS, main, parser


def words_of(given: argparse.ArgumentParser) -> dict[str, str | None]:
    found = next(action for action in given._actions if isinstance(action, argparse._SubParsersAction))
    return {one.dest: one.help for one in found._choices_actions}


@pytest.mark.parametrize("module", COMMANDS)
def test_each_module_says_of_its_words_what_the_list_says(module: str) -> None:
    alone = argparse.ArgumentParser()
    import_module(module).add_parser(alone.add_subparsers())
    assert words_of(alone) == COMMANDS[module]


def test_the_list_is_the_same_whichever_word_was_typed() -> None:
    everything = {word: sentence for own in COMMANDS.values() for word, sentence in own.items()}
    for word in (None, "serve", "nonsense", *everything):
        assert words_of(parser(word)) == everything


def test_the_help_imports_none_of_what_the_words_need() -> None:
    heavy = "{'sqlalchemy', 'flask', 'slack_bolt', 'alembic', 'msal', 'pysnow'}"
    program = (
        "import sys; from bot.__main__ import main\n"
        "try: main(['--help'])\n"
        f"finally: assert not {heavy} & sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "serve" in done.stdout


def test_a_word_that_does_not_exist_ends_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["licences"])
    assert ended.value.code == 2
    assert "invalid choice: 'licences'" in capsys.readouterr().err
