"""The checker checked: wrong engines, each a mistake that somebody made, each to be caught by the default checks.

A mutant patches minigrad at run time: `rule` changes what one derivative rule returns, `edit` replaces a fragment of one
function's source (the walk, an optimizer's formula, a forward). A fragment that is not there exactly once, or a node
that has no such rule, is an error: a mutant that was not applied proves nothing. `check_mutants` runs the ordinary
checks on each, those most likely to see it first, and says which one did after how many examples.
"""



from __future__ import annotations

import importlib
import inspect
import itertools
import random
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from parity import calls, checks, corners, effects, search, training
from parity.checks import Failure, Row
from parity.engines import Engine
from parity.ops import OPS
from parity.programs import quiet
from parity.verdicts import Finding, Verdict


class NotApplied(Exception):
    """The engine has no such line or rule any more."""


Patch = Callable[[], Callable[[], None]]  # applies itself, returns what undoes it


@dataclass(frozen=True)
class Mutant:
    """`story`: who makes this mistake, in a sentence. `first`: the checks that look first."""

    name: str
    patch: Patch
    story: str
    first: str


CATALOGUE: dict[str, Mutant] = {}


def _add(name: str, patch: Patch, story: str, first: str) -> None:
    assert name not in CATALOGUE, name
    CATALOGUE[name] = Mutant(name, patch, story, first)


# -------------------------------------------------------------------------------------------------------------- patches

def node_classes(name: str) -> list[Any]:
    """The engine's classes for nodes of torch's name (`MulBackward0`)."""
    graph = importlib.import_module("minigrad.autograd.graph")
    found, stack = [], [graph.Node]
    while stack:
        cls = stack.pop()
        stack += cls.__subclasses__()
        if cls.__name__ == name and any(cls.pulls):
            found.append(cls)
    if not found:
        raise NotApplied(f"no node named {name}")
    return found


def change_rule(name: str, index: int, wrong: Callable[[Callable[[Any], Any], Any], Any]) -> Patch:
    """Replaces rule `index` of a node by wrong(right, g), where right(g) is what the right rule gives."""
    def apply() -> Callable[[], None]:
        undo: list[tuple[Any, str, Any]] = []
        for cls in node_classes(name):
            for table in ("pulls", "traced_pulls"):
                pulls = getattr(cls, table)
                if index >= len(pulls) or pulls[index] is None:
                    continue

                def mistaken(g: Any, saved: Any, old: Any = pulls[index]) -> Any:
                    return wrong(lambda upstream: old(upstream, saved), g)
                undo.append((cls, table, pulls))
                setattr(cls, table, (*pulls[:index], mistaken, *pulls[index + 1:]))
        if not undo:
            raise NotApplied(f"{name} has no rule {index}")
        return lambda: [setattr(cls, table, pulls) for cls, table, pulls in undo] and None
    return apply


def find(target: str) -> Any:
    """The function at `module:path`, out of its wrappers; `forward` of an operation is written `module:op.forward`."""
    module, path = target.split(":")
    at: Any = importlib.import_module(f"minigrad.{module}" if module else "minigrad")
    for part in path.split("."):
        at = inspect.getattr_static(at, part, None) if inspect.isclass(at) else getattr(at, part, None)
        if at is None:
            raise NotApplied(f"minigrad has no {target}")
        at = at.fget if isinstance(at, property) else getattr(at, "__func__", at)
    return at


def change_line(target: str, old: str, new: str) -> Patch:
    """Compiles the function anew with `old` replaced by `new` in its source, and puts that code in its place."""
    def apply() -> Callable[[], None]:
        function = find(target)
        if not hasattr(function, "__code__"):
            raise NotApplied(f"{target} is no function")
        source = textwrap.dedent(inspect.getsource(function))
        if source.count(old) != 1:
            raise NotApplied(f"{target} has {old!r} {source.count(old)} times")
        lines = source.replace(old, new).splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("def "))
        space: dict[str, Any] = {}
        free = function.__code__.co_freevars
        header = f"def _outer({', '.join(free)}):\n" if free else ""
        body = "\n".join(lines[start:])
        text = header + (textwrap.indent(body, "    ") + f"\n    return {function.__name__}" if free else body)
        exec(compile("from __future__ import annotations\n" + text, inspect.getsourcefile(function) or "<mutant>", "exec"),
             function.__globals__, space)
        made = space["_outer"](*[None] * len(free)) if free else space[function.__name__]
        before = function.__code__
        try:
            function.__code__ = made.__code__
        except ValueError as error:
            raise NotApplied(f"{target}: {error}") from None

        def undo() -> None:
            function.__code__ = before
        return undo
    return apply


