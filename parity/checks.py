"""The check of every op by itself (`check_ops`), and what all checks share: rows of the report, and shrinking.

A `Row` has how many cases there were, the worst error in units of its bound for values and for each order of
derivative, and the worst verdict with the smallest program that shows it. Shrinking is Hypothesis's, before and after
it `simplify`, which drops steps of the program as data and rounds values. Random programs of many ops: `search.py`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Verbosity, settings
from hypothesis.errors import NoSuchExample

from parity.engines import Engine
from parity.ops import OPS, Op
from parity.programs import Leaf, Program, Ref, Seeded, compose, quiet, run
from parity.strategies import programs
from parity.verdicts import Finding, Result, Verdict, check

BINS = np.array([0.0, 0.01, 0.03, 0.1, 0.3, 1.0])  # of error over bound; what is 0 is counted apart


@dataclass
class Row:
    """A line of the report."""

    section: str
    name: str
    cases: int = 0
    verdict: Verdict = Verdict.SAME
    ratios: list[float] = field(default_factory=lambda: [0.0] * 4)
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    findings: list[Failure] = field(default_factory=list)
    errors: list[np.ndarray] = field(default_factory=list)
    note: str = ""
    curves: dict[str, list[float]] = field(default_factory=dict)

    @property
    def fails(self) -> bool:
        return bool(self.failures)

    def histogram(self) -> list[int]:
        """How many errors were 0, and how many fell between the `BINS` of error over bound, the last above 1."""
        errors = np.concatenate(self.errors) if self.errors else np.zeros(0)
        return [
            int((errors == 0).sum()),
            *(int(((errors > a) & (errors <= b)).sum()) for a, b in zip(BINS, [*BINS[1:], np.inf], strict=True)),
        ]

    def percentile(self, q: float = 99.9) -> float:
        errors = np.concatenate(self.errors) if self.errors else np.zeros(1)
        with np.errstate(invalid="ignore"):  # between two infinite ones
            return float(np.percentile(errors, q)) if errors.size else 0.0

    def take(self, result: Result, seed: str) -> None:
        self.count(result)
        self.note = result.missing or self.note
        for finding in result.findings:
            if not finding.verdict.fails and len(self.findings) < 3:
                self.findings.append(Failure(result.program, finding, seed))

    def count(self, result: Result) -> None:
        """Takes a result's numbers and verdict, and none of its findings."""
        self._worst(result.verdict)
        self.cases += 1
        self.counts[result.verdict.value] += 1
        self.ratios = [max(a, b) for a, b in zip(self.ratios, result.ratios, strict=True)]
        self.errors += result.errors

    def merge(self, other: Row) -> None:
        """Takes the numbers and the verdict of a row of other cases of the same thing."""
        if other.cases:
            self._worst(other.verdict)
        self.cases += other.cases
        self.counts += other.counts
        self.ratios = [max(a, b) for a, b in zip(self.ratios, other.ratios, strict=True)]
        self.errors += other.errors

    def _worst(self, verdict: Verdict) -> None:
        better = verdict.rank > self.verdict.rank and verdict is not Verdict.NOT_OFFERED
        if better or self.cases == 0 or self.verdict is Verdict.NOT_OFFERED:
            self.verdict = verdict


@dataclass
class Failure:
    """A program (or none, where a lesson failed), what was found, and the seed or case that draws it again."""

    program: Program | None
    finding: Finding
    seed: str
    order: int = 1
    script: str = ""
    by_backward: bool = False  # how the first derivative was asked for: by `backward`, or by `autograd.grad`
    result: Result | None = None  # of the program
    again: str = ""  # the arguments of `python -m parity` that find it again
    shared: str = ""  # what the failing cases have in common


