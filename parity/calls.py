"""Call order: a state machine that makes the calls a user makes, in any order, with torch as the model.

A history is a list of statements over a few small tensors: create, use twice, backward twice, two losses on one node,
retain, zero `.grad` by None and in place, detach, no_grad, in-place edits of leaves and of saved values, views, hooks,
`.data`. Each statement runs on both engines; after each the two must agree in every value, every `.grad`, every
`requires_grad` and `is_leaf`, or in the kind of error. Tensors are float64 with short numbers, so engines that do the
same thing agree to about 1e-15; differences in what is done are of order one, and `CLOSE` lies between. Not drawn is
`requires_grad_()` on a tensor that has views (torch then gives the views a history that they never had), nor relu and
max (whether their constant slope "requires grad" is nobody's business). A history ends where both raise in a backward:
torch has then given some leaves their gradients, an engine may leave all as they were.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st

from parity.checks import Difference, Failure, Row
from parity.engines import Engine
from parity.programs import quiet
from parity.strategies import Drawn
from parity.verdicts import Finding, Result, Verdict

CLOSE = 2.0**-30
START = (
    "a = torch.tensor([[1.0, -2.0], [0.5, 3.0]], dtype=torch.float64, requires_grad=True)",
    "b = torch.tensor([2.0, -0.5], dtype=torch.float64, requires_grad=True)",
    "c = torch.tensor([[0.5, 1.0], [-1.0, 2.0]], dtype=torch.float64)",
)
SHAPES = {"a": (2, 2), "b": (2,), "c": (2, 2)}

# What an engine may refuse though torch does it: writes that it cannot follow. It must say so; silence is a difference.
REFUSED = (r"cannot (be )?(follow|track)", r"not supported", r"clone\(\)")


class Machine:
    """Draws statements; knows the names that exist and their shapes, as long as all goes well."""

    def __init__(self, source: Drawn):
        self.below, self.shapes, self.count, self.hooks = source.below, dict(SHAPES), 0, 0
        self.viewed: set[str] = set()  # what has views, or shares memory

    def pick(self, items: Sequence[Any]) -> Any:
        return items[self.below(len(items))]

    def name(self, *shapes: tuple[int, ...]) -> str:
        """An existing tensor, of one of these shapes if given; the latest is the simplest."""
        found = [n for n in reversed(self.shapes) if not shapes or self.shapes[n] in shapes]
        return self.pick(found[:3] if self.below(2) else found) if found else "a"

    def new(self, shape: tuple[int, ...], text: str) -> str:
        self.count += 1
        name = f"t{self.count}"
        self.shapes[name] = shape
        return f"{name} = {text}"

    def statements(self) -> list[str]:
        made = self.pick(RULES)(self)
        return made if isinstance(made, list) else [made]

    def scalar(self) -> str:
        """A scalar: an existing one, or the sum of any tensor."""
        name = self.name()
        return name if self.shapes[name] == () else f"{name}.sum()"

    def cotangent(self, name: str) -> str:
        shape = self.shapes[name]
        return (
            f"torch.ones_like({name}) * 0.75"
            if self.below(2)
            else f"{name}.detach() * 0.5"
            if shape
            else "torch.tensor(1.5, dtype=torch.float64)"
        )


Rule = Callable[[Machine], str | list[str]]
RULES: list[Rule] = []


def rule(weight: int = 1) -> Callable[[Rule], Rule]:
    def add(f: Rule) -> Rule:
        RULES.extend([f] * weight)
        return f

    return add


@rule(4)
def combine(m: Machine) -> str:
    x, y = m.name(), m.name()
    shape = np.broadcast_shapes(m.shapes[x], m.shapes[y]) if _fits(m.shapes[x], m.shapes[y]) else m.shapes[x]
    if not _fits(m.shapes[x], m.shapes[y]):
        y = x
    return m.new(shape, f"{x} {m.pick(('*', '+', '-'))} {y}")


def _fits(x: tuple[int, ...], y: tuple[int, ...]) -> bool:
    return all(i == j or 1 in (i, j) for i, j in zip(x[::-1], y[::-1], strict=False))


@rule(3)
def transform(m: Machine) -> str:
    x = m.name()
    form = m.pick(
        ("{} * 2", "{} ** 2", "{}.sigmoid()", "{}.exp()", "{}.tanh()", "{} / 2", "-{}", "torch.sqrt({} * {} + 1)")
    )
    return m.new(m.shapes[x], form.replace("{}", x))


@rule(3)
def reduce(m: Machine) -> str:
    x = m.name()
    if len(m.shapes[x]) == 2 and not m.below(3):
        return m.new(m.shapes[x][1:], f"{x}.sum(0)")
    return m.new((), m.pick(("{}.sum()", "{}.mean()", "({} * {}).sum()")).replace("{}", x))


@rule(3)
def view(m: Machine) -> str:
    x = m.name((2, 2), (2,))
    forms = {
        (2, 2): (
            ("{}[0]", (2,)),
            ("{}.t()", (2, 2)),
            ("{}.reshape(4)", (4,)),
            ("{}[:, 1]", (2,)),
            ("{}[1:]", (1, 2)),
            ("{}.view(2, 2)", (2, 2)),
        ),
        (2,): (
            ("{}[0]", ()),
            ("{}.unsqueeze(0)", (1, 2)),
            ("{}.view(2)", (2,)),
            ("{}.expand(2, 2)", (2, 2)),
            ("{}[:1]", (1,)),
        ),
    }
    m.viewed.add(x)
    text, shape = m.pick(forms.get(m.shapes[x], forms[2, 2]))
    return m.new(shape, text.replace("{}", x))


@rule(2)
def copy(m: Machine) -> str:
    x = m.name()
    form = m.pick(
        (
            "{}.clone()",
            "{}.detach()",
            "{}.data",
            "{}.detach().clone()",
            "{}.detach().clone().requires_grad_()",
            "torch.zeros_like({})",
        )
    )
    return m.new(m.shapes[x], form.replace("{}", x))


@rule(5)
def backward(m: Machine) -> str:
    x = m.name()
    options = [m.cotangent(x)]
    if m.below(3):
        x, options = (x if m.shapes[x] == () else f"{x}.sum()"), []
    extra = m.pick(((), (), ("retain_graph=True",), ("retain_graph=True",), ("create_graph=True",)))
    return f"{x}.backward({', '.join([*options, *extra])})"


@rule(2)
def grad(m: Machine) -> str:
    x, leaf = m.scalar(), m.name()
    options = m.pick(
        (
            "",
            ", create_graph=True",
            ", retain_graph=True",
            ", allow_unused=True",
            ", create_graph=True, allow_unused=True",
        )
    )
    return m.new(m.shapes[leaf], f"torch.autograd.grad({x}, {leaf}{options})[0]")


@rule(2)
def grads(m: Machine) -> str:
    x, y = m.scalar(), m.scalar()
    leaf = m.name()
    return m.new(
        m.shapes[leaf],
        f"torch.autograd.grad([{x}, {y}], [{leaf}], allow_unused=True, retain_graph={bool(m.below(2))})[0]",
    )


@rule(3)
def forget(m: Machine) -> str:
    x = m.pick(("a", "b", m.name()))
    return m.pick(
        ("{}.grad = None", "{}.grad.zero_()", "{}.grad.mul_(2)", "{}.grad = torch.ones_like({})", "{}.grad += 1")
    ).replace("{}", x)


@rule(4)
def write(m: Machine) -> str:
    x = m.name()
    y = m.name(m.shapes[x])
    forms = [
        "{}.add_(1)",
        "{}.mul_(2)",
        "{} += 1",
        "{} *= [y]",
        "{}.sub_([y])",
        "{}.zero_()",
        "{}.copy_([y])",
        "{}.fill_(1.5)",
        "{}.mul_([y])",
        "{} -= 0.5",
    ]
    if m.shapes[x]:
        forms += ["{}[0] = 5.0", "{}[0] = [y][0]", "{}[-1] += 1", "{}[...] = [y]"]
    return m.pick(forms).replace("{}", x).replace("[y]", y)  # type: ignore[no-any-return]


@rule(2)
def write_aside(m: Machine) -> str:
    x = m.name()
    return m.pick(
        (
            "{}.detach().add_(1)",
            "{}.data.mul_(2)",
            "{}.data.add_(1)",
            "{}.detach().zero_()",
            "{}.detach().numpy()[...] = 2.0",
            "{}.data = {}.data.clone()",
            "{}.detach()[...] = 0.5",
        )
    ).replace("{}", x)


@rule(3)
def without_grad(m: Machine) -> str:
    x = m.pick(("a", "b", m.name()))
    form = m.pick(
        ("{}.add_(0.5)", "{} -= 0.1 * {}.grad", "{}.zero_()", "{}.copy_({} * 2)", "{}.data.sub_({}.grad)", "new")
    )
    if form == "new":
        return "with torch.no_grad(): " + m.new(m.shapes[x], f"{x} * 3")
    return "with torch.no_grad(): " + form.replace("{}", x)


@rule(2)
def flag(m: Machine) -> str:
    x = m.name()
    forms = ["{}.retain_grad()", "{}.requires_grad = False", "{}.detach_()"]
    return m.pick(forms if x in m.viewed else [*forms, "{}.requires_grad_()", "{}.requires_grad = True"]).replace(
        "{}", x
    )  # type: ignore[no-any-return]


@rule(2)
def hook(m: Machine) -> str:
    if m.hooks and m.below(3) == 2:
        return f"h{1 + m.below(m.hooks)}.remove()"
    m.hooks += 1
    return f"h{m.hooks} = {m.name()}.register_hook({m.pick(('lambda g: g * 2', 'lambda g: None', 'lambda g: g + 1'))})"


@rule(11)
def story(m: Machine) -> list[str]:
    """A few calls that belong together; others come before and after."""
    x = m.pick(("a", "b", m.name()))
    first = m.new(
        m.shapes[x],
        m.pick(
            ("{} * {}", "{} ** 2", "{}.exp()", "{} * 2", "{} * c" if _fits(m.shapes[x], (2, 2)) else "{} + 1")
        ).replace("{}", x),
    )
    t = first.split(" ")[0]
    if " * c" in first:
        m.shapes[t] = (2, 2)
    which = m.below(10)
    if which == 0:  # a saved value is written to, or not quite
        at = m.pick((x, t, *(("c",) if " * c" in first else ())))
        part = ("[0] = 5.0", "[0].add_(1)") if m.shapes.get(at) else ()
        made = m.pick((".add_(0.5)", ".mul_(2)", ".zero_()", ".fill_(1.5)", ".copy_(c.sum())", ".detach().mul_(2)", ".data.add_(1)", *part))
        ways = (f"with torch.no_grad(): {at}{made}", f"with torch.no_grad(): {at}{made}", f"{t}.mul_(2)", f"{t} += 1")
        return [first, m.pick(ways), f"{t}.sum().backward()"]
    if which == 1:  # backward twice
        return [first, f"{t}.sum().backward({m.pick(('', 'retain_graph=True'))})", f"{t}.sum().backward()"]
    if which == 2:  # two losses on one node
        other = m.new((), f"({t} * {t}).sum()")
        name = other.split(" ")[0]
        return [first, other, f"{t}.sum().backward(retain_graph={bool(m.below(2))})", f"{name}.backward()"]
    if which == 3:  # a hook, or a retained gradient, on the way
        return [
            first,
            m.pick((f"{t}.register_hook(lambda g: g * 2)", f"{t}.retain_grad()", f"{t}.register_hook(lambda g: None)")),
            f"({t} * {t}).sum().backward()",
        ]
    if which == 4 and m.shapes[t]:  # a write through a view
        m.viewed.add(t)
        seen = m.new(m.shapes[t][1:], f"{t}[0]")
        return [
            first,
            seen,
            f"{seen.split(' ')[0]}.{m.pick(('mul_(3)', 'add_(1)', 'zero_()'))}",
            f"{t}.sum().backward()",
        ]
    if which == 5:  # a step of training
        return [
            first,
            f"{t}.sum().backward()",
            f"with torch.no_grad(): {x} -= 0.1 * {x}.grad",
            f"{x}.grad{m.pick(('.zero_()', ' = None', '.mul_(0)'))}",
        ]
    if which == 6:
        return [first, f"({t} * {t}).sum().backward(create_graph=True)", f"{x}.grad.sum().backward()"]
    if which == 7:  # a gradient that is kept while more come
        kept = m.new(m.shapes[x], f"{x}.grad")
        k = kept.split(" ")[0]
        extra, way, used = m.pick(("", "create_graph=True")), m.below(3), []
        if way == 1:
            used = [f"{x}.grad = None"]
        elif way == 2:  # a graph that needs the value which the gradient had
            used = [m.new(m.shapes[x], f"{k} * {x}")]
        after = [f"t{m.count}.sum().backward()"] if way == 2 else []
        loss = m.pick((t, f"{x}.sum(0)"))
        return [f"{x}.grad = None", first, f"{loss}.sum().backward({extra})", kept, *used, f"({x} * 3).sum().backward({extra})", *after]
    if which == 8:  # several hooks, before and after it is asked to keep its gradient
        made = [f"{t}.register_hook({f})" for f in ("lambda g: g * 2", "lambda g: g + 1", "lambda g: g * g")]
        before = m.below(4)
        return [first, *made[:before], f"{t}.retain_grad()", *made[before:], f"({t} * {t}).sum().backward()"]
    # gradients of several, one of them on the way to another, of a loss that is given twice
    second = m.new(m.shapes[t], m.pick((f"{t} ** 2", f"{t} * 3", f"{t}.exp()")))
    far, loss = second.split(" ")[0], m.new((), f"({second.split(' ')[0]} * {t}).sum()")
    last = loss.split(" ")[0]
    near = m.pick((t, x))
    found = m.new(m.shapes[near], "").split(" ")[0], m.new(m.shapes[x], "").split(" ")[0]
    create = m.pick((", create_graph=True", ", retain_graph=True"))
    return [
        first,
        second,
        loss,
        f"{', '.join(found)} = [g.clone() for g in torch.autograd.grad([{last}, {m.pick((last, far + '.sum()'))}], [{near}, {x}]{create})]",
        m.pick((f"{last}.backward()", f"{found[1]}.sum().backward()", f"{far}.sum().backward()")),
    ]


@rule(1)
def drop(m: Machine) -> str:
    made = [n for n in m.shapes if n.startswith("t")]
    if not made:
        return "a.grad = None"
    name = m.pick(made)
    del m.shapes[name]
    return f"del {name}"


@st.composite
def histories(draw: Any, longest: int = 10) -> tuple[str, ...]:
    """The statements of one history, from 2 to `longest` rules."""
    machine = Machine(Drawn(draw))
    return tuple(text for _ in range(2 + machine.below(longest - 1)) for text in machine.statements())


# ------------------------------------------------------------------------------------------------------------- running


@lru_cache(20_000)
def compiled(text: str) -> CodeType:
    return compile(text, "<call>", "exec")


@dataclass
class Side:
    """One engine's state: its names."""

    engine: Engine
    names: dict[str, Any]

    @classmethod
    def fresh(cls, engine: Engine) -> Side:
        side = cls(engine, {"torch": engine.torch})
        for text in START:
            side.do(text)
        return side

    def do(self, text: str) -> Exception | None:
        try:
            exec(compiled(text), self.names)
        except Exception as error:
            return error
        return None

    def look(self, name: str) -> dict[str, Any]:
        """What can be seen of a tensor: value, gradient, flags."""
        t = self.names[name]
        if t is None or not hasattr(t, "requires_grad"):
            return {"value": None}
        g = t.grad
        return {
            "value": self.engine.array(t),
            "requires_grad": bool(t.requires_grad),
            "is_leaf": bool(t.is_leaf),
            "grad": None if g is None else self.engine.array(g),
        }