def change_value(target: str, value: Any) -> Patch:
    """Sets an attribute of a class or module."""
    def apply() -> Callable[[], None]:
        owner, name = target.rsplit(".", 1)
        at = find(owner) if ":" in owner else importlib.import_module(f"minigrad.{owner}")
        if name not in vars(at):
            raise NotApplied(f"minigrad has no {target}")
        before = vars(at)[name]
        setattr(at, name, value)
        return lambda: setattr(at, name, before)
    return apply


@contextmanager
def applied(mutant: Mutant) -> Iterator[None]:
    undo = mutant.patch()
    try:
        yield
    finally:
        undo()


def rule(name: str, node: str, index: int, wrong: Callable[[Callable[[Any], Any], Any], Any], story: str, first: str = "ops") -> None:
    _add(name, change_rule(node, index, wrong), story, first)


def edit(name: str, target: str, old: str, new: str, story: str, first: str = "ops") -> None:
    _add(name, change_line(target, old, new), story, first)


# ------------------------------------------------------------------------------------------------------ derivative rules

def one(g: Any) -> Any:
    return g * 0 + 1


rule("mul-drops-g", "MulBackward0", 0, lambda right, g: right(one(g)), "The local derivative is returned without the gradient from above: passes wherever the loss is a plain sum.")
rule("mul-second-drops-g", "MulBackward0", 1, lambda right, g: right(one(g)), "The same for the other factor, after copying the first rule.")
rule("mul-sign", "MulBackward0", 1, lambda right, g: -right(g), "A minus sign carried over from the rule of subtraction.")
rule("sub-sign", "SubBackward0", 1, lambda right, g: -right(g), "Subtraction written as addition with the second sign forgotten.")
rule("rsub-sign", "RsubBackward1", 0, lambda right, g: -right(g), "k - x given the rule of x - k: the reflected operator was aliased.")
rule("neg-sign", "NegBackward0", 0, lambda right, g: -right(g), "Negation passes its gradient through unchanged.")
rule("div-second-sign", "DivBackward0", 1, lambda right, g: -right(g), "d(x/y)/dy without its minus sign.")
rule("div-not-by-y", "DivBackward0", 0, lambda right, g: g, "x/y treated as if y were one.")
rule("div-grad-over-g", "DivBackward0", 0, lambda right, g: right(one(g)) / g, "grad/g typed where grad*g was meant.")
rule("square-no-two", "PowBackward0", 0, lambda right, g: right(g) / 2, "The exponent left in front of x**n is dropped.")
rule("pow-exponent-ln", "PowBackward1", 1, lambda right, g: right(g) * 0.6931471805599453, "log2 in place of the natural logarithm in d(x**y)/dy.")
rule("add-halved", "AddBackward0", 1, lambda right, g: g / 2, "The gradient of a sum shared among its terms instead of copied to each.")
rule("exp-drops-out", "ExpBackward0", 0, lambda right, g: g, "exp given the rule of the identity.")
rule("log-times-x", "LogBackward0", 0, lambda right, g: g * g / right(g), "g * x for g / x in the rule of log.")
rule("sqrt-no-two", "SqrtBackward0", 0, lambda right, g: right(g) * 2, "1/sqrt(x) instead of 1/(2 sqrt(x)).")
rule("sin-sign", "SinBackward0", 0, lambda right, g: -right(g), "The minus of cos moved to sin.")
rule("cos-sign", "CosBackward0", 0, lambda right, g: -right(g), "cos differentiates to sin.")
rule("tanh-one-power", "TanhBackward0", 0, lambda right, g: right(g) * 0.5 + g * 0.5, "Something other than 1 - tanh**2.")
rule("sigmoid-half", "SigmoidBackward0", 0, lambda right, g: right(g) / 2, "sigmoid computed through tanh, the chain rule's half applied twice.")
rule("relu-leaks", "ReluBackward0", 0, lambda right, g: right(g) + g * 0.0001, "A leaky slope left in the plain relu.")
rule("sum-averaged", "SumBackward1", 0, lambda right, g: right(g) / 2, "A sum over axes given the gradient of a mean.")
rule("mean-not-divided", "MeanBackward0", 0, lambda right, g: right(g) * 2, "The count forgotten, or counted over another axis.")
rule("mm-first-sign", "MmBackward0", 0, lambda right, g: -right(g), "A residual's sign folded into the matrix product.")
rule("mm-second-doubled", "MmBackward0", 1, lambda right, g: right(g) + right(g), "A weight's gradient accumulated twice, once by the rule and once by the walk.")
rule("dot-drops-g", "DotBackward0", 0, lambda right, g: right(one(g)), "The dot product's gradient is the other vector: true only for g = 1.")
rule("where-both", "WhereBackward0", 2, lambda right, g: g, "The branch that was not taken gets the gradient too.")
rule("softmax-diagonal", "SoftmaxBackward0", 0, lambda right, g: right(g) + g * 0.01, "Only almost a Jacobian: the sum over the row not quite taken off.")
rule("mse-no-two", "MseLossBackward0", 0, lambda right, g: right(g) / 2, "The loss with a half in mind, its derivative without the two.")
rule("l1-twice", "AbsBackward0", 0, lambda right, g: right(g) * (1 + 2.0 ** -18), "A float32 detour in float64: an error of a few millionths, invisible to loose tolerances.")
rule("log-softmax-uncentred", "LogSoftmaxBackward0", 0, lambda right, g: right(g) + g * 0.01, "The term softmax * sum(g) not quite taken off.")
rule("max-index", "MaxBackward0", 0, lambda right, g: right(g) * 2, "max(dim): the gradient sent to the winner twice.")

