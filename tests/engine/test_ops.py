"""Every operation at its corners: value, type, gradient, grad_fn and error are torch's, case by case."""

from __future__ import annotations

import json
from typing import Any

import pytest
from op_cases import GROUPS, RECORDED, agree, ask, differs

import minigrad


def cases() -> list[Any]:
    recorded = json.loads(RECORDED.read_text())
    return [pytest.param(c, said, id=f"{group}: {c}") for group, saids in recorded.items() for c, said in saids.items()]


@pytest.mark.parametrize("case, said", cases())
def test_minigrad_says_what_torch_says(case: str, said: dict[str, Any]) -> None:
    mine = ask(minigrad, case)
    assert agree(mine, said) != differs(case), f"{case}\n  minigrad {mine}\n  torch    {said}"


def test_the_cases_are_those_that_were_recorded() -> None:
    recorded = json.loads(RECORDED.read_text())
    assert {group: list(saids) for group, saids in recorded.items()} == {g: list(dict.fromkeys(c)) for g, c in GROUPS.items()}
