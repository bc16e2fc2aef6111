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


def detached(right: Callable[[Any], Any], g: Any) -> Any:
    """A rule that was not recorded: a number to the next derivative."""
    made = right(g)
    return made.detach() if hasattr(made, "detach") else made


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

rule("div-second-order-constant", "DivBackward0", 1, detached, "A rule computed on bare arrays: right at first order, a constant to the second.")
rule("cross-second-order-constant", "LinalgCrossBackward0", 0, detached, "The same in a rare op.")
rule("scan-factor-third-order", "ScanBackward0", 1, detached, "cumprod over zeros: the rule of its rule is a constant to the third derivative.")
edit("norm-second-order", "ops.neural:norm_slope", "standardized(x, axes, eps, stats)", "standardized(x.detach() if hasattr(x, 'detach') else x, axes, eps, stats)", "The statistics of a layer norm are constants to the second derivative.")
rule("abs-at-zero", "AbsBackward0", 0, lambda right, g: right(g) + g * (right(one(g)) == 0), "np.where(x < 0, -g, g): abs has slope 1 at 0.", "corners")
edit("var-gradient-unbiased", "ops.statistics:var_slope", "axes) - correction", "axes) - 1", "The gradient of var divides by n - 1 whatever the correction.")
edit("norm-at-zero", "ops.statistics:norm_slope", "g * where(norm == 0, 0.0, x / norm)", "g * (x / norm)", "The norm of a zero vector has gradient nan.", "corners")
edit("norm-inf-ties", "ops.statistics:norm_slope", "g / sum_over(ties, axes, keepdim)", "g", "The infinity norm gives the whole gradient to each of several greatest.", "corners")
edit("prod-divides", "ops.statistics:prod_slope", "if not zero and not lanes.any():", "if True:", "The gradient of a product divides by the element: nan at a zero.", "ops")
edit("cumprod-divides", "ops.statistics:not_divisible", "few.any(axis, keepdims=True) &", "few.any(axis, keepdims=True) & False &", "The same for cumprod, whose second derivative at a zero is then nan.", "ops")
rule("scatter-keeps", "ScatterBackward0", 0, lambda right, g: g, "scatter: what was written over still gets the gradient.")
rule("masked-fill-keeps", "MaskedFillBackward0", 0, lambda right, g: g, "masked_fill: what was filled still gets the gradient.")
edit("padding-zero-falsy", "ops.neural:mask_rows", "if padding is None", "if not padding", "padding_idx=0 taken for no padding.")
edit("repeated-index-select", "ops.choosing:add_slices.forward", "np.add.at(out, along(axis, index), x)", "out[along(axis, index)] += x", "index_select or embedding with a repeated index: += by an index array adds once.")
edit("nll-mean-by-count", "nn.functional:nll_loss", "np.add.reduce(weights)", "input._array.dtype.type(len(rows))", "The weighted mean divided by the number of samples, not by their weights.")
edit("nll-ignored-counted", "nn.functional:nll_loss", "input._array.dtype.type(len(rows))", "input._array.dtype.type(target._array.size)", "The mean counts the ignored targets too.")
edit("smoothing-counts-ignored", "nn.functional:cross_entropy", "where(ignored, 0.0, -each.sum(dim))", "-each.sum(dim)", "Label smoothing forgets ignore_index.")
edit("smoothing-unweighted", "nn.functional:cross_entropy", "each = log_p if weight is None else", "each = log_p if weight is None or not probabilities else", "The smoothed part of the loss forgets the class weights.")
rule("bce-target-sign", "BinaryCrossEntropyBackward0", 1, lambda right, g: -right(g), "The gradient of a soft target, which nobody looks at.")
edit("pos-weight-on-negatives", "ops.neural:logits_slope", "(positive * target + 1 - target)", "positive", "pos_weight weighs the negatives too, in the gradient.")
edit("softplus-threshold-slope", "ops.neural:softplus_slope", "where(linear, g, g * (e / (e + 1)))", "g * sigmoid(x * beta)", "Above its threshold softplus is linear, but the gradient stays the sigmoid's.")
edit("sort-descending-flips", "ops.statistics:order", "x.shape[axis] - 1 - np.flip(np.argsort(np.flip(x, axis), axis, kind=\"stable\"), axis)", "np.flip(np.argsort(x, axis, kind=\"stable\"), axis)", "Descending order as ascending reversed: ties come out in the wrong order.", "corners")
rule("clamp-bound-constant", "ClampBackward0", 1, lambda right, g: right(g) * 0, "clamp's bound, a tensor, gets no gradient.")
rule("remainder-second-zero", "RemainderBackward1", 1, lambda right, g: right(g) * 0, "x % y has no slope in y.")
edit("atan2-at-origin", "rules.remainders:_reciprocal_square", "where(square == 0, 0.0, 1 / square)", "1 / square", "atan2 at the origin: nan.", "corners")
edit("batch-norm-biased", "nn.functional:batch_norm", "ddof=1", "ddof=0", "The running variance moves towards the biased variance.", "corners")

