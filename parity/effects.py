"""Programs with effects: writes in place, views, aliases, hooks, grad modes, repeated backward. Torch's gradient, or an error.

A program is a list of lines of Python in torch's names, so that a failure can be pasted into a session. It is drawn line by
line while torch runs it (so that shapes fit most of the time), then run again with the engine. Wherever torch raises, the
engine must raise an error of the same class; where torch does not, the engine must not, except for the reasons in
`REFUSALS`. In the end every tensor, gradient and hook's record is compared. A program that differs is shrunk by leaving
out lines. The command does this in a process of its own: where a program ends it by a crash, the program is run again in each
engine alone, so that the result says whose crash it was, and the search goes on behind it. Numbers are small multiples of 1/8 in float64, so that most arithmetic is exact and no order of sums matters.

    python -m parity effects --examples 20000 --seed 1
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import re
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any

import numpy as np

from .engines import NotHere, load

NAMES = "abcdefgh"
LENGTH = 14  # lines drawn for a program, before the last backward
CLOSE = 1e-11  # relative to the largest value of a tensor; products of a few dozen factors, and exp, tanh, sigmoid

# Where the engine may raise though torch does not: a word that the program has, what the error says, and why that is better
# than going on.
REFUSALS = {
    "no graph through a view made under no_grad": (  # or before the base was made to require grad
        r"set_grad_enabled\(False\)|requires_grad_\(|retain_grad\(",
        r"does not require grad|not have been used in the graph|can't retain_grad|cannot register a hook|can only change|"
        r"created in no_grad mode and its base",
        "torch gives such a view requires_grad=True and loses its gradient without a word; here it is a constant",
    ),
    "view of a tensor whose .data was replaced": (
        r"\.data =",
        r"view of a tensor whose \.data was replaced",
        "the view's memory is no longer part of its base, and torch looks for it there at the old offset",
    ),
    "stale output of unbind, split or chunk": (
        r"unbind|split|chunk",
        r"is a view and its base or another view of its base has been modified",
        "where it was made without a graph torch goes on, as if the base had not been written to",
    ),
    "second hook on a stale view": (
        r"register_hook",
        r"this view has a hook already, and its base was written to since",
        "torch calls it with the gradient of the view as it was",
    ),
    "write to an expanded tensor": (
        r"copy_|fill_|zero_|\[\[|> 0\]",
        r"more than one element of the written-to tensor",
        "torch writes to one place several times, warns that it will refuse this in future, and can't go back through it",
    ),
    "out= of another shape": (
        r"out=",
        r"doesn't match the broadcast shape",
        "torch resizes the memory, also under other tensors, and warns that it will refuse this in future",
    ),
    "detach_ of what was saved for backward": (
        r"detach_\(",
        r"modified by an inplace operation|detached in-place",
        "torch refuses this too for the tensor itself; here also for what shares its memory",
    ),
}
# Where torch raises though the engine need not, in the same form: torch's error, and why going on is right.
KEPT = {
    "second backward": (r"", r"^Trying to backward through the graph a second time", "nothing that backward needs was freed"),
    "result of a power": (r"\*\*", r"which is output 0 of Pow1,", "torch saves it always, here only for a gradient in the exponent"),
    "detach_ of what a loss was given": (
        r"(smooth_l1|huber)_loss\(",
        r"has been detached in-place, i.e. with .detach_",
        "torch saved the argument, here the difference was saved",
    ),
    "hook of an unused output": (r"", r"'NoneType'", "torch calls it with None"),
    "view taken for a leaf": (
        r"",
        r"^a leaf Variable that requires grad is being used",
        "torch has not yet looked at what a write made of the view's base",
    ),
    "stale view under no_grad": (r"grad_enabled\(False\)", r"and its base or another view", "nobody needs its history there"),
    "stale view of what was detached": (r"detach_\(", r"not have been used", "its history was looked at before that"),
    "node of an input": (r"inputs=", r"modified by an inplace", "torch also runs the nodes behind the inputs, for nothing"),
    "numpy() of a view made under no_grad": (r"", r"Can't call numpy", "it is a constant here"),
    "order of what index tensors choose": (r"\[\[", r"view size is not compatible", "it is row-major here, also of a transposed tensor"),
    "torch's own faults": (r"", r"INTERNAL ASSERT|storage that is not resizable|ZeroTensors are immutable|(ScatterAddBackward0|CopySlices) returned an invalid gradient", ""),
}
NOT_OFFERED = r"'(Tensor|types.SimpleNamespace)' object has no attribute|^module '.*' has no attribute|minigrad has no"

PRELUDE = (
    "w = torch.tensor([1.5, -2.0, 0.5], dtype=torch.float64, requires_grad=True)",
    "x = torch.tensor([[1.0, -0.5, 2.0], [0.25, 3.0, -1.0]], dtype=torch.float64, requires_grad=True)",
    "s = torch.tensor(-1.5, dtype=torch.float64, requires_grad=True)",
    "a = torch.tensor([2.0, -1.0, 0.5], dtype=torch.float64)",
    "b = x * 2.0",
    "c = w * w",
    "d = x.t() * 0.5",  # whose memory is not in the order of its elements
)

# Lines by kind. {d} is a name to assign to, {a} {b} tensors whose shapes broadcast, {t} any tensor, {l} a leaf; the number
# is how often a kind is drawn.
OPERATIONS = """
    {d} = {a} * {b} | {d} = {a} + {b} | {d} = {a} - {b} | {d} = {t} * {t} | {d} = {t} * 2.0 | {d} = 1.5 - {t} | {d} = {t} + 1
    {d} = -{t} | {d} = {t}.relu() | {d} = {t}.tanh() | {d} = {t}.sigmoid() | {d} = {t}.clamp(-1.0, 1.5) | {d} = {t} ** 2
    {d} = {t} / 2 | {d} = {t}.sum() | {d} = {t}.sum(0) | {d} = {t}.clone() | {d} = {t}.abs() | {d} = {t}.mean()
    {d} = torch.where({a} > {b}, {a}, {b}) | {d} = torch.maximum({a}, {b}) | {d} = torch.cat([{t}, {u}])
    {d} = torch.stack([{a}, {b}]) | {d} = {t} @ {u} | {d} = {t}[[0, 0]] | {d} = {t}[{t} > 0] | {d} = {t}.max()
    {d} = Square.apply({t}) | {d} = Tanh.apply({t}) | {d} = Pair.apply({t})[0] | {d} = Pair.apply({t})[1] | {d} = Same.apply({t})
    {d} = Doubled.apply({t}) | {d}, {e} = Pair.apply({t}) | {d} = {t}.square() | {d} = {t}.exp()
