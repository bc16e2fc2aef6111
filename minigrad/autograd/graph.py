"""The graph: what an operation leaves behind so that it can be differentiated.

`@differentiable` turns a NumPy function and a table of derivative rules into an operation on Tensors:

    @differentiable(x=lambda g, y: g * y,
                    y=lambda g, x: g * x)
    def mul(x, y):
        return x * y

Called on Tensors, `mul` computes on their arrays, wraps the result, and, if an input requires grad, gives it a Node. The
node knows its parents (where gradients go) and what the rules need (a rule's parameter names say so). Called on arrays it
just computes, so a rule may use other operations: the backward walk runs the rules on arrays, or, with `create_graph`, on
Tensors, and then the gradient has a graph of its own. Next: walk.py, which follows the nodes back.
"""

from __future__ import annotations

import itertools
import threading
import traceback
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from .modes import anomaly, is_grad_enabled

Array = Any  # an np.ndarray, or the NumPy scalar that NumPy returns for a 0-d result
Tensor: Any = None  # the class; tensor.py sets it here, since its operators are the operations made below
next_number = itertools.count().__next__
new = object.__new__
RAW = (np.ndarray, np.generic)


class Node:
    """An operation that was recorded, waiting for the gradient of its result. `grad_fn` of a tensor is one of these.

    Every operation has its own subclass, named as torch names it (`MulBackward0`), which holds its rules.

    number     later nodes have higher numbers, so a node's parents have lower ones
    parents    for each tensor input: the node that made it (a leaf's AccumulateGrad), or None where no gradient goes
    saved      what the rules need: Tensors (or Constants) in the order of `keeps`, then shapes, then options
    versions   the version of each saved Tensor when it was saved
    shape, dtype   of the result, and so of its gradient
    extra      hooks, the tensor that retains its grad, the traceback of anomaly mode; None for most nodes
    """

    __slots__ = ("number", "parents", "saved", "versions", "shape", "dtype", "extra", "__weakref__")
    keeps: tuple[str, ...] = ()  # the tensors that some rule needs, by name
    shapes: tuple[str, ...] = ()  # the tensors of which some rule needs the shape
    options: tuple[str, ...] = ()  # the operation's other parameters, if some rule needs one
    needs: dict[str, tuple[str, ...]] = {}  # for each tensor input, the names that its rule needs
    pulls: tuple[Any, ...] = ()  # for each tensor input, its rule as a function of g and `saved`: mul's first takes g and saved[1]
    traced_pulls: tuple[Any, ...] = ()  # the same on Tensors

    def __init__(self, parents: Any, saved: Any, versions: Any, out: Array) -> None:
        self.number = next_number()
        self.parents = parents
        self.saved = saved
        self.versions = versions
        self.shape = out.shape
        self.dtype = out.dtype
        self.extra = Extra(traceback.format_stack()) if anomaly.enabled else None

    def gradients(self, g: Any, saved: Any, traced: bool) -> Any:
        """(parent, gradient) for each parent that takes one, from the gradient g of the result.

        A node of one or two inputs has `_one_gradient` or `_two_gradients` in its place.
        """
        pulls = self.traced_pulls if traced else self.pulls
        return [(parent, pull(g, saved)) for parent, pull in zip(self.parents, pulls) if parent is not None]

    def _one_gradient(self, g: Any, saved: Any, traced: bool) -> Any:
        """`gradients` for one input. This and the next save a third of what a small node costs in the walk."""
        return ((self.parents[0], (self.traced_pulls if traced else self.pulls)[0](g, saved)),)

    def _two_gradients(self, g: Any, saved: Any, traced: bool) -> Any:
        (p, q), (pull_p, pull_q) = self.parents, self.traced_pulls if traced else self.pulls
        if q is None:
            return ((p, pull_p(g, saved)),)
        if p is None:
            return ((q, pull_q(g, saved)),)
        return ((p, pull_p(g, saved)), (q, pull_q(g, saved)))

    def saved_tensors(self) -> Any:
        """`saved` with the result as a Tensor of this node: what the rules get when they are recorded themselves."""
        if "out" not in self.keeps:
            return self.saved
        *others, out = self.saved[: len(self.keeps)]
        view = getattr(out, "_written", None)  # after a write through a view a second derivative goes through its base, as in torch
        return (*others, wrap(out._array, (view and view()) or self, out._counter), *self.saved[len(self.keeps) :])

    # ---- what torch shows of a grad_fn

    def name(self) -> str:
        return type(self).__name__

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        return tuple((parent, 0) for parent in self.parents)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} object at {id(self):#x}>"


class Extra:
    """What few nodes have: hooks on the gradient, the tensor that retains it, the place of recording."""

    __slots__ = ("hooks", "retains", "trace")

    def __init__(self, trace: list[str] | None = None) -> None:
        self.hooks: dict[int, Callable[[Any], Any]] = {}
        self.retains: Any = None  # a weak reference
        self.trace = trace


class AccumulateGrad(Node):
    """The node of a leaf that requires grad: gradients that arrive here end in the leaf's `.grad`.

    The leaf holds its node, and the node refers to the leaf weakly, so that nothing is kept alive in a cycle.
    """

    __slots__ = ("_leaf",)

    def __init__(self, leaf: Any) -> None:
        super().__init__((), (), (), leaf._array)
        self._leaf = weakref.ref(leaf)

    @property
    def variable(self) -> Any:
        """The leaf, or None if it is gone."""
        return self._leaf()

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"


class Constant:
    """An operand or a saved value that is no Tensor: a number or an array."""

    __slots__ = ("_array",)
    _node = _base = _counter = None

    def __init__(self, value: Any) -> None:
        self._array = value


class Writes:
    """Counts writes in place. `last` is the number of the last one, from the count that also numbers the nodes: a node
    that is younger needs no look at the versions of what it saved."""

    __slots__ = ("last", "lock")

    def __init__(self) -> None:
        self.last = 0
        self.lock = threading.Lock()

    def count(self, *versions: list[int]) -> None:
        """Tensors with these version counters were written to."""
        with self.lock:  # else a thread that was held up here could put an older number back
            self.last = next_number()
            for version in versions:
                version[0] += 1


writes = Writes()
NOTHING = Constant(None)  # in place of what no needed rule asks for


def wrap(array: Array, node: Node | None = None, version: list[int] | None = None) -> Any:
    """A Tensor around `array`, which it shares; a constant unless `node` is given."""
    tensor = new(Tensor)
    tensor._array = array
    tensor._node = node
    tensor._counter = version
    tensor._base = None
    return tensor


def version(x: Any) -> int:
    """How often the tensor x was written to in place."""
    return 0 if x._counter is None else x._counter[0]


def source(x: Any) -> Any:
    """Where a gradient of the tensor x goes: its node, or None."""
    return x._node if x._base is None else x._current_node()


# ------------------------------------------------------------------ from a table of rules to an operation


def differentiable(
    *,
    name: str | None = None,
    view: bool = False,
    floats: bool = False,
    binary: bool = False,
    promote: Callable[..., Any] | None = None,
    refuse: Callable[[Any, Any], Exception] | None = None,
    **rules: Any,
) -> Callable[[Callable[..., Any]], Any]:
    """Make an operation on Tensors of a function on arrays and the rule of each tensor input.

    `x=rule` gives the gradient of input x from g, the gradient of the result; `x=None` says that x has none. A rule's
    parameters after g name what it needs: inputs, options (the function's other parameters), `out`, or `x_shape`. What
    no rule names is not kept. The gradient may still have the result's shape where x was broadcast: the walk sums it.

    name     torch's name of the node, if not the function's own
    view     the result shares the memory of x
    floats   integers are converted to the default float type first
    binary   two inputs, which may be numbers and are promoted to one type
    promote  for a binary operation with a promotion of its own: brings the operands to one type
    refuse   for a binary operation without promotion: gives the error for two operands that do not fit
    """

    def decorate(forward: Callable[..., Any]) -> Any:
        node_class = _node_class(name or _torch_name(forward.__name__), forward, rules, binary)
        if binary:
            apply = _binary(forward, node_class, floats, promote, refuse)
        elif len(rules) == 1:
            apply = _unary(forward, node_class, view, floats)
        else:
            apply = _general(forward, node_class)
        apply.__name__, apply.__qualname__ = forward.__name__, forward.__qualname__
        apply.__doc__, apply.__module__ = forward.__doc__, forward.__module__
        apply.forward, apply.node_class = forward, node_class
        return apply

    return decorate


def _torch_name(function_name: str) -> str:
    return "".join(part.capitalize() for part in function_name.strip("_").split("_")) + "Backward0"


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    code = function.__code__
    return code.co_varnames[: code.co_argcount]


def _node_class(name: str, forward: Callable[..., Any], rules: dict[str, Any], binary: bool) -> type[Node]:
    tensors = tuple(rules)
    if _parameters(forward)[: len(tensors)] != tensors:
        raise TypeError(f"{name}: the tensors {tensors} must be the first parameters, in this order")
    if "out" in tensors:
        raise TypeError(f"{name}: `out` is the result, so no input can have this name")
    needs = {x: _parameters(rule)[1:] if rule else () for x, rule in rules.items()}
    wanted = {n for names in needs.values() for n in names}
    keeps = tuple(n for n in (*tensors, "out") if n in wanted)
    if binary and keeps:  # keeps both operands, or NOTHING in the place of one
        keeps = (*tensors, *keeps[-1:]) if "out" in keeps else tensors
    shapes = tuple(x for x in tensors if f"{x}_shape" in wanted)
    options = _parameters(forward)[len(tensors) :]
    if wanted.isdisjoint(options):
        options = ()
    names = (*keeps, *(f"{x}_shape" for x in shapes), *options)
    place = {n: i for i, n in enumerate(names)}
    body: dict[str, Any] = {
        "__slots__": (),
        "__module__": "builtins",  # so that its type prints as torch's, <class 'MulBackward0'>
        "keeps": keeps,
        "shapes": shapes,
        "options": options,
        "needs": needs,
        "pulls": tuple(_pull(r, [place[n] for n in needs[x]], len(keeps)) for x, r in rules.items()),
        "traced_pulls": tuple(_pull(r, [place[n] for n in needs[x]], len(keeps), True) for x, r in rules.items()),
    }
    if len(rules) <= 2:
        body["gradients"] = Node._one_gradient if len(rules) == 1 else Node._two_gradients
    return type(name, (Node,), body)


def _pull(rule: Any, places: list[int], kept: int, traced: bool = False) -> Any:
    """rule(g, *what it needs) as a function of (g, saved): on arrays, or traced, on Tensors, to be recorded itself."""
    if rule is None:
        return None
    if not places:
        return lambda g, saved: rule(g)
    if traced:
        return lambda g, saved: rule(g, *[saved[i] if not isinstance(saved[i], Constant) else saved[i]._array for i in places])
    if len(places) == 1 and places[0] < kept:
        (i,) = places
        return lambda g, saved: rule(g, saved[i]._array)
    if len(places) == 2 and max(places) < kept:
        i, j = places
        return lambda g, saved: rule(g, saved[i]._array, saved[j]._array)
    return lambda g, saved: rule(g, *[saved[i]._array if i < kept else saved[i] for i in places])


# The two functions below are the hot path of every program, so they create Tensors and Nodes in line: calls for them would
# add 3 to 7 % each to the time of a small operation.


def _unary(forward: Any, node_class: type[Node], view: bool, floats: bool) -> Any:
    """An operation of one tensor; what else it takes is given by position."""
    keeps_input, keeps_out = node_class.keeps[:1] not in ((), ("out",)), "out" in node_class.keeps
    keeps_shape, keeps_options = bool(node_class.shapes), bool(node_class.options)
    unwritten = (0,) * len(node_class.keeps)

    def apply(x: Any, *options: Any) -> Any:
        if not isinstance(x, Tensor):
            if isinstance(x, RAW):
                return forward(x, *options)
            raise TypeError(f"{forward.__name__}(): argument 'input' (position 1) must be Tensor, not {type(x).__name__}")
        if view:
            out = forward(x._storage(), *options)
            tensor = x._view(out)
        else:
            array = x._array
            if floats and array.dtype.kind != "f":
                x = x._to_default_float()
                array = x._array
            out = forward(array, *options) if options else forward(array)
            tensor = new(Tensor)
            tensor._array = out
            tensor._node = tensor._counter = tensor._base = None
        parent = x._node if x._base is None else x._current_node()
        if parent is None or not is_grad_enabled() or out.dtype.kind != "f":
            return tensor
        tensor._node = node = new(node_class)
        node.number = next_number()
        node.parents = (parent,)
        node.shape, node.dtype = out.shape, out.dtype
        node.extra = Extra(traceback.format_stack()) if anomaly.enabled else None
        node.saved = (x,) if keeps_input else ()
        node.versions = unwritten if not keeps_input or x._counter is None else (x._counter[0], *unwritten[1:])
        if keeps_out:
            node.saved += (wrap(tensor._storage(), None, tensor._writes),)
        if keeps_shape:
            node.saved += (x._array.shape,)
        if keeps_options:
            node.saved += options
        return tensor

    return apply


def _binary(forward: Any, node_class: type[Node], floats: bool, promote: Any, refuse: Any) -> Any:
    """An operation of two tensors, or of a tensor and a number, promoted; returns NotImplemented for other things."""
    from ..ops import layout, promotion

    promoted, shape_error = promote or promotion.promoted, promotion.shape_error
    one, two = node_class.needs
    keeps_nothing, keeps_out = not node_class.keeps, "out" in node_class.keeps
    # whether to save x, y and out, by whether x and by whether y takes a gradient
    plans = [
        [
            tuple([(p and n in node_class.needs[one]) or (q and n in node_class.needs[two]) for n in (one, two, "out")])
            for q in (False, True)
        ]
        for p in (False, True)
    ]
    unwritten = (0,) * len(node_class.keeps)

    def apply(x: Any, y: Any) -> Any:
        if isinstance(x, Tensor):
            if type(y) is not Tensor and not isinstance(y, Tensor):
                if (type(y) is float or type(y) is int) and x._array.dtype.kind == "f":
                    y = number_like(y, x._array)
                else:
                    pair = promoted(x, y, floats)
                    return NotImplemented if pair is None else apply(*pair)
        elif isinstance(y, Tensor):
            if (type(x) is float or type(x) is int) and y._array.dtype.kind == "f":
                x = number_like(x, y._array)
            else:
                pair = promoted(x, y, floats)
                return NotImplemented if pair is None else apply(*pair)
        else:
            return forward(x, y)
        a, b = x._array, y._array
        if a.dtype is not b.dtype or (floats and a.dtype.kind != "f"):
            if refuse is not None:
                raise refuse(x, y)
            return apply(*promoted(x, y, floats))
        try:
            out = forward(a, b)
        except ValueError:
            raise (refuse(x, y) if refuse is not None else shape_error(a, b)) from None
        if out.ndim > 1 and refuse is None and not a.flags.c_contiguous:
            out = layout.laid_out(out, a, b)
        tensor = new(Tensor)
        tensor._array = out
        tensor._node = tensor._counter = tensor._base = None
        p = x._node if x._base is None else x._current_node()
        q = y._node if y._base is None else y._current_node()
        if (p is None and q is None) or not is_grad_enabled():
            return tensor
        tensor._node = node = new(node_class)
        node.number = next_number()
        node.parents = (p, q)
        node.shape, node.dtype = out.shape, out.dtype
        node.extra = Extra(traceback.format_stack()) if anomaly.enabled else None
        node.versions = unwritten
        if keeps_nothing:
            node.saved = ()
            return tensor
        save_x, save_y, save_out = plans[p is not None][q is not None]
        node.saved = saved = (x if save_x else NOTHING, y if save_y else NOTHING)
        if x._counter is not None or y._counter is not None:
            node.versions = (version(saved[0]), version(saved[1]), *unwritten[2:])
        if keeps_out:
            node.saved += (wrap(tensor._storage(), None, tensor._writes) if save_out else NOTHING,)
        return tensor

    return apply


def number_like(number: float, array: Array) -> Constant:
    """A Python number as an operand beside a float array, whose dtype it takes; NumPy takes a 0-d array fastest."""
    constant = new(Constant)
    constant._array = np.array(number, array.dtype) if type(array) is np.ndarray else array.dtype.type(number)
    return constant


def _general(forward: Any, node_class: type[Node]) -> Any:
    """Any other operation: tensors, then options, all given by position."""
    needs, count = node_class.needs, len(node_class.needs)

    def apply(*args: Any) -> Any:
        inputs, options = args[:count], args[count:]
        if not any([isinstance(x, Tensor) for x in inputs]):
            return forward(*args)
        out = forward(*[x._array if isinstance(x, Tensor) else x for x in inputs], *options)
        tensor = wrap(out)
        if is_grad_enabled():
            parents = tuple([source(x) if isinstance(x, Tensor) else None for x in inputs])
            if any([p is not None for p in parents]) and out.dtype.kind == "f":
                wanted = {n for x, p in zip(needs, parents) if p is not None for n in needs[x]}
                values = dict(zip(needs, inputs)) | {"out": wrap(out, None, tensor._writes)}
                saved = [values[n] if n in wanted else NOTHING for n in node_class.keeps]
                kept = [v if isinstance(v, (Tensor, Constant)) else Constant(v) for v in saved]
                shapes = [np.shape(getattr(values[n], "_array", values[n])) for n in node_class.shapes]
                versions = tuple([version(v) for v in kept])
                tensor._node = node_class(parents, (*kept, *shapes, *(options if node_class.options else ())), versions, out)
        return tensor

    return apply
