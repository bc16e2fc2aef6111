"""Conventions: what torch chose at ties, knees, 0**0, infinities and nan, where mathematics leaves a choice or none.

`conventions.json` holds torch's answers (value, gradient, second derivative) with the version that gave them. Ours
must give the same; torch itself is asked again, and where another version answers otherwise the row says so instead of
blaming the engine. `python -m parity.corners` writes the file anew from the torch at hand.
"""



from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from parity.checks import Failure, Row
from parity.engines import Engine, load
from parity.ops import Op
from parity.programs import Leaf, Program, Ref, Step, quiet, run
from parity.verdicts import Finding, Verdict

FILE = Path(__file__).with_name("conventions.json")
INF, NAN = float("inf"), float("nan")
LIMITS = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, INF, -INF, NAN]
HALVES = [0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 0.0, -0.0, 3.0, INF, -INF, NAN]
LARGE = [0.0, -0.0, 1.0, 20.0, -20.0, 100.0, -100.0, 1000.0, -1000.0, INF, -INF, NAN]
PAIRS = [(a, b) for a in (0.0, 1.0, -1.0, 2.0, INF, NAN) for b in (0.0, 1.0, -1.0, INF)]
TIED = [[1.0, 3.0, 3.0, 2.0], [0.0, 0.0, 0.0, 0.0], [-1.0, 0.0, 1.0, 1.0], [1.0, NAN, 3.0, NAN], [INF, INF, 1.0, -INF], [-INF, -INF, -INF, -INF]]
ZEROS = [[2.0, 0.0, 3.0], [0.0, 2.0, 0.0], [0.0, 0.0, 0.0], [1.0, -2.0, 0.5]]


def _pointwise(values: list[float], *names: str) -> dict[str, list[list[Any]]]:
    return {name: [[values]] for name in names}


def _pairs(pairs: list[tuple[float, float]], *expressions: str) -> dict[str, list[list[Any]]]:
    return {expression: [[[a for a, _ in pairs], [b for _, b in pairs]]] for expression in expressions}


def _together(*tables: dict[str, list[list[Any]]]) -> dict[str, list[list[Any]]]:
    """One table; an expression that is in several gets the cases of all."""
    out: dict[str, list[list[Any]]] = {}
    for table in tables:
        for expression, cases in table.items():
            out.setdefault(expression, []).extend(cases)
    return out