"""
# More ops, for what each saves and how its gradient is saved from a write. Left out are those that save something else than torch
# does, of which the gradient is right where torch refuses it, or after a write to `.data` another one: gather, masked_select,
# elu_ and leaky_relu_, logsigmoid, layer_norm.
WIDE = """
    {d} = {t}.softmax(-1) | {d} = {t}.log_softmax(-1) | {d} = {t}.logsumexp(-1) | {d} = {t}.cumsum(0) | {d} = {t}.sort(0)[0] | {d} = {t}.var()
    {d} = {t}.std(0) | {d} = {t}.norm() | {d} = {t}.prod() | {d} = {t}.prod(0) | {d} = {t}.amax(0) | {d} = {t}.max(0)[0] | {d} = {t}.min(-1)[0]
    {d} = {a} / {b} | {d} = {a} ** {b} | {d} = {t}.sin() | {d} = {t}.cos() | {d} = {t}.sqrt() | {d} = {t}.log() | {d} = {t}.reciprocal()
    {d} = {t}.rsqrt() | {d} = {t}.erf() | {d} = F.gelu({t}) | {d} = F.softplus({t}) | {d} = F.elu({t}) | {d} = F.silu({t}) | {d} = F.leaky_relu({t})
    {d} = F.mse_loss({t}, {t} * 2.0) | {d} = F.l1_loss({t}, {u})
    {d} = F.smooth_l1_loss({t}, {u}) | {d} = F.huber_loss({t}, {u}) | {d} = F.cross_entropy({t}, torch.tensor([0, 1]))
    {d} = F.linear({t}, x) | {d} = torch.addmm(w, x, {t}) | {d} = torch.outer({t}, {u}) | {d} = {t}.dot({u})
    {d} = {t}.index_select(0, torch.tensor([1, 0, 1])) | {d} = {t}.roll(1)
    {d} = {t}.tril() | {d} = {t}.repeat(2, 1) | {d} = {t}.cumprod(0) | {d} = {t}.masked_fill({t} > 0, 2.0) | {d} = torch.minimum({a}, {b})
    {d} = {t}.clamp(min=w) | {d} = {t}.tan() | {d} = {t}.atan() | {d} = {t}.log1p() | {d} = {t}.expm1()
    {d} = torch.einsum("i,i->", {t}, {u}) | {d} = torch.mv({t}, {u}) | {d} = {t}.mul({u}).sum(-1) | {d} = F.relu({t}, inplace=True)
    {d} = F.softmax({t}, dim=0) | {d} = {t}.mean(0, keepdim=True) | {d} = {t}.norm(dim=0)
    {t}.sin_() | {t}.cos_() | {t}.log_() | {t}.reciprocal_() | {t}.erf_() | {t}.tril_()
    {a}.div_({b}) | {a}.pow_({b}) | {t}.floor_() | {t}.remainder_(2.0)
    {t}.scatter_add_(0, torch.tensor([0, 0, 0]), {u}) | {t}.expm1_() | {t}.rsqrt_() | F.dropout({t}, 0.0) | {t}.log1p_() | {t}.tan_()
