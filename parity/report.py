"""What the checker says at the end: tables within 80 columns, failures with their scripts, JSON, one HTML page.

Errors are in units of their bound: 1 is the most that the arithmetic allows, 0 is exact.
"""

from __future__ import annotations

import html
import json
import os
import re
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from parity.checks import BINS, Failure, Row
from parity.programs import Program, full_script, literal, show
from parity.verdicts import Finding, Verdict

STYLES = {
    Verdict.SAME: "green",
    Verdict.WITHIN: "green",
    Verdict.NOT_OFFERED: "dim",
    Verdict.UNDECIDED: "yellow",
    Verdict.CHOICE: "yellow",
    Verdict.TORCH_WORSE: "yellow",
    Verdict.BOTH_OFF: "yellow",
}
TITLES = {
    "ops": "Ops: worst error in units of the bound",
    "programs": "Random programs",
    "corners": "Corners and conventions",
    "calls": "Call order",
    "training": "Training: lessons and optimizers",
    "mutants": "Wrong engines",
}


ORDERS = ("value", "first", "second", "third")


def number(value: float) -> str:
    return "inf" if value == np.inf else "0" if value == 0 else f"{value:.2f}" if 0.005 <= value < 100 else f"{value:.0e}"


def make_console(file: Any = None) -> Console:
    """Within 80 columns; no colours and no control characters when the output is not a terminal."""
    console = Console(file=file, highlight=False)
    return Console(
        file=file,
        highlight=False,
        width=min(console.width, 80) if console.is_terminal else 80,
        color_system="auto" if console.is_terminal else None,
    )


def table(section: str, rows: Sequence[Row], engine: str, against: str) -> Table:
    """A line a row. Of a row with a difference it has the errors of the program that is printed, not the worst of all."""
    out = Table(title=TITLES.get(section, section), title_justify="left", box=None, pad_edge=False, padding=(0, 1))
    program_like = section in ("ops", "programs")
    out.add_column("name", overflow="fold", max_width=26 if program_like else 34)
    out.add_column("cases", justify="right")
    if program_like:
        for name in ("value", "1st", "2nd", "3rd"):
            out.add_column(name, justify="right")
    elif section == "training":
        out.add_column("step", justify="right")
        out.add_column("free", justify="right")
    out.add_column("verdict")
    noted = section != "programs"  # the note of programs is long, and stands below
    if noted:
        out.add_column("", overflow="fold")
    for row in rows:
        cells = [row.name, str(row.cases)]
        if program_like:
            absent = row.verdict is Verdict.NOT_OFFERED
            cells += [""] * 4 if absent else ["-" if e is None else number(e) for e in shown_errors(row)]
        elif section == "training":
            cells += [number(row.ratios[0]), number(row.ratios[1])]
        style = "bold red" if row.fails else STYLES.get(row.verdict, "")
        note = [Text(row.note, style="dim")] if noted else []
        out.add_row(*cells, Text(in_words(row, engine, against), style=style), *note)
    return out


def in_words(row: Row, engine: str, against: str) -> str:
    """The verdict of a row, with names."""
    if row.section == "mutants" and row.fails:
        return "not caught"
    first = row.failures[0].finding if row.failures else None
    verdict = first.verdict if first else row.verdict
    raises = "" if first is None else engine if first.ours is not None else against if first.theirs is not None else ""
    return verdict.words(engine, against, raises)


def shown_errors(row: Row) -> list[float | None]:
    """Errors over bounds of the values and of each order; where a row has a difference, those of the program printed."""
    return list(row.ratios) if not row.failures else errors_of(row.failures[0])


def errors_of(failure: Failure) -> list[float | None]:
    """None where nothing was compared; infinite where there is an error and the arithmetic is exact."""
    result, f = failure.result, failure.finding
    if result is None:
        return [None] * 4
    errors: list[float | None] = [ratio if i < result.reached else None for i, ratio in enumerate(result.ratios)]
    if isinstance(f.ours, Exception) or isinstance(f.theirs, Exception):
        errors[f.depth :] = [None] * (4 - f.depth)
    elif f.verdict.fails and (errors[f.depth] or 0.0) <= 1:
        errors[f.depth] = np.inf if f.verdict is Verdict.OURS_WORSE else None
    return errors


def heading(row: Row) -> str:
    return row.name if row.name.startswith("random ") else f"{row.section} {row.name}"