edit("pow-zero", "rules.arithmetic:power_slope", "if exponent == 0:", "if False:", "x**0 at 0 is 0 * 0**-1: nan, since the case k = 0 was not set apart.", "corners")
edit("relu-at-zero", "rules.elementwise:relu.forward", "np.maximum(x.dtype.type(0), x)", "np.maximum(x, x.dtype.type(2.0 ** -30))", "A small epsilon in relu 'for stability'.", "corners")
edit("ties-to-all", "rules.reductions:share_of_all", "g / sum_all(ties)", "g", "max(): every element that ties gets the whole gradient.", "corners")
edit("ties-to-all-axis", "rules.reductions:share_among_ties", "g / sum_over(ties, axes, keepdim)", "g", "amax(dim): every element that ties gets the whole gradient.", "corners")
edit("clamp-open", "rules.elementwise:between", "(x >= low) & (x <= high)", "(x > low) & (x < high)", "clamp passes no gradient at its bounds, as hardtanh does.", "corners")
edit("huber-knee", "ops.neural:huber_slope", "sign(d) * knee", "sign(d)", "Huber's outer slope is 1 for every delta.")
edit("mean-one-axis", "rules.reductions:count", "[shape[i] for i in axes]", "[shape[axes[0]]]", "The mean over a tuple of axes divided by the length of the first.")
edit("spread-first-axis", "rules.reductions:spread", "1 if i in axes else n", "1 if i == 0 else n", "A reduced axis put back at the front whatever it was.")
edit("permute-not-inverted", "rules.shapes:swap_axes.forward", "x.swapaxes(i, j)", "x.swapaxes(i, -1 if j >= 0 else j)", "transpose(i, j) that only knows the last axis.")
edit("repeated-index", "rules.indexing:scatter_index.forward", "np.add.at(out, _filled(key, index), x)", "out[_filled(key, index)] = x", "x[[0, 0]]: the second write overwrites the first instead of adding.")
edit("repeated-gather", "rules.indexing:scatter_axis.forward", "np.add.at(out, _along(index, axis), x)", "out[_along(index, axis)] = x", "gather with repeated positions: overwritten instead of added.")
edit("slice-shift", "rules.indexing:scatter_slice.forward", "out[key] = x", "out[key] = x[..., ::-1] if x.ndim and x.shape[-1] == 2 else x", "A slice's gradient put back in reversed order.")

