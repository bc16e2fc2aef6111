"""A program as data: leaves with values, steps over named variables. Drawn, shrunk, run anywhere, printed as a script.

A step is an op of the table (`ops.py`) and its arguments: names of variables or plain values. Shapes are solved
forward: while a program is drawn it also runs on the model engine, so every argument is chosen among what is really
there and no draw is rejected. Draws come from a `Source`; Hypothesis is one (it shrinks by ops, dimensions and digits)
and a seeded `random.Random` another. `run` gives an engine's values and gradients, `judge` the third judge's with
their bounds; `verdicts.py` compares them. Read `Program`, `run`, `Drawing`.
"""

from __future__ import annotations

import ast
import math
import random
import re
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from parity import referee
from parity.engines import Engine

if TYPE_CHECKING:
    from parity.ops import Op


class Ref(str):
    """A variable's name as an argument."""


@dataclass(frozen=True)
class Leaf:
    name: str
    array: np.ndarray
    requires_grad: bool


@dataclass(frozen=True)
class Step:
    name: str
    op: Op
    args: dict[str, Any]

    def refs(self) -> list[str]:
        flat = [a for arg in self.args.values() for a in (arg if isinstance(arg, list | tuple) else [arg])]
        return [a for a in flat if isinstance(a, Ref)]

    def text(self) -> str:
        return self.op.text({k: show(v) for k, v in self.args.items()})


@dataclass(frozen=True)
class Program:
    """Leaves, steps, and the number that its cotangents come from."""

    leaves: tuple[Leaf, ...]
    steps: tuple[Step, ...]
    seed: int = 0

    @property
    def dtype(self) -> np.dtype[Any]:
        """The lowest float precision at work: errors are measured in its units."""
        kinds = {leaf.array.dtype for leaf in self.leaves if leaf.array.dtype.kind == "f"}
        kinds |= {np.dtype(np.float32) for step in self.steps if step.op.name in ("float", "to_float32")}
        return min(kinds, key=lambda d: d.itemsize, default=np.dtype(np.float32))

    def outputs(self) -> list[str]:
        """Variables that no step uses."""
        used = {ref for step in self.steps for ref in step.refs()}
        return [step.name for step in self.steps if step.name not in used]

    def differentiable(self) -> list[Leaf]:
        return [leaf for leaf in self.leaves if leaf.requires_grad]

    def wild(self) -> bool:
        return not all(np.isfinite(leaf.array).all() for leaf in self.leaves)

    def overflows(self) -> bool:
        """Whether a product of two leaves may: then which inf meets which is up to the order of a sum."""
        large = float(np.finfo(self.dtype).max) ** 0.5
        floats = [leaf.array for leaf in self.leaves if leaf.array.dtype.kind == "f"]
        return any((np.isfinite(a) & (np.abs(a) > large)).any() for a in floats)

    def cotangent(self, name: str, shape: Sequence[int], order: int) -> np.ndarray:
        """Random eighths in [-2, 2] without 0: they add no rounding of their own and print short."""
        size = math.prod(shape)
        start = (self.seed * 7919 + sum(map(ord, name)) * 131 + order * 1031) % (POOL.size - 64)
        values = POOL[start : start + size]
        return (values if values.size == size else np.resize(values, size)).reshape(tuple(shape))

    def without(self, index: int) -> Program:
        return replace(self, steps=self.steps[:index] + self.steps[index + 1 :])


_rng = np.random.Generator(np.random.PCG64(20240607))
POOL = _rng.integers(1, 17, 8192) * _rng.choice([-1, 1], 8192) / 8.0


def show(value: Any) -> str:
    """An argument as Python text."""
    if isinstance(value, Ref):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(show, value)) + "]"
    if isinstance(value, slice):
        return ":".join(
            "" if part is None else str(part)
            for part in (value.start, value.stop, value.step)[: 2 if value.step is None else 3]
        )
    if value is Ellipsis:
        return "..."
    if isinstance(value, tuple) and any(isinstance(v, slice | type(Ellipsis) | None.__class__ | Ref) for v in value):
        return ", ".join(map(show, value)) + ("," if len(value) == 1 else "")
    if isinstance(value, float) and (value != value or abs(value) == np.inf):
        return f"float('{value}')"
    return repr(value)


# ------------------------------------------------------------------------------------------------------------- running