def file_name(row: Row, failure: Failure) -> str:
    """Where the script of a failure may be saved; no module has such a name."""
    number = re.search(r"--first (\d+)", failure.seed) if row.section == "programs" else None
    what = f"program_{number.group(1)}" if number else row.name
    return f"{re.sub(r'[^a-z0-9]+', '_', what.lower()).strip('_')[:30]}_differs.py"


def rerun(row: Row, failure: Failure, options: str = "") -> str:
    """The command that finds the failure again."""
    names = {"programs": f"programs {failure.seed}", "corners": "corners", "calls": f"calls --seed {failure.seed.split(',')[0]}"}
    what = failure.again or names.get(row.section, f"{row.section} {row.name}")
    if "--dtype" in what:
        options = re.sub(r" ?--dtype \S+", "", options)
    return " ".join(f"python -m parity {what} {options}".split())


def render_failure(
    row: Row, failure: Failure, engine: str, against: str, runs_scripts: bool = True, options: str = ""
) -> str:
    """The sentence, the script that shows it, both results and the judge's, and the command that finds it again."""
    finding = failure.finding
    lines = filled(finding.sentence)
    if failure.shared:
        lines += filled(f"What they share: {failure.shared}.")
    script = script_of(failure, engine, options)
    if script:
        file = file_name(row, failure)
        if not failure.program and row.section != "calls":  # how it is made, in a line
            lines += [""]
        elif runs_scripts:
            lines += ["", f"  Save this as {file}, then", f"    python {file} {engine}", f"    python {file} {against}", ""]
        else:
            lines += ["", f"  Save this as {file}, then python {file} {against};", f"  {engine} has other names: write it with them", ""]
        lines += ["    " + line if line else "" for line in script.split("\n")]
    judge = f"{against} in float64" if row.section == "training" else JUDGE
    if table := numbers(finding, engine, against, judge):
        lines += ["", *("  " + line for line in table)]
    command = rerun(row, failure, options)
    lines += ["", "  To find it again" + (f" ({failure.seed}):" if row.section == "training" and failure.seed else ":")]
    return "\n".join([*lines, f"    {command}"])


def in_words_of(finding: Finding, row: Row, engine: str, against: str) -> str:
    return in_words(replace(row, verdict=finding.verdict, failures=[Failure(None, finding, "")]), engine, against)