def check_ops(
    ours: Engine,
    theirs: Engine,
    names: Sequence[str] = (),
    dtypes: Sequence[str] = ("float32", "float64"),
    cases: int = 6,
    seed: int = 0,
    order: int = 3,
    shrink: bool = True,
) -> Iterator[Row]:
    """Every op: its values, shapes, dtypes, and derivatives up to `order`, all judged."""
    for op in [OPS[name] for name in names] if names else OPS.values():
        row = Row("ops", op.name)
        for case, dtype in ((case, dtype) for case in range(cases) for dtype in dtypes):
            label = f"{seed}/{op.name}/{dtype}/{case}"
            result = check_case(op, ours, theirs, dtype, case, label, min(order, op.order), len(dtypes) > 1)
            row.take(result, label)
            if result.missing and ours.missing(op.expression):
                break
            if result.verdict.fails:
                failure = op_failure(op, ours, theirs, dtype, result, label, min(order, op.order), shrink)
                failure.again = f"ops {op.name} --seed {seed} --cases {case + 1}"
                if shrink:
                    failure.shared = shared_by_failing(op, ours, theirs, dtypes, max(cases, 24), seed, order)
                row.failures.append(failure)
                break
        yield row


def check_case(
    op: Op, ours: Engine, theirs: Engine, dtype: str, case: int, label: str, order: int, mixed: bool = True
) -> Result:
    """One drawn case of one op: by `autograd.grad` to the full order, then once more by `backward()`.

    Two cases in eight are of the values that hurt (inf, nan, the largest and least numbers), to the first order.
    """
    with quiet():
        wild = case % 8 >= 6 and op.programs and op.limits
        program, _ = compose(Seeded(label), theirs, [op], 1, dtype, wild=wild, mixed=mixed and case % 6 == 5 and not wild)
        result = check(program, ours, theirs, 1 if wild else order, "always")
        if not result.verdict.fails and result.verdict is not Verdict.NOT_OFFERED:
            again = check(program, ours, theirs, 1, "disputes", by_backward=True)
            if again.verdict.fails:
                return again
    return result


def op_failure(
    op: Op, ours: Engine, theirs: Engine, dtype: str, result: Result, label: str, order: int, shrink: bool
) -> Failure:
    """The smallest program that fails as the result does, and what it shows, by no more derivatives than that needs."""
    by_backward = result.by_backward
    order = 1 if by_backward else order

    def again(program: Program, order: int) -> Result:
        with quiet():
            return check(program, ours, theirs, order, "always", by_backward)

    def fails(program: Program) -> bool:
        return again(program, order).verdict is result.verdict

    program = result.program
    if shrink:
        program = smallest(programs(theirs, (op,), 1, dtypes=(dtype,), wild=False), fails, program)
        program = varied(program, fails, theirs)
    return shown(program, result, label, order, again)


def shown(program: Program, result: Result, label: str, order: int, again: Callable[[Program, int], Result]) -> Failure:
    """A failure with what its program shows, by as few derivatives as show a difference."""
    for fewer in range(order + 1):
        final = again(program, fewer)
        finding = next((f for f in final.findings if f.verdict.fails), None)
        if finding is not None:
            return Failure(program, finding, label, fewer, "", final.by_backward, final)
    finding = next(f for f in result.findings if f.verdict.fails)
    return Failure(result.program, finding, label, order, "", result.by_backward, result)


def smallest(strategy: Any, fails: Callable[[Program], bool], start: Program) -> Program:
    """The smallest program that Hypothesis finds to fail likewise, simplified; `start` if it finds none.

    A tensor without elements shows little, so any other program is smaller than one with such a tensor.
    """

    def shows(program: Program) -> bool:
        return all(leaf.array.size for leaf in program.leaves) and fails(program)

    try:
        found = hypothesis.find(
            strategy,
            shows,
            random=random.Random(0),
            settings=settings(
                max_examples=200,
                database=None,
                deadline=None,
                verbosity=Verbosity.quiet,
                suppress_health_check=list(HealthCheck),
            ),
        )
    except (NoSuchExample, hypothesis.errors.HypothesisException):
        found = start
    return simplify(found if _weight(found) <= _weight(start) or not fails(start) else start, fails)


