"""What a comparison can say, and who is wrong when two engines differ.

Each quantity (a step's value, a leaf's gradient of some order) is compared element by element: with the judge's value
and bound where there is one, else engine with engine. No absolute tolerance: where the judge's bound is zero the
bits must be right. A difference fails only if ours is off and torch is not, or if torch's convention is not kept;
`torch worse` and `both off` are findings that are listed. `describe` says in words how two arrays differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import numpy as np

from parity import referee
from parity.engines import Engine
from parity.programs import Judgement, Outcome, Program, judge, run


class Verdict(Enum):
    SAME = "same bits"
    WITHIN = "within bound"
    NOT_OFFERED = "not offered"
    UNDECIDED = "undecided"  # the bound is infinite: overflow on the way, or a jump within the error
    CHOICE = "another choice"  # of a second or third derivative at a tie, knee or limit, where none exists
    TORCH_WORSE = "torch worse"
    BOTH_OFF = "both off"
    OURS_WORSE = "ours worse"
    CONVENTION = "convention"  # a tie, a knee, inf or nan: torch chose, ours chose otherwise
    SHAPE = "shape"
    DTYPE = "dtype"
    MISSING = "missing gradient"
    ONE_ERROR = "error on one side"
    OTHER_ERROR = "different errors"

    @property
    def fails(self) -> bool:
        return self in _FAILS

    @property
    def rank(self) -> int:
        return _RANKS[self]

    def words(self, ours: str, theirs: str, raises: str = "") -> str:
        """The verdict with the engines' names, as the tables print it; `raises` is the one that alone does.

        Data has the value itself, in which `ours` is the engine that is checked.
        """
        said = {
            Verdict.TORCH_WORSE: f"{theirs} off",
            Verdict.OURS_WORSE: f"{ours} off",
            Verdict.CONVENTION: "other convention",
            Verdict.SHAPE: "other shape",
            Verdict.DTYPE: "other dtype",
            Verdict.MISSING: "gradient missing",
            Verdict.ONE_ERROR: f"{raises or 'one engine'} raises",
        }
        return said.get(self, self.value)


_RANKS = {verdict: i for i, verdict in enumerate(Verdict)}
_FAILS = set(list(Verdict)[_RANKS[Verdict.OURS_WORSE] :])
# ops that torch decides in one way or another: which of equals topk takes; at nan elu's slope is nan in its vectors only
FREE = ("topk", "F.elu")
ORDERS = ("gradient", "second derivative", "third derivative")


@dataclass
class Finding:
    """One difference: of what, the verdict, a sentence, both values, and the judge's."""

    what: str
    verdict: Verdict
    sentence: str
    ours: Any = None
    theirs: Any = None
    true: Any = None

    @property
    def depth(self) -> int:
        """The order of derivative that it is about; 0 for a value, and for an error before any derivative."""
        if self.what == "error at backward":
            return 1
        if self.what.startswith("error at derivative "):
            return int(self.what[-1])
        return next((i for i, order in enumerate(ORDERS, 1) if self.what.startswith(f"{order} of ")), 0)


@dataclass
class Result:
    """Everything one program showed. `ratios` are ours' errors over their bounds: [forward, order 1, 2, 3], of which the
    first `reached` were compared."""

    program: Program
    verdict: Verdict = Verdict.SAME
    findings: list[Finding] = field(default_factory=list)
    ratios: list[float] = field(default_factory=lambda: [0.0] * 4)
    errors: list[np.ndarray] = field(default_factory=list)
    judged: bool = False
    missing: str = ""
    by_backward: bool = False
    reached: int = 0

    def add(self, finding: Finding) -> None:
        self.findings.append(finding)
        self.note(finding.verdict)

    def note(self, verdict: Verdict) -> None:
        if verdict.rank > self.verdict.rank:
            self.verdict = verdict