"""
VIEWS = """
    {d} = {t}[0] | {d} = {t}[1:] | {d} = {t}[..., 0] | {d} = {t}[:, 1] | {d} = {t}.view(-1) | {d} = {t}.t() | {d} = {t}.reshape(-1)
    {d} = {t}[None] | {d} = {t}.unsqueeze(-1) | {d} = {t}.squeeze() | {d} = {t}.expand(2, *{t}.shape) | {d} = {t}.transpose(0, -1)
    {d} = {t}.unbind(0)[0] | {d}, {e} = {t}.unbind(0) | {d} = {t}.chunk(2)[0] | {d} = {t}.split(1)[0]
    {d} = {t}[...] | {d} = {t}.view_as({t}) | {d} = {t}[0:1] | {d} = {t}[::2] | {d} = {t}.flatten() | {d} = {t}.mT
    {d} = {t}.reshape(3, -1) | {d} = {t}.permute(-1, 0)
    {d} = {t}.expand_as({t}) | {d} = {t}.contiguous() | {d} = {t}.squeeze(0) | {d} = {t}.flip(0)
"""
ALIASES = """
    {d} = {t} | {d} = {t}.detach() | {d} = {t}.data | {d} = {t}.detach().clone() | {d} = {t}.requires_grad_()
    {d} = {t}.detach().requires_grad_() | del {t} | {d} = torch.zeros_like({t}) | {d} = torch.zeros(3, dtype=torch.float64)
"""
WRITES = """
    {a} += {b} | {a} *= {b} | {a} -= {b} | {t} *= 2.0 | {t} += 1 | {a}.add_({b}) | {a}.mul_({b}) | {a}.add_({b}, alpha=2)
    {t}.mul_({t}) | {t}.div_(2) | {t}.zero_() | {t}.fill_(2.0) | {a}.copy_({b}) | {t}[0] = 3.0 | {t}[0] = {u} | {t}[1:] = {u}
    {t}[...] = {u} | {t}[[0, 0]] = 1.0 | {t}[{t} > 0] = 0.5 | {t}[:, 0] = {u} | {t}.relu_() | {t}.tanh_() | {t}.sigmoid_()
    {t}.neg_() | {t}.clamp_(-1.0, 1.0) | {t}.abs_() | {t}.pow_(2) | {t}[0] += {u} | {t}[0].mul_(2.0) | {t}[1:] *= 3.0
    {t}.view(-1)[0] = {u} | {t}.t().add_(1.0) | {t}.detach().add_(1.0) | {t}.data.mul_(2.0) | {t}.data[0] = 4.0
    torch.add({a}, {b}, out={t}) | torch.mul({t}, 2.0, out={u}) | Doubled.apply({t}) | {t}.square_() | {t}.exp_()
    {t}.numpy()[...] = 1.0 | {t}.fill_({u}) | {t}[{t} > 0] = {u} | {t}[[0, -1]] = {u} | {t}.sub_({u}) | {t}.masked_fill_({t} > 0, 2.0)
    {t}.data = {t}.detach() * 2.0 | {t}.unbind(0)[0].mul_(2.0) | {t} **= 2 | {t}.sqrt_()