@dataclass
class Outcome:
    """What an engine made of a program. `grads[k]` are the gradients of order k + 1, by leaf; None if there is none."""

    values: dict[str, np.ndarray] = field(default_factory=dict)
    grads: list[dict[str, np.ndarray | None]] = field(default_factory=list)
    error: Exception | None = None
    stage: str = ""


def run(program: Program, engine: Engine, order: int = 1, by_backward: bool = False) -> Outcome:
    """Runs forward, then derivatives up to `order`; `by_backward` uses `backward()` and `.grad` for the first."""
    out = Outcome()
    try:
        env = {leaf.name: engine.tensor(leaf.array, leaf.requires_grad) for leaf in program.leaves}
        for step in program.steps:
            out.stage = step.name
            env[step.name] = step.op.run(engine.torch, engine.F, {k: _resolve(v, env) for k, v in step.args.items()})
        for step in program.steps:
            out.values[step.name] = engine.array(env[step.name])
    except Exception as error:
        out.error = error
        return out
    return differentiate(program, engine, env, out, order, by_backward)


def differentiate(
    program: Program, engine: Engine, env: dict[str, Any], out: Outcome, order: int, by_backward: bool
) -> Outcome:
    """The second half of `run`: `env` has the engine's tensor of every variable, `out` the values."""
    out.stage = "backward"
    try:
        leaves = program.differentiable()
        outputs = [name for name in program.outputs() if out.values[name].dtype.kind == "f"]
        outputs = [name for name in outputs if engine.requires_grad(env[name])]
        if not (order and leaves and outputs):
            return out
        tensors = [env[leaf.name] for leaf in leaves]
        cotangents = [
            program.cotangent(name, out.values[name].shape, 1).astype(out.values[name].dtype) for name in outputs
        ]
        if by_backward or engine.orders == 1:
            grads = engine.backward([env[name] for name in outputs], cotangents, tensors)
            out.grads.append(
                {leaf.name: None if g is None else engine.array(g) for leaf, g in zip(leaves, grads, strict=True)}
            )
            return out
        sources = [env[name] for name in outputs]
        for depth in range(1, min(order, engine.orders) + 1):
            out.stage = f"derivative {depth}"
            grads = engine.gradients(sources, cotangents, tensors, depth < order)
            out.grads.append(
                {leaf.name: None if g is None else engine.array(g) for leaf, g in zip(leaves, grads, strict=True)}
            )
            live = [
                (leaf, g) for leaf, g in zip(leaves, grads, strict=True) if g is not None and engine.requires_grad(g)
            ]
            if not live:
                break
            sources = [g for _, g in live]
            cotangents = [
                program.cotangent(leaf.name, leaf.array.shape, depth + 1).astype(leaf.array.dtype) for leaf, _ in live
            ]
    except Exception as error:
        out.error = error
    return out


def _resolve(arg: Any, env: dict[str, Any]) -> Any:
    if isinstance(arg, Ref):
        return env[arg]
    if isinstance(arg, list):
        return [_resolve(a, env) for a in arg]
    if isinstance(arg, tuple) and any(isinstance(a, Ref) for a in arg):
        return tuple(_resolve(a, env) for a in arg)
    return arg


@dataclass
class Judgement:
    """True values and gradients with what floating point may have made of them: name -> (value, bound)."""

    values: dict[str, tuple[np.ndarray, np.ndarray]]
    grads: list[dict[str, tuple[np.ndarray, np.ndarray]]]
    field: str

    def of(self, name: str, depth: int) -> Any:
        """(value, bound) of a step (depth 0), or of a leaf's gradient of this order; None where there is no word on it."""
        places = [self.values, *self.grads]
        return places[depth].get(name) if depth < len(places) else None


def judge(program: Program, order: int, fields: Sequence[referee.Field] = (), rounding_alone: bool = False) -> Judgement:
    """Runs the program on the referee, in the first field that can hold it. Raises `referee.Unjudged`.

    rounding_alone: with bounds that leave out what inf and 0 leave undefined; see `referee.Precision`.
    """
    if not fields:
        fields = [referee.FLOAT64] if program.dtype == np.float32 else [referee.FRACTIONS, referee.MPMATH60]
        if program.wild():
            fields = [referee.FLOAT64]
    for i, where in enumerate(fields):
        try:
            with np.errstate(all="ignore"):
                return _judge(program, order, referee.Precision(program.dtype, where, rounding_alone))
        except (referee.Irrational, ZeroDivisionError, OverflowError, ValueError):
            if i + 1 == len(fields):
                raise referee.Unjudged("no field holds this") from None
    raise AssertionError