def filled(text: str) -> list[str]:
    """A text in lines of 80 columns at most, indented by two."""
    return textwrap.wrap(
        text, 80, initial_indent="  ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


JUDGE = "what parity itself computes, in higher precision"


def numbers(finding: Finding, engine: str, against: str, judge: str = JUDGE) -> list[str]:
    """Whose numbers, and which: all of a small array, else the element that differs most. No errors: the sentence has
    them."""
    found = [(engine, finding.ours), (against, finding.theirs), ("judge", finding.true)]
    found = [(who, value) for who, value in found if value is not None and not isinstance(value, Exception)]
    if not found:
        return []
    what, texts = finding.what, [brief(value) for _, value in found]
    arrays = [value for _, value in found if isinstance(value, np.ndarray)]
    alike = len(arrays) == len(found) > 1 and len({a.shape for a in arrays}) == 1
    if max(map(len, texts)) > 60 and alike and arrays[0].size > 1 and arrays[0].dtype.kind in "fiub":
        at = worst_element(arrays[0], arrays[-1])
        what += f", element {[int(i) for i in at]} of shape {arrays[0].shape}"
        texts = [brief(np.asarray(a[at])) for a in arrays]
    elif alike and arrays[0].ndim:
        what += f", shape {arrays[0].shape}"
    texts = [text if len(text) < 61 else text[:56] + " ..." for text in texts]
    width = max(len(who) for who, _ in found)
    judged = [f"{'':>{width + 4}}({judge})"] if finding.true is not None else []
    return [f"{what}:", *(f"  {who:>{width}}  {text}" for (who, _), text in zip(found, texts, strict=True)), *judged]


def worst_element(x: np.ndarray, y: np.ndarray) -> tuple[int, ...]:
    with np.errstate(all="ignore"):
        off = np.abs(x.astype(float) - y.astype(float))
        off[np.isnan(off) & ~((x != x) & (y != y))] = np.inf
    at = np.unravel_index(int(np.argmax(np.where(np.isnan(off), -1.0, off))), x.shape)
    return tuple(int(i) for i in at)


def script_of(failure: Failure, engine: str, options: str = "") -> str:
    """The program as a script that stops at the derivative that differs; on the device of `options`, where it is one."""
    lines = (failure.script if failure.program is None else program_script(failure, engine)).split("\n")
    device = re.search(r"--device (\w+)", options)
    at = next((i for i, line in enumerate(lines) if line.startswith("torch = importlib")), None)
    if device and at is not None:
        name = device.group(1)
        lines.insert(at + 1, f"if torch.__name__ == 'torch': torch.set_default_device({name!r})")
    return "\n".join(lines)


def program_script(failure: Failure, engine: str) -> str:
    program, f = failure.program, failure.finding
    assert program is not None
    depth = f.depth if failure.result is not None or f.what else 1
    named = re.match(r"value of (\w+) = ", f.what)
    return full_script(
        program,
        depth,
        engine,
        failure.by_backward,
        recorded=failure.order > depth,
        unused=f.verdict is Verdict.MISSING,
        digits=digits(f, engine),
        also=[named.group(1)] if named else [],
    )


def digits(finding: Finding, engine: str) -> int:
    """How many must be printed to see the difference; 0 where the usual four do."""
    x, y = finding.ours, finding.theirs
    alike = isinstance(x, np.ndarray) and isinstance(y, np.ndarray) and x.shape == y.shape and x.dtype == y.dtype
    if not alike or x.dtype.kind != "f" or not hasattr(sys.modules.get(engine), "set_printoptions"):
        return 0
    with np.errstate(all="ignore"):
        seen = np.abs(x - y) > 1e-3 * np.abs(y).max(initial=0.0)
    return 0 if seen.any() else 17 if x.dtype == np.float64 else 9


def brief(value: Any) -> str:
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            try:
                value = np.vectorize(float, otypes=[object])(value)  # fractions and mpmath's numbers
            except (TypeError, ValueError):
                pass  # an engine's array of whatever
        text = literal(value)
        return (text if len(text) < 300 else text[:300] + " ...") + f"  {value.dtype if value.dtype != object else ''}"
    return f"{type(value).__name__}: {value}" if isinstance(value, Exception) else str(value)


def write(
    console: Console,
    sections: dict[str, list[Row]],
    engine: str,
    against: str,
    quiet: bool,
    runs_scripts: bool = True,
    options: str = "",
) -> None:
    """The tables, the findings in a line each, the failures in full, and the sum.

    `options`: those of the command that say which engines it compares, for the command that finds a failure again.
    """
    for name, rows in sections.items():
        absent = [row for row in rows if row.verdict is Verdict.NOT_OFFERED]
        shown = [row for row in rows if row.fails] if quiet else [row for row in rows if row not in absent]
        if shown:
            console.print(table(name, shown, engine, against))
            notes = [row.note for row in shown if row.note] if name == "programs" else []
            if name in ("ops", "programs") and any(row.fails for row in shown):
                notes += ["Where there is a difference, the errors are those of the program printed below:"]
                notes += ["- was not reached; inf is an error where the arithmetic is exact."]
            for note in notes:
                console.print(Text(note, style="dim"))
            console.print()
        if absent and not quiet:
            console.print(Text(f"Not offered by {engine}: {', '.join(row.name for row in absent)}"))
            console.print()
    everything = [row for rows in sections.values() for row in rows]
    findings = [
        (row, f)
        for row in everything
        for f in row.findings[: None if row.section == "programs" else 1]
        if f.finding.verdict is not Verdict.UNDECIDED
    ]
    if findings and not quiet:
        console.print(f"Findings that are no fault of {engine}:")
        for row, f in findings:
            console.print(Text("\n".join(filled(f"{row.name}: {f.finding.sentence}"))))
            if row.section == "programs":
                console.print(Text(f"    {rerun(row, f, options)}", style="dim"), soft_wrap=True)
        console.print()
    failures = [(row, f) for row in everything for f in row.failures]
    for row, failure in failures:
        console.print(Text(f"{heading(row)}: {in_words_of(failure.finding, row, engine, against)}", style="bold red"))
        console.print(Text(render_failure(row, failure, engine, against, runs_scripts, options)), soft_wrap=True)
        console.print()
    console.print(Text(summary(sections, engine, against), style="bold red" if failures else "bold green"))


def summary(sections: dict[str, list[Row]], engine: str, against: str) -> str:
    everything = [row for rows in sections.values() for row in rows]
    bad = sum(row.fails for row in everything)
    missing = sum(row.verdict is Verdict.NOT_OFFERED for row in everything)
    cases = sum(row.cases for row in everything)
    tail = f"; {missing} not offered" if missing else ""
    return (
        f"{engine} against {against}: {cases:,} case{'s' * (cases != 1)} in {len(everything)} row{'s' * (len(everything) != 1)}, "
        + ("no difference" if not bad else "a difference" if len(everything) == 1 else f"{bad} with a difference")
        + tail
    )


# --------------------------------------------------------------------------------------------------------- as data


def plain(value: Any) -> Any:
    """Anything in a finding, as JSON can hold it."""
    if isinstance(value, np.ndarray):
        return {"dtype": str(value.dtype), "shape": list(value.shape), "values": brief(value)}
    if isinstance(value, Exception):
        return {"error": type(value).__name__, "message": str(value)}
    return None if value is None else str(value)


def program_data(program: Program | None) -> Any:
    if program is None:
        return None
    return {
        "leaves": [
            {
                "name": leaf.name,
                "dtype": str(leaf.array.dtype),
                "shape": list(leaf.array.shape),
                "values": literal(leaf.array),
                "requires_grad": leaf.requires_grad,
            }
            for leaf in program.leaves
        ],
        "steps": [
            {
                "name": step.name,
                "op": step.op.name,
                "text": step.text(),
                "arguments": {k: show(v) for k, v in step.args.items()},
            }
            for step in program.steps
        ],
    }


def failure_data(row: Row, failure: Failure, engine: str, options: str) -> dict[str, Any]:
    f = failure.finding
    return {
        "what": f.what,
        "verdict": f.verdict.value,
        "sentence": f.sentence,
        "ours": plain(f.ours),
        "theirs": plain(f.theirs),
        "judge": plain(f.true),
        "seed": failure.seed,
        "shared": failure.shared,
        "worst": dict(zip(ORDERS, (e if e is None or np.isfinite(e) else str(e) for e in errors_of(failure)), strict=True)),
        "program": program_data(failure.program),
        "script": script_of(failure, engine, options),
        "command": rerun(row, failure, options),
    }


def as_data(
    sections: dict[str, list[Row]], engine: str, against: str, versions: dict[str, str], options: str = ""
) -> dict[str, Any]:
    """The report as JSON holds it. `options`: those of the command that say which engines it compares."""
    return {
        "engine": engine,
        "against": against,
        "versions": versions,
        "summary": summary(sections, engine, against),
        "failed": any(row.fails for rows in sections.values() for row in rows),
        "sections": {
            name: [
                {
                    "name": row.name,
                    "cases": row.cases,
                    "verdict": row.verdict.value,
                    "in_words": in_words(row, engine, against),
                    "counts": dict(row.counts),
                    "note": row.note,
                    "worst": dict(zip(ORDERS, row.ratios, strict=True)),
                    "histogram": {"edges": BINS.tolist(), "exact_then_counts": row.histogram()},
                    "p99_9": row.percentile(),
                    "failures": [failure_data(row, f, engine, options) for f in row.failures],
                    "findings": [failure_data(row, f, engine, options) for f in row.findings],
                    "curves": row.curves,
                }
                for row in rows
            ]
            for name, rows in sections.items()
        },
    }


def save(path: str | Path, text: str) -> None:
    """Whole or not at all: a temporary file beside it, then renamed."""
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent or ".", prefix=path.name, text=True)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def save_json(path: str, data: dict[str, Any]) -> None:
    save(path, json.dumps(data, indent=1))


