"""Modules against torch: the same program run under both prints the same, draws the same, warns and raises the same."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import pytest

import minigrad

torch = pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parents[1] / "engine" / "data"))
from programs import TABLES, outcome


@pytest.mark.parametrize("table, name", [(t, n) for t in ("text forms", "modules", "wrong calls") for n in TABLES[t]])
def test_program_prints_warns_and_raises_what_it_does_under_torch(table, name):
    ours, theirs = (outcome(TABLES[table][name], module) for module in (minigrad, torch))
    assert ours == theirs
    assert table != "wrong calls" or theirs[2] is not None, "torch does not raise here"


GRAD_FN = [
    "F.linear(m, m, m[0, :2])", "F.linear(m, m)", "F.linear(m[None], m, m[0, :2])", "F.mse_loss(m, m * 2)",
    "F.mse_loss(m, m * 2, reduction='none')", "F.l1_loss(m, m * 2)", "F.l1_loss(m, m * 2, reduction='sum')",
    "F.huber_loss(m, m * 2)", "F.smooth_l1_loss(m, m * 2)", "F.binary_cross_entropy(m.sigmoid(), m.detach() * 0)",
    "F.binary_cross_entropy_with_logits(m, m.detach())", "F.cross_entropy(m, t)", "F.cross_entropy(m, t, reduction='none')",
    "F.cross_entropy(m, t, label_smoothing=0.1)", "F.nll_loss(m, t)", "F.softmax(m, 1)",
    "F.log_softmax(m, 1)", "F.relu(m)", "F.leaky_relu(m)", "F.elu(m)", "F.gelu(m)", "F.gelu(m, approximate='tanh')", "F.silu(m)",
    "F.sigmoid(m)", "F.tanh(m)", "F.softplus(m)", "F.logsigmoid(m)", "F.dropout(m, 0.5)", "F.embedding(t, m)",
    "F.batch_norm(m, None, None, training=True)", "F.layer_norm(m, (3,))",
]  # fmt: skip


@pytest.mark.parametrize("expression", GRAD_FN)
def test_grad_fn_has_torch_s_name(expression):
    names = []
    for module in (minigrad, torch):
        m = module.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
        out = eval(expression, {"F": module.nn.functional, "m": m, "t": module.tensor([0, 1])})
        names.append(out.grad_fn.name())
    assert names[0] == names[1]


PLACES = {
    "nn": ["activations", "containers", "layers", "losses"],
    "nn.functional": [],
    "nn.utils": [],
    "optim": [],
    "optim.lr_scheduler": [],
    "utils.data": [],
}


@pytest.mark.parametrize("where", PLACES)
def test_signatures_have_torch_s_order_and_defaults(where):
    ours, theirs = minigrad, torch
    for part in where.split("."):
        ours, theirs = getattr(ours, part), getattr(theirs, part)
    names = [n for place in PLACES[where] for n in getattr(ours, place).__all__] or ours.__all__

    def described(function):
        return [
            (
                p.name,
                p.kind.name,
                p.default if isinstance(p.default, int | float | str | bool | tuple | None) else "other",
            )
            for p in inspect.signature(function).parameters.values()
        ]

    for name in names:
        try:
            wanted = described(getattr(theirs, name))
        except (ValueError, TypeError):
            continue  # builtins have no signature, modules aren't called
        if [kind for _, kind, _ in wanted] == ["VAR_POSITIONAL", "VAR_KEYWORD"] and name != "Identity":
            wanted = []  # torch.nn.Module's, which refuses all arguments
        assert described(getattr(ours, name)) == wanted, name
