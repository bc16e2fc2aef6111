"""Every operation at its corners: value, type, gradient, grad_fn and error are torch's, case by case."""

from __future__ import annotations

import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent / "data"))
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
    assert {group: list(saids) for group, saids in recorded.items()} == {
        g: list(dict.fromkeys(c)) for g, c in GROUPS.items()
    }


# What other tests hold: the core of a tensor, random numbers, and what only says something about a tensor
ELSEWHERE = set(
    "backward register_hook register_post_accumulate_grad_hook retain_grad detach detach_ requires_grad_ is_inference type_as to cpu cuda "
    "item tolist numpy size dim numel nelement stride element_size data_ptr is_contiguous untyped_storage "
    "bernoulli bernoulli_ exponential_ geometric_ log_normal_ cauchy_ multinomial normal normal_ rand rand_like randint randint_like randn randn_like randperm random_ "
    "uniform_ manual_seed seed initial_seed get_rng_state set_rng_state set_printoptions save load no_grad enable_grad "
    "is_grad_enabled is_inference_mode_enabled get_default_device resize_ use_deterministic_algorithms set_num_threads".split()
)  # fmt: skip


@pytest.mark.parametrize(
    "prefix, holder", [(r"\btorch", minigrad), (r"[\w\)\]]", minigrad.Tensor)], ids=["functions", "methods"]
)
def test_every_function_and_method_has_a_case(prefix: str, holder: Any) -> None:
    text = "\n".join(case for group in GROUPS.values() for case in group)
    names = [
        n for n, v in vars(holder).items() if not n.startswith("_") and inspect.isfunction(v) and n not in ELSEWHERE
    ]
    assert not [n for n in names if not re.search(rf"{prefix}\.{n}\(", text)]
