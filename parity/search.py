"""Random programs of many ops: `check_programs`, in one process or in several.

Program number n of a seed is the same whatever is checked before it and in however many processes, so a number is all
that a process has to say of what it found: the program is drawn again here, shrunk and reported. The first difference
stops the search, unless it is told to keep going. `torch worse` and `both off` never do. Of what does not stop it one
of each kind is kept, simplified; a kind is a verdict, an order of derivative and the ops that are left.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import numpy as np

from parity.checks import Failure, Row, shown, simplify, smallest, varied
from parity.engines import Engine, load
from parity.ops import OPS, PROGRAM_OPS
from parity.programs import Program, Varied, compose_any, quiet, script
from parity.strategies import programs
from parity.verdicts import Finding, Result, Verdict, check, name

CHUNK = 200  # programs that a process takes at a time
KEPT = 20  # findings that are kept, and differences
LISTED = 200  # numbers of programs that differ, in the note
LOOKED_AT = 100  # how many of each are simplified, to see whether they are of a new kind
DIED = "a process died while it checked programs {0.start} to {0.stop}, or some that another had then"
CRASHED = "the checker itself failed on this program: {}"
NOTABLE = (Verdict.TORCH_WORSE, Verdict.BOTH_OFF, Verdict.CHOICE)


@dataclass(frozen=True)
class Settings:
    """What is drawn and how it is checked. First order by `backward()` for most, the third for one in ten; one in
    `judged_every` is always judged, the others where the bits differ."""

    seed: int = 0
    max_ops: int = 8
    order: int = 1
    dtypes: tuple[str, ...] = ("float32", "float64")
    judged_every: int = 20
    keep_going: bool = False
    ops: tuple[str, ...] = tuple(op.name for op in PROGRAM_OPS)

    def depth(self, n: int) -> int:
        return self.order if n % 10 else 3

    def again(self, n: int) -> str:
        """The options that check program n alone."""
        usual = Settings()
        options = [f"--seed {self.seed} --first {n} --examples 1"]
        options += [f"--max-ops {self.max_ops}"] if self.max_ops != usual.max_ops else []
        options += [f"--order {self.order}"] if self.order != usual.order else []
        options += [f"--dtype {self.dtypes[0]}"] if len(self.dtypes) == 1 else []
        return " ".join(options)


class Search:
    """The programs of the settings on two engines."""

    def __init__(self, ours: Engine, theirs: Engine, settings: Settings):
        self.ours, self.theirs, self.settings = ours, theirs, settings
        self.ops = [OPS[name] for name in settings.ops]

    def check(self, n: int) -> Result:
        """Draws and checks program n. The model of the drawing has computed it by then, so is not asked again."""
        s = self.settings
        depth = s.depth(n)
        source = Varied(f"{s.seed}/programs/{n}")
        program, drawing = compose_any(source, self.theirs, self.ops, s.max_ops, s.dtypes)
        did = drawing.outcome(program, min(depth, self.ours.orders), depth == 1)
        judging = "always" if n % s.judged_every == 0 else "disputes"
        return check(program, self.ours, self.theirs, depth, judging, depth == 1, did)

    def again(
        self, program: Program, depth: int, judging: str = "disputes", by_backward: bool | None = None
    ) -> Result:
        with quiet():
            by_backward = depth == 1 if by_backward is None else by_backward
            return check(program, self.ours, self.theirs, depth, judging, by_backward)

    def part(self, numbers: range, stop: Callable[[], bool] = lambda: False) -> Part:
        """Checks these programs, up to the first difference unless it is to keep going."""
        out = Part()
        with quiet():
            for n in numbers:
                if stop():
                    break
                try:
                    result = self.check(n)
                except KeyboardInterrupt:
                    out.interrupted = True
                    break
                except Exception as error:
                    out.failed.append(Seen(n, Verdict.ONE_ERROR, "checker", CRASHED.format(name(error)), ""))
                    if not self.settings.keep_going:
                        break
                    continue
                out.row.count(result)
                if result.verdict in NOTABLE:
                    out.found.append((n, result.verdict))
                if result.verdict.fails:
                    finding = next(f for f in result.findings if f.verdict.fails)
                    text = script(result.program)
                    out.failed.append(Seen(n, finding.verdict, finding.what, finding.sentence, text))
                    if not self.settings.keep_going:
                        break
        return out

    def failure(self, difference: Seen, shrink: bool) -> Failure:
        """The difference with the smallest program that shows it."""
        depth, label = self.settings.depth(difference.n), self.settings.again(difference.n)
        if not difference.script:
            return Failure(None, Finding(difference.what, difference.verdict, difference.sentence), label, depth)
        with quiet():
            result = self.check(difference.n)
        if not result.verdict.fails:
            told = f"{difference.sentence} (seen once; not when the program was run again by itself)"
            return Failure(None, Finding(difference.what, difference.verdict, told), label, depth, difference.script)
        program = result.program

        def fails(candidate: Program) -> bool:
            return self.again(candidate, depth).verdict is result.verdict

        if shrink:
            program = simplify(program, fails, model=self.theirs)
            ops, dtypes = tuple({step.op: None for step in program.steps}), self.settings.dtypes
            wild = None if program.wild() else False
            strategy = programs(self.theirs, ops, len(program.steps), dtypes, wild)
            program = varied(smallest(strategy, fails, program), fails, self.theirs)
        return shown(program, result, label, depth, lambda p, order: self.again(p, order, "always", depth == 1))

    def finding(self, n: int, verdict: Verdict) -> Failure:
        """What program n showed that is no fault, simplified."""
        depth = self.settings.depth(n)
        with quiet():
            program = self.check(n).program

        def shows(candidate: Program) -> bool:
            return self.again(candidate, depth, "always").verdict is verdict

        program = simplify(program, shows, 60, self.theirs)
        result = self.again(program, depth, "always")
        finding = next((f for f in result.findings if f.verdict is verdict), Finding("", verdict, ""))
        return Failure(program, finding, self.settings.again(n), depth, "", result.by_backward, result)


class Kinds:
    """A bounded list of failures, one of each kind."""

    def __init__(self, kept: list[Failure]):
        self.kept, self.kinds, self.tried = kept, set[Any](), 0

    def take(self, make: Callable[[], Failure]) -> None:
        if len(self.kept) < KEPT and self.tried < LOOKED_AT:
            self.tried += 1
            failure = make()
            found, steps = failure.finding, failure.program.steps if failure.program else ()
            kind: Any = found.verdict, found.what.split(" ")[0], *(step.op.name for step in steps)
            if not found.verdict.fails and isinstance(found.ours, np.ndarray) and not np.isfinite(found.ours).all():
                kind = found.verdict  # all that is at inf and nan
            if kind not in self.kinds:
                self.kinds.add(kind)
                self.kept.append(failure)


@dataclass
class Seen:
    """What a process saw: a program that differs; without a script, of the process itself."""

    n: int
    verdict: Verdict
    what: str
    sentence: str
    script: str


@dataclass
class Part:
    """The checks of some programs; what travels between processes."""

    row: Row = field(default_factory=lambda: Row("programs", "random programs"))
    found: list[tuple[int, Verdict]] = field(default_factory=list)
    failed: list[Seen] = field(default_factory=list)
    interrupted: bool = False


def check_programs(
    ours: Engine,
    theirs: Engine,
    examples: int = 8000,
    seed: int = 0,
    max_ops: int = 8,
    order: int = 1,
    dtypes: Sequence[str] = ("float32", "float64"),
    judged_every: int = 20,
    progress: Callable[[int], None] = lambda n: None,
    shrink: bool = True,
    jobs: int = 1,
    first: int = 0,
    keep_going: bool = False,
    row: Row | None = None,
) -> Row:
    """Checks programs number `first` to `first + examples` of the seed, in `jobs` processes; see `Settings`.

    `row` is filled as the search goes, so that the caller has it when Ctrl-C stops the search (KeyboardInterrupt).
    With more than one job both engines have to be modules that `engines.load` finds by name.
    """
    row = Row("programs", "random programs") if row is None else row
    offered = [op for op in PROGRAM_OPS if not ours.missing(op.expression)]
    offers = f"{ours.name} has {len(offered)} of the {len(PROGRAM_OPS)} ops" if len(offered) < len(PROGRAM_OPS) else ""
    if not offered:
        row.verdict, row.note = Verdict.NOT_OFFERED, offers
        return row
    names = tuple(op.name for op in offered)
    settings = Settings(seed, max_ops, order, tuple(dtypes), judged_every, keep_going, names)
    search = Search(ours, theirs, settings)
    chunks = [range(n, min(n + CHUNK, first + examples)) for n in range(first, first + examples, CHUNK)]
    parts = _parts(search, chunks) if jobs == 1 else _parts_of_processes(search, chunks, jobs)
    start, differing = time.perf_counter(), list[int]()
    findings, failures = Kinds(row.findings), Kinds(row.failures)
    first_seen: Seen | None = None

    def note() -> str:
        partly = row.counts[Verdict.NOT_OFFERED.value]
        rate = f"{row.cases / max(time.perf_counter() - start, 1e-9):.1f} programs a second"
        numbers = ", ".join(map(str, differing[:LISTED])) + (", ..." if len(differing) > LISTED else "")
        more = f"{len(differing)} programs differ (--first {numbers})" if len(differing) > 1 else ""
        lack = f"{partly} program{'s need' if partly > 1 else ' needs'} what it lacks" if partly else ""
        return "; ".join(filter(None, (offers, lack, more, rate if row.cases > 1 else "")))

    for part in parts:
        row.merge(part.row)
        row.errors = row.errors[-2000:]
        row.note = note()
        progress(row.cases)
        for seen in part.failed:
            differing.append(seen.n)
            if keep_going:
                failures.take(lambda seen=seen: search.failure(seen, shrink))
            elif first_seen is None or seen.n < first_seen.n:
                first_seen = seen
        for n, verdict in part.found if shrink else ():
            findings.take(lambda n=n, verdict=verdict: search.finding(n, verdict))
        if part.interrupted:
            raise KeyboardInterrupt
    if first_seen:
        row.failures.append(search.failure(first_seen, shrink))
    row.note = note()
    return row


def _parts(search: Search, chunks: Sequence[range]) -> Iterator[Part]:
    for chunk in chunks:
        part = search.part(chunk)
        yield part
        if part.failed and not search.settings.keep_going:
            return


# ------------------------------------------------------------------------------------------------- in several processes

_search: Search | None = None
_stop: Any = None


def _begin(ours: tuple[str, str], theirs: tuple[str, str], settings: Settings, stop: Any) -> None:
    """What a new process does first. Ctrl-C is its parent's business, which says so by `stop`."""
    global _search, _stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    against = load(*theirs)
    if against.name == "torch":
        against.module.set_num_threads(1)
    _search, _stop = Search(load(*ours), against, settings), stop


