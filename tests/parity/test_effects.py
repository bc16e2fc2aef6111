"""Programs with effects give torch's gradients or raise torch's errors: a sample of what `python -m parity effects` runs."""

from __future__ import annotations

import os
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import minigrad
from parity import effects


@pytest.mark.parametrize("seed", range(4))
def test_no_program_differs_from_torch(seed: int) -> None:
    tally = effects.search(1_000, seed=1_000 + seed)
    assert not tally.differences, "\n".join("\n".join([reason, *lines]) for _, reason, lines in tally.differences)
    assert tally.verdicts["same"] > 500 and tally.verdicts["both raise"] > 100
    assert tally.verdicts["refused"] < 20


def engines() -> tuple[Any, Any]:
    return (minigrad, effects.functions(minigrad)), (torch, effects.functions(torch))


# Programs that once gave a wrong gradient, or none
FOUND = {
    "a write through a view whose part of the base is in another order": """
        b = x * 2.0
        d = b.t()
        d[0] = 3.0
        d.backward(v(d))""",
    "overwritten through the base, which then loses its history": """
        g = x.sum(1)
        e = g[0]
        g.fill_(2.0)
        g.detach_()
        d = e * w
        c = x.sum() + d.sum()
        c.backward()""",
    "a view whose base loses its history after it was only asked whether it requires grad": """
        c = w * w
        f = c.reshape(-1)
        f[0] = 3.0
        a = f.requires_grad_()
        c.detach_()
        f.backward(v(f))""",
    "the gradient of a base lies in memory as the base does": """
        d[0] = 3.0
        h = torch.maximum(d, d)
        c, h = [g.clone() for g in torch.autograd.grad([h, d], [x, d], [v(h), v(d)], create_graph=True)]
        g = c.reshape(3, -1)
        g.detach_()""",
    "also of one that was written to after the view was made": """
        e = d[0:1]
        d.clamp_(-1.0, 1.0)
        e = torch.autograd.grad(e, x, v(e), allow_unused=True)[0].clone()
        h = e.square().view(-1)""",
    "a Function that writes to a view": """
        c = b[:, 1]
        g = Doubled.apply(c)
        g.backward(v(g))""",
    "a Function that writes to a view, through autograd.grad": """
        c = w * w
        h = c[::2]
        g = Doubled.apply(h)
        d, = torch.autograd.grad(h, w, v(h))""",
    "hooks of a view do not see what a later write sends to its base": """
        d = c.squeeze()
        d.register_hook(lambda g: g * 2)
        d.mul_(a)
        h = c.tanh()
        h.backward(v(h))""",
    "a part of an expanded tensor": """
        e = x + 1
        d = e.expand(2, *e.shape)
        d[1:] *= 3.0
        d.backward(v(d))""",
    "the written value had leading dimensions of size 1": """
        c[0:2] = w[None, None, 1:]
        c.backward(v(c))""",
    "zeros flow on after everything was overwritten": """
        b.zero_()
        b.backward(v(b))
        c.copy_(a)
        c.backward(v(c))""",
    "a leaf that stopped requiring grad": """
        x.requires_grad_(False)
        b.backward(v(b))""",
    "an intermediate gradient leaves the graph behind it alone": """
        d = c * c
        e, = torch.autograd.grad(d, c, v(d))
        c.backward(v(c))""",
    "a second derivative through the saved result of a write to a view, which is a part of its base": """
        a = c[None]
        a.tanh_()
        d = torch.autograd.grad(a, w, v(a), create_graph=True)[0]
        c.retain_grad()
        g = c + d
        g.backward(v(g))""",
    "the same, where nobody has the view any more": """
        c.retain_grad()
        c[0].exp_()
        f = c * c
        d = torch.autograd.grad(f, w, v(f), create_graph=True)[0]
        d.backward(v(d))""",
    "zeros behind an overwrite are not differentiated": """
        g = c * c
        g.zero_()
        g.exp_()
        g.backward(v(g), create_graph=True)
        c.copy_(g)
        g = w.grad
        g.backward(v(g))""",
    "a retained gradient of a view stays in place when a part of the view is written to": """
        g = b[0]
        d = torch.where(w > g, w, g)
        b.backward(v(b), inputs=[g], retain_graph=True)
        g[0] = 3.0
        d.backward(v(d), retain_graph=True)""",
    "a base detached after a part of its view was written to": """
        c = b * 3.0
        f = c.flatten()
        f[1:] *= 3.0
        c.detach_()
        f.backward(v(f), inputs=[b], retain_graph=True)""",
    "an expanded source within the tensor that is written to": """
        h = d.unbind(0)[0]
        f = h.expand(2, *h.shape)
        d[[0, -1]] = f
        d.backward(v(d))""",
    "a sum of two gradients, the first in another order in memory": """
        h, d = [g.clone() for g in torch.autograd.grad([d, b], [x, b], [v(d), v(b)], create_graph=True)]
        d = h.view(-1)""",
    "an expanded tensor, flipped": """
        b = a.expand(2, *a.shape)
        g = b.flip(0)
        a = g.reshape(3, -1)
        g.mul_(2.0)""",
    "a nan written past the version counter is no maximum": """
        d.data.neg_().sqrt_()
        c = b.max()
        b.data.neg_().sqrt_()
        c.backward(v(c))""",
    "a retained gradient after a write": """
        c.retain_grad()
        c.mul_(3.0)
        c.backward(v(c))""",
    "a write to the memory of a saved 0-d result that is not tracked": """
        f = c.max()
        f.data.mul_(2.0)
        f.backward()""",
    "a bound of clamp_ that requires grad": """
        d = torch.zeros(3, dtype=torch.float64)
        d.clamp_(min=w)
        d.backward(v(d))""",
}