def save_html(path: str, data: dict[str, Any]) -> None:
    save(path, page(data))


def _bars(counts: Sequence[int]) -> str:
    """A histogram of error over bound, on a square-root scale, as inline SVG."""
    top = max(counts) or 1
    labels = ("exact", "to 0.01", "to 0.03", "to 0.1", "to 0.3", "to 1", "over 1")
    bars = "".join(
        f'<rect x="{i * 14}" y="{20 - 20 * (n / top) ** 0.5:.1f}" width="12" height="{20 * (n / top) ** 0.5:.1f}" '
        f'class="{"bad" if i == 6 else "ok"}"><title>{label}: {n}</title></rect>'
        for i, (n, label) in enumerate(zip(counts, labels, strict=True))
    )
    return f'<svg width="98" height="21" role="img">{bars}</svg>'


def _curve(curves: dict[str, list[float]]) -> str:
    """Loss curves, log scale, ours over torch's."""
    series = {name: np.asarray(values, float) for name, values in curves.items() if len(values) > 1}
    if not series:
        return ""
    with np.errstate(all="ignore"):
        logs = {name: np.log10(np.where(values > 0, values, np.nan)) for name, values in series.items()}
    finite = np.concatenate([v[np.isfinite(v)] for v in logs.values()])
    if not finite.size:
        return ""
    low, high = float(finite.min()), float(finite.max())
    span = (high - low) or 1.0
    lines = ""
    for i, (name, values) in enumerate(logs.items()):
        points = " ".join(
            f"{240 * k / (len(values) - 1):.1f},{58 - 54 * (v - low) / span:.1f}"
            for k, v in enumerate(values)
            if np.isfinite(v)
        )
        lines += f'<polyline points="{points}" class="line{i}"><title>{html.escape(name)}</title></polyline>'
    return f'<svg width="244" height="62" role="img">{lines}</svg><br><small>1e{low:.1f} to 1e{high:.1f}, {html.escape(" and ".join(series))}</small>'