def play(history: Sequence[str], ours: Engine, theirs: Engine) -> Finding | None:
    """Runs a history on both; the first disagreement."""
    with quiet():
        mine, model = Side.fresh(ours), Side.fresh(theirs)
        for text in history:
            if ".numpy()" in text and theirs.device != "cpu":
                continue  # it shares no memory there
            x, y = mine.do(text), model.do(text)
            if (
                x is not None
                and y is None
                and "backward(" not in text  # which writes nothing that the user named
                and any(re.search(pattern, str(x)) for pattern in REFUSED)
                and isinstance(x, RuntimeError | NotImplementedError)
            ):
                return Finding(text, Verdict.NOT_OFFERED, f"`{text}` is refused: {str(x).splitlines()[0]}", x, y)
            if y is not None and re.search("more than one element|created in no_grad mode|NoneType", str(y)):
                return None  # torch's own layout of a gradient cannot be written to; or there was no gradient to name
            if type(x).__name__ != type(y).__name__ if x is not None and y is not None else x is not y:
                return Finding(
                    text,
                    Verdict.ONE_ERROR if x is None or y is None else Verdict.OTHER_ERROR,
                    f"at `{text}` {ours.name} {_says(x)}, {theirs.name} {_says(y)}",
                    x,
                    y,
                )
            if y is not None and ("backward" in text or "grad(" in text):
                return None
            for name in model.names:
                if (
                    name[0] in "abct"
                    and name != "torch"
                    and (found := _compare(name, text, mine, model, ours.name, theirs.name))
                ):
                    return found
    return None