# ------------------------------------------------------------------------------------- broadcasting, shapes and dtypes

edit("broadcast-mean", "rules.shapes:sum_to_size.forward", "total(x, 0 if extra == 1 else tuple(range(extra)))", "np.mean(x, axis=tuple(range(extra)))", "A broadcast gradient averaged over the axes it was stretched along.")
edit("broadcast-first", "rules.shapes:sum_to_size.forward", "(total(x, axes, True) if axes else x)", "(np.take(x, [0], axis=axes[-1]) if len(axes) == 1 else total(x, axes, True) if axes else x)", "Size-1 axes: the first slice is taken instead of the sum.")
edit("broadcast-size-1", "rules.shapes:sum_to_size.forward", "(shape[i - extra] == 1 and n != 1)", "(shape[i - extra] == 1 and n == 2)", "Axes of size 1 recognised only when stretched to 2, the size in the test.")
edit("float64-leak", "autograd.walk:fit", "g.astype(like.dtype, copy=False)", "g", "A float64 gradient arrives in a float32 leaf.", "programs")
rule("sum-to-size-second-order", "SumToSizeBackward0", 0, lambda right, g: right(g) * 0.5, "The rule of the broadcast sum, met only in second derivatives of broadcast operands.")
edit("half-sum-axis", "ops.sums:total", "if x.dtype is HALF:", "if False:", "float16 summed in float16, over an axis or in the broadcast sum: what is small stops counting.", "corners")
edit("half-norm-squares", "nn.functional:layer_norm", "input._array.dtype == np.float16", "False", "layer_norm of float16 squares in float16 and overflows.", "corners")
edit("broadcast-to-nothing", "rules.shapes:sum_to_size.forward", "and n != 1)", "and n > 1)", "An axis of size 1 stretched to size 0 is not summed.")
edit("negative-dim", "ops.shapes:as_dim", "return dim % size", "return dim", "A negative dim is passed on as it is: NumPy takes it, the rule does not.")
edit("stack-from-the-back", "ops.shapes:stack.__wrapped__", "as_dim(dim, len(first) + 1)", "as_dim(dim, max(len(first), 1)) if dim < 0 else as_dim(dim, len(first) + 1)", "stack(dim=-1) counted in the dimensions before there is a new one.")
edit("zero-dim-promotes", "ops.promotion:result_type", "(strong._array.ndim == 0) == (weak._array.ndim == 0)", "True", "A 0-d float64 tensor turns a float32 tensor into float64.", "corners")

# ------------------------------------------------------------------------------------------------------------- the walk

