"""The recorded outcomes of tests/engine/test_nn_findings.py are torch's; and what stops where torch stops later."""

import json
import sys
from pathlib import Path

import pytest

import minigrad

torch = pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
from test_nn_findings import DATA, PROGRAMS, outcome


@pytest.mark.parametrize("name", PROGRAMS)
def test_torch_does_what_is_recorded(name):
    assert outcome(PROGRAMS[name], torch) == json.loads((DATA / "nn_findings.json").read_text())[name]


@pytest.mark.parametrize("leaf", ["input", "target"])
@pytest.mark.parametrize("other", ["float64", "float16", "int64"])
def test_huber_loss_has_no_gradient_between_two_dtypes(leaf, other):
    """torch says so in backward, minigrad when the loss is computed, in torch's words."""
    texts = []
    for module in (minigrad, torch):
        pair = {"input": module.ones(2), "target": module.ones(2)}
        for name in pair:
            pair[name] = pair[name].requires_grad_() if name == leaf else pair[name].to(getattr(module, other))
        if leaf == "target" and other == "int64":
            return  # the result would be an integer: refused by both, see the recorded programs
        with pytest.raises(RuntimeError) as raised:
            module.nn.functional.huber_loss(**pair).backward()
        texts.append(str(raised.value).split(":")[0])
    assert texts[0] == texts[1]