"""
GRADIENTS = """
    {t}.backward(v({t})) | {t}.backward(v({t}), retain_graph=True) | {t}.sum().backward() | {t}.backward()
    {t}.backward(v({t}), retain_graph=True) | {t}.backward(v({t}), inputs=[{l}]) | {t}.backward(v({t}), inputs=[{u}], retain_graph=True)
    {d} = torch.autograd.grad({t}, {l}, v({t}), create_graph=True)[0].clone() | {d} = torch.autograd.grad({t}, {u}, v({t}), retain_graph=True)[0].clone()
    {d} = torch.autograd.grad({t}, {l}, v({t}), allow_unused=True)[0].clone() | {t}.backward(v({t}), create_graph=True)
    {d}, {e} = [g.clone() for g in torch.autograd.grad([{t}, {u}], [{l}, {u}], [v({t}), v({u})], create_graph=True)]
    torch.autograd.grad(({t} ** 2).sum(), {l}, create_graph=True)[0].sum().backward()
    torch.autograd.grad(({t}.relu() ** 2).tanh().sum(), {l}, create_graph=True)[0].square().sum().backward()
    torch.autograd.grad((torch.maximum({a}, {b}).abs() * {t}.clamp(-1.0, 1.5)).sigmoid().sum(), {l}, create_graph=True)[0].square().sum().backward()
    torch.autograd.grad((Square.apply({l}) * Tanh.apply({l})).sum(), {l}, create_graph=True)[0].sum().backward()
    torch.autograd.backward([{t}, {u}], [v({t}), v({u})]) | {l}.grad = None | {l}.grad.zero_() | {l}.grad *= 2.0 | {d} = {l}.grad
    {t}.retain_grad() | {t}.requires_grad_() | {t}.requires_grad_(False) | {t}.detach_() | {t}.retain_grad() | {l}.grad = {u}
"""
HOOKS = """
    hook = {t}.register_hook(lambda g: g * 2) | {t}.register_hook(lambda g: log.append(g.sum().item())) | hook.remove()
    hook = {t}.register_hook(lambda g: g.neg()) | {t}.register_hook(lambda g: g + 1) | hook = {l}.register_post_accumulate_grad_hook(lambda p: log.append(p.grad.sum().item()))
"""
MODES = """torch.set_grad_enabled(False) | torch.set_grad_enabled(True) | torch.set_grad_enabled(True)"""
OPTIMIZERS = """
    opt = torch.optim.SGD([w, x, s], lr=0.25, momentum=0.5) | opt.step() | opt.step() | opt.zero_grad() | opt.zero_grad(set_to_none=False)