CASES = _together(
    _pointwise(LIMITS + [4.0], "torch.sqrt(x)", "torch.reciprocal(x)", "torch.log(x)", "torch.rsqrt(x)", "torch.abs(x)", "-x",
                 "torch.relu(x)", "torch.sign(x)", "torch.log2(x)", "torch.log10(x)", "torch.log1p(x)", "torch.square(x)", "torch.atan(x)",
                 "torch.asin(x)", "torch.acos(x)", "torch.asinh(x)", "torch.acosh(x)", "torch.atanh(x)", "torch.erf(x)",
                 "torch.sin(x)", "torch.cos(x)", "torch.tan(x)"),
    _pointwise(LARGE, "torch.exp(x)", "torch.expm1(x)", "torch.exp2(x)", "torch.sigmoid(x)", "torch.tanh(x)", "torch.sinh(x)", "torch.cosh(x)",
                 "F.softplus(x)", "F.logsigmoid(x)", "F.elu(x)", "F.silu(x)", "F.leaky_relu(x)", "F.hardtanh(x)", "F.relu(x)"),
    _pointwise(HALVES, "torch.floor(x)", "torch.ceil(x)", "torch.round(x)", "torch.trunc(x)", "torch.frac(x)", "torch.clamp(x, -1.5, 1.5)",
                 "torch.clamp(x, min=0)", "x.clamp(max=0.5)", "torch.where(x > 0, torch.sqrt(x), x * 0)", "torch.where(x != 0, 1 / x, 0)",
                 "x * (x > 0)", "x.masked_fill(x == 0, 5.0)", "torch.isnan(x)", "torch.isinf(x)", "torch.isfinite(x)", "torch.relu(torch.log(x))",
                 "(x ** 2).sqrt()", "torch.sqrt(x) * 0"),
    _pointwise(LIMITS, *(f"x ** {k}" for k in ("0.0", "1.0", "2.0", "3.0", "0.5", "-1.0", "-0.5", "0", "1", "2", "-2", "1.5"))),
    _pointwise(LIMITS, "0.0 ** x", "2.0 ** x", "1.0 ** x", "(-2.0) ** x"),
    # at inf torch differs from itself: a vector of 8 gives nan, one element inf; the sign of a zero depends on the processor
    _pointwise([0.0, 1.0, 20.0, 100.0, 1000.0], "F.gelu(x)"),
    _pairs(PAIRS, "x + y", "x - y", "x * y", "x / y", "x ** y", "torch.maximum(x, y)", "torch.minimum(x, y)", "torch.where(x > y, x, y)",
             "x == y", "x < y", "x >= y", "torch.atan2(x, y)", "torch.clamp(x, y, y + 1)", "torch.clamp(x, y, y - 1)"),
    _pairs([(5.0, 3.0), (-5.0, 3.0), (5.0, -3.0), (5.0, 0.0), (6.0, 3.0), (INF, 2.0), (5.5, 2.0)], "x % y", "torch.fmod(x, y)", "torch.remainder(x, y)"),
    {expression: [[row] for row in TIED] for expression in (
        "x.max()", "x.min()", "torch.max(x, dim=0)[0]", "torch.min(x, dim=0)[0]", "torch.amax(x, dim=0)", "torch.amin(x, dim=0)",
        "torch.argmax(x)", "torch.argmin(x)", "torch.argmax(x, dim=0)", "torch.sort(x, stable=True)[0]", "torch.argsort(x, stable=True)",
        "torch.sort(x, descending=True, stable=True)[1]", "torch.norm(x, p=float('inf'))",
        "torch.softmax(x, dim=0)", "torch.log_softmax(x, dim=0)", "torch.logsumexp(x, dim=0)", "x.sum()", "x.mean()",
        "x.norm()", "torch.norm(x, p=1)", "x.std()", "x.var()", "torch.cumsum(x, 0)")},
    {expression: [[row] for row in ZEROS] for expression in ("torch.prod(x)", "torch.cumprod(x, 0)", "x.norm()", "x / x.norm()", "x.norm() ** 2", "F.normalize(x, dim=0)")},
    {expression: [[[1.0]], [[2.0, 2.0]]] for expression in ("x.std()", "x.var()", "torch.std(x, correction=0)", "torch.var(x, unbiased=False)")},
    {expression: [[[]]] for expression in ("x.sum()", "x.mean()", "torch.prod(x)", "torch.softmax(x, dim=0)", "x.std()")},
    {expression: [[[0.0, 0.5, 1.0, -1.0, 1.5, 2.0, -2.0], [0.0] * 7]] for expression in (
        "F.huber_loss(x, y, reduction='none')", "F.smooth_l1_loss(x, y, reduction='none')", "F.l1_loss(x, y)", "F.mse_loss(x, y)",
        "F.huber_loss(x, y, reduction='none', delta=2.0)", "F.smooth_l1_loss(x, y, reduction='none', beta=2.0)")},
    {
    "F.binary_cross_entropy(x, y, reduction='none')": [[[0.0, 0.0, 1.0, 1.0, 0.5, 1e-20, 0.25], [0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.75]]],
    "F.binary_cross_entropy_with_logits(x, y, reduction='none')": [[[0.0, 1000.0, 1000.0, -1000.0, INF, 2.0], [0.0, 0.0, 1.0, 1.0, 0.0, 0.25]]],
    },
    {expression: [[[1.0, 2.0, -0.5, 4.0]]] for expression in (  # sums beyond the 11 digits of float16, squares beyond its range
        "x.half().expand(4096, 4).sum()", "x.half().expand(4096, 4).mean()", "x.half().expand(4096, 4).sum(0)", "x.half().expand(4096, 4).mean(0)",
        "(x.half() + torch.zeros(4096, 1).half()).float().sum()", "F.layer_norm(x.half().detach() * 300, (4,))", "x.half().expand(4096, 4).norm()")},
    {
    "F.softplus(x.half())": [[LARGE[:-3]]],
    "(lambda v: (F.batch_norm(x, torch.zeros_like(v), v, training=True), v)[1])(torch.ones_like(x[0]))": [[[[1.0, 2.0], [3.0, 5.0], [0.0, 1.0]]]],
    "(lambda m: (F.batch_norm(x, m, torch.ones_like(m), training=True, momentum=0.3), m)[1])(torch.ones_like(x[0]))": [[[[1.0, 2.0], [3.0, 5.0]]]],
    "x[[0, 0, 2]]": [[[10.0, 20.0, 30.0]]], "x[-1]": [[[10.0, 20.0, 30.0]]], "x[5:10]": [[[10.0, 20.0, 30.0]]],
    "x * torch.tensor(0.3, dtype=torch.float64)": [[[10.0, 20.0, 30.0]]], "x[None]": [[[10.0, 20.0, 30.0]]], "x[...]": [[[10.0, 20.0, 30.0]]], "x[True]": [[[10.0, 20.0, 30.0]]],
    },
)