def _judge(program: Program, order: int, p: referee.Precision) -> Judgement:
    env: dict[str, Any] = {}
    leaves = program.differentiable()
    total = sum(leaf.array.size for leaf in leaves)
    start = 0
    for leaf in program.leaves:
        if leaf.requires_grad:
            ways = [program.cotangent(leaf.name, leaf.array.shape, k) for k in range(2, order + 1)]
            env[leaf.name] = (
                referee.leaf(leaf.array.astype(np.float64), ways, start, total, p)
                if order
                else (referee.Array.constant(leaf.array, p))
            )
            start += leaf.array.size
        else:
            env[leaf.name] = referee.Array.constant(leaf.array, p)
        if not leaf.array.shape and leaf.array.dtype.kind == "f" and leaf.array.dtype != p.dtype:
            env[leaf.name] = env[leaf.name].converted()  # to the narrower dtype of what it meets
    values: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for step in program.steps:
        x = step.op.run(referee.FUNCTIONS, referee.FUNCTIONS, {k: _resolve(v, env) for k, v in step.args.items()})
        if x.kind == "f":
            x = referee.Array(referee.allow(x.x, step.op.ulps), x.shape, p, x.kind)
        env[step.name] = x
        top = referee.primal(x.x)
        values[step.name] = (top.v.reshape(x.shape), top.e.reshape(x.shape))
    names = [name for name in program.outputs() if env[name].kind == "f"]
    sources = [(env[name], program.cotangent(name, env[name].shape, 1)) for name in names]
    grads = []
    for v, e in referee.gradients(sources, order, total, p) if leaves else []:
        parts, at = {}, 0
        for leaf in leaves:
            shape, end = leaf.array.shape, at + leaf.array.size
            parts[leaf.name] = (np.asarray(v)[at:end].reshape(shape), e[at:end].reshape(shape))
            at = end
        grads.append(parts)
    return Judgement(values, grads, p.field.name)


# ------------------------------------------------------------------------------------------------------------- scripts


def script(program: Program, engine: str = "torch", order: int = 1, comment: str = "") -> str:
    """The program as a script of a few lines that runs with torch and, the import changed, with the engine."""
    ours = f"import {engine} as torch" if engine != "torch" else "import torch"
    uses_f = any("F." in step.op.expression for step in program.steps)
    lines = [f"# {comment}"] if comment else []
    lines += [ours + ("; F = torch.nn.functional" if uses_f else "")]
    for leaf in program.leaves:
        lines.append(f"{leaf.name} = {constructor(leaf.array, str(leaf.array.dtype), leaf.requires_grad)}")
    lines += [f"{step.name} = {step.text()}" for step in program.steps]
    return "\n".join(lines)


def constructor(array: np.ndarray, dtype: str, requires_grad: bool = False) -> str:
    """The call that makes a leaf of these values; nested lists can't say the shape of most empty arrays."""
    grad = ", requires_grad=True" if requires_grad else ""
    made = f"torch.tensor({literal(array)}" if array.size or array.ndim == 1 else f"torch.zeros({array.shape}"
    return f"{made}, dtype=torch.{dtype}{grad})"


def literal(array: np.ndarray) -> str:
    text = repr(array.tolist())
    return re.sub(r"\b(nan|inf)\b", r"float('\1')", text)