"""
KINDS = tuple(
    (tuple(line.strip() for line in re.split(r"[|\n]", text) if line.strip()), weight)
    for text, weight in (
        (OPERATIONS, 15), (WIDE, 30), (VIEWS, 20), (ALIASES, 5), (WRITES, 28), (GRADIENTS, 14), (HOOKS, 4), (MODES, 4), (OPTIMIZERS, 2)
    )
)  # fmt: skip


def functions(torch: Any) -> dict[str, Any]:
    """Custom Functions for the programs: one that saves its input, its output, has two outputs, returns its input, writes."""
    base = torch.autograd.Function

    class Square(base):  # type: ignore[misc, valid-type]
        @staticmethod
        def forward(ctx: Any, t: Any) -> Any:
            ctx.save_for_backward(t)
            return t * t

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 2 * ctx.saved_tensors[0] * g

    class Tanh(base):  # type: ignore[misc, valid-type]
        @staticmethod
        def forward(ctx: Any, t: Any) -> Any:
            out = t.tanh()
            ctx.save_for_backward(out)
            return out

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * (1 - ctx.saved_tensors[0] ** 2)

    class Pair(base):  # type: ignore[misc, valid-type]
        @staticmethod
        def forward(ctx: Any, t: Any) -> Any:
            double, square = t * 2, t * t
            ctx.save_for_backward(t, double)
            return double, square

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            return 2 * g + h * ctx.saved_tensors[1]

    class Same(base):  # type: ignore[misc, valid-type]
        @staticmethod
        def forward(ctx: Any, t: Any) -> Any:
            return t

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 3

    class Doubled(base):  # type: ignore[misc, valid-type]
        @staticmethod
        def forward(ctx: Any, t: Any) -> Any:
            ctx.mark_dirty(t)
            return t.mul_(2)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2

    return {"Square": Square, "Tanh": Tanh, "Pair": Pair, "Same": Same, "Doubled": Doubled}


class Session:
    """One engine running one program: its variables, and for each line the class and text of the error, or None."""

    def __init__(self, torch: Any, own: dict[str, Any], diary: Any = None) -> None:
        """`diary`: a file that gets every line before it runs."""

        def cotangent(t: Any) -> Any:
            """A fixed gradient of the shape of t, in eighths."""
            n = t.numel()
            return torch.tensor([((7 * i) % 11 - 4) / 4 for i in range(n)], dtype=torch.float64).reshape(tuple(t.shape)).clone()

        self.torch, self.diary = torch, diary
        self.log: list[float] = []
        self.variables: dict[str, Any] = {"torch": torch, "v": cotangent, "log": self.log, **own}
        self.variables["F"] = getattr(getattr(torch, "nn", None), "functional", SimpleNamespace())
        torch.set_grad_enabled(True)

    def run(self, line: str) -> tuple[str, str] | None:
        if self.diary is not None:
            self.diary.write(f"{line}\n".encode())
        try:
            exec(compiled(line), self.variables)
        except Exception as error:
            return type(error).__name__, str(error)
        return None

    def close(self) -> None:
        self.torch.set_grad_enabled(True)

    def tensors(self) -> dict[str, Any]:
        kind = self.torch.Tensor
        return {name: value for name, value in self.variables.items() if isinstance(value, kind)}


@lru_cache(100_000)
def compiled(line: str) -> CodeType:
    return compile(line, "<program>", "exec")


# ------------------------------------------------------------------ drawing


def draw(rng: random.Random, session: Session) -> Iterator[tuple[str, Any]]:
    """A program line by line, with what torch's session made of each."""
    for line in PRELUDE:
        yield line, session.run(line)
    kinds, weights = zip(*KINDS)
    # torch 2.13 crashes on writes to outputs of a Function with several, if they have hooks; so a program has one or the other
    without = rng.choice([r"Pair", r"retain_grad|register_hook|inputs="])
    for _ in range(rng.randint(4, LENGTH)):
        template = rng.choice(rng.choices(kinds, weights)[0])
        if re.search(without, template):
            continue
        line = fill(template, rng, session.tensors())
        if line is not None:
            yield line, session.run(line)
    if rng.random() < 0.3:
        line = "torch.set_grad_enabled(True)"
        yield line, session.run(line)
    graphs = [name for name, t in session.tensors().items() if t.requires_grad]
    for name in rng.sample(graphs, min(2, len(graphs))):
        line = f"{name}.backward(v({name}), retain_graph=True)"
        yield line, session.run(line)


def fill(template: str, rng: random.Random, tensors: dict[str, Any]) -> str | None:
    """The template with names in place of its braces; None if no tensors fit."""
    names = list(tensors)
    recent = names + names[-3:]
    chosen = {"d": rng.choice(NAMES), "e": rng.choice(NAMES), "l": rng.choice("wxs"), "t": rng.choice(recent)}
    if "{u}" in template:
        chosen["u"] = rng.choice(recent)
    if "{a}" in template:
        chosen["a"] = rng.choice(recent)
        shape = tensors[chosen["a"]].shape
        fitting = [n for n in recent if broadcasts(tensors[n].shape, shape)]
        chosen["b"] = rng.choice(fitting if rng.random() < 0.95 else recent)
    if "out=" in template and tensors[chosen["u" if "out={u}" in template else "t"]].requires_grad:
        return None  # torch keeps the old shape of a leaf that it has resized
    if re.search(r"\[\[0|> 0\]", template) and tensors[chosen["t"]].numel() == 0:
        return None
    if len([k for k in "tuab" if "{" + k + "}" in template]) > 1 and re.search(r"_\(|[^=]=[^=]", template) and murky(
        [tensors[chosen[k]] for k in "tuab" if "{" + k + "}" in template]
    ):
        return None
    if template == "del {t}" and chosen["t"] not in NAMES:
        return None
    if "register_hook" in template and odd(tensors[chosen["t"]]):
        return None
    if max([tensors[n].numel() for n in chosen.values() if n in tensors], default=0) > 200:
        return None
    return template.format(**chosen)