def _part(numbers: range) -> Part:
    assert _search is not None
    return _search.part(numbers, _stop.is_set)


def _parts_of_processes(search: Search, chunks: Sequence[range], jobs: int) -> Iterator[Part]:
    """The parts as they are done. After a difference in one, or Ctrl-C, the others end at their next program."""
    context = get_context("spawn")
    stop = context.Event()
    who = [(engine.source, engine.device) for engine in (search.ours, search.theirs)]
    if not all(name for name, _ in who):
        raise ValueError("several jobs need engines that are loaded by their module's name")
    pool = ProcessPoolExecutor(jobs, context, _begin, (*who, search.settings, stop))
    left, running = iter(chunks), dict[Future[Part], range]()
    interrupted = died = False
    try:
        while True:
            while not stop.is_set() and len(running) < 2 * jobs and (chunk := next(left, None)):
                running[pool.submit(_part, chunk)] = chunk
            if not running:
                break
            try:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
            except KeyboardInterrupt:
                stop.set()
                interrupted = True
                continue
            for future in done:
                numbers = running.pop(future)
                try:
                    part = future.result()
                except BrokenProcessPool:
                    part = Part()
                    if not stop.is_set():
                        part.failed.append(Seen(numbers[0], Verdict.ONE_ERROR, "process", DIED.format(numbers), ""))
                        died = True
                except CancelledError:
                    continue
                if died or (part.failed and not search.settings.keep_going):
                    stop.set()
                yield part
        if interrupted:
            raise KeyboardInterrupt
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