def full_script(
    program: Program,
    order: int,
    engine: str,
    by_backward: bool = False,
    recorded: bool = False,
    unused: bool = False,
    digits: int = 0,
    also: Sequence[str] = (),
) -> str:
    """`script` with the derivatives up to `order` and the prints: runs as `python FILE torch` and `python FILE ENGINE`.

    It goes as far as torch does and in the same way as `run`: `by_backward`, and with `create_graph` in the last
    derivative too if `recorded`. `unused`: a leaf may have no gradient. `digits` are printed, if it isn't 0. `also`: variables that are printed first.
    """
    text = script(program, "torch").split("\n")
    lines = [
        "import importlib, sys",
        f"torch = importlib.import_module(sys.argv[1] if sys.argv[1:] else {engine!r})",
        *(["F = torch.nn.functional"] if "; F = " in text[0] else []),
        *([f"torch.set_printoptions(precision={digits})"] if digits else []),
        *text[1:],
    ]
    leaves, way = program.differentiable(), derivatives_of_torch(program, order)
    values = list(dict.fromkeys([*also, *program.outputs()])) or [leaf.name for leaf in program.leaves]
    if not order or not way.outputs:
        lines_apart = ", sep='\\n'" if len(values) > 1 else ""
        return "\n".join(folded([*lines, f"print({', '.join(values)}{lines_apart})"]))
    made = {step.name: way.values[step.name] for step in program.steps} | {leaf.name: leaf.array for leaf in leaves}

    def cotangents(names: Sequence[str], depth: int) -> list[str]:
        return [constructor(program.cotangent(n, made[n].shape, depth), str(made[n].dtype)) for n in names]

    if by_backward and order == 1:
        for i, (name, v) in enumerate(zip(way.outputs, cotangents(way.outputs, 1), strict=True)):
            lines.append(f"{name}.backward({v}{', retain_graph=True' if i + 1 < len(way.outputs) else ''})")
        printed = [*values, *(f"{leaf.name}.grad" for leaf in leaves)]
        return "\n".join(folded([*lines, f"print({', '.join(printed)}, sep='\\n')"]))
    lines.append(f"ys, xs = [{', '.join(way.outputs)}], [{', '.join(leaf.name for leaf in leaves)}]")
    for depth in range(1, order + 1):
        options = ", create_graph=True" if depth < order or recorded else ""
        some_unused = unused or depth > 1 or any(g is None for grads in way.grads[:1] for g in grads.values())
        options += ", allow_unused=True" if some_unused else ""
        names = way.outputs if depth == 1 else [leaf.name for leaf in leaves]
        lines += [f"vs = [{', '.join(cotangents(names, depth))}]"]
        if depth == 1 or way.live[depth - 2] == names:
            lines += [f"ys = torch.autograd.grad(ys, xs, vs{options})"]
        else:  # what does not depend on a leaf has no derivative
            lines += ["live = [(y, v) for y, v in zip(ys, vs) if y is not None and y.requires_grad]"]
            lines += ["ys, vs = [y for y, v in live], [v for y, v in live]"]
            lines += [f"ys = torch.autograd.grad(ys, xs, vs{options}) if ys else []"]
    return "\n".join(folded([*lines, f"print({', '.join(values)}, *ys, sep='\\n')"]))