def odd(t: Any) -> bool:
    """A view without history that requires grad, made under no_grad; torch 2.13 crashes when it is given a hook."""
    try:
        return bool(t._is_view() and t.requires_grad and t.grad_fn is None)
    except RuntimeError:
        return True


def murky(several: Sequence[Any]) -> bool:
    """Two of the tensors share memory, and one of them does not lie dense: torch then does not look whether a write of one
    destroys what it will read of the other, and its result is an accident."""
    try:
        memory = [t.untyped_storage().data_ptr() for t in several]
        return len(set(memory)) < len(memory) and any(1 in t.shape or t.ndim == 0 or not dense(t) for t in several)
    except RuntimeError:
        return True


def dense(t: Any) -> bool:
    return bool(1 + sum((n - 1) * s for n, s in zip(t.shape, t.stride())) == t.numel())


def broadcasts(small: Any, large: Any) -> bool:
    return len(small) <= len(large) and all(n == m or n == 1 for n, m in zip(reversed(small), reversed(large)))


# ------------------------------------------------------------------ judging


@dataclass
class Verdict:
    """What comparing two runs gave: "same", "both raise" (in backward), "not offered", "refused" or "kept" (why), "differs" (how)."""

    kind: str
    reason: str = ""


def is_backward(line: str) -> bool:
    return "backward(" in line or "autograd.grad(" in line


def excused(table: dict[str, tuple[str, str, str]], lines: Sequence[str], error: str) -> str:
    """The reason in the table for this error of this program; empty if there is none."""
    program = "\n".join(lines)
    return next((name for name, (word, text, _) in table.items() if re.search(text, error) and re.search(word, program)), "")


def judge(lines: Sequence[str], ours: Any, theirs: Any, known: Sequence[Any] | None = None, finished: Session | None = None) -> Verdict:
    """Run the lines in both engines and compare. `known`, `finished`: torch's run, if it has been done already."""
    mine = Session(*ours)
    other = finished or Session(*theirs)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            for i, line in enumerate(lines):
                expected = known[i] if known is not None else other.run(line)
                verdict = compare(lines[: i + 1], mine.run(line), expected)
                if verdict is not None:
                    return verdict
            found = difference(mine, other)
            return Verdict("differs", found) if found else Verdict("same")
        finally:
            mine.close()
            other.close()


def compare(lines: Sequence[str], got: Any, expected: Any) -> Verdict | None:
    """The verdict after the last of these lines, from the class and text of the errors it raised; None to go on."""
    line = lines[-1]
    if got is not None and re.match(NOT_OFFERED, got[1]):
        return Verdict("not offered", line)
    if got is not None and expected is not None:
        if got[0] == expected[0] or re.search("is a view and|A view was", expected[1]):  # the latter: two faults in one line
            # torch may have filled some of the gradients, or emptied that of what a Function was going to write to
            return Verdict("both raise") if is_backward(line) or "Doubled" in line else None
        if excused(KEPT, lines, expected[1]):
            return Verdict("kept", excused(KEPT, lines, expected[1]))
        if excused(REFUSALS, lines, got[1]):
            return Verdict("refused", excused(REFUSALS, lines, got[1]))
        return Verdict("differs", f"{line}: raises {got}, torch {expected}")
    if got is not None:
        reason = excused(REFUSALS, lines, got[1])
        return Verdict("refused", reason) if reason else Verdict("differs", f"{line}: raises {got}, torch does not")
    if expected is not None:
        reason = excused(KEPT, lines, expected[1])
        return Verdict("kept", reason) if reason else Verdict("differs", f"{line}: torch raises {expected}, the engine does not")
    return None


