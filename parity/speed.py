"""python -m parity speed: the engine, torch and hand-written NumPy, timed on the same training steps (steps.py).

Before anything is timed all three do `CHECKED` steps from one start, and their losses, gradients and parameters are
compared. Then they are timed in turn in one process: whatever else loads the machine loads all three alike. Each number
of threads has a process of its own, since BLAS reads it when it is loaded; so has each reading of memory, which needs a
heap that nobody has used. A goal that is missed is shown and is no failure; a difference is.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import importlib
import importlib.util
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from parity import report
from parity.steps import ROWS, Row, Step, factors

CONTENDERS = ("minigrad", "torch", "numpy")
CHECKED = 3  # steps compared before timing
SLACK = 16  # roundings of a step beside those of its longest sum
ROUNDS, QUICK_ROUNDS = 40, 3
SAMPLE_SECONDS, ROW_SECONDS = 0.004, 12.0  # torch's part of a round at least; all rounds of a row, roughly, at most
SETTLE_SECONDS = 0.03  # BLAS threads spin so long when their work is done, and would slow whoever comes next
CHAINS = (10**3, 10**4, 10**5, 10**6)
NAMES = (*ROWS, "import")
LARGE = {name for name, row in ROWS.items() if row.large}
IMPORT_GOALS, CHAIN_BYTES_GOAL = (None, 1.3), 450
MEMORY_IS_SEEN = Path("/proc/self/clear_refs").exists()  # where the peak of a process can be reset: Linux

# ------------------------------------------------------------------ in the child: one number of threads


def contender(name: str, row: Row) -> Step:
    return row.by_hand(row.data()) if name == "numpy" else row.lesson(importlib.import_module(name), row.data())


def arrays(result: Any, unordered: bool) -> list[np.ndarray]:
    """The arrays in a step's result, as copies; of one that shuffles, each column sorted."""
    if unordered:
        columns = [np.concatenate([arrays(part, False)[0] for part in column]) for column in zip(*result, strict=True)]
        return [np.sort(column, 0) for column in columns]
    parts = result if isinstance(result, list | tuple) else [result]
    return [np.array(part.detach().numpy() if hasattr(part, "detach") else part) for part in parts]


def disagreement(row: Row, steps: Sequence[Step]) -> tuple[float, str]:
    """The worst error of `CHECKED` steps in units of its bound, and in words where.

    The error of an array a is |a - b| / |b| in the 2-norm, b the one by hand; its bound is SLACK * eps * sqrt(terms):
    rounding errors of a sum grow as the root of its terms.
    """
    bound, worst, where = SLACK * float(np.finfo(np.float32).eps) * row.terms**0.5, 0.0, ""
    for number in range(1, CHECKED + 1):
        *engines, by_hand = [arrays(step(), row.unordered) for step in steps]
        for who, results in zip(CONTENDERS, engines, strict=False):
            for i, (a, b) in enumerate(zip(results, by_hand, strict=True)):
                error = distance(a, b)
                if not error / bound <= worst:
                    worst = error / bound
                    where = f"{who}, step {number}, result {i}: {error:.1e} from the one by hand, bound {bound:.1e}"
    return worst, where


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """|a - b| / |b|; infinite where the shapes differ, but a single number may have any."""
    if a.shape != b.shape and not a.size == b.size == 1:
        return float("inf")
    a, b = a.ravel().astype(float), b.ravel().astype(float)
    return float(np.linalg.norm(a - b) / (np.linalg.norm(b) or 1.0))


def sample(step: Step, calls: int, pause: float) -> float:
    """Seconds a call, over `calls` of them."""
    time.sleep(pause)
    if calls > 1:
        step()  # the caches hold another's data
    start = time.perf_counter()
    for _ in repeat(None, calls):
        step()
    return (time.perf_counter() - start) / calls


def measure(name: str, threads: int, rounds: int) -> dict[str, Any]:
    """Times one row, if the three agree; all do the same number of calls, and so the same steps."""
    row, pause = ROWS[name], SETTLE_SECONDS if threads > 1 else 0.0
    steps = [contender(who, row) for who in CONTENDERS]
    error, where = disagreement(row, steps)
    found: dict[str, Any] = {"name": name, "threads": threads, "agree": error <= 1, "error": error, "where": where}
    if error <= 1:
        once = [sample(step, 1, 0) for step in steps]
        calls = max(1, min(10_000, round(SAMPLE_SECONDS / once[1])))
        rounds = max(1, min(rounds, round(ROW_SECONDS / (calls * sum(once)))))
        gc.collect()
        gc.freeze()  # what is there already is not searched again; what a step leaves behind is, as in any script
        found |= summary([[sample(step, calls, pause) for step in steps] for _ in range(rounds)], calls, row.goals)
        gc.unfreeze()
    return found