def _says(error: Exception | None) -> str:
    return (
        "goes on"
        if error is None
        else f"raises {type(error).__name__}: {str(error).splitlines()[0][:120] if str(error) else ''}"
    )


def _compare(name: str, text: str, mine: Side, model: Side, ours: str, theirs: str) -> Finding | None:
    if name not in mine.names:
        return Finding(name, Verdict.MISSING, f"after `{text}` {ours} has no {name}")
    b = model.look(name)
    try:
        a = mine.look(name)
    except Exception as error:
        return Finding(name, Verdict.ONE_ERROR, f"after `{text}` {ours} {_says(error)} when {name} is read", error)
    for part in b:
        x, y = a.get(part), b[part]
        what = {"value": f"value of {name}", "grad": f"{name}.grad"}.get(part, f"{name}.{part}")
        if x is None or y is None or isinstance(y, bool):
            if x is not y:
                return Finding(
                    what,
                    Verdict.MISSING,
                    f"after `{text}` {what} is {_short(x)} in {ours}, {_short(y)} in {theirs}",
                    x,
                    y,
                )
        elif x.shape != y.shape or x.dtype != y.dtype:
            return Finding(
                what,
                Verdict.SHAPE,
                f"after `{text}` {what} is {x.dtype} {x.shape}, in {theirs} {y.dtype} {y.shape}",
                x,
                y,
            )
        else:
            with np.errstate(all="ignore"):
                close = (x == y) | ((x != x) & (y != y)) | (np.abs(x - y) <= CLOSE * np.abs(y).max(initial=0.0))
            if not close.all():
                return Finding(
                    what,
                    Verdict.OURS_WORSE,
                    f"after `{text}` {what} is {_short(x)} in {ours}, {_short(y)} in {theirs}",
                    x,
                    y,
                )
    return None