def page(data: dict[str, Any]) -> str:
    """One self-contained page: tables, histograms, training curves, failures with their scripts."""
    parts = []
    for section, rows in data["sections"].items():
        body = ""
        for row in rows:
            state = (
                "bad"
                if row["failures"]
                else "dim"
                if row["verdict"] == "not offered"
                else "warn"
                if row["findings"]
                else "good"
            )
            worst = "".join(f"<td>{number(v)}</td>" for v in row["worst"].values())
            picture = (
                _curve(row["curves"])
                if row["curves"]
                else _bars(row["histogram"]["exact_then_counts"])
                if sum(row["histogram"]["exact_then_counts"])
                else ""
            )
            body += (
                f"<tr><td><code>{html.escape(row['name'])}</code></td><td>{row['cases']}</td>{worst}<td>{picture}</td>"
                f'<td class="{state}">{html.escape(row["in_words"])}</td><td>{html.escape(row["note"])}</td></tr>'
            )
        parts.append(
            f"<h2>{html.escape(TITLES.get(section, section))}</h2><table><tr><th>name<th>cases<th>value<th>1st<th>2nd<th>3rd"
            f"<th>errors<th>verdict<th></tr>{body}</table>"
        )
    for kind, title in (("failures", "Differences"), ("findings", "Findings that are no fault of the engine")):
        items = [(row, f) for rows in data["sections"].values() for row in rows for f in row[kind]]
        if items:
            parts.append(f"<h2>{title}</h2>")
        for row, f in items:
            values = "".join(
                f"<tr><th>{who}<td><code>{html.escape(str((v or {}).get('values') or (v or {}).get('message') or v) if isinstance(v, dict) else str(v))}</code></tr>"
                for who, v in ((data["engine"], f["ours"]), (data["against"], f["theirs"]), ("judge", f["judge"]))
                if v is not None
            )
            parts.append(
                f"<details {'open' if kind == 'failures' else ''}><summary><b>{html.escape(row['name'])}</b>: {html.escape(f['sentence'])}"
                f"</summary><pre>{html.escape(f['script'] or '')}</pre><table>{values}</table><p>To find it again: <code>{html.escape(f['command'])}</code></p></details>"
            )
    versions = ", ".join(f"{k} {v}" for k, v in data["versions"].items())
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>parity: {html.escape(data["engine"])} against {html.escape(data["against"])}</title><style>
body{{font:15px/1.45 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}}
table{{border-collapse:collapse}}td,th{{padding:.15rem .6rem;text-align:left;border-bottom:1px solid #eee;vertical-align:top}}
td:nth-child(n+2):nth-child(-n+6){{text-align:right}}.good{{color:#197a3e}}.warn{{color:#9a6700}}.bad{{color:#c4231c;font-weight:600;fill:#c4231c}}
.dim{{color:#777}}.ok{{fill:#4a7fb5}}pre{{background:#f6f6f4;padding:.6rem;overflow:auto}}polyline{{fill:none;stroke-width:1.5}}
.line0{{stroke:#c4501c}}.line1{{stroke:#3468a8;stroke-dasharray:4 3}}summary{{cursor:pointer}}
@media(prefers-color-scheme:dark){{body{{color:#ddd;background:#181818}}td,th{{border-color:#333}}pre{{background:#222}}}}</style>
<h1>parity: {html.escape(data["engine"])} against {html.escape(data["against"])}</h1>
<p>{html.escape(data["summary"])}. {html.escape(versions)}. Errors are in units of their bound: 1 is the most that the
arithmetic allows. Histograms count exact results first, then errors up to 0.01, 0.03, 0.1, 0.3, 1 and over 1 bound.</p>{"".join(parts)}</html>
"""