def folded(lines: Sequence[str], width: int = 76) -> list[str]:
    """Each line of at most `width` characters, broken inside its brackets, if that can be."""
    out = []
    for line in lines:
        parts = textwrap.wrap(line, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
        try:
            same = ast.dump(ast.parse("\n".join(parts))) == ast.dump(ast.parse(line))
        except SyntaxError:
            same = False
        out += parts if same else [line]
    return out


@dataclass
class Way:
    """How far torch comes with a program: `run`, with the names of the outputs that have a gradient and, by order, of the
    leaves whose gradients can be differentiated again."""

    outputs: list[str]
    live: list[list[str]]
    values: dict[str, np.ndarray]
    grads: list[dict[str, np.ndarray | None]]


def derivatives_of_torch(program: Program, order: int) -> Way:
    from parity.engines import load

    torch = load("torch")

    class Watched(type(torch)):  # type: ignore[misc]
        """torch, which tells of each derivative what can be differentiated."""

        def gradients(self, outputs: Any, cotangents: Any, leaves: Any, again: bool) -> Any:
            grads = super().gradients(outputs, cotangents, leaves, again)
            live.append([leaf.name for leaf, g in zip(named, grads, strict=True) if g is not None and g.requires_grad])
            return grads

    live: list[list[str]] = []
    named = program.differentiable()
    watched = Watched(torch.module)
    with quiet():
        out = run(program, watched, order)
        if out.error and not out.values:
            return Way([], live, {}, [])
        env = {leaf.name: watched.tensor(leaf.array, leaf.requires_grad) for leaf in program.leaves}
        for step in program.steps:
            args = {k: _resolve(v, env) for k, v in step.args.items()}
            env[step.name] = step.op.run(watched.torch, watched.F, args)
    outputs = [n for n in program.outputs() if out.values[n].dtype.kind == "f" and env[n].requires_grad]
    live += [[] for _ in range(order - len(live))]
    return Way(outputs, live, out.values, out.grads)


# ------------------------------------------------------------------------------------------------------------- drawing


class Source(Protocol):
    def below(self, n: int) -> int:
        """An integer from 0 to n - 1; 0 is the simplest."""

    def bytes(self, n: int) -> bytes:
        """n bytes; zeros are the simplest."""


class Seeded:
    """Draws from a seeded generator, for runs that need no shrinking."""

    def __init__(self, seed: int | str):
        self.random = random.Random(seed)

    def below(self, n: int) -> int:
        return int(self.random.random() * n)

    def bytes(self, n: int) -> bytes:
        return self.random.randbytes(n)


class Varied(Seeded):
    """Draws in which numbers repeat and are simple more often than by chance: ties and exact sums are where engines err."""

    def bytes(self, n: int) -> bytes:
        way = self.below(4) if n > 1 else 3
        if way == 0:
            few = self.random.randbytes(1 + self.below(3))
            return bytes(self.random.choices(few, k=n))
        raw = self.random.randbytes(n)
        return bytes(b % 16 for b in raw) if way == 1 else raw


SHAPES: tuple[tuple[int, ...], ...] = (
    (),
    (2,),
    (3,),
    (1,),
    (2, 3),
    (3, 2),
    (2, 2),
    (1, 3),
    (3, 1),
    (4,),
    (2, 1),
    (1, 1),
    (2, 2, 2),
    (2, 1, 3),
    (1, 2, 2),
    (5,),
    (3, 3),
    (0,),
    (2, 0),
    (2, 3, 2),
    (1, 1, 3),
    (4, 2),
    (7,),
    (0, 3),
    (2, 1, 2, 2),
)


@lru_cache(None)
def shapes(low: int = 0, high: int = 4, empty: bool = True) -> tuple[tuple[int, ...], ...]:
    return tuple(s for s in SHAPES if low <= len(s) <= high and (empty or 0 not in s))


@lru_cache(None)
def table(low: float, high: float, gap: float, dtype: str, wild: bool) -> np.ndarray:
    """256 values from simple to crooked inside [low, high], at least `gap` away from zero."""
    rng = np.random.Generator(np.random.PCG64(7))
    simple = [0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0, 1.5, -1.5, 0.25, -0.25, 4.0, -4.0, 0.75]
    info = np.finfo(dtype)
    if wild:
        simple += [
            np.inf,
            -np.inf,
            np.nan,
            -0.0,
            float(info.tiny),
            float(info.smallest_subnormal),
            -float(info.smallest_subnormal),
            float(info.max),
            -float(info.max),
            float(info.eps),
            1 + float(info.eps),
            1e4,
            -1e4,
            88.0,
            -104.0,
            1e-20,
        ] * 3
    tame_low, tame_high = max(low, -3.0), min(high, 3.0)
    if tame_low >= tame_high:
        tame_low, tame_high = low, high
    short = np.round(rng.uniform(tame_low, tame_high, 60), 1)
    crooked = rng.uniform(tame_low, tame_high, 600)
    far = rng.uniform(max(low, -30.0), min(high, 30.0), 20)
    values = np.concatenate([simple, short, crooked[:30], far, crooked[30:]]).astype(dtype)
    with np.errstate(invalid="ignore"):
        keep = wild | ((values >= low) & (values <= high) & (np.abs(values) >= gap))
    return values[keep][:256] if keep.sum() >= 256 else np.resize(values[keep], 256)


@lru_cache(None)
def integers(low: int, high: int) -> np.ndarray:
    return np.resize(np.arange(low, high), 256) if high > low else np.zeros(256, np.int64)


BOOLS = np.arange(256) % 2 == 1


@contextmanager
def quiet() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


class Drawing:
    """A program while it is drawn: what is there so far, with its values on the model engine.

    The model's tensors record, so that the model need not run the finished program again: `outcome`.
    """

    def __init__(self, source: Source, model: Engine, dtype: str = "float32", wild: bool = False, mixed: bool = False):
        self.source, self.model, self.dtype, self.wild, self.mixed = source, model, np.dtype(dtype), wild, mixed
        self.leaves: list[Leaf] = []
        self.steps: list[Step] = []
        self.env: dict[str, Any] = {}
        self.arrays: dict[str, np.ndarray] = {}
        self.spans: dict[str, tuple[float, float, float]] = {}
        self.below = source.below

    def pick(self, items: Sequence[Any]) -> Any:
        return items[self.below(len(items))]

    def _name(self) -> str:
        n = len(self.leaves) + len(self.steps)
        return "abcdefghijklmnopqrstuvwxyz"[n] if n < 26 else f"v{n}"

    def leaf(self, values: np.ndarray, shape: Sequence[int], requires_grad: bool = False) -> Ref:
        """A new leaf with entries from a table of 256 values."""
        size = math.prod(shape)
        raw = np.frombuffer(self.source.bytes(size), np.uint8) if size else np.zeros(0, np.uint8)
        array = values[raw].reshape(tuple(shape))
        name = self._name()
        self.leaves.append(Leaf(name, array, requires_grad))
        self.env[name] = self.model.tensor(array, requires_grad)
        self.arrays[name] = array
        return Ref(name)

    def floats(
        self,
        shape: Sequence[int],
        low: float = -30.0,
        high: float = 30.0,
        gap: float = 0.0,
        requires_grad: bool = True,
        dtype: np.dtype[Any] | None = None,
    ) -> Ref:
        if dtype is None:
            dtype = self.pick((self.dtype, np.dtype("float64"), np.dtype("float32"))) if self.mixed else self.dtype
        return self.leaf(table(low, high, gap, dtype.name, self.wild), shape, requires_grad)

    def span(self, name: str) -> tuple[float, float, float]:
        """Least, largest and least absolute value of a float variable; nan counts as out of any range."""
        if name not in self.spans:
            array = self.arrays[name]
            with np.errstate(all="ignore"):
                self.spans[name] = (
                    (float(array.min()), float(array.max()), float(np.abs(array).min()))
                    if array.size
                    else (0.0, 0.0, np.inf)
                )
        return self.spans[name]

    def existing(self, keep: Callable[[np.ndarray, tuple[float, float, float]], bool]) -> list[str]:
        """Float variables that will do, the latest first."""
        return [
            name
            for name, array in reversed(self.arrays.items())
            if array.dtype.kind == "f" and keep(array, self.span(name))
        ]

    def step(self, op: Op) -> None:
        """Draws the op's arguments and takes the step; a step that the model refuses is left out."""
        saved = len(self.leaves)
        args: dict[str, Any] = {}
        for name, kind in op.arguments:
            args[name] = kind(self, args)
        resolved = {k: _resolve(v, self.env) for k, v in args.items()}
        name = self._name()
        try:
            result = op.run(self.model.torch, self.model.F, resolved)
            array = self.model.array(result)
        except Exception:
            for leaf in self.leaves[saved:]:
                del self.env[leaf.name], self.arrays[leaf.name]
                self.spans.pop(leaf.name, None)
            del self.leaves[saved:]
            raise
        self.steps.append(Step(name, op, args))
        self.env[name], self.arrays[name] = result, array

    def program(self, seed: int = 0) -> Program:
        return Program(tuple(self.leaves), tuple(self.steps), seed)

    def outcome(self, program: Program, order: int, by_backward: bool) -> Outcome:
        """What `run` gives for the finished program on the model, from what was computed on the way. Once."""
        out = Outcome({step.name: self.arrays[step.name] for step in program.steps})
        return differentiate(program, self.model, self.env, out, order, by_backward)


def compose(
    source: Source,
    model: Engine,
    ops: Sequence[Op],
    steps: int,
    dtype: str = "float32",
    wild: bool = False,
    mixed: bool = False,
) -> tuple[Program, Drawing]:
    """A program of up to `steps` steps over the given ops, and the drawing, which knows what the model computed."""
    drawing = Drawing(source, model, dtype, wild, mixed)
    ops = [op for op in ops if op.limits] if wild else ops
    for _ in range(steps):
        try:
            drawing.step(ops[source.below(len(ops))])
        except Exception:
            if steps == 1:
                raise
    return drawing.program(source.below(256)), drawing


def compose_any(
    source: Source,
    model: Engine,
    ops: Sequence[Op],
    max_ops: int = 8,
    dtypes: Sequence[str] = ("float32", "float64"),
    wild: bool | None = None,
) -> tuple[Program, Drawing]:
    """`compose` with all of it drawn: the length, the dtype; one in sixteen at inf and nan, one of mixed dtypes."""
    steps = 1 + source.below(max_ops)
    kind = source.below(16)
    dtype = dtypes[source.below(len(dtypes))]
    return compose(source, model, ops, steps, dtype, kind == 15 if wild is None else wild, kind == 14 and len(dtypes) > 1)