def programs() -> Iterator[tuple[str, Program]]:
    """(row name, program) of every corner, in both precisions."""
    for expression, cases in CASES.items():
        for inputs in cases:
            for dtype in ("float32", "float64"):
                names = ("x", "y")[:len(inputs)]
                op = Op(expression, expression, tuple((name, None) for name in names))  # type: ignore[misc]
                leaves = tuple(Leaf(name, np.array(values, dtype), True) for name, values in zip(names, inputs, strict=True))
                text = ", ".join(f"{name} = {values}" for name, values in zip(names, inputs, strict=True))
                yield f"{expression} at {text}, {dtype}", Program(leaves, (Step("z", op, {name: Ref(name) for name in names}),))


def answer(program: Program, engine: Engine) -> dict[str, Any]:
    """What an engine says: value, gradients and second derivatives as text, or the error's kind."""
    with quiet():
        out = run(program, engine, 2)
    if out.error and out.stage == "z":
        return {"error": type(out.error).__name__}
    said: dict[str, Any] = {"value": _text(out.values["z"])}
    for name, grads in zip(("gradient", "second"), out.grads, strict=False):
        if any(g is not None for g in grads.values()):
            said[name] = {leaf: None if g is None else _text(g) for leaf, g in grads.items()}
    return said


def _text(array: np.ndarray) -> list[Any]:
    return [str(array.dtype), list(array.shape), [repr(v) for v in array.ravel().tolist()]]


def alike(ours: Any, known: Any, exact_zero: bool = True) -> bool:
    """The same kinds of numbers: nan with nan, inf with its sign, zero with its sign, the rest to 16 ulps, subnormals too."""
    if ours is None or known is None:
        return ours is known
    if ours[:2] != known[:2]:
        return False
    if "float" not in ours[0]:
        return bool(ours == known)
    x, y = (np.array([float(v) for v in side[2]]) for side in (ours, known))
    eps, least = np.finfo(ours[0]).eps, np.finfo(ours[0]).tiny
    with np.errstate(all="ignore"):
        close = (x == y) | (np.isnan(x) & np.isnan(y)) | (np.abs(x - y) <= 16 * eps * np.maximum(np.abs(y), least))
    return bool(close.all() and (not exact_zero or (np.signbit(x) == np.signbit(y))[(x == 0) & (y == 0)].all()))