# ------------------------------------------------------------------------------------- broadcasting, shapes and dtypes

edit("broadcast-mean", "rules.shapes:sum_to_size.forward", "total(x, 0 if extra == 1 else tuple(range(extra)))", "np.mean(x, axis=tuple(range(extra)))", "A broadcast gradient averaged over the axes it was stretched along.")
edit("broadcast-first", "rules.shapes:sum_to_size.forward", "(total(x, axes, True) if axes else x)", "(np.take(x, [0], axis=axes[-1]) if len(axes) == 1 else total(x, axes, True) if axes else x)", "Size-1 axes: the first slice is taken instead of the sum.")
edit("broadcast-size-1", "rules.shapes:sum_to_size.forward", "(shape[i - extra] == 1 and n != 1)", "(shape[i - extra] == 1 and n == 2)", "Axes of size 1 recognised only when stretched to 2, the size in the test.")
edit("float64-leak", "autograd.walk:fit", "g if g.dtype == like.dtype else g.astype(like.dtype)", "g", "A float64 gradient arrives in a float32 leaf.", "programs")

# ------------------------------------------------------------------------------------------------------------- the walk

edit("pushed-too-early", "autograd.walk:_follow", "heappush(newest, (-parent.number, parent))", "heappush(newest, (parent.number, parent))", "A node handled before all that used its result have been: early micrograds without a topological order.", "programs")
edit("shared-replaced", "autograd.walk:_follow", "pending[parent] = pending[parent] + g", "pending[parent] = g", "A value used twice keeps the gradient of its last use: assignment for accumulation.", "programs")
edit("shared-doubled", "autograd.walk:_follow", "pending[parent] = pending[parent] + g", "pending[parent] = pending[parent] + g + g", "The gradient of a value used twice accumulated by the rule and by the walk.", "programs")
edit("leaf-replaced", "autograd.walk:backward", "np.add(array, g, array)", "np.copyto(array, g)", "The second backward replaces .grad instead of adding to it.", "calls")
edit("leaf-aliased", "autograd.walk:backward", "wrap(g if getrefcount(g) == 2 and g.base is None else g.copy())", "wrap(np.asarray(g))", "x + y: one gradient array stored in both leaves, so zeroing one zeroes the other.", "calls")
edit("create-graph-replaced", "autograd.walk:backward", "g.clone() if held is None else held + g", "g.clone()", "backward(create_graph=True) replaces .grad.", "calls")
edit("create-graph-detached", "autograd.walk:walk", "with recording(True):", "with recording(False):", "The gradient is detached inside create_graph: second derivatives vanish.")
edit("second-order-out", "autograd.graph:Node.saved_tensors", "wrap(out._array, (view and view()) or self, out._counter)", "wrap(out._array, None, out._counter)", "The saved result is a constant to the second derivative: its term is dropped.")
edit("freed-walked-again", "autograd.walk:_follow", "raise RuntimeError(SECOND_TIME)", "break", "A freed graph is walked again without a word.", "calls")
edit("never-freed", "autograd.walk:_follow", "if not retain_graph and node.keeps:", "if False:", "retain_graph has no effect: buffers are never freed, the second backward passes.", "calls")
edit("retain-ignored", "autograd.walk:_follow", "if not retain_graph and node.keeps:", "if node.keeps:", "retain_graph=True frees all the same.", "calls")
edit("stale-saved", "autograd.checks:check_versions", "if (value._counter or UNWRITTEN)[0] != version:", "if False:", "A saved value overwritten before backward is used as it is now.", "calls")
edit("write-not-counted", "autograd.graph:Writes.count", "version[0] += 1", "version[0] += 0", "Writes in place do not count as such.", "calls")
edit("hook-dropped", "autograd.checks:run_hooks", "tensor = result", "pass", "What a hook returns is thrown away.", "calls")
edit("unused-zero", "autograd.walk:grad", "elif materialize_grads:", "elif True:", "autograd.grad gives zeros for an unused input instead of refusing.", "calls")
edit("cotangent-ignored", "autograd.walk:_root_gradients", "starts.append(g if create_graph else g._array)", "starts.append(graph.wrap(np.ones_like(g._array)) if create_graph else np.ones_like(g._array))", "backward(gradient=v) pulls back ones: blind wherever tests do the same.")
edit("no-grad-ignored", "autograd.modes:no_grad.__enter__", "_enabled.set(self._to and not _inference.get())", "_enabled.set(True)", "no_grad records all the same.", "calls")
edit("mode-not-restored", "autograd.modes:no_grad.__exit__", "_enabled.set(self._before)", "_enabled.set(not self._before)", "Leaving no_grad sets the switch the wrong way round.", "calls")
edit("detach-keeps", "memory:Memory.detach", "return ", "return self.clone() if True else ", "detach() keeps the history.", "calls")
edit("retain-grad-lost", "autograd.checks:run_hooks", "keeper._grad = kept if keeper._grad is None else keeper._grad + kept", "pass", "retain_grad() keeps nothing.", "calls")
edit("leaf-write-allowed", "memory:Memory._must_record", "if type(self._node) is AccumulateGrad:", "if False:", "A leaf that requires grad may be overwritten in the middle of a graph.", "calls")