def _short(value: Any) -> str:
    return str(value.tolist())[:90] if isinstance(value, np.ndarray) else str(value)


def script(history: Sequence[str], finding: Finding, engine: str) -> str:
    """The history as a script for either engine, ending in a look at what differed."""
    used = " ".join(history)
    lines = ["import importlib, sys", f"torch = importlib.import_module(sys.argv[1] if sys.argv[1:] else {engine!r})"]
    lines += [
        line
        for line in START
        if re.search(rf"\b{line[0]}\b", used)
        or finding.what.endswith(f" {line[0]}")
        or finding.what.startswith(line[0] + ".")
    ]
    lines += list(history)
    what = finding.what
    if match := re.match(r"value of (\w+)$|(\w+\.\w+)$", what):
        lines.append(f"print({match.group(1) or match.group(2)})")
    return "\n".join(lines)


def shorten(history: tuple[str, ...], ours: Engine, theirs: Engine, verdict: Verdict) -> tuple[str, ...]:
    """Leaves out every statement that the difference does not need."""
    i = len(history) - 1
    while i >= 0:
        less = history[:i] + history[i + 1 :]
        found = play(less, ours, theirs)
        if found is not None and found.verdict is verdict and "NameError" not in found.sentence:
            history = less
        i -= 1
    return history


