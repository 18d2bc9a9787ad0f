"""The row beside OCS Inventory says what is missing, installs nothing, and changes only addresses in its settings."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from benchmarks import ocs, row_ocs

GIVEN = """<IfModule mod_perl.c>
  PerlSetEnv OCS_DB_HOST localhost
  PerlSetEnv OCS_DB_PORT 3306
  PerlSetVar OCS_DB_PWD ocs
  PerlSetEnv OCS_OPT_LOGPATH "/var/log/ocsinventory-server/"
  PerlSetEnv OCS_OPT_INVENTORY_DIFF 1
  PerlModule Apache::Ocsinventory::SOAP
  <location /ocsinterface>
    AuthType Basic
  </location>
</IfModule>
"""


def test_where_it_is_not_installed_one_line_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        ocs, "PARTS", {"no-such-program": "mariadb-server-core", "/no/such/file": "ocsinventory-server"}
    )
    assert list(row_ocs.measure(argparse.Namespace(quick=True, only=None))) == []
    said = capsys.readouterr().out
    assert said == ("NOT MEASURED beside OCS Inventory: this machine lacks mariadb-server-core, ocsinventory-server.\n")


def test_its_settings_are_its_own_but_for_addresses() -> None:
    made = ocs.configured(GIVEN, 33991, Path("/example/log"))
    assert made == (
        "<IfModule mod_perl.c>\n"
        "  PerlSetEnv OCS_DB_HOST 127.0.0.1\n"
        "  PerlSetEnv OCS_DB_PORT 33991\n"
        "  PerlSetVar OCS_DB_PWD ocs\n"
        '  PerlSetEnv OCS_OPT_LOGPATH "/example/log/"\n'
        "  PerlSetEnv OCS_OPT_INVENTORY_DIFF 1\n"
        "  </IfModule>\n"
    )