def check(
    program: Program,
    ours: Engine,
    theirs: Engine,
    order: int = 1,
    judging: str = "disputes",
    by_backward: bool = False,
    theirs_did: Outcome | None = None,
) -> Result:
    """Runs a program on both engines and compares. `judging`: "always" or "disputes" (only where bits differ).

    `theirs_did`: what `theirs` made of it, where it is known already.
    """
    result = Result(program, by_backward=by_backward)
    for step in program.steps:
        result.missing = ours.missing(step.op.expression)
        if result.missing:
            result.note(Verdict.NOT_OFFERED)
            return result
    order = min(order, ours.orders)
    b = theirs_did or run(program, theirs, order, by_backward)
    a = run(program, ours, order, by_backward)
    compare(program, a, b, order, judging, result, ours.name, theirs.name)
    if result.verdict.fails and theirs.device != "cpu":
        with theirs.on_the_processor() as processor:  # type: ignore[attr-defined]
            there = check(program, ours, processor, order, judging, by_backward)
        if not there.verdict.fails:
            return _on_one_device(result, there, theirs)
    return result


def _on_one_device(result: Result, there: Result, theirs: Engine) -> Result:
    """What fails on a device and not against the same engine on the processor is told as that engine's."""
    for f in result.findings:
        if f.verdict.fails:
            told = f"{theirs.name} on {theirs.device} is not as on the processor: {f.sentence}"
            there.add(replace(f, verdict=Verdict.TORCH_WORSE, sentence=told))
    return there


def compare(
    program: Program,
    a: Outcome,
    b: Outcome,
    order: int,
    judging: str,
    result: Result,
    ours: str = "ours",
    theirs: str = "torch",
) -> Result:
    """Compares two outcomes of a program; `check` is the usual way in."""
    if a.error or b.error:
        _compare_errors(program, a, b, result, ours, theirs)
        return result
    if judging != "always" and _all_same_bits(a, b):
        return result
    first = b.grads[0].values() if b.grads else ()
    if not all(np.isfinite(array).all() for array in (*b.values.values(), *first) if array is not None):
        a.grads, b.grads = a.grads[:1], b.grads[:1]  # at inf and nan no engine promises higher derivatives
    quantities: list[tuple[str, int, str, Any, Any]] = [
        (f"value of {step.name} = {step.text()}", 0, step.name, a.values[step.name], b.values[step.name])
        for step in program.steps
    ]
    for depth in range(max(len(a.grads), len(b.grads))):
        left, right = (out.grads[depth] if depth < len(out.grads) else {} for out in (a, b))
        for leaf in program.differentiable():
            x, y = left.get(leaf.name), right.get(leaf.name)
            if depth and (x is None) != (y is None):  # no gradient of a gradient is a gradient of zero
                x, y = (np.zeros_like(y) if x is None else x), (np.zeros_like(x) if y is None else y)
            if x is not None or y is not None:
                quantities.append((f"{ORDERS[depth]} of {leaf.name}", depth + 1, leaf.name, x, y))
    if judging != "always" and all(_same_bits(x, y) for *_, x, y in quantities):
        return result
    verdict = judgement(program, order, quantities if judging != "always" else None)
    result.judged = verdict is not None
    for what, depth, name, x, y in quantities:
        truth = verdict and verdict.of(name, depth)

        def roundings(name: str = name, depth: int = depth) -> np.ndarray:
            return judge(program, order, rounding_alone=True).of(name, depth)[1]  # type: ignore[no-any-return]

        result.reached = depth + 1
        _compare_one(program, what, depth, x, y, truth, roundings, result, ours, theirs)
        if result.verdict.fails:
            break
    return result


def judgement(program: Program, order: int, disputed: Sequence[Any] | None) -> Judgement | None:
    """The judge's word. A float64 dispute that float64 bounds already settle is not taken to 60 digits."""
    try:
        if disputed is not None and program.dtype == np.float64 and not program.wild():
            quick = judge(program, order, [referee.FLOAT64])
            if all(_settled(quick, *quantity) for quantity in disputed):
                return quick
        return judge(program, order)
    except referee.Unjudged:
        return None