def difference(mine: Session, other: Session) -> str:
    """What differs between the two sessions; empty if nothing does."""
    if not close(np.array(sorted(mine.log)), np.array(sorted(other.log))):  # hooks of leaves run last here
        return f"hooks recorded {mine.log}, torch {other.log}"
    tensors, theirs = mine.tensors(), other.tensors()
    if tensors.keys() != theirs.keys():
        return f"variables {sorted(tensors)}, torch {sorted(theirs)}"
    for name, t in tensors.items():
        u = theirs[name]
        found = unlike(t.detach().numpy(), u.detach().numpy(force=True))
        if found:
            return f"{name} {found}"
        if u.grad is None and u._is_view() and t.retains_grad:
            continue  # torch took the view for a leaf when it was to retain its gradient; see KEPT
        if (t.grad is None) != (u.grad is None):
            return f"{name}.grad is {t.grad}, torch's {u.grad}"
        if u.grad is not None:
            found = unlike(t.grad.detach().numpy(), u.grad.detach().numpy(force=True))
            if found:
                return f"{name}.grad {found}"
    return ""


def unlike(mine: Any, other: Any) -> str:
    if mine.shape != other.shape or mine.dtype != other.dtype:
        return f"has shape {mine.shape} and {mine.dtype}, torch's {other.shape} and {other.dtype}"
    return "" if close(mine, other) else f"is {mine.tolist()}, torch's {other.tolist()}"


def close(mine: Any, other: Any) -> bool:
    if mine.shape != other.shape or np.array_equal(mine, other, equal_nan=True):
        return mine.shape == other.shape  # type: ignore[no-any-return]
    with np.errstate(all="ignore"):
        finite = np.isfinite(other)
        if not np.array_equal(finite, np.isfinite(mine)) or not np.array_equal(mine[~finite], other[~finite], equal_nan=True):
            return False
        mine, other = mine[finite], other[finite]
        return bool((np.abs(mine - other) <= CLOSE * np.maximum(1.0, np.abs(other).max(initial=0))).all())


def shrink(lines: list[str], fails: Callable[[list[str]], bool]) -> list[str]:
    """The lines without those that can be left out while it still fails."""
    at = len(lines) - 1
    while at >= 0:
        fewer = lines[:at] + lines[at + 1 :]
        if fails(fewer):
            lines = fewer
        at = min(at, len(lines)) - 1
    return lines


@dataclass
class Tally:
    """What a run has found."""

    programs: int = 0
    lines: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    differences: list[tuple[int, str, list[str]]] = field(default_factory=list)
    crashes: list[tuple[int, str, list[str]]] = field(default_factory=list)  # the number, what crashed, the program

    def add(self, other: Tally) -> None:
        self.programs += other.programs
        self.lines += other.lines
        self.verdicts += other.verdicts
        self.reasons += other.reasons
        self.differences += other.differences
        self.crashes += other.crashes


def search(
    examples: int, seed: int, first: int = 0, engine: str = "minigrad", keep: int = 20, tick: Any = None, diary: Any = None
) -> Tally:
    """Draw and judge `examples` programs; example i of a seed is always the same program. `diary`: a file for the lines of the
    latest, each written before it runs."""
    ours_engine, theirs_engine = load(engine).module, load("torch").module
    theirs_engine.set_num_threads(1)
    ours = (ours_engine, functions(ours_engine))
    theirs = (theirs_engine, functions(theirs_engine))
    tally = Tally()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(first, first + examples):
            if diary is not None:
                diary.seek(0)
                diary.truncate()
            session = Session(*theirs, diary)
            lines, outcomes = zip(*draw(random.Random(f"{seed} {i}"), session))
            verdict = judge(lines, ours, theirs, outcomes, session)
            tally.programs += 1
            tally.lines += len(lines)
            tally.verdicts[verdict.kind] += 1
            if verdict.kind in ("refused", "kept"):
                tally.reasons[f"{verdict.kind}: {verdict.reason}"] += 1
            if verdict.kind == "differs" and len(tally.differences) < keep:
                fewest = shrink(list(lines), lambda some: judge(some, ours, theirs).kind == "differs")
                tally.differences.append((i, judge(fewest, ours, theirs).reason, fewest))
            if tick is not None:
                tick(tally)
    return tally


# ------------------------------------------------------------------ crashes

spawn = multiprocessing.get_context("spawn")