@pytest.mark.parametrize("program", FOUND.values(), ids=FOUND)
def test_what_was_found_stays_mended(program: str) -> None:
    lines = [*effects.PRELUDE, *(line.strip() for line in program.strip().splitlines())]
    verdict = effects.judge(lines, *engines())
    assert verdict.kind == "same", verdict.reason


def test_what_was_overwritten_through_an_ellipsis_has_a_gradient_that_both_refuse_to_differentiate() -> None:
    lines = [
        *effects.PRELUDE,
        "b[...] = s",
        "h = torch.autograd.grad((b ** 2).sum(), x, create_graph=True)[0]",
        "h.sum().backward()",
    ]
    verdict = effects.judge(lines, *engines())
    assert verdict.kind == "both raise", verdict.reason


def test_a_wrong_gradient_would_be_found(monkeypatch: Any) -> None:
    """With the versions unchecked, or hooks applied twice, programs differ."""
    monkeypatch.setattr("minigrad.autograd.walk.check_versions", lambda node: None)
    tally = effects.search(300, seed=7, keep=1)
    assert tally.verdicts["differs"] > 3
    assert 0 < len(tally.differences[0][2]) < 10  # shrunk


# What torch 2.13 itself does not survive: such programs are not drawn
CRASH = """
    e, c = Pair.apply(x)
    c.retain_grad()
    g = c.squeeze()
    g.exp_()
    g.backward(v(g))"""


def test_a_crash_is_given_to_the_engine_that_crashes_alone() -> None:
    lines = [*effects.PRELUDE, *(line.strip() for line in CRASH.strip().splitlines())]
    assert effects.crashes("torch", lines)
    assert not effects.crashes("minigrad", lines)


def test_the_command_goes_on_behind_a_crash(tmp_path: Any, monkeypatch: Any, capsys: Any) -> None:
    (tmp_path / "frail.py").write_text(
        "import os\nfrom minigrad import *\nfrom minigrad import Tensor, autograd, nn\nTensor.tanh_ = lambda self: os._exit(77)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.syspath_prepend(tmp_path)
    assert effects.main(["--examples", "4", "--first", "2", "--seed", "8", "--engine", "frail"]) == 1
    out = capsys.readouterr().out
    assert "4 programs" in out and "crash of frail" in out and "program 3 crashed the process; run again: frail alone" in out and ".tanh_()" in out


def test_the_command_says_what_it_found(capsys: Any) -> None:
    assert effects.main(["--examples", "20", "--seed", "5"]) == 0
    assert "20 programs" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        effects.main(["--examples", "0"])
    assert stop.value.code == 2 and "at least 1, got 0" in capsys.readouterr().err