def _settled(quick: Judgement, what: str, depth: int, name: str, x: Any, y: Any) -> bool:
    if x is None or y is None or x.shape != y.shape:
        return True
    truth = quick.of(name, depth)
    if truth is None:
        return False
    return bool(
        (np.abs(x - referee.floats(truth[0])) <= truth[1]).all() and (np.abs(x.astype(float) - y) <= truth[1]).all()
    ) or _same_bits(x, y)


def _all_same_bits(a: Outcome, b: Outcome) -> bool:
    return len(a.grads) == len(b.grads) and all(
        left.keys() == right.keys() and all(_same_bits(x, right[name]) for name, x in left.items())
        for left, right in zip((a.values, *a.grads), (b.values, *b.grads), strict=True)
    )


def _same_bits(x: Any, y: Any) -> bool:
    if x is None or y is None:
        return x is y
    return x.shape == y.shape and x.dtype == y.dtype and (x.tobytes() == y.tobytes())


def _compare_errors(program: Program, a: Outcome, b: Outcome, result: Result, ours: str, theirs: str) -> None:
    if a.error and b.error:
        if type(a.error).__name__ != type(b.error).__name__ or a.stage != b.stage:
            result.add(
                Finding(
                    f"error at {a.stage}",
                    Verdict.OTHER_ERROR,
                    f"{ours} raises {_where(program, a.stage)}: {name(a.error)}; "
                    f"{theirs} {_where(program, b.stage)}: {name(b.error)}",
                    a.error,
                    b.error,
                )
            )
        return
    side, error, stage = (ours, a.error, a.stage) if a.error else (theirs, b.error, b.stage)
    if isinstance(a.error, NotImplementedError) or (isinstance(a.error, TypeError) and _at_the_call(a.error)):
        result.note(Verdict.NOT_OFFERED)
        result.missing = str(a.error)
        return
    higher = b.error is not None and stage in ("derivative 2", "derivative 3")  # torch lacks some of these, and says so
    result.add(
        Finding(
            f"error at {stage}",
            Verdict.TORCH_WORSE if higher else Verdict.ONE_ERROR,
            f"only {side} raises {_where(program, stage)}: {name(error)}",
            a.error,
            b.error,
        )
    )


def _where(program: Program, stage: str) -> str:
    """A stage of `run` in words."""
    if stage.startswith("derivative "):
        return f"in the {ORDERS[int(stage[-1]) - 1].replace('gradient', 'first derivative')}"
    step = next((step for step in program.steps if step.name == stage), None)
    return f"at {step.name} = {step.text()}" if step else f"in {stage}"


