"""The check of every op by itself (`check_ops`), and what all checks share: rows of the report, and shrinking.

A `Row` has how many cases there were, the worst error in units of its bound for values and for each order of
derivative, and the worst verdict with the smallest program that shows it. Shrinking is Hypothesis's, before and after
it `simplify`, which drops steps of the program as data and rounds values. Random programs of many ops: `search.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import hypothesis
import numpy as np
from hypothesis import HealthCheck, Verbosity, settings
from hypothesis.errors import NoSuchExample

from parity.engines import Engine
from parity.ops import OPS, Op
from parity.programs import Leaf, Program, Seeded, draw, quiet, run
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
                finding = next(f for f in result.findings if f.verdict.fails)
                found = shrink_op(op, ours, theirs, dtype, result) if shrink else result.program
                final = check(found, ours, theirs, min(order, op.order), "always")
                finding = next((f for f in final.findings if f.verdict.fails), finding)
                row.failures.append(Failure(found, finding, label, min(order, op.order)))
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
        program = draw(Seeded(label), theirs, [op], 1, dtype, wild=wild, mixed=mixed and case % 6 == 5 and not wild)
        result = check(program, ours, theirs, 1 if wild else order, "always")
        if not result.verdict.fails and result.verdict is not Verdict.NOT_OFFERED:
            again = check(program, ours, theirs, 1, "disputes", by_backward=True)
            if again.verdict.fails:
                return again
    return result


def shrink_op(op: Op, ours: Engine, theirs: Engine, dtype: str, result: Result) -> Program:
    def fails(program: Program) -> bool:
        with quiet():
            return check(program, ours, theirs, op.order, "always").verdict is result.verdict

    return smallest(programs(theirs, (op,), 1, dtypes=(dtype,), wild=False), fails, result.program)


def smallest(strategy: Any, fails: Callable[[Program], bool], start: Program) -> Program:
    """The smallest program that Hypothesis finds to fail likewise, simplified; `start` if it finds none.

    A tensor without elements shows nothing, so it is smallest only where `start` has one.
    """

    def shows(program: Program) -> bool:
        return (empty or all(leaf.array.size for leaf in program.leaves)) and fails(program)

    empty = not all(leaf.array.size for leaf in start.leaves)
    try:
        found = hypothesis.find(
            strategy,
            shows,
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


def _weight(program: Program) -> tuple[int, int]:
    return len(program.steps), sum(leaf.array.size for leaf in program.leaves)


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