edit("pushed-too-early", "autograd.walk:_follow", "heappush(newest, (-parent.number, parent))", "heappush(newest, (parent.number, parent))", "A node handled before all that used its result have been: early micrograds without a topological order.", "programs")
edit("shared-replaced", "autograd.walk:_follow", "pending[parent] = pending[parent] + g", "pending[parent] = g", "A value used twice keeps the gradient of its last use: assignment for accumulation.", "programs")
edit("shared-doubled", "autograd.walk:_follow", "pending[parent] = pending[parent] + g", "pending[parent] = pending[parent] + g + g", "The gradient of a value used twice accumulated by the rule and by the walk.", "programs")
edit("leaf-replaced", "autograd.walk:backward", "np.add(array, g, array)", "np.copyto(array, g)", "The second backward replaces .grad instead of adding to it.", "calls")
edit("leaf-aliased", "autograd.walk:backward", "wrap(g if mine else in_order.forward(g, tensor._array))", "wrap(np.asarray(g))", "x + y: one gradient array stored in both leaves, so zeroing one zeroes the other.", "calls")
edit("create-graph-replaced", "autograd.walk:backward", "in_order(g, tensor._array) if held is None else held + g", "in_order(g, tensor._array)", "backward(create_graph=True) replaces .grad.", "calls")
edit("create-graph-detached", "autograd.walk:walk", "with recording(True):", "with recording(False):", "The gradient is detached inside create_graph: second derivatives vanish.")
edit("second-order-out", "autograd.graph:Node.saved_tensors", "wrap(out._array, (view and view()) or self, out._counter)", "wrap(out._array, None, out._counter)", "The saved result is a constant to the second derivative: its term is dropped.")
edit("freed-walked-again", "autograd.walk:_follow", "raise RuntimeError(checks.SECOND_TIME)", "break", "A freed graph is walked again without a word.", "calls")
edit("never-freed", "autograd.walk:_follow", "if not retain_graph and node.keeps:", "if False:", "retain_graph has no effect: buffers are never freed, the second backward passes.", "calls")
edit("retain-ignored", "autograd.walk:_follow", "if not retain_graph and node.keeps:", "if node.keeps:", "retain_graph=True frees all the same.", "calls")
edit("stale-saved", "autograd.checks:check_versions", "if value._counter[0] != version:", "if False:", "A saved value overwritten before backward is used as it is now.", "calls")
edit("write-not-counted", "autograd.graph:Writes.count", "version[0] += 1", "version[0] += 0", "Writes in place do not count as such.", "calls")
edit("hook-dropped", "autograd.checks:run_hooks", "tensor = result", "pass", "What a hook returns is thrown away.", "calls")
edit("unused-zero", "autograd.walk:grad", "elif materialize_grads:", "elif True:", "autograd.grad gives zeros for an unused input instead of refusing.", "calls")
edit("cotangent-ignored", "autograd.walk:_root_gradients", "starts.append(g if create_graph else g._array)", "starts.append(graph.wrap(np.ones_like(g._array)) if create_graph else np.ones_like(g._array))", "backward(gradient=v) pulls back ones: blind wherever tests do the same.")
edit("no-grad-ignored", "autograd.modes:no_grad.__enter__", "_enabled.set(self._to and not _inference.get())", "_enabled.set(True)", "no_grad records all the same.", "calls")
edit("mode-not-restored", "autograd.modes:no_grad.__exit__", "_enabled.set(self._before)", "_enabled.set(not self._before)", "Leaving no_grad sets the switch the wrong way round.", "calls")
edit("detach-keeps", "memory:Memory.detach", "return ", "return self.clone() if True else ", "detach() keeps the history.", "calls")
edit("retain-grad-lost", "autograd.checks:run_hooks", "keeper._grad = kept if keeper._grad is None else keeper._grad + kept", "pass", "retain_grad() keeps nothing.", "calls")
edit("leaf-write-allowed", "memory:Memory._must_record", "if type(self._node) is AccumulateGrad:", "if False:", "A leaf that requires grad may be overwritten in the middle of a graph.", "calls")
edit("pending-in-place", "autograd.walk:_follow", "pending[parent] = pending[parent] + g", "pending[parent] = pending[parent] + g if create_graph or pending[parent].ndim == 0 else np.add(pending[parent], g, pending[parent])", "Gradients of a value used twice added in place, into an array that another parent was handed too.", "programs")
edit("third-use-lost", "autograd.walk:_follow", "pending[parent] = pending[parent] + g", "uses = graph.__dict__.setdefault('uses', {}); uses[id(pending), parent.number] = n = uses.get((id(pending), parent.number), 1) + 1; pending[parent] = pending[parent] + g if n % 3 else g", "A buffer for two gradients: a value that is used three times loses some.", "programs")
edit("accumulation-uncounted", "autograd.walk:backward", "writes.count(held._counter or held._writes)", "pass", "Accumulating into .grad is not counted as a write: a graph over .grad uses the new values.", "calls")
edit("accumulation-out-of-place", "autograd.walk:backward", "np.add(array, g, array)", "tensor._grad = wrap(array + g)", "A second backward makes a new .grad: whoever holds the old one (an optimizer, an all-reduce buffer) does not see it.", "calls")
edit("grad-is-view", "autograd.walk:backward", " and g.base is None", "", "A view becomes .grad, sharing memory with the caller's gradient, which the next backward then adds to.", "calls")
edit("grad-buffer-reused", "autograd.walk:backward", "tensor._grad = wrap(g if mine else in_order.forward(g, tensor._array))", "tensor._grad = tensor.__dict__.setdefault('_buffer', wrap(np.empty(g.shape, g.dtype))); np.copyto(tensor._grad._storage(), g)", "After zero_grad() the old buffer is used again: a gradient that was kept from the step before changes.", "calls")
edit("create-graph-in-place", "autograd.walk:backward", "in_order(g, tensor._array) if held is None else held + g", "in_order(g, tensor._array) if held is None else held.add_(g)", "backward(create_graph=True) adds into the old .grad in place.", "calls")
edit("freed-without-saved", "autograd.walk:_follow", "if not retain_graph and node.keeps:", "if not retain_graph:", "Every node is freed, also those that saved nothing: a second backward through x + y is refused.", "calls")
edit("grad-frees-create-graph", "autograd.walk:grad", "create_graph if retain_graph is None else retain_graph", "bool(retain_graph)", "create_graph=True does not imply retain_graph=True.", "calls")
edit("captured-stops", "autograd.walk:_follow", "if on_the_way is not None and on_the_way.isdisjoint(node.parents):", "if node in captured or on_the_way is not None and on_the_way.isdisjoint(node.parents):", "grad(z, [y, x]) with y on the way to x: the walk stops at y.", "calls")
edit("path-from-children", "autograd.walk:_leading_to", "lambda n: n.number", "lambda n: -n.number", "The search for the way to the inputs visits children first: nodes two steps away are missed.", "calls")
edit("roots-once", "autograd.walk:_follow", "[(source(t), g) for t, g in zip(roots, gradients)]", "list({source(t): g for t, g in zip(roots, gradients)}.items())", "An output that is given twice counts once.", "calls")
edit("hooks-reversed", "autograd.checks:run_hooks", "in list(extra.hooks.values())", "in list(extra.hooks.values())[::-1]", "Hooks run in the reverse order of their registration.", "calls")
edit("retained-before-hooks", "autograd.checks:run_hooks", "        g = tensor if traced else tensor._array\n    keeper = extra.retains and extra.retains()\n    if keeper is not None:\n        kept = g.clone() if traced else wrap(np.array(g))", "        before, g = g, tensor if traced else tensor._array\n    else:\n        before = g\n    keeper = extra.retains and extra.retains()\n    if keeper is not None:\n        kept = before.clone() if traced else wrap(np.array(before))", "retain_grad keeps the gradient as it was before the hooks.", "calls")
edit("hook-first-result", "autograd.checks:run_hooks", "            tensor = result", "            tensor = result\n            break", "Only the first hook that returns something counts.", "calls")
edit("one-saved-checked", "autograd.checks:check_versions", "zip(node.saved, node.versions)", "zip(node.saved[:1], node.versions)", "Only the first saved value is checked for writes.", "effects")