def measure_import(name: str, threads: int, rounds: int) -> dict[str, Any]:
    """Times whole processes that do nothing but import, with the bytecode on disk as an installed package has it."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}

    def process(module: str) -> Step:
        command = [sys.executable, "-P", "-c", f"import {module}"]
        return lambda: subprocess.run(command, check=True, env=environment)

    steps = [process(who) for who in CONTENDERS]
    for step in steps:
        step()  # writes the bytecode and reads the files
    times = [[sample(step, 1, 0) for step in steps] for _ in range(min(rounds, 10))]
    return {"name": name, "threads": threads, "agree": True, **summary(times, 1, IMPORT_GOALS)}


def summary(times: Sequence[Sequence[float]], calls: int, goals: tuple[float | None, float | None]) -> dict[str, Any]:
    """What rounds of (minigrad, torch, numpy) seconds say.

    Medians and fastest in microseconds; medians of the ratios within a round, and ratios of the fastest; whether the
    medians keep to the goals, None if there is none.
    """
    columns = dict(zip(CONTENDERS, zip(*times, strict=True), strict=True))
    ours, others = columns["minigrad"], {who: columns[who] for who in CONTENDERS[1:]}
    ratio = {who: statistics.median(a / b for a, b in zip(ours, t, strict=True)) for who, t in others.items()}
    wanted = dict(zip(others, goals, strict=True))
    kept = [ratio[who] <= most for who, most in wanted.items() if most is not None]
    return {
        "rounds": len(times),
        "calls": calls,
        "median_us": {who: statistics.median(t) * 1e6 for who, t in columns.items()},
        "fastest_us": {who: min(t) * 1e6 for who, t in columns.items()},
        "ratio": ratio,
        "fastest_ratio": {who: min(ours) / min(t) for who, t in others.items()},
        "goals": wanted,
        "met": all(kept) if kept else None,
    }


def resident(which: str = "VmRSS") -> int:
    """Bytes of memory that this process holds (VmRSS), or held at most (VmHWM)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{which}:")[1].split()[0]) * 1024


def trim() -> None:
    """Give freed memory back, so that what is held is what is used."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def measure_memory(name: str, who: str) -> dict[str, Any]:
    """The most that a row's data, parameters, buffers and steps take at once, in bytes."""
    for small in ("minibatch_10", "mlp_64"):
        contender(who, ROWS[small])()  # what the libraries themselves take with their first work
    trim()
    before = resident()
    step = contender(who, ROWS[name])
    trim()
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts again
    for _ in range(2):
        result = step()  # held while the next is computed, as by a training loop
    del result
    return {"name": name, "who": who, "bytes": resident("VmHWM") - before}