def _weight(program: Program) -> tuple[int, bool, int]:
    sizes = [leaf.array.size for leaf in program.leaves]
    return len(program.steps), 0 in sizes, sum(sizes)


def varied(program: Program, fails: Callable[[Program], bool], model: Engine) -> Program:
    """The program with different numbers of both signs where they were equal, zero or alone, if it still fails.

    A zero, a tie or a single number may show a difference, but hides what causes it.
    """

    def attempt(candidate: Program) -> bool:
        try:
            with quiet():
                out = run(candidate, model, 1)
                grads = [g for g in (out.grads[0] if out.grads else {}).values() if g is not None]
                fine = not out.error and all(np.isfinite(a).all() for a in (*out.values.values(), *grads))
            return fine and fails(candidate)
        except Exception:
            return False

    def filled(shape: Callable[[np.ndarray], tuple[int, ...]], unit: float, signs: int, only: str = "") -> Program:
        leaves, start = [], 0
        for leaf in program.leaves:
            if leaf.array.dtype.kind == "f" and only in ("", leaf.name):
                n = np.arange(start, start + int(np.prod(shape(leaf.array))))
                values = unit * (n + 2) * (1.0 - 2 * (n % 2) if signs else 1.0)
                start += n.size
                leaf = replace(leaf, array=values.reshape(shape(leaf.array)).astype(leaf.array.dtype))
            leaves.append(leaf)
        return replace(program, leaves=tuple(leaves))

    floats = [leaf.array for leaf in program.leaves if leaf.array.dtype.kind == "f"]
    if not floats or not all(np.isfinite(a).all() for a in floats) or not any(a.size for a in floats):
        return program
    forms: list[Callable[[np.ndarray], tuple[int, ...]]] = [np.shape]
    if all(a.size == 1 for a in floats):
        forms.insert(0, lambda a: (*a.shape[:-1], 2))
    values = np.concatenate([a.ravel() for a in floats])
    if np.unique(values).size < values.size or 0 in values or len(forms) > 1:
        ways = [(form, unit, signs) for form in forms for signs in (1, 0) for unit in (0.5, 0.125)]
        names = ["", *(leaf.name for leaf in program.leaves)] if len(floats) > 1 else [""]
        for form, unit, signs in ways:
            if attempt(candidate := filled(form, unit, signs)):
                return candidate
        for name in names[1:]:
            for unit, signs in ((0.5, 1), (0.5, 0)):
                if attempt(candidate := filled(np.shape, unit, signs, name)):
                    program = candidate
                    break
    return program


# ------------------------------------------------------------------------------------------- what failing cases share


def traits(program: Program) -> list[str]:
    """What can be said in a few words of a case of one op, the most telling first."""
    step, arrays = program.steps[0], {leaf.name: leaf.array for leaf in program.leaves}
    out = []
    for name, value in step.args.items():
        if isinstance(value, tuple) and len(value) > 1 and all(isinstance(v, int) for v in value):
            out.append(f"{name} a tuple of more than one")
        elif isinstance(value, bool | str | None.__class__) and not isinstance(value, Ref):
            out.append(f"{name}={value!r}")
        elif isinstance(value, int):
            out.append(f"{name} negative" if value < 0 else f"{name} not negative")
    floats = [arrays[ref] for ref in step.refs() if ref in arrays and arrays[ref].dtype.kind == "f"]
    said = {
        "an input that is broadcast": len({a.shape for a in floats}) > 1,
        "one input given twice": len(set(step.refs())) < len(step.refs()),
        "an empty input": any(a.size == 0 for a in floats),
        "a 0-d input": any(a.ndim == 0 for a in floats),
        "an input of more than one dimension": any(a.ndim > 1 for a in floats),
        "equal numbers in an input": any(np.unique(a).size < a.size for a in floats),
        "a zero in an input": any((a == 0).any() for a in floats),
        "a negative number in an input": any((a < 0).any() for a in floats),
        **{f"{dtype} inputs": True for dtype in sorted({a.dtype.name for a in floats})},
    }
    return out + [trait for trait, has in said.items() if has]