def check_calls(
    ours: Engine,
    theirs: Engine,
    examples: int = 1500,
    seed: int = 0,
    progress: Callable[[int], None] = lambda n: None,
    batch: int = 500,
    shrink: bool = True,
) -> Row:
    """Random histories until one differs or all are played."""
    row = Row("calls", "random histories")
    if missing := ours.missing("torch.autograd.grad(x.detach())") or ours.missing("torch.no_grad()"):
        row.verdict, row.note = Verdict.NOT_OFFERED, missing
        return row
    last: dict[str, Any] = {}
    refused = 0

    def examine(history: tuple[str, ...]) -> None:
        nonlocal refused
        row.cases += 1
        if row.cases % 25 == 0:
            progress(row.cases)
        found = play(history, ours, theirs)
        if found is not None and found.verdict is Verdict.NOT_OFFERED:
            refused += 1
        elif found is not None:
            last["history"], last["finding"] = history, found
            raise Difference(Result(None))  # type: ignore[arg-type]

    done = 0
    while done < examples and not row.failures:
        size = min(batch, examples - done)
        test = hypothesis.seed(seed * 1_000_003 + done)(
            settings(
                max_examples=size,
                database=None,
                deadline=None,
                phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
                verbosity=Verbosity.quiet,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            )(given(histories())(examine))
        )
        try:
            test()
        except (Difference, hypothesis.errors.HypothesisException):
            if "finding" not in last:
                raise
            history = shorten(last["history"], ours, theirs, last["finding"].verdict) if shrink else last["history"]
            finding = play(history, ours, theirs) or last["finding"]
            row.failures.append(
                Failure(
                    None,
                    finding,
                    f"{seed}, batch at {done}",
                    script=script(history, finding, ours.name),
                    again=f"calls --seed {seed} --examples {done + size}",
                )
            )
            row.verdict = finding.verdict
        done += size
    if refused:
        row.note = f"{refused} histories end in a write that {ours.name} refuses and torch follows"
    return row