def measure_chain(n: int, who: str) -> dict[str, Any]:
    """Nanoseconds an op forward and backward, and the bytes that an op of a live graph takes; n ops in each graph."""
    torch = importlib.import_module(who)
    x = torch.tensor(factors(n)["x"], requires_grad=True)

    def forward(length: int) -> Any:
        y = x
        for _ in repeat(None, length):
            y = y * x
        return y

    forward(10).backward()
    trim()
    chains, ops = [], max(n, 10**5)
    before, start = resident() if MEMORY_IS_SEEN else 0, time.perf_counter()
    for _ in range(ops // n):
        chains.append(forward(n))
    middle, held = time.perf_counter(), (resident() if MEMORY_IS_SEEN else 0) - before
    for y in chains:
        y.backward()
    end = time.perf_counter()
    return {
        "who": who,
        "ops": n,
        "forward_ns": (middle - start) / ops * 1e9,
        "backward_ns": (end - middle) / ops * 1e9,
        "bytes": held / ops if MEMORY_IS_SEEN else None,
    }


def work() -> None:
    """The child: calls on stdin, a list of [function, name, *arguments]; on stdout what each returns, a line each."""
    threads, calls = json.load(sys.stdin)
    importlib.import_module("torch").set_num_threads(threads)
    for function, name, *arguments in calls:
        try:
            answer = globals()[function](name, *arguments)
        except Exception as failure:  # whatever an engine may raise
            where = f"{type(failure).__name__}: {failure}"
            answer = {"name": name, "threads": threads, "agree": False, "error": None, "where": where}
        print(json.dumps(answer), flush=True)


# ------------------------------------------------------------------ in the parent


def ask(threads: int, calls: Sequence[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """What the calls return in one child process that computes on so many threads."""
    variables = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(variables, str(threads))
    path = [str(Path(__file__).resolve().parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(path)
    command = [sys.executable, "-P", "-c", "from parity.speed import work; work()"]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin and child.stdout
        json.dump((threads, calls), child.stdin)
        child.stdin.close()
        for line in child.stdout:
            yield json.loads(line)
    if child.returncode:
        raise RuntimeError(f"the measuring process ended with status {child.returncode}")


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def plain_table(*columns: str) -> Table:
    out = Table(box=None, pad_edge=False)
    for i, column in enumerate(columns):
        out.add_column(column, justify="right" if i else "left", no_wrap=True)
    return out


def time_table(found: Sequence[dict[str, Any]]) -> Table:
    out = plain_table("row", "minigrad", "torch", "NumPy", "/torch", "goal", "/NumPy", "goal", "met")
    for row in found:
        if not row["agree"]:
            out.add_row(row["name"], Text("differ", style="bold red"))
            continue
        met = {True: Text("yes", style="green"), False: Text("no", style="yellow"), None: Text("")}[row["met"]]
        ratios = [number(row[key][who]) for who in CONTENDERS[1:] for key in ("ratio", "goals")]
        out.add_row(row["name"], *(number(row["median_us"][who]) for who in CONTENDERS), *ratios, met)
    return out


def memory_table(found: Sequence[dict[str, Any]]) -> Table:
    out = plain_table("row", *CONTENDERS)
    for at in range(0, len(found), len(CONTENDERS)):
        trio = found[at : at + len(CONTENDERS)]
        out.add_row(trio[0]["name"], *(f"{side['bytes'] / 2**20:.1f}" for side in trio))
    return out


def chain_table(found: Sequence[dict[str, Any]]) -> Table:
    out = plain_table("ops", "minigrad forward", "backward", "bytes", "torch forward", "backward", "bytes")
    for at in range(0, len(found), 2):
        pair = found[at : at + 2]
        cells = [number(side[key]) for side in pair for key in ("forward_ns", "backward_ns", "bytes")]
        out.add_row(str(pair[0]["ops"]), *cells)
    return out


def plural(threads: int) -> str:
    return "1 thread" if threads == 1 else f"{threads} threads"


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {value}")
    return value


def parser() -> argparse.ArgumentParser:
    out = argparse.ArgumentParser(
        prog="python -m parity speed",
        description="Time minigrad, torch and hand-written NumPy on the same training steps.",
        epilog=f"Rows: {' '.join(NAMES)}. Exit: 0 measured, 1 the three disagree, 2 wrong usage.",
    )
    out.add_argument("rows", nargs="*", metavar="ROW", help="what to time (default all)")
    out.add_argument("--threads", choices=("1", "2", "both"), default="both", help="of BLAS and torch (default both)")
    out.add_argument("--rounds", type=positive, metavar="N", help=f"at most (default {ROUNDS}; fewer of what is slow)")
    out.add_argument("--json", metavar="FILE", help="write the measurements as data")
    out.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds; of large rows only those named")
    return out


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    if unknown := [name for name in options.rows if name not in NAMES]:
        return usage(f"no row named {', '.join(unknown)}; known: {', '.join(NAMES)}")
    if missing := [who for who in CONTENDERS if importlib.util.find_spec(who) is None]:
        return usage(f"not installed: {', '.join(missing)}")
    names = options.rows or [name for name in NAMES if not (options.quick and name in LARGE)]
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    console, progress = report.make_console(), report.make_console(sys.stderr)

    def collect(threads: int, *calls: Sequence[Any]) -> list[Any]:
        """The answers of one child to these calls."""
        found, answers = [], ask(threads, calls)
        with progress.status("") as status:
            for call in calls:
                status.update(f"{plural(threads)}: {' '.join(map(str, call))}")
                found.append(next(answers))
                if call[0] in ("measure_memory", "measure_chain") and "where" in found[-1]:
                    raise RuntimeError(f"{' '.join(map(str, call))}: {found[-1]['where']}")
        return found

    data: dict[str, Any] = {"versions": versions(), "rows": [], "memory": [], "chains": []}
    try:
        for threads in (1, 2) if options.threads == "both" else (int(options.threads),):
            kinds = ["measure_import" if name == "import" else "measure" for name in names]
            found = collect(threads, *((kind, name, threads, rounds) for kind, name in zip(kinds, names, strict=True)))
            data["rows"] += found
            console.print(f"{plural(threads)}: microseconds a step, medians of up to {rounds} rounds")
            console.print(time_table(found), "")
            for row in found:
                if not row["agree"]:
                    console.print(f"{row['name']}: {row['where']}", style="red", markup=False)
        right = [row["name"] for row in found if row["agree"]]
        if MEMORY_IS_SEEN and (large := [name for name in right if name in LARGE]):
            for name, who in itertools.product(large, CONTENDERS):
                data["memory"] += collect(1, ("measure_memory", name, who))
            console.print("Peak memory of data, parameters and steps, MiB", memory_table(data["memory"]), "", sep="\n")
        if "chain_1m" in right:
            for n, who in itertools.product(CHAINS, CONTENDERS[:2]):
                data["chains"] += collect(1, ("measure_chain", n, who))
            console.print(f"Chains of 0-d products: ns and bytes an op; goal {CHAIN_BYTES_GOAL} bytes")
            console.print(chain_table(data["chains"]))
        if options.json:
            report.save_json(options.json, data | {"chain_bytes_goal": CHAIN_BYTES_GOAL})
    except RuntimeError as error:
        print(f"parity speed: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        return usage(f"cannot write the report: {error}")
    except KeyboardInterrupt:
        return 130
    return int(not all(row["agree"] for row in data["rows"]))


def versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "torch": version("torch"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
    }


def usage(message: str) -> int:
    print(f"parity speed: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