def differs(ours: dict[str, Any], known: dict[str, Any]) -> str:
    """Which part of an answer differs from the known one; empty if none. Second derivatives of None count as zero."""
    if "error" in ours or "error" in known:
        return "" if ("error" in ours) == ("error" in known) else "error"
    if not alike(ours["value"], known["value"]):
        return "value"
    for part in ("gradient", "second"):
        mine, its = ours.get(part) or {}, known.get(part) or {}
        for leaf in its.keys() | mine.keys():
            x, y = mine.get(leaf), its.get(leaf)
            if part == "second" and (x is None or y is None):
                present = x or y
                if present and any(float(v) != 0 for v in present[2]):
                    return f"second derivative of {leaf}"
            elif not alike(x, y, exact_zero=False):
                return f"{part.replace('second', 'second derivative')} of {leaf}"
    return ""


def check_corners(ours: Engine, theirs: Engine) -> Iterator[Row]:
    """A row for each expression: ours against the recorded convention, torch asked again."""
    data = json.loads(FILE.read_text())
    rows: dict[str, Row] = {}
    for name, program in programs():
        step = program.steps[0]
        row = rows.setdefault(step.op.expression, Row("corners", step.op.expression))
        if missing := ours.missing(step.op.expression):
            row.verdict, row.note = Verdict.NOT_OFFERED, missing
            continue
        known = data["answers"].get(name)
        row.cases += 1
        live = answer(program, theirs)
        if known is None or differs(live, known):
            row.note = f"not verified: recorded from torch {data['torch']}, here {getattr(theirs.module, '__version__', '?')}"
            known = live if known is None else known
        said = answer(program, ours)
        part = differs(said, known)
        if part and not row.note and not row.failures and not (row.findings and part.startswith("second")):
            program, said, known, part = narrowed(program, ours, theirs) or (program, said, known, part)
            name = ", ".join(f"{leaf.name} = {leaf.array.tolist()}" for leaf in program.leaves) + f" ({program.leaves[0].array.dtype})"
            what = "value" if part in ("value", "error") else part
            get = (lambda a: a.get("error") or a.get("value")) if part in ("value", "error") else (
                lambda a, p=part: (a.get("second" if "second" in p else "gradient") or {}).get(p[-1]))
            verdict = Verdict.CHOICE if part.startswith("second") else Verdict.CONVENTION
            finding = Finding(what, verdict, f"{step.op.expression} at {name}: the {part} is {_brief(get(said))} where torch {data['torch']} has {_brief(get(known))}")
            (row.failures if verdict.fails else row.findings).append(Failure(program, finding, name, 2))
            row.verdict = verdict
        elif part and row.note:
            row.verdict = max(row.verdict, Verdict.UNDECIDED, key=lambda v: v.rank)
    yield from rows.values()


def narrowed(program: Program, ours: Engine, theirs: Engine) -> Any:
    """The same corner at one element alone, if that shows the difference already."""
    for i in range(program.leaves[0].array.size):
        small = replace(program, leaves=tuple(replace(leaf, array=leaf.array[i:i + 1]) for leaf in program.leaves))
        said, known = answer(small, ours), answer(small, theirs)
        if part := differs(said, known):
            return small, said, known, part
    return None


def _brief(said: Any) -> str:
    return "none" if said is None else str(said) if isinstance(said, str) else f"[{', '.join(said[2])}] {said[0]}"


def record() -> None:
    """Writes `conventions.json` from the installed torch."""
    torch = load("torch")
    answers = {name: answer(program, torch) for name, program in programs()}
    data = {"torch": torch.module.__version__.split("+")[0], "answers": answers}
    from parity.report import save
    save(FILE, "{\n" + f' "torch": {json.dumps(data["torch"])},\n "answers": {{\n'
         + ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in answers.items()) + "\n }\n}\n")


if __name__ == "__main__":
    record()
