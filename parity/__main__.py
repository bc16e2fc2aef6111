"""python -m parity: everything; or one of ops, programs, corners, calls, training, mutants, script, effects, speed.

Exit status: 0 no difference, 1 a difference, 2 wrong usage or something that is not there.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from parity import checks, report
from parity.checks import Row
from parity.engines import Engine, NotHere, load
from parity.ops import OPS


def parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--engine", default="minigrad", metavar="MODULE", help="the engine to check (default minigrad)")
    common.add_argument(
        "--against", default="torch", metavar="MODULE", help="what it is checked against (default torch)"
    )
    common.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="where torch computes")
    common.add_argument("--dtype", choices=("float32", "float64"), help="one precision (default both)")
    common.add_argument("--seed", type=int, default=0, help="another search (default 0)")
    common.add_argument("--json", metavar="FILE", help="write the report as data")
    common.add_argument("--html", metavar="FILE", help="write the report as one page")
    common.add_argument("--quiet", action="store_true", help="print differences only")
    out = argparse.ArgumentParser(
        prog="python -m parity",
        parents=[common],
        description="Check an autograd engine against torch.",
        epilog="Without a command all but script, effects and speed are run. Exit: 0 same, 1 a difference, 2 wrong usage.",
    )
    commands = out.add_subparsers(dest="command", metavar="COMMAND")
    ops = commands.add_parser(
        "ops", parents=[common], help="every op: values, shapes, dtypes, derivatives of orders 1 to 3"
    )
    ops.add_argument("names", nargs="*", metavar="NAME")
    ops.add_argument("--cases", type=positive, default=8, help="cases for each op and dtype (default 8)")
    programs = commands.add_parser("programs", parents=[common], help="random programs of many ops")
    programs.add_argument("--examples", type=positive, default=8000, metavar="N")
    programs.add_argument("--jobs", type=positive, default=1, metavar="J", help="processes that share them (default 1)")
    programs.add_argument("--first", type=int, default=0, metavar="N", help="start at program N of the seed (default 0)")
    programs.add_argument("--keep-going", action="store_true", help="go on after a difference; one of each kind is kept")
    programs.add_argument("--max-ops", type=positive, default=8, metavar="K")
    programs.add_argument(
        "--order",
        type=int,
        choices=(1, 2, 3),
        default=1,
        help="derivatives for most programs (one in ten has all three)",
    )
    commands.add_parser("corners", parents=[common], help="ties, knees, 0**0, inf and nan: torch's conventions")
    calls = commands.add_parser("calls", parents=[common], help="random call order, torch as the model")
    calls.add_argument("--examples", type=positive, default=1500, metavar="N")
    training = commands.add_parser("training", parents=[common], help="every lesson and optimizer, step by step")
    training.add_argument("names", nargs="*", metavar="LESSON")
    mutants = commands.add_parser("mutants", parents=[common], help="the checker checked: wrong engines must be caught")
    mutants.add_argument("names", nargs="*", metavar="MUTANT")
    commands.add_parser("script", add_help=False, help="any torch script under both: script FILE [ARGS]")
    commands.add_parser("effects", add_help=False, help="programs with writes in place, views, hooks: torch's gradient or error")
    commands.add_parser("speed", add_help=False, help="the engine, torch and hand-written NumPy, timed")
    return out


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {value}")
    return value


Section = Callable[[argparse.Namespace, Engine, Engine, Any], Iterator[Row]]


def ops_section(options: argparse.Namespace, ours: Engine, theirs: Engine, bar: Any) -> Iterator[Row]:
    names = list(getattr(options, "names", []))
    if unknown := [name for name in names if name not in OPS]:
        raise SystemExit(usage(f"no op named {', '.join(unknown)}; known: {', '.join(OPS)}"))
    dtypes = (options.dtype,) if options.dtype else ours.dtypes()
    yield from bar(
        checks.check_ops(ours, theirs, names, dtypes, getattr(options, "cases", 8), options.seed),
        len(names) or len(OPS),
    )


def programs_section(options: argparse.Namespace, ours: Engine, theirs: Engine, bar: Any) -> Iterator[Row]:
    from parity import search

    dtypes = (options.dtype,) if options.dtype else ours.dtypes()
    examples = getattr(options, "examples", 8000)
    row = Row("programs", "random programs")
    with bar.counter(examples) as progress:
        try:
            search.check_programs(
                ours,
                theirs,
                examples,
                options.seed,
                getattr(options, "max_ops", 8),
                getattr(options, "order", 1),
                dtypes,
                progress=progress,
                jobs=getattr(options, "jobs", 1),
                first=getattr(options, "first", 0),
                keep_going=getattr(options, "keep_going", False),
                row=row,
            )
        except KeyboardInterrupt:
            yield row
            raise
    yield row


def corners_section(options: argparse.Namespace, ours: Engine, theirs: Engine, bar: Any) -> Iterator[Row]:
    from parity import corners

    yield from corners.check_corners(ours, theirs)


def calls_section(options: argparse.Namespace, ours: Engine, theirs: Engine, bar: Any) -> Iterator[Row]:
    from parity import calls

    with bar.counter(getattr(options, "examples", 1500)) as progress:
        yield calls.check_calls(ours, theirs, getattr(options, "examples", 1500), options.seed, progress)


def training_section(options: argparse.Namespace, ours: Engine, theirs: Engine, bar: Any) -> Iterator[Row]:
    from parity import training

    if options.aside is not None:
        yield from options.aside.result()
        return
    names = list(getattr(options, "names", []))
    known = training.names()
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(usage(f"no lesson or optimizer named {', '.join(unknown)}; known: {', '.join(known)}"))
    yield from bar(training.check_training(ours, theirs, names, options.dtype), len(names) or len(known))


def mutants_section(options: argparse.Namespace, ours: Engine, theirs: Engine, bar: Any) -> Iterator[Row]:
    from parity import mutants

    names = list(getattr(options, "names", []))
    known = mutants.names()
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(usage(f"no mutant named {', '.join(unknown)}; known: {', '.join(known)}"))
    if ours.name != "minigrad":
        if getattr(options, "command", None) == "mutants":
            raise SystemExit(usage("mutants are made of minigrad; they need --engine minigrad"))
        return
    failing = (
        {section: {row.name: row.cases for row in rows if row.fails} for section, rows in options.found.items()}
        if options.command is None
        else {}
    )
    yield from bar(mutants.check_mutants(ours, theirs, names, options.seed, failing), len(names) or len(known))


SECTIONS: dict[str, Section] = {
    "ops": ops_section,
    "corners": corners_section,
    "programs": programs_section,
    "calls": calls_section,
    "training": training_section,
    "mutants": mutants_section,
}


class Bars:
    """Progress on a terminal, silence elsewhere."""

    def __init__(self, title: str, quiet: bool):
        self.progress = Progress(
            TextColumn(f"{title:<10}"),
            BarColumn(30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            transient=True,
            disable=quiet or not sys.stderr.isatty(),
            console=report.make_console(sys.stderr),
        )

    def __call__(self, rows: Iterator[Row], total: int) -> Iterator[Row]:
        with self.progress:
            yield from self.progress.track(rows, total=total)

    def counter(self, total: int) -> Any:
        from contextlib import contextmanager

        @contextmanager
        def count() -> Iterator[Callable[[int], None]]:
            with self.progress:
                task = self.progress.add_task("", total=total)
                yield lambda n: self.progress.update(task, completed=n)

        return count()


def usage(message: str) -> int:
    print(f"parity: {message}", file=sys.stderr)
    return 2


def named(options: argparse.Namespace) -> str:
    """The options, unless usual, that say what is compared."""
    usual = {"engine": "minigrad", "against": "torch", "device": "cpu", "dtype": None}
    return " ".join(f"--{name} {getattr(options, name)}" for name, value in usual.items() if getattr(options, name) != value)


def versions(*engines: Engine) -> dict[str, str]:
    import numpy

    return {
        "python": sys.version.split()[0],
        "numpy": numpy.__version__,
        **{engine.name: str(getattr(engine.module, "__version__", "?")) for engine in engines},
    }


def main(argv: Sequence[str] | None = None) -> int:
    argv = list(sys.argv[1:] if argv is None else argv)
    routed = {"script": "scripts", "speed": "speed", "effects": "effects"}
    if argv and argv[0] in routed:
        return int(importlib.import_module(f"parity.{routed[argv[0]]}").main(argv[1:]))
    options = parser().parse_args(argv)
    try:
        theirs = load(options.against, options.device)
        ours = load(options.engine, options.device)
    except NotHere as error:
        return usage(str(error))
    if theirs.name == "torch":
        theirs.module.set_num_threads(1)
    if not options.dtype and len(ours.dtypes()) == 1 and not options.quiet:
        print(f"{ours.name} holds {ours.dtypes()[0]} only, so it is checked in that")
    names = [options.command] if options.command else list(SECTIONS)
    found: dict[str, list[Row]] = {}
    options.found = found
    console = report.make_console()
    stopped = False
    options.aside, pool = None, None
    if (
        options.command is None and options.device == "cpu" and (os.cpu_count() or 1) > 1
    ):  # the longest section runs beside the others
        pool = ProcessPoolExecutor(1, get_context("spawn"))
        from parity import training

        options.aside = pool.submit(training.in_process, options.engine, options.against, options.device, options.dtype)
    try:
        for name in names:
            rows = found.setdefault(name, [])
            for row in SECTIONS[name](options, ours, theirs, Bars(name, options.quiet)):
                rows.append(row)
    except KeyboardInterrupt:
        stopped = True
    except SystemExit as status:
        return int(status.code or 0)
    finally:
        if pool is not None:
            pool.shutdown(wait=not stopped, cancel_futures=True)
    report.write(console, found, ours.name, theirs.name, options.quiet, ours.runs_scripts, named(options))
    if stopped:
        console.print("stopped by Ctrl-C; this is what was found until then")
    try:
        data = (
            report.as_data(found, ours.name, theirs.name, versions(ours, theirs), named(options))
            if options.json or options.html
            else {}
        )
        if options.json:
            report.save_json(options.json, data)
        if options.html:
            report.save_html(options.html, data)
    except OSError as error:
        return usage(f"cannot write the report: {error}")
    return (
        130
        if stopped
        else int(data["failed"])
        if data
        else int(any(row.fails for rows in found.values() for row in rows))
    )


if __name__ == "__main__":
    sys.exit(main())