def _at_the_call(error: Exception) -> bool:
    """Whether the expression of the op itself raised: the engine does not take these arguments."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return at is not None and at.tb_frame.f_code.co_filename == "<op>"


def name(error: Exception | None) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:200]


def _compare_one(
    program: Program,
    what: str,
    depth: int,
    x: Any,
    y: Any,
    truth: Any,
    roundings: Callable[[], np.ndarray],
    result: Result,
    ours: str,
    theirs: str,
) -> None:
    if x is None or y is None:
        side = ours if x is None else theirs
        result.add(Finding(what, Verdict.MISSING, f"{side} has no {what}", x, y))
    elif x.shape != y.shape:
        result.add(Finding(what, Verdict.SHAPE, f"the {what} has shape {x.shape} in {ours}, {y.shape} in {theirs}", x, y))
    elif x.dtype != y.dtype:
        result.add(Finding(what, Verdict.DTYPE, f"the {what} is {x.dtype} in {ours}, {y.dtype} in {theirs}", x, y))
    elif x.dtype.kind != "f":
        if not np.array_equal(x, y):
            doubt = truth is not None and bool(np.where(x != y, truth[1], 1).min() > 0)
            said = f"in {ours} {describe(what, x, y, program)}"
            result.add(Finding(what, Verdict.UNDECIDED if doubt else Verdict.OURS_WORSE, said, x, y))
    else:
        _compare_floats(program, what, depth, x, y, truth, roundings, result, ours, theirs)


def _compare_floats(
    program: Program,
    what: str,
    depth: int,
    x: np.ndarray,
    y: np.ndarray,
    truth: Any,
    roundings: Callable[[], np.ndarray],
    result: Result,
    ours: str,
    theirs: str,
) -> None:
    with np.errstate(all="ignore"):
        alike = (x == y) | ((x != x) & (y != y))
        if truth is None:
            close = alike | (
                np.abs(x.astype(float) - y)
                <= 64 * np.finfo(x.dtype).eps * np.maximum(np.abs(x), np.abs(y)).max(initial=0.0)
            )
            if not close.all():
                said = f"in {ours} {describe(what, x, y, program)}; expected is what {theirs} gives: there is no judge here"
                result.add(Finding(what, Verdict.OURS_WORSE, said, x, y))
            else:
                result.note(Verdict.SAME if alike.all() else Verdict.WITHIN)
            return
        v, e = truth
        near = referee.floats(np.asarray(v)).reshape(x.shape)
        if np.asarray(v).dtype == object:
            error_x, error_y = (_distance(z, v) for z in (x, y))
        else:
            error_x, error_y = np.abs(x - near), np.abs(y - near)
        decided = np.isfinite(near) & np.isfinite(e)
        if decided.all() and (error_x <= e).all() and (error_y <= e).all():  # as nearly always
            ratio = np.where(error_x > 0, error_x / np.where(e > 0, e, 1.0), 0.0)
            result.ratios[depth] = max(result.ratios[depth], float(ratio.max(initial=0.0)))
            if ratio.size:
                result.errors.append(ratio.ravel())
            result.note(Verdict.SAME if alike.all() else Verdict.WITHIN)
            return
        off_x, off_y = decided & ~(error_x <= e), decided & ~(error_y <= e)
        ratio = np.where(decided & (e > 0) & (error_x > 0), error_x / np.where(e > 0, e, 1.0), 0.0)
        result.ratios[depth] = max(result.ratios[depth], float(ratio.max(initial=0.0)))
        if ratio.size:
            result.errors.append(ratio.ravel())
        ours_worse = off_x & (~off_y | (error_x > 4 * error_y))
        rounding = 64 * np.finfo(x.dtype).eps
        largest = np.abs(y[np.isfinite(y)]).max(initial=0.0)  # terms of this size may have cancelled
        open_ = ~decided & ~alike & ~(np.abs(x.astype(float) - y) <= rounding * largest)
        finite = np.isfinite(x) & np.isfinite(y)
        over = np.isfinite(near) & (np.abs(near) > np.finfo(x.dtype).max)  # an overflow is not a choice
        knee = np.isnan(e) & np.isfinite(near) & ~over
        passing = np.isinf(e) & np.isfinite(near)  # an overflow on the way, not an inf that was there
        chosen = open_ & (knee | (~finite & (program.wild() & ~passing | ~(np.isinf(e) | over))))
        expected = np.abs(near[np.isfinite(near)]).max(initial=0.0)
        as_judged = (x == near) | ((x != x) & (near != near)) | (np.abs(x - near) <= rounding * expected)
        chosen &= ~as_judged  # then it is the other that chose
        if chosen.any():
            chosen &= ~(np.abs(x.astype(float) - y) <= 2 * roundings())  # a choice elsewhere hides what rounding does here
        undecided = any(finding.verdict is Verdict.UNDECIDED for finding in result.findings)
        if undecided or program.overflows() or any(free in step.op.expression for step in program.steps for free in FREE):
            chosen &= finite  # inf and nan may come from what is undecided: the order of a sum, or which of equals was taken
        for bad, verdict in (
            (ours_worse, Verdict.OURS_WORSE),
            (chosen, Verdict.CONVENTION if depth < 2 else Verdict.CHOICE),
            (off_x & off_y & ~ours_worse, Verdict.BOTH_OFF),
            (off_y & ~off_x, Verdict.TORCH_WORSE),
            (open_, Verdict.UNDECIDED),
        ):
            if bad.any():
                result.add(
                    Finding(
                        what,
                        verdict,
                        sentence(verdict, what, x, y, near, error_x, error_y, e, bad, program, ours, theirs),
                        x,
                        y,
                        near,
                    )
                )
                return
        result.note(Verdict.SAME if alike.all() else Verdict.WITHIN)


def _distance(x: np.ndarray, v: np.ndarray) -> np.ndarray:
    lift: Callable[[float], Any] = (
        referee.MP.mpf if not v.size or isinstance(v.flat[0], referee.MP.mpf) else referee.Fraction
    )

    def apart(a: Any, b: Any) -> float:
        try:
            return float(abs(lift(float(a)) - b)) if np.isfinite(a) else np.inf
        except OverflowError:  # of a fraction
            return np.inf

    out = [apart(a, b) for a, b in zip(x.ravel(), v.ravel(), strict=True)]
    return np.array(out, np.float64).reshape(x.shape)


# ------------------------------------------------------------------------------------------------------------- in words


def sentence(
    verdict: Verdict,
    what: str,
    x: np.ndarray,
    y: np.ndarray,
    v: np.ndarray,
    error_x: np.ndarray,
    error_y: np.ndarray,
    e: np.ndarray,
    bad: np.ndarray,
    program: Program,
    ours: str,
    theirs: str,
) -> str:
    if verdict in (Verdict.CONVENTION, Verdict.CHOICE):
        return f"in {ours} {describe(what, x, y, program)}; {theirs} chooses otherwise at this tie, knee or limit"
    if verdict is Verdict.UNDECIDED:
        return f"the {what} differs, but no error bound holds there"
    error = error_y if verdict is Verdict.TORCH_WORSE else error_x
    with np.errstate(all="ignore"):
        ratio = np.where(e > 0, error / np.where(e > 0, e, 1.0), np.inf)
        worst = np.where(bad, np.where(np.isnan(ratio), np.inf, ratio), -1.0)
    if worst.size and np.isinf(worst.max()):
        worst = np.where(np.isinf(worst), np.nan_to_num(error, nan=np.inf), -1.0)
    at = np.unravel_index(np.argmax(worst), x.shape)
    bound = float(e[at])
    expected = f"expected {'exactly ' if bound == 0 else ''}{_exactly(v[at], x.dtype)}"
    place = f" at {[int(i) for i in at]}" if x.size > 1 else ""
    if verdict is Verdict.OURS_WORSE:
        theirs_too = f"; {theirs} is off by less" if not error_y[at] <= bound else f"; {theirs} is right"
        said = f"in {ours} {describe(what, x, v, program)}"
        if " should be " not in said:
            said += f"; found {_exactly(x[at], x.dtype)}{place}, {expected}"
            return f"{said}{_beyond(error_x[at], bound)}{theirs_too}"
        return f"{said}{_beyond(error_x[at], bound).replace(', ', ', at most ', 1)}{theirs_too}"
    if verdict is Verdict.TORCH_WORSE:
        found = f"{theirs} gives {_exactly(y[at], y.dtype)}{place}, {expected}{_beyond(error_y[at], bound)}"
        return f"the {what} of {theirs} is off: {found}; {ours} is right"
    both = f"{ours} gives {_exactly(x[at], x.dtype)}, {theirs} {_exactly(y[at], y.dtype)}{place}, {expected}"
    return f"the {what} is off in both: {both}{_beyond(min(error_x[at], error_y[at]), bound)}"


def _beyond(error: float, bound: float) -> str:
    """How far an error is beyond what rounding allows; where nothing is rounded that says enough."""
    if not bound > 0 or not np.isfinite(error):
        return ""
    times = float(f"{error / bound:.3g}")
    return f", {times:,.{0 if times >= 100 else 1}f} times the error that rounding allows" if times < 1e9 else ", far off"


def _exactly(value: Any, dtype: np.dtype[Any]) -> str:
    """A number with the digits of its dtype."""
    return f"{float(value):.{np.finfo(dtype).precision + 3}g}"


def describe(what: str, x: np.ndarray, y: np.ndarray, program: Program | None = None) -> str:
    """How x differs from y, in one sentence: a factor, a sign, a transposition, a missing sum, or the worst element."""
    with np.errstate(all="ignore"):
        if x.size and x.dtype.kind == "f" and np.isfinite(y).all():
            scale = np.abs(y).max()
            tolerance = 1e-4 * scale
            if not np.isfinite(x).all():
                kind = "nan" if np.isnan(x).any() else "infinite"
                return f"the {what} is {kind} where it should be {_short(y[~np.isfinite(x)][0])}"
            close = scale > 0 and np.abs(x - y).max() <= tolerance
            if scale > 0 and not close:
                if np.abs(x).max() == 0:
                    return f"the {what} is zero where it should not be"
                unit = y / scale  # of squares that neither overflow nor vanish
                factor = float((x / scale * unit).sum() / (unit * unit).sum())
                if factor and np.abs(x - factor * y).max() <= tolerance * max(abs(factor), 1e-3):
                    return f"the {what} {_factor(factor)}{_why(what, factor, x.shape, program)}"
                if x.ndim == 2 and x.shape[0] == x.shape[1] and np.abs(x - y.T).max() <= tolerance:
                    return f"the {what} is transposed"
                if x.size > 1 and np.abs(np.sort(x, None) - np.sort(y, None)).max() <= tolerance:
                    return f"the {what} has the right elements in wrong places"
                shift = float((x - y).mean())
                if x.size > 1 and np.abs(x - y - shift).max() <= tolerance:
                    return f"the {what} is off by {_short(shift)} everywhere"
            elif not close and np.abs(x).max() > 0:
                return f"the {what} should be zero and is {_short(x.ravel()[np.abs(x).argmax()])}"
        wrong = ~((x == y) | ((x != x) & (y != y)))
        if x.dtype.kind == "f" and np.isfinite(y).all():
            wrong &= ~(np.abs(x - y) <= 1e-6 * np.abs(y))
        if not wrong.any():
            wrong = x != y
        count = int(wrong.sum())
        at = tuple(int(i) for i in np.argwhere(wrong)[0]) if x.ndim and count else ()
        where = f" at {list(at)}" if at else ""
        is_, should = _short(x[at]), _short(y[at])
        if is_ == should:
            is_, should = str(x[at]), str(y[at])
        return f"the {what} is {is_}{where} where it should be {should}" + (
            f" ({count} of {x.size} elements differ)" if x.size > 1 else ""
        )


def _factor(factor: float) -> str:
    if abs(factor + 1) < 1e-4:
        return "has the wrong sign"
    sign = " with the wrong sign" if factor < 0 else ""
    factor = abs(factor)
    ratio = max(factor, 1 / factor)
    if ratio > 1e6 or abs(ratio - round(2 * ratio) / 2) > 1e-4 * ratio:
        return f"is {_short(factor)} {'times' if factor > 1 else 'of'} the right value{sign}"
    return f"is {_short(ratio)} times too {'large' if factor > 1 else 'small'}{sign}"


def _why(what: str, factor: float, shape: tuple[int, ...], program: Program | None) -> str:
    """A broadcast that the factor may come from."""
    if program is None or " of " not in what:
        return ""
    name = what.rsplit(" ", 1)[1]
    arrays = {leaf.name: leaf.array.shape for leaf in program.leaves}
    if name not in arrays or not any(name in step.refs() for step in program.steps):
        return ""
    for step in program.steps:
        others = [arrays.get(ref) for ref in step.refs() if ref != name]
        for other in others:
            if name in step.refs() and other is not None and other != shape:
                try:
                    joint = np.broadcast_shapes(shape, other)
                except ValueError:
                    continue
                if joint != shape:
                    return f": shape {shape} was broadcast to {joint}"
    return ""


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)