def search_apart(examples: int, seed: int, first: int = 0, engine: str = "minigrad", tick: Any = None) -> Tally:
    """`search` in a process of its own, and in another one after each program that crashed it."""
    total = Tally()
    with tempfile.TemporaryDirectory() as folder:
        diary = Path(folder) / "program"
        while total.programs < examples:
            receiver, sender = spawn.Pipe(duplex=False)
            start = first + total.programs
            process = spawn.Process(target=_report, args=(sender, diary, examples - total.programs, seed, start, engine))
            process.start()
            sender.close()
            tally: Any = Tally()
            try:
                while True:
                    tally = receiver.recv()
                    if isinstance(tally, Exception):
                        raise tally
                    if tick is not None:
                        tick(total, tally)
            except EOFError:
                process.join()
            total.add(tally)
            if process.exitcode != 0 and total.programs < examples:
                lines = diary.read_text().splitlines() if diary.exists() else []
                if not lines:
                    raise RuntimeError(f"the process ended before its first program, with exit code {process.exitcode}")
                whose = [name for name in ("torch", engine) if crashes(name, lines)]
                said = " and ".join(f"{name} alone" for name in whose) or "neither alone, but both in one process"
                total.add(Tally(1, len(lines), Counter({f"crash of {name}": 1 for name in whose or ["the process"]}),
                                crashes=[(first + total.programs, said, lines)]))  # fmt: skip
    return total


def _report(sender: Any, diary: Path, examples: int, seed: int, first: int, engine: str) -> None:
    """Search, and send the tally after every program."""
    try:
        with diary.open("wb", buffering=0) as file:
            search(examples, seed, first, engine, tick=sender.send, diary=file)
    except Exception as error:
        sender.send(error)


def crashes(engine: str, lines: Sequence[str]) -> bool:
    """Whether the program ends a process in which no other engine runs it."""
    process = spawn.Process(target=_replay, args=(engine, lines))
    process.start()
    process.join()
    return process.exitcode != 0


def _replay(engine: str, lines: Sequence[str]) -> None:
    module = load(engine).module
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        session = Session(module, functions(module))
        for line in lines:
            session.run(line)
        for name in session.tensors():
            session.run(f"{name}.detach(), {name}.grad")


def main(argv: Sequence[str] | None = None) -> int:
    """The command `parity effects`: 0 if no program differs, 1 if one does, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="parity effects", description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--examples", type=int, default=2000, metavar="N", help="how many programs (default 2000)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="another seed, other programs (default 0)")
    parser.add_argument("--first", type=int, default=0, metavar="I", help="begin with program number I (default 0)")
    parser.add_argument("--engine", default="minigrad", metavar="MODULE", help="the engine to check (default minigrad)")
    options = parser.parse_args(argv)
    if options.examples < 1:
        parser.error(f"--examples must be at least 1, got {options.examples}")
    start = time.monotonic()

    def tick(before: Tally, now: Tally) -> None:
        if sys.stderr.isatty() and now.programs % 100 == 0:
            differ = len(before.differences) + len(now.differences)
            print(f"\r{before.programs + now.programs} programs, {differ} differ", end="", file=sys.stderr)

    try:
        tally = search_apart(options.examples, options.seed, options.first, options.engine, tick=tick)
    except NotHere as error:
        print(f"parity: {error}", file=sys.stderr)
        return 2
    seconds = time.monotonic() - start
    print(f"{tally.programs} programs of {tally.lines / tally.programs:.0f} lines in {seconds:.0f} s, seed {options.seed}")
    for kind, count in tally.verdicts.most_common():
        print(f"  {kind:<20}{count:>9}")
    for reason, count in tally.reasons.most_common():
        print(f"  {reason:<60}{count:>6}")
    for example, reason, lines in tally.differences:
        print(f"\nprogram {example} differs: {reason}")
        print("\n".join("    " + line for line in lines))
    for example, whose, lines in tally.crashes:
        print(f"\nprogram {example} crashed the process; run again: {whose}")
        print("\n".join("    " + line for line in lines))
    faults = ("differs", f"crash of {options.engine}", "crash of the process")
    return 1 if any(tally.verdicts[kind] for kind in faults) else 0


if __name__ == "__main__":
    sys.exit(main())