def shared_by_failing(
    op: Op, ours: Engine, theirs: Engine, dtypes: Sequence[str], cases: int, seed: int, order: int
) -> str:
    """One line on what all failing cases have and (nearly) no other: one trait, or two together; empty if there is none.

    A passing case may have it by luck: a mistake in the shape of a gradient is none where the axis has one element.
    """
    failing, passing = [], []
    for case, dtype in ((case, dtype) for case in range(cases) for dtype in dtypes):
        label = f"{seed}/{op.name}/{dtype}/{case}"
        try:
            result = check_case(op, ours, theirs, dtype, case, label, min(order, op.order), len(dtypes) > 1)
        except Exception:
            continue
        (failing if result.verdict.fails else passing).append(traits(result.program))
    tried = len(failing) + len(passing)
    if len(failing) < 2:
        return ""
    if 4 * len(failing) >= 3 * tried:
        return f"{f'{len(failing)} of the' if passing else 'all'} {tried} cases tried differ"
    common = [trait for trait in failing[0] if all(trait in case for case in failing)]
    best, others = "", len(failing)
    for some in (*combinations(common, 1), *combinations(common, 2)):
        having = sum(set(some) <= set(other) for other in passing)
        if having < others and having <= max(1, len(failing) // 4):
            best, others = " and ".join(some), having
    rest = f"{others} of the others {'has' if others == 1 else 'have'} that too" if others else "none of the others has"
    return f"the {len(failing)} of {tried} cases that differ all have {best}; {rest}" if best else ""


def cut(program: Program, name: str, value: np.ndarray) -> Program:
    """The program with the step `name` replaced by a leaf of its value, less the steps that only it needed."""
    outputs = set(program.outputs())
    leaves = (*program.leaves, Leaf(name, np.array(value), value.dtype.kind == "f"))
    program = replace(program, leaves=leaves, steps=tuple(step for step in program.steps if step.name != name))
    while idle := set(program.outputs()) - outputs:
        program = replace(program, steps=tuple(step for step in program.steps if step.name not in idle))
    return program


def simplify(
    program: Program, fails: Callable[[Program], bool], tries: int = 200, model: Engine | None = None
) -> Program:
    """Drops steps and leaves that do not matter, then makes numbers short, for as long as it goes on failing.

    With a `model` steps are also replaced by their values on it.
    """

    def attempt(candidate: Program) -> bool:
        nonlocal tries
        tries -= 1
        try:
            return tries > 0 and fails(candidate)
        except Exception:
            return False

    for _ in range(2):  # what another step needed at first may go the second time
        for i in reversed(range(len(program.steps))):
            if len(program.steps) > 1 and not any(program.steps[i].name in step.refs() for step in program.steps):
                if attempt(smaller := program.without(i)):
                    program = smaller
    with quiet():
        values = run(program, model, 0).values if model else {}
    for name in [step.name for step in reversed(program.steps[:-1])]:
        if name in values and any(step.name == name for step in program.steps):
            if attempt(smaller := cut(program, name, values[name])):
                program = smaller
    used = {ref for step in program.steps for ref in step.refs()}
    program = replace(program, leaves=tuple(leaf for leaf in program.leaves if leaf.name in used))
    for i, leaf in enumerate(program.leaves):
        if leaf.array.dtype.kind != "f":
            continue
        for make in (
            np.zeros_like,
            np.ones_like,
            lambda a: np.round(a),
            lambda a: np.round(a, 1),
            lambda a: np.round(a, 3),
        ):
            with np.errstate(all="ignore"):
                array = make(program.leaves[i].array)
            new = replace(
                program,
                leaves=(*program.leaves[:i], Leaf(leaf.name, array, leaf.requires_grad), *program.leaves[i + 1 :]),
            )
            if not np.array_equal(array, program.leaves[i].array) and attempt(new):
                program = new
                break
    return program


class Difference(AssertionError):
    """Raised inside Hypothesis so that it shrinks."""
