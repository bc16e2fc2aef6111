"""nn and utils.data without torch: programs print, warn and raise what was recorded from torch (data/programs.py)."""

import json
import sys
from pathlib import Path

import pytest

import minigrad
import minigrad.utils.data

DATA = Path(__file__).with_name("data")
sys.path.insert(0, str(DATA))
from programs import TABLES, outcome

RECORDED = json.loads((DATA / "programs.json").read_text())


@pytest.mark.parametrize("table, name", [(table, name) for table in TABLES for name in TABLES[table]])
def test_program_does_what_it_did_under_torch(table, name):
    assert outcome(TABLES[table][name], minigrad) == RECORDED[table][name]