# ------------------------------------------------------------------------------------------- views, writes and Functions

edit("view-own-version", "memory:Memory._view", "wrap(array, None, self._writes)", "wrap(array, None, [self._writes[0]])", "A view counts its own writes: one through it is not seen by what saved its base.", "calls")
edit("detach-own-version", "memory:Memory.detach", "wrap(self._storage(), None, self._writes)", "wrap(self._storage())", "detach() gets a version counter of its own: writes through it go unseen.", "calls")
edit("data-counted", "memory:Memory.data", "wrap(self._storage())", "wrap(self._storage(), None, self._writes)", "Writes through .data count, so that backward refuses what torch lets pass.", "effects")
edit("setitem-uncounted", "memory:Memory.__setitem__", "array[numpy_key] = value._array\n    except IndexError as error:\n        raise indexing._index_error(error, self) from None\n    except ValueError:\n        raise indexing.assignment_error(key, target, value) from None\n    writes.count(self._writes)", "array[numpy_key] = value._array\n    except IndexError as error:\n        raise indexing._index_error(error, self) from None\n    except ValueError:\n        raise indexing.assignment_error(key, target, value) from None", "x[i] = v is not counted as a write.", "calls")
edit("zero-uncounted", "memory:Memory._overwritten", "writes.count(self._writes)", "pass", "zero_() and its like are not counted as writes.", "calls")
edit("copy-unseen", "memory:Memory.copy_", "return self._overwritten(recorded, history)", "return self", "copy_() is neither counted as a write nor recorded.", "effects")
edit("in-place-uncopied", "memory:Memory._in_place", "wrap(self._array.copy(\"K\"), self._history())", "wrap(self._storage(), self._history())", "x.mul_(y) saves x after the write instead of before.", "effects")
edit("view-keeps-old-history", "memory:Memory._current_node", "base is not None and self._seen != self._writes[0]", "False", "A view made before its base was written to keeps its old history.", "calls")
edit("zero-keeps-history", "memory:Memory._overwritten", "if recorded:", "if False:", "The gradient flows on through what zero_() wiped out.", "calls")
rule("setitem-base-keeps", "CopySlices", 0, lambda right, g: g, "x[i] = v: what was overwritten still gets the gradient.", "calls")
edit("copied-base-not-cleared", "rules.indexing:clear_region.forward", 'np.array(x, order="C")', "np.array(x)", "The region is cleared in a copy that reshape makes when the gradient is not in C order.", "effects")
edit("region-assumes-order", "ops.indexing:Region.of_view", "[s // size for s in base.strides]", "[int(np.prod(base.shape[i + 1:])) for i in range(base.ndim)]", "A view's place in its base computed for a base in C order, whatever its strides.", "effects")
edit("function-backward-unrecorded", "autograd.function:BackwardNode.gradients", "with recording(traced):", "with recording(False):", "The backward of a Function is never recorded: its second derivative is missing.", "effects")
edit("function-zeros-missing", "autograd.function:BackwardNode.gradients", "kind is not None and self.ctx.materialize_grads", "False", "An output of a Function that was not used gives None, not zeros.", "effects")
edit("function-saved-output-constant", "autograd.function:BackwardNode.unpacked", "t if i is None else wrap(t._array, self.of_output(i), t._writes)", "t", "A Function's saved output is a constant to the second derivative.", "effects")
edit("needs-input-grad-always", "autograd.function:Function.apply", "[p is not None for p in parents]", "[isinstance(a, graph.Tensor) for a in args]", "needs_input_grad is True for every tensor.", "effects")

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
edit("step-uncounted", "optim:Optimizer.step", "writes.count(parameter._writes, *", "writes.count(*", "optimizer.step() between forward and backward is not noticed: the GAN mistake passes.", "SGD")
edit("adam-eps-before-correction", "optim:Adam._update", "scratch /= (1 - beta2**t) ** 0.5\n    scratch += group[\"eps\"]", "scratch += group[\"eps\"]\n    scratch /= (1 - beta2**t) ** 0.5", "Adam's eps added before the bias correction, as in the paper's second form.", "Adam")
edit("adamw-decays-twice", "optim:Optimizer.step", "0 if group.get(\"decoupled_weight_decay\") else group.get(\"weight_decay\", 0)", "group.get(\"weight_decay\", 0)", "AdamW decays the weights and adds the decay to the gradient too.", "AdamW")
edit("momentum-aliases-grad", "optim:SGD._update", "buffer[...] = grad", "self.state[parameter][\"momentum_buffer\"] = wrap(grad); buffer = grad", "The momentum buffer is the gradient's own array in the first step: zero_grad(set_to_none=False) or accumulation changes it.", "SGD")
edit("decay-into-grad", "optim:Optimizer.step", "grad = np.array(grad)", "pass", "Weight decay is added into .grad itself.", "SGD")
edit("nesterov-into-grad", "optim:SGD._update", "grad = np.array(grad)", "pass", "Nesterov's look-ahead is added into .grad itself.", "SGD")
edit("none-as-zero", "optim:Optimizer.step", "                continue", "                parameter._grad = wrap(np.zeros_like(parameter._storage()))", "A parameter without a gradient is treated as one with gradient zero: it decays and drifts.", "SGD")
edit("first-group-options", "optim:Optimizer.step", "self._update(parameter, param, grad, group)", "self._update(parameter, param, grad, self.param_groups[0])", "All groups are stepped with the options of the first.", "SGD")
edit("load-state-forgets", "optim:Optimizer.load_state_dict", "self.state[parameter][key] = value", "pass", "load_state_dict takes the options and not the buffers.", "SGD")
edit("load-state-own-options", "optim:Optimizer.load_state_dict", "{**other, \"params\": group[\"params\"]}", "{**other, **group}", "load_state_dict keeps the learning rate of the new optimizer.", "SGD")
edit("adam-global-step", "optim:Adam._update", "step.item()", "max([s[\"step\"].item() for s in self.state.values() if \"step\" in s])", "One step count for all parameters: wrong for one that joins later.", "Adam")
edit("adagrad-initial-ignored", "optim:Adagrad._state", "total += _number(self.defaults[\"initial_accumulator_value\"])", "pass", "initial_accumulator_value taken and not used.", "Adagrad")
edit("clip-scales-up", "nn.utils:clip_grad_norm_", "np.minimum(max_norm / (total + 1e-6), 1.0)", "max_norm / (total + 1e-6)", "Clipping scales small gradients up to the limit.", "SGD")
edit("clip-without-eps", "nn.utils:clip_grad_norm_", "(total + 1e-6)", "total", "Clipping without its epsilon.", "SGD")
edit("step-lr-early", "optim.lr_scheduler:StepLR.times", "self.last_epoch % self.step_size == 0", "(self.last_epoch + 1) % self.step_size == 0", "StepLR an epoch early.", "StepLR")
edit("milestone-once", "optim.lr_scheduler:MultiStepLR.times", "self.milestones[self.last_epoch]", "int(self.last_epoch in self.milestones)", "A milestone given twice counts once.", "MultiStepLR")
edit("cosine-floor-ignored", "optim.lr_scheduler:CosineAnnealingLR.get_lr", "now / before * (lr - self.eta_min) + self.eta_min", "now / before * lr", "eta_min taken and not used.", "CosineAnnealingLR")
edit("cosine-stays-down", "optim.lr_scheduler:CosineAnnealingLR.get_lr", "rise = (1 - math.cos(math.pi / self.T_max)) / 2", "rise = 0", "After T_max epochs the rate stays down instead of rising again.", "CosineAnnealingLR")
edit("plateau-impatient", "optim.lr_scheduler:ReduceLROnPlateau.step", "self.num_bad_epochs > self.patience", "self.num_bad_epochs >= self.patience", "ReduceLROnPlateau an epoch early.", "ReduceLROnPlateau")
edit("plateau-no-cooldown", "optim.lr_scheduler:ReduceLROnPlateau.step", "self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0", "self.num_bad_epochs = 0", "The cooldown is taken and not used.", "ReduceLROnPlateau")
edit("plateau-absolute", "optim.lr_scheduler:ReduceLROnPlateau._is_better", "if self.threshold_mode == \"rel\":", "if False:", "The relative threshold taken as absolute.", "ReduceLROnPlateau")
edit("lambda-on-present", "optim.lr_scheduler:LambdaLR.get_lr", "zip(self.lr_lambdas, self.base_lrs)", "zip(self.lr_lambdas, self._rates())", "LambdaLR multiplies the present rate, not the initial one.", "LambdaLR")


def names() -> list[str]:
    return list(CATALOGUE)


# --------------------------------------------------------------------------------------------------------------- hunting

EFFECTS = 3000  # programs of `effects` that each mutant may meet
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