# ----------------------------------------------------------------------------------------------------------- optimizers

edit("decay-sign", "optim:Optimizer.step", "grad, param, weight_decay", "grad, param, -weight_decay", "Weight decay with the wrong sign: weights grow.", "SGD")
edit("maximize-ignored", "optim:Optimizer.step", "grad = -grad", "pass", "maximize=True minimizes.", "SGD")
edit("sgd-ascends", "optim:SGD._update", "-float(group[\"lr\"])", "float(group[\"lr\"])", "p += lr * g.", "SGD")
edit("momentum-dampened-first", "optim:SGD._update", "buffer[...] = grad", "buffer[...] = grad * (1 - group[\"dampening\"])", "Dampening applied to the first step too, as in the textbook and not in torch.", "SGD")
edit("dampening-ignored", "optim:SGD._update", "1 - group[\"dampening\"]", "1.0", "Dampening taken and not used.", "SGD")
edit("nesterov-plain", "optim:SGD._update", "if group[\"nesterov\"]:", "if False:", "Nesterov's look-ahead left out.", "SGD")
edit("adam-no-correction", "optim:Adam._update", "scratch *= lr / (1 - beta1**t)", "scratch *= lr", "Adam's first moment without bias correction.", "Adam")
edit("adam-second-uncorrected", "optim:Adam._update", "scratch /= (1 - beta2**t) ** 0.5", "pass", "Adam's second moment without bias correction.", "Adam")
edit("adam-step-late", "optim:Adam._update", "step += 1", "step += 2", "The step counted twice: bias correction out of phase.", "Adam")
edit("adam-betas-swapped", "optim:Adam._update", "beta1, beta2 = group[\"betas\"]", "beta2, beta1 = group[\"betas\"]", "beta1 and beta2 swapped.", "Adam")
edit("adam-eps-inside", "optim:Adam._update", "np.sqrt(v, scratch)", "np.sqrt(v + group[\"eps\"], scratch)", "eps inside the square root.", "Adam")
edit("amsgrad-current", "optim:Adam._update", "v = np.maximum(largest[0], v, out=largest[0])", "pass", "amsgrad that forgets the largest.", "Adam")
edit("adamw-undecayed", "optim:Adam._update", "param *= 1 - lr * group[\"weight_decay\"]", "param *= 1 - group[\"weight_decay\"]", "AdamW's decay without the rate.", "AdamW")
edit("rmsprop-eps-inside", "optim:RMSprop._update", "scratch += group[\"eps\"]", "scratch += group[\"eps\"] ** 0.5", "RMSprop's eps inside the square root.", "RMSprop")
edit("rmsprop-uncentred", "optim:RMSprop._update", "v = np.subtract(v, scratch, scratch)", "pass", "centered=True that centres nothing.", "RMSprop")
edit("adagrad-decays", "optim:Adagrad._update", "(step.item() - 1)", "step.item()", "Adagrad's rate decays from the first step.", "Adagrad")
edit("adadelta-late", "optim:Adadelta._update", "np.sqrt(u + eps)", "np.sqrt(u) + eps", "Adadelta's eps outside the square root.", "Adadelta")


def names() -> list[str]:
    return list(CATALOGUE)


# --------------------------------------------------------------------------------------------------------------- hunting

