"""The operator's commands for policy and audit trail: exit codes, one line per mistake, and what they print."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot import cli_audit, cli_policy
from bot.settings import Settings, SettingsError
from model.licences import Sku
from tests.http.web_company import NOW, POLICY, Company, found

Run = Callable[..., int]
OTHER = POLICY.replace("50.00", "10.00")


@pytest.fixture
def company(sqlite_url: str) -> Iterator[Company]:
    made = found(sqlite_url)
    yield made
    made.database.dispose()


@pytest.fixture
def run(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The commands as typed, in a folder of their own, on this test's database."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text(OTHER)

    def typed(*words: str, url: str = sqlite_url) -> int:
        parser = argparse.ArgumentParser(prog="seatkeeper")
        commands = parser.add_subparsers(dest="command", required=True)
        cli_policy.add_parser(commands)
        cli_audit.add_parser(commands)
        args = parser.parse_args(words)
        run = cli_policy.run if args.command == "policy" else cli_audit.run
        return run(args, lambda: Settings(database_url=url), NOW)

    return typed


def test_check_names_file_line_and_setting(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("policy", "check", "policy.yaml") == 0
    assert "policy.yaml is right: 9 rules" in capsys.readouterr().out
    (tmp_path / "policy.yaml").write_text("version: 1\nlimits: {max_seats: 0}\n")
    assert run("policy", "check", "policy.yaml") == 1
    assert capsys.readouterr().err == "policy.yaml, line 2: *max_seats* must be 1 to 50, it says 0.\n"
    assert run("policy", "check", "none.yaml") == 1
    assert capsys.readouterr().err == "none.yaml cannot be read: No such file or directory.\n"
    (tmp_path / "policy.yaml").write_bytes(b"\xff\xfe")
    assert run("policy", "check", "policy.yaml") == 1
    assert "not UTF-8" in capsys.readouterr().err


def test_check_compares_tiers_with_the_register_where_there_is_one(
    run: Run, company: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with company.database.unit_of_work() as work:
        work.session.add(Sku(product_id=company.copilot, part_number="PLAN3", tier="Plan 3", rank=3))
        work.commit()
    tiers = "version: 1\nproducts:\n  copilot: {tiers: [{rule: 6, highest: Plan3}]}\n"
    (tmp_path / "policy.yaml").write_text(tiers)
    assert run("policy", "check", "policy.yaml") == 1
    assert "policy.yaml, line 3: *highest* must be a tier of copilot: Plan 3" in capsys.readouterr().err
    assert run("policy", "check", "policy.yaml", url=f"sqlite:///{tmp_path}/none.db") == 0
    assert not (tmp_path / "none.db").exists()
    assert "Tiers were not compared with the register. There is no database yet." in capsys.readouterr().err


def test_propose_list_activate(run: Run, company: Company, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("policy", "propose", "policy.yaml", "--by", "dara@acme.example") == 0
    assert "Stored as version 2." in capsys.readouterr().out
    assert run("policy", "activate", "2", "--by", "dara@acme.example") == 1
    assert capsys.readouterr().err == "Dara Novak proposed version 2, so somebody else activates it.\n"
    assert run("policy", "activate", "2", "--by", "pia@acme.example") == 0
    capsys.readouterr()
    assert run("policy", "list") == 0
    newest, first = capsys.readouterr().out.splitlines()
    assert newest.split()[:2] == ["2", "active"] and "activated 23 Nov 2026 by pia@acme.example" in newest
    assert first.split()[:2] == ["1", "retired"] and "by set-up" in first


def test_simulate_prints_a_table_or_json(run: Run, company: Company, capsys: pytest.CaptureFixture[str]) -> None:
    company.ask(company.miro, key="v1")
    company.ask(company.copilot, key="v2")
    assert run("policy", "simulate", "policy.yaml") == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0].split() == ["Request", "Product", "Then", "Under", "the", "file"]
    assert "Miro" in said.out and "Copilot" not in said.out and "line manager: Ben Okafor" in said.out
    assert "2 requests looked at: 1 would have gone differently, 0 of them not taken." in said.err
    assert "0 causes of red alerts in the last 30 days looked at: 0 would go differently." in said.err
    assert run("policy", "simulate", "policy.yaml", "--format", "json", "--since", "2026-11-23") == 0
    (row,) = json.loads(capsys.readouterr().out)["requests"]
    assert (row["product"], row["asked_on"]) == ("Miro", "2026-11-23")
    assert row["now"]["steps"] == [{"kind": "line_manager", "asked": ["Ben Okafor"], "quorum": 1}]
    assert run("policy", "simulate", "policy.yaml", "--format", "json", "--since", "2026-11-24") == 0
    assert json.loads(capsys.readouterr().out) == {"requests": [], "alerts": [], "alerts_by_cause": {}}


def test_a_day_that_is_none_and_a_missing_verb_are_usage_errors(run: Run) -> None:
    for words in (("policy", "simulate", "policy.yaml", "--since", "yesterday"), ("policy",), ("audit",)):
        with pytest.raises(SystemExit) as ended:
            run(*words)
        assert ended.value.code == 2


def test_an_exported_chain_is_checked_without_the_database(
    run: Run, company: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    company.ask(company.copilot, key="v1")
    assert run("audit", "export", "--out", "chain.jsonl") == 0
    assert "links written to chain.jsonl" in capsys.readouterr().err
    assert run("audit", "verify", "chain.jsonl") == 0
    assert "each in its place and unchanged. The last hash is " in capsys.readouterr().out
    text = (tmp_path / "chain.jsonl").read_text()
    assert "Lyon office" not in text, "typed words stay out"
    assert run("audit", "verify") == 0
    capsys.readouterr()
    (tmp_path / "chain.jsonl").write_text(text.replace('"actor":"person:', '"actor":"person:9', 1))
    assert run("audit", "verify", "chain.jsonl") == 1
    assert "was changed after it was sealed" in capsys.readouterr().err
    assert run("audit", "export", "--personal") == 0
    assert "Lyon office" in capsys.readouterr().out
    for words in (("audit", "verify", "none.jsonl"), ("audit", "export", "--out", "no/such/folder")):
        assert run(*words) == 1
        assert len(capsys.readouterr().err.splitlines()) == 1


def test_wrong_settings_and_an_old_schema_are_said(
    run: Run, empty_sqlite_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong() -> Settings:
        raise SettingsError(["PORT must be a whole number."])

    for module, words in ((cli_policy, ["list"]), (cli_audit, ["verify"])):
        args = argparse.Namespace(verb=words[0], file=None)
        assert module.run(args, wrong) == 2
        assert capsys.readouterr().err == "PORT must be a whole number.\n"
    assert run("policy", "list", url=empty_sqlite_url) == 1
    assert "Run: seatkeeper migrate" in capsys.readouterr().err
    assert run("audit", "verify", url="sqlite:////no/such/folder/x.db") == 1
    assert "cannot be reached" in capsys.readouterr().err