EFFECTS = 1500  # programs of `effects` that each mutant may meet
TRAINED = [*training.OPTIMIZERS, *training.SCHEDULES]


def sections(ours: Engine, theirs: Engine, seed: int, trained: str = "") -> dict[str, Callable[[], Iterator[Row]]]:
    """The default checks, with their default sizes, and the first programs of `effects`, as rows; without shrinking, since only the verdict counts here."""
    return {
        "ops": lambda: _ops(ours, theirs, seed),
        "corners": lambda: corners.check_corners(ours, theirs),
        "calls": lambda: iter([calls.check_calls(ours, theirs, seed=seed, shrink=False)]),
        "programs": lambda: iter([search.check_programs(ours, theirs, seed=seed, shrink=False)]),
        "effects": lambda: _effects(ours, theirs, seed),
        "training": lambda: training.check_training(ours, theirs, [trained] if trained else TRAINED, "float32"),
    }


def check_mutants(ours: Engine, theirs: Engine, chosen: Sequence[str] = (), seed: int = 0,
                  failing: dict[str, dict[str, int]] | None = None) -> Iterator[Row]:
    """A row for each mutant: which check caught it, after how many examples.

    A row that the sound engine fails as well catches nothing, unless it now fails after fewer cases. `failing` has the
    cases of such rows by section where they are known already; else the section is run on the sound engine first.
    """
    failing = dict(failing or {})
    for name in chosen or names():
        mutant = CATALOGUE[name]
        row = Row("mutants", name)
        try:
            caught = hunt(mutant, ours, theirs, seed, failing)
        except NotApplied as error:
            _fail(row, Verdict.ONE_ERROR, f"{name} could not be applied: {error}", seed)
        else:
            if caught is None:
                _fail(row, Verdict.OURS_WORSE, f"{name} lived through every check. {mutant.story}", seed)
            else:
                row.note, row.cases = f"caught by {caught[0]}", caught[1]
        yield row


def _fail(row: Row, verdict: Verdict, sentence: str, seed: int) -> None:
    row.verdict = verdict
    row.failures.append(Failure(None, Finding(row.name, verdict, sentence), str(seed)))


def hunt(mutant: Mutant, ours: Engine, theirs: Engine, seed: int, failing: dict[str, dict[str, int]]) -> tuple[str, int] | None:
    """(check, examples) of the first check that sees the mutant; None if none does."""
    trained = mutant.first if mutant.first in TRAINED else ""
    every = sections(ours, theirs, seed, trained)
    first = "training" if trained else mutant.first
    for section in sorted(every, key=lambda name: name != first):
        if section not in failing:
            sound = sections(ours, theirs, seed)[section]
            failing[section] = {row.name: row.cases for row in sound() if row.fails}
        tried = 0
        with applied(mutant):
            for row in every[section]():
                tried += row.cases
                if row.fails and row.cases < failing[section].get(row.name, row.cases + 1):
                    return f"{section}: {row.name}" if section != row.name else section, tried
    return None


def _effects(ours: Engine, theirs: Engine, seed: int) -> Iterator[Row]:
    """The first programs of `effects`, a row for each."""
    mine, model = ((engine.module, effects.functions(engine.module)) for engine in (ours, theirs))
    for i in range(EFFECTS):
        with quiet():
            session = effects.Session(*model)
            lines, outcomes = zip(*effects.draw(random.Random(f"{seed} {i}"), session), strict=True)
            verdict = effects.judge(lines, mine, model, outcomes, session)
        row = Row("effects", "random programs", 1)
        if verdict.kind == "differs":
            _fail(row, Verdict.OURS_WORSE, verdict.reason, seed)
        yield row


def _ops(ours: Engine, theirs: Engine, seed: int) -> Iterator[Row]:
    """The cases of `ops`, one of every op at a time, so that each mutant is met early."""
    offered = [op for op in OPS.values() if not ours.missing(op.expression)]
    for case, dtype in itertools.product(range(8), ("float32", "float64")):
        for op in offered:
            row, label = Row("ops", op.name), f"{seed}/{op.name}/{dtype}/{case}"
            result = checks.check_case(op, ours, theirs, dtype, case, label, op.order)
            row.take(result, label)
            if result.verdict.fails:
                row.failures.append(Failure(result.program, result.findings[-1], label))
            yield row
