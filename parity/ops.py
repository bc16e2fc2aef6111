"""The table of ops: one line an op says how to write it, how to draw its arguments, and how exact it is.

    op("exp", "torch.exp(x)", x=real(high=10), ulps=2)

The expression is what runs on every engine, on the judge, and in a printed script. Arguments are drawn in order, each
by a kind that sees what is already drawn: `real` a float tensor within a domain, `fits` one that broadcasts with
another, `dim`, `dims`, `flag`, `one_of`, `number`, and tensors of indices and masks. `ulps` is how many units in the
last place the op itself may err beyond one rounding for each arithmetic step of its formula in `referee.py`; sums are
bounded by the judge from the sum of absolute products, so need no number here. `order` is the highest derivative that
torch itself has. To add an op, add its line here, and its formula to `referee.Array` if the judge lacks the name.
"""



from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from parity.programs import BOOLS, Drawing, Ref, integers, shapes

Kind = Callable[[Drawing, dict[str, Any]], Any]
BIG = 1e4


@dataclass(frozen=True, eq=False, repr=False)
class Op:
    """`name`, `expression`, `arguments` in drawing order, `ulps`, highest `order`, `group`; whether
    programs use it, and whether it is tried at inf and nan (gelu is not: torch's vector and scalar code differ there)."""

    name: str
    expression: str
    arguments: tuple[tuple[str, Kind], ...]
    ulps: float = 0
    order: int = 3
    group: str = ""
    programs: bool = True
    limits: bool = True

    @cached_property
    def _function(self) -> Callable[..., Any]:
        names = ", ".join(["torch", "F", *(name for name, _ in self.arguments)])
        return eval(compile(f"lambda {names}: {self.expression}", "<op>", "eval"))  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def run(self, torch: Any, F: Any, args: dict[str, Any]) -> Any:
        return self._function(torch, F, **args)

    def text(self, args: dict[str, str]) -> str:
        """The expression with each argument written out."""
        def write(match: re.Match[str]) -> str:
            return args.get(match.group(0), match.group(0))
        return re.sub(r"(?<![\w.'\"])[A-Za-z_]\w*\b(?!\s*=[^=])(?!['\"])", write, self.expression)


# ------------------------------------------------------------------------------------------------------ argument kinds

def real(low: float = -BIG, high: float = BIG, gap: float = 0.0, dims: tuple[int, int] = (0, 4), empty: bool = True,
         grad: bool = True, fresh: bool = False) -> Kind:
    """A float tensor with entries in [low, high], at least `gap` from zero: any variable that fits, or a new leaf."""
    def draw(d: Drawing, args: dict[str, Any]) -> Ref:
        def fits(array: np.ndarray, span: tuple[float, float, float]) -> bool:
            return (dims[0] <= array.ndim <= dims[1] and array.size <= 64 and (empty or array.size > 0)
                    and (d.wild or (span[0] >= low and span[1] <= high and span[2] >= gap)))
        found = [] if fresh else d.existing(fits)
        k = d.below(len(found) + 1) if found else 0
        if k < len(found):
            return Ref(found[k])
        return d.floats(d.pick(shapes(dims[0], dims[1], empty)), low, high, gap, grad)
    return draw


def tensor(shape: Callable[[Drawing, dict[str, Any]], Sequence[int]], low: float = -BIG, high: float = BIG, gap: float = 0.0,
           grad: bool = True) -> Kind:
    """A float tensor of x's dtype and of a shape that follows from what is drawn."""
    def draw(d: Drawing, args: dict[str, Any]) -> Ref:
        want, dtype = tuple(shape(d, args)), d.arrays[args["x"]].dtype
        found = d.existing(lambda a, span: a.shape == want and a.dtype == dtype and (d.wild or (span[0] >= low and span[1] <= high and span[2] >= gap)))
        k = d.below(len(found) + 1) if found else 0
        return Ref(found[k]) if k < len(found) else d.floats(want, low, high, gap, grad, dtype)
    return draw


def constant(shape: Callable[[Drawing, dict[str, Any]], Sequence[int]], low: float = -BIG, high: float = BIG) -> Kind:
    """A new float tensor of x's dtype that wants no gradient, as weights and running statistics may not."""
    return lambda d, args: d.floats(shape(d, args), low, high, 0.0, False, d.arrays[args["x"]].dtype)


def like(name: str, **domain: Any) -> Kind:
    return tensor(lambda d, args: d.arrays[args[name]].shape, **domain)


def fits(name: str, low: float = -BIG, high: float = BIG, gap: float = 0.0) -> Kind:
    """A tensor whose shape broadcasts with that of `name`: equal, fewer axes, axes of 1, axes where it has 1."""
    def draw(d: Drawing, args: dict[str, Any]) -> Ref:
        mine = d.arrays[args[name]].shape

        def joins(a: np.ndarray, span: tuple[float, float, float]) -> bool:
            if not (d.wild or (span[0] >= low and span[1] <= high and span[2] >= gap)):
                return False
            n = min(a.ndim, len(mine))
            pairs = zip(a.shape[a.ndim - n:], mine[len(mine) - n:], strict=True)
            return a.size <= 64 and all(x == y or 1 in (x, y) for x, y in pairs)
        found = d.existing(joins)
        k = d.below(len(found) + 2)
        if k < len(found):
            return Ref(found[k])
        return d.floats(broadcastable(d, mine), low, high, gap)
    return draw


def broadcastable(d: Drawing, shape: Sequence[int]) -> tuple[int, ...]:
    way = d.below(6)
    if way == 0:
        return tuple(shape)
    if way == 1:
        return tuple(shape[d.below(len(shape) + 1):])
    bits = d.below(16)
    squeezed = tuple(1 if bits >> i & 1 else n for i, n in enumerate(shape))
    if way == 2:
        return squeezed
    stretched = tuple(2 if n == 1 and bits >> i & 1 else n for i, n in enumerate(shape))
    if way == 3 or len(shape) > 2:
        return stretched
    return (2, *squeezed) if way == 4 else (1, *stretched)


def ndim(d: Drawing, args: dict[str, Any], name: str) -> int:
    return d.arrays[args[name]].ndim


def dim(name: str = "x", nonempty: bool = False) -> Kind:
    """One axis, counted from either end; 0 or -1 for a 0-d tensor. `nonempty`: an axis longer than 0."""
    def draw(d: Drawing, args: dict[str, Any]) -> int:
        shape = d.arrays[args[name]].shape
        axes = [a for a in range(len(shape)) if shape[a] or not nonempty] or [0]
        axis = d.pick(axes)
        return axis - max(len(shape), 1) if d.below(2) else axis
    return draw


def dims(name: str = "x", none: bool = True) -> Kind:
    """None, one axis, or a tuple of axes."""
    def draw(d: Drawing, args: dict[str, Any]) -> Any:
        n = ndim(d, args, name)
        way = d.below(4)
        if way == 0 and none:
            return None
        if way < 3 or n < 2:
            axis = d.below(max(n, 1))
            return axis - max(n, 1) if d.below(2) else axis
        first = d.below(n)
        second = (first + 1 + d.below(n - 1)) % n
        return (first - n, second) if d.below(2) else (first, second)
    return draw


def one_of(*values: Any) -> Kind:
    return lambda d, args: d.pick(values)


flag = one_of(False, True)


def given(f: Callable[[Drawing, dict[str, Any]], Any]) -> Kind:
    return f


def shape_of(name: str) -> Callable[[Drawing, dict[str, Any]], tuple[int, ...]]:
    return lambda d, args: d.arrays[args[name]].shape


def mask(name: str = "x") -> Kind:
    """Bools of the same shape, or of one that broadcasts to it."""
    def draw(d: Drawing, args: dict[str, Any]) -> Ref:
        shape = d.arrays[args[name]].shape
        return d.leaf(BOOLS, shape if not d.below(4) else tuple(1 if i % 2 else n for i, n in enumerate(shape)))
    return draw


def index_tensor(axis: str = "dim", name: str = "x", shape: Callable[[Drawing, dict[str, Any]], Sequence[int]] | None = None) -> Kind:
    """Valid int64 positions along the drawn axis, repeated ones included."""
    def draw(d: Drawing, args: dict[str, Any]) -> Ref:
        x = d.arrays[args[name]].shape
        size = x[args[axis]] if x else 1
        want = shape(d, args) if shape else (1 + d.below(4),)
        return d.leaf(integers(0, size), want)
    return draw


def classes(rows: str = "x") -> Kind:
    """One class for each row of (rows, classes)."""
    return lambda d, args: d.leaf(integers(0, d.arrays[args[rows]].shape[-1]), d.arrays[args[rows]].shape[:-1])


def new_shape(name: str = "x", infer: bool = True) -> Kind:
    """Another shape of as many elements, now and then with a -1."""
    def draw(d: Drawing, args: dict[str, Any]) -> tuple[int, ...]:
        x = d.arrays[args[name]]
        n = x.size
        if not n:
            return (0,) if d.below(2) else (0, 2)
        choices: list[tuple[int, ...]] = [(n,), (1, n), (n, 1)] + [(k, n // k) for k in (2, 3) if n % k == 0]
        choices += [(2, n // 4, 2)] if n % 4 == 0 else []
        out = d.pick(choices)
        if infer and d.below(3) == 2:
            at = d.below(len(out))
            out = (*out[:at], -1, *out[at + 1:])
        return out  # type: ignore[no-any-return]
    return draw


def index(name: str = "x") -> Kind:
    """Basic and advanced indices: integers, slices, None, ..., lists with repeats."""
    def draw(d: Drawing, args: dict[str, Any]) -> Any:
        out: list[Any] = []
        shape = d.arrays[args[name]].shape
        lists = False
        for n in shape:
            way = d.below(7)
            if way == 0 or (way == 5 and not n):
                out.append(slice(None))
            elif way == 1 and n:
                out.append(d.below(n) - n * d.below(2))
            elif way == 2:
                out.append(slice(d.below(n + 1), None, None))
            elif way == 3:
                out.append(slice(None, None, 2))
            elif way == 4:
                out += [None, slice(-2, None, None)]
            elif way == 5 and not lists:
                lists = True
                out.append([d.below(n) for _ in range(1 + d.below(3))])
            elif way == 6 and Ellipsis not in out:
                out.append(Ellipsis)
                break
            else:
                out.append(slice(0, max(n - 1, 0), None))
        return tuple(out) if len(out) != 1 else out[0]
    return draw


def matrix_pair(d: Drawing, args: dict[str, Any]) -> tuple[int, ...]:
    """A shape that `x @ y` takes: 1-d, 2-d, or batched with broadcasting."""
    x = d.arrays[args["x"]].shape
    k, way = x[-1], d.below(5)
    if way == 0 or (len(x) == 1 and way == 4):
        return (k, 1 + d.below(3))
    if way == 1:
        return (k,)
    if way == 2:
        return (1 + d.below(2), k, 2)
    if len(x) > 2:
        return (*x[:-2], k, 1 + d.below(3))
    return (2, 1, k, 2) if way == 3 else (k, 2)


def expanded(d: Drawing, args: dict[str, Any]) -> tuple[int, ...]:
    shape = tuple((1 + d.below(3)) if n == 1 else n for n in d.arrays[args["x"]].shape)
    way = d.below(3)
    return shape if way == 0 else (2, *shape) if way == 1 else tuple(-1 if n != 1 else n for n in shape)


def permutation(d: Drawing, args: dict[str, Any]) -> tuple[int, ...]:
    left = list(range(ndim(d, args, "x")))
    return tuple(left.pop(d.below(len(left))) - (len(left) + 1 if False else 0) for _ in range(len(left)))


def channels(d: Drawing, args: dict[str, Any]) -> tuple[int, ...]:
    return (d.arrays[args["x"]].shape[1],)


def one_place(d: Drawing, args: dict[str, Any]) -> tuple[int, ...]:
    """The shape of x, with one place along the drawn axis: no place comes twice."""
    shape = list(d.arrays[args["x"]].shape)
    shape[args["dim"]] = 1
    return tuple(shape)


def several(joins: bool) -> Kind:
    """Two or three tensors that `cat` (equal but for the axis) or `stack` (all equal) takes; a repeat is likely."""
    def draw(d: Drawing, args: dict[str, Any]) -> list[Ref]:
        first, parts = args["x"], [Ref(args["x"])]
        shape = d.arrays[first].shape
        for _ in range(1 + d.below(2)):
            want = list(shape)
            if joins and d.below(2):
                want[args["dim"]] = 1 + d.below(2)
            parts.append(first if want == list(shape) and d.below(2) else d.floats(want, dtype=d.arrays[first].dtype))
        return parts
    return draw


# --------------------------------------------------------------------------------------------------------- the table

OPS: dict[str, Op] = {}
_group = ""


def op(name: str, expression: str, ulps: float = 0, order: int = 3, programs: bool = True, limits: bool = True, **arguments: Kind) -> None:
    """Adds a line to the table."""
    assert name not in OPS, name
    OPS[name] = Op(name, expression, tuple(arguments.items()), ulps, order, _group, programs, limits)


x, tame, safe = real(), real(-10, 10), real(0.25, 30)          # any, for exp and its kin, for logs and roots
vector, matrix = real(dims=(1, 1), empty=False), real(dims=(2, 2), empty=False)
axis = real(dims=(1, 4))                                          # has an axis
full = real(dims=(1, 4), empty=False)                             # has an axis and elements
some = real(empty=False)                                          # has an element

_group = "arithmetic"
op("add", "x + y", x=x, y=fits("x"))
op("sub", "x - y", x=x, y=fits("x"))
op("mul", "x * y", x=x, y=fits("x"))
op("div", "x / y", x=x, y=fits("x", gap=0.25))
op("neg", "-x", x=x)
op("add_number", "x + k", x=x, k=one_of(1, 0.5, -2, 0.1))
op("radd_number", "k + x", x=x, k=one_of(1, 0.5, -2, 0.1))
op("sub_number", "x - k", x=x, k=one_of(1, 0.5, 0.1))
op("rsub_number", "k - x", x=x, k=one_of(1, 0.5, 0.1))
op("mul_number", "x * k", x=x, k=one_of(2, 0.5, -3, 0.1))
op("rmul_number", "k * x", x=x, k=one_of(2, 0.5, -3, 0.1))
op("div_number", "x / k", x=x, k=one_of(2, -4, 3, 0.1))
op("rdiv_number", "k / x", x=real(gap=0.25), k=one_of(1, -2, 0.3))
op("torch_add", "torch.add(x, y, alpha=k)", x=x, y=fits("x"), k=one_of(1, 2, -0.5))
op("torch_sub", "torch.sub(x, y, alpha=k)", x=x, y=fits("x"), k=one_of(1, 2, -0.5))
op("torch_mul", "torch.mul(x, y)", x=x, y=fits("x"))
op("torch_div", "torch.div(x, y)", x=x, y=fits("x", gap=0.25))
op("reciprocal", "torch.reciprocal(x)", x=real(gap=0.25))
op("square", "torch.square(x)", x=x)
op("pow_number", "x ** k", x=real(-30, 30, 0.25), ulps=2, k=one_of(2, 3, 1, 0, -1, -2))
op("pow_root", "x ** k", x=safe, ulps=2, k=one_of(0.5, 1.5, -0.5, 2.5, 1.2))
op("pow_tensor", "x ** y", x=real(0.25, 4), y=fits("x", -3, 3), ulps=4)
op("rpow", "k ** x", x=real(-5, 5), ulps=4, k=one_of(2, 0.5, 3.0))
op("remainder", "x % y", x=x, y=fits("x", gap=0.25), limits=False)  # 1.0 % 5e-324 is 0 in torch's scalar code, nan in its vectors
op("fmod", "torch.fmod(x, y)", x=x, y=fits("x", gap=0.25), limits=False)
op("addmm", "torch.addmm(y, x, z)", x=matrix, z=tensor(lambda d, a: (d.arrays[a["x"]].shape[1], 2)), y=tensor(lambda d, a: (2,)))
op("addcmul", "torch.addcmul(x, y, z, value=k)", x=x, y=like("x"), z=like("x"), k=one_of(1, 0.5))
op("addcdiv", "torch.addcdiv(x, y, z, value=k)", x=x, y=like("x"), z=like("x", gap=0.25), k=one_of(1, 0.5))
op("lerp", "torch.lerp(x, y, k)", x=x, y=like("x"), k=one_of(0.25, 0.5, 0.9), ulps=1)
op("add_", "x.clone().add_(y)", x=x, y=tensor(shape_of("x")))
op("sub_", "x.clone().sub_(y)", x=x, y=tensor(shape_of("x")))
op("mul_", "x.clone().mul_(y)", x=x, y=tensor(shape_of("x")))
op("div_", "x.clone().div_(y)", x=x, y=tensor(shape_of("x"), gap=0.25))

_group = "elementwise"
for _name, _kind, _ulps in (
        ("exp", tame, 2), ("log", safe, 2), ("sqrt", safe, 1), ("rsqrt", safe, 2), ("sin", tame, 2), ("cos", tame, 2),
        ("tan", real(-1.25, 1.25), 4), ("sinh", tame, 4), ("cosh", tame, 4), ("tanh", tame, 2), ("sigmoid", tame, 4),
        ("asin", real(-0.9, 0.9), 4), ("acos", real(-0.9, 0.9), 4), ("atan", tame, 4), ("asinh", tame, 4),
        ("acosh", real(1.25, 30), 4), ("atanh", real(-0.9, 0.9), 4), ("expm1", tame, 4), ("log1p", real(-0.75, 30), 4),
        ("log2", safe, 2), ("log10", safe, 2), ("exp2", tame, 2), ("erf", tame, 4), ("erfc", real(-2, 2), 8)):
    op(_name, f"torch.{_name}(x)", x=_kind, ulps=_ulps)
for _name in ("exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid"):
    op(f"x.{_name}", f"x.{_name}()", x=safe, ulps=4)
for _name in ("abs", "relu", "sign", "floor", "ceil", "round", "trunc", "frac"):
    op(_name, f"torch.{_name}(x)", x=x)
op("x.abs", "x.abs()", x=x)
op("x.relu", "x.relu()", x=x)
op("x.square", "x.square()", x=x)
op("x.pow", "x.pow(k)", x=safe, k=one_of(2, 3, 0.5), ulps=2)
op("clamp", "torch.clamp(x, low, high)", x=x, low=one_of(-1, 0, -0.5), high=one_of(1, 2, 0.5))
op("clamp_min", "x.clamp(min=low)", x=x, low=one_of(0, -1, 0.5))
op("clamp_max", "x.clamp(max=high)", x=x, high=one_of(0, 1, 0.5))
op("clamp_tensors", "torch.clamp(x, y, z)", x=x, y=like("x"), z=like("x"), limits=False, programs=False)
op("atan2", "torch.atan2(x, y)", x=x, y=fits("x", gap=0.25), ulps=2, limits=False, programs=False)
op("maximum", "torch.maximum(x, y)", x=x, y=fits("x"))
op("minimum", "torch.minimum(x, y)", x=x, y=fits("x"))
op("where", "torch.where(m, x, y)", x=x, m=mask(), y=fits("x"))
op("where_number", "torch.where(m, x, k)", x=x, m=mask(), k=one_of(0.0, 1.5))
op("where_compare", "torch.where(x > y, x, y)", x=x, y=fits("x"))
op("masked_fill", "x.masked_fill(m, k)", x=x, m=mask(), k=one_of(0.0, 1.5))
op("mask_product", "x * (x > k)", x=x, k=one_of(0, 0.5))
op("clone", "x.clone()", x=x)
op("detach_product", "x.detach() * x", x=x)

_group = "reductions"
op("sum", "x.sum(dim, keepdim=keepdim)", x=x, dim=dims(), keepdim=flag)
op("sum_all", "x.sum()", x=x)
op("torch_sum", "torch.sum(x, dim=dim)", x=x, dim=dims())
op("mean", "x.mean(dim, keepdim=keepdim)", x=some, dim=dims(), keepdim=flag)
op("mean_all", "x.mean()", x=some)
op("max_all", "x.max()", x=some)
op("min_all", "x.min()", x=some)
op("max", "torch.max(x, dim=dim, keepdim=keepdim)[0]", x=some, dim=dim(), keepdim=flag)
op("min", "torch.min(x, dim=dim, keepdim=keepdim)[0]", x=some, dim=dim(), keepdim=flag)
op("amax", "torch.amax(x, dim=dim, keepdim=keepdim)", x=some, dim=dims(none=False), keepdim=flag)
op("amin", "torch.amin(x, dim=dim, keepdim=keepdim)", x=some, dim=dims(none=False), keepdim=flag)
op("argmax", "torch.argmax(x, dim=dim, keepdim=keepdim)", x=some, dim=dim(), keepdim=flag)
op("argmin", "torch.argmin(x, dim=dim)", x=some, dim=dim())
op("prod_all", "torch.prod(x)", x=real(-3, 3))
op("prod", "torch.prod(x, dim=dim, keepdim=keepdim)", x=real(-3, 3), dim=dim(), keepdim=flag)
op("cumsum", "torch.cumsum(x, dim)", x=x, dim=dim())
op("cumprod", "torch.cumprod(x, dim)", x=real(-3, 3, dims=(0, 3)), dim=dim())
op("prod_with_zeros", "torch.prod(x - x.detach() * m, dim=dim)", x=real(-3, 3), dim=dim(), m=mask(), limits=False, programs=False)
op("cumprod_with_zeros", "torch.cumprod(x - x.detach() * m, dim)", x=real(-3, 3, dims=(0, 3)), dim=dim(), m=mask(), limits=False, programs=False)
op("logsumexp", "torch.logsumexp(x, dim=dim, keepdim=keepdim)", x=some, dim=dims(none=False), keepdim=flag, ulps=4)
op("softmax", "torch.softmax(x, dim=dim)", x=tame, dim=dim(), ulps=4)
op("log_softmax", "torch.log_softmax(x, dim=dim)", x=tame, dim=dim(), ulps=4)
op("var", "torch.var(x, dim=dim, keepdim=keepdim)", x=real(dims=(1, 1), empty=False), dim=dim(), keepdim=flag)
op("var_biased", "torch.var(x, dim=dim, correction=0)", x=some, dim=dims(none=False))
op("var_correction", "torch.var(x, dim=dim, correction=k, keepdim=keepdim)", x=some, dim=dims(none=False), k=one_of(0, 0.5), keepdim=flag, programs=False)
op("norm_p", "torch.norm(x, p=k, dim=dim)", x=real(gap=0.25, empty=False), dim=dim(), k=one_of(3, float("inf")), ulps=4, programs=False)
op("norm1", "torch.norm(x, p=1)", x=some)
op("norm", "x.norm()", x=real(gap=0.25, empty=False), ulps=1)
op("norm_dim", "torch.norm(x, dim=dim, keepdim=keepdim)", x=real(gap=0.25, empty=False), dim=dim(), keepdim=flag, ulps=1)
op("std", "torch.std(y, dim=dim)", x=real(-3, 3, dims=(1, 3), empty=False), dim=dim(), y=given(lambda d, a: a["x"]), ulps=2, programs=False)
op("diff", "torch.diff(x, dim=dim)", x=full, dim=dim())

_group = "shapes"
op("reshape", "x.reshape(shape)", x=x, shape=new_shape())
op("torch_reshape", "torch.reshape(x, shape)", x=x, shape=new_shape())
op("view", "x.reshape(-1).view(shape)", x=x, shape=new_shape())
op("flatten", "torch.flatten(x)", x=x)
op("flatten_from", "x.flatten(start)", x=axis, start=one_of(0, -1))
op("ravel", "x.ravel()", x=x)
op("t", "x.t()", x=real(dims=(0, 2)))
op("T", "x.T", x=real(dims=(2, 2)))
op("mT", "x.mT", x=real(dims=(2, 4)))
op("transpose", "x.transpose(i, j)", x=axis, i=dim(), j=dim())
op("torch_transpose", "torch.transpose(x, i, j)", x=axis, i=dim(), j=dim())
op("permute", "x.permute(dims)", x=axis, dims=permutation)
op("squeeze", "x.squeeze()", x=x)
op("squeeze_dim", "x.squeeze(dim)", x=x, dim=dim())
op("unsqueeze", "x.unsqueeze(dim)", x=x, dim=given(lambda d, a: d.below(2 * (ndim(d, a, "x") + 1)) - ndim(d, a, "x") - 1))
op("expand", "x.expand(shape)", x=x, shape=expanded)
op("broadcast_to", "torch.broadcast_to(x, shape)", x=x, shape=given(lambda d, a: (2, *d.arrays[a["x"]].shape)))
op("expand_as", "x.expand_as(y)", x=real(dims=(0, 0)), y=x)
op("repeat", "x.repeat(sizes)", x=real(dims=(0, 3)), sizes=given(lambda d, a: tuple(1 + d.below(2) for _ in range(ndim(d, a, "x") + d.below(2)))))
op("flip", "torch.flip(x, (dim,))", x=axis, dim=dim())
op("roll", "torch.roll(x, k, dim)", x=axis, dim=dim(), k=one_of(1, -1, 2))
op("cat", "torch.cat(xs, dim=dim)", x=full, dim=dim(), xs=several(True))
op("hstack", "torch.hstack(xs)", x=x, xs=several(False), programs=False)
op("vstack", "torch.vstack(xs)", x=x, xs=several(False), programs=False)
op("stack", "torch.stack(xs, dim=dim)", x=x, dim=given(lambda d, a: d.below(2 * (ndim(d, a, "x") + 1)) - ndim(d, a, "x") - 1), xs=several(False))
op("unbind", "torch.unbind(x, dim)[0]", x=full, dim=dim())
op("split", "torch.split(x, k, dim)[0]", x=full, dim=dim(), k=one_of(1, 2))
op("chunk", "torch.chunk(x, k, dim)[0]", x=full, dim=dim(), k=one_of(2, 1, 3))
op("tril", "torch.tril(x, k)", x=real(dims=(2, 3)), k=one_of(0, 1, -1))
op("triu", "torch.triu(x, k)", x=real(dims=(2, 3)), k=one_of(0, 1, -1))
op("diag", "torch.diag(x)", x=real(dims=(1, 2), empty=False))

_group = "indexing"
op("index", "x[i]", x=x, i=index())
op("index_again", "x[i]", x=full, i=index())
op("mask_index", "x[m]", x=x, m=given(lambda d, a: d.leaf(BOOLS, d.arrays[a["x"]].shape)))
op("index_tensor", "x[i]", x=full, dim=one_of(0), i=index_tensor())
op("index_pair", "x[i, j]", x=real(dims=(2, 3), empty=False), zero=one_of(0), one=one_of(1),
   i=index_tensor("zero", shape=lambda d, a: (3,)), j=index_tensor("one", shape=lambda d, a: (3,)))
op("index_column", "x[:, i]", x=real(dims=(2, 3), empty=False), one=one_of(1), i=index_tensor("one"))
op("index_select", "torch.index_select(x, dim, i)", x=full, dim=dim(), i=index_tensor())
op("masked_select", "torch.masked_select(x, m)", x=x, m=mask())
op("gather", "torch.gather(x, dim, i)", x=full, dim=dim(), i=index_tensor(shape=lambda d, a: d.arrays[a["x"]].shape))
op("take_along", "x.gather(dim, i)", x=full, dim=dim(), i=index_tensor(shape=lambda d, a: d.arrays[a["x"]].shape))
op("scatter_add", "torch.scatter_add(x, dim, i, y)", x=full, dim=dim(), i=index_tensor(shape=lambda d, a: d.arrays[a["x"]].shape), y=like("x"))
op("scatter", "torch.scatter(x, dim, i, y)", x=full, dim=dim(), i=index_tensor(shape=one_place), y=tensor(one_place), programs=False)
op("scatter_number", "torch.scatter(x, dim, i, k)", x=full, dim=dim(), i=index_tensor(shape=one_place), k=one_of(0.0, 1.5), programs=False)
op("sort", "torch.sort(x, dim=dim, descending=down, stable=True)[0]", x=full, dim=dim(), down=flag)
op("argsort", "torch.argsort(x, dim=dim, stable=True)", x=full, dim=dim())
op("topk", "torch.topk(x, 1, dim=dim)[0]", x=full, dim=dim(), limits=False)  # torch takes any of equal ones
op("embedding", "F.embedding(i, x)", x=matrix, zero=one_of(0), i=index_tensor("zero"))
op("embedding_padded", "F.embedding(i, x, padding_idx=k)", x=matrix, zero=one_of(0), k=one_of(0, -1), i=index_tensor("zero"), programs=False)

_group = "matrix"
op("matmul", "x @ y", x=real(dims=(1, 3)), y=tensor(matrix_pair))
op("torch_matmul", "torch.matmul(x, y)", x=real(dims=(1, 3)), y=tensor(matrix_pair))
op("mm", "torch.mm(x, y)", x=real(dims=(2, 2)), y=tensor(lambda d, a: (d.arrays[a["x"]].shape[1], 1 + d.below(3))))
op("mv", "torch.mv(x, y)", x=real(dims=(2, 2)), y=tensor(lambda d, a: d.arrays[a["x"]].shape[1:]))
op("bmm", "torch.bmm(x, y)", x=real(dims=(3, 3)), y=tensor(lambda d, a: (d.arrays[a["x"]].shape[0], d.arrays[a["x"]].shape[2], 2)))
op("dot", "torch.dot(x, y)", x=real(dims=(1, 1)), y=like("x"))
op("outer", "torch.outer(x, y)", x=real(dims=(1, 1)), y=real(dims=(1, 1)))
op("cross", "torch.cross(x, y, dim=dim)", x=given(lambda d, a: d.floats(d.pick(((3,), (2, 3), (3, 2))))), y=like("x"),
   dim=given(lambda d, a: d.arrays[a["x"]].shape.index(3) - ndim(d, a, "x") * d.below(2)), programs=False)
op("einsum", "torch.einsum('ij,jk->ik', x, y)", x=matrix, y=tensor(lambda d, a: (d.arrays[a["x"]].shape[1], 2)))
op("einsum_batch", "torch.einsum('bij,bj->bi', x, y)", x=real(dims=(3, 3), empty=False), y=tensor(lambda d, a: (d.arrays[a["x"]].shape[0], d.arrays[a["x"]].shape[2])))
op("gram", "x @ x.T", x=matrix)

_group = "nn"
op("linear", "F.linear(x, w, b)", x=real(dims=(1, 3)), w=tensor(lambda d, a: (2, d.arrays[a["x"]].shape[-1])), b=tensor(lambda d, a: (2,)))
op("mse_loss", "F.mse_loss(x, y, reduction=how)", x=some, y=like("x"), how=one_of("mean", "sum", "none"))
op("l1_loss", "F.l1_loss(x, y, reduction=how)", x=some, y=like("x"), how=one_of("mean", "sum", "none"))
op("huber_loss", "F.huber_loss(x, y, reduction=how, delta=k)", x=some, y=like("x"), how=one_of("mean", "sum", "none"), k=one_of(1.0, 0.5))
op("smooth_l1_loss", "F.smooth_l1_loss(x, y, reduction=how, beta=k)", x=some, y=like("x"), how=one_of("mean", "sum", "none"), k=one_of(1.0, 0.5))
op("binary_cross_entropy", "F.binary_cross_entropy(x, y, reduction=how)", x=real(0.05, 0.95, empty=False), y=like("x", low=0.0, high=1.0, grad=False),
   how=one_of("mean", "sum", "none"), ulps=4, order=2, programs=False)
op("bce_with_logits", "F.binary_cross_entropy_with_logits(x, y, reduction=how)", x=real(-10, 10, empty=False),
   y=like("x", low=0.0, high=1.0, grad=False), how=one_of("mean", "sum", "none"), ulps=4, programs=False)
op("nll_loss", "F.nll_loss(x, i, reduction=how)", x=matrix, i=classes(), how=one_of("mean", "sum", "none"))
op("cross_entropy", "F.cross_entropy(x, i, reduction=how)", x=real(-10, 10, dims=(2, 2), empty=False), i=classes(), how=one_of("mean", "sum", "none"), ulps=4)
op("cross_entropy_smooth", "F.cross_entropy(x, i, label_smoothing=0.1)", x=real(-10, 10, dims=(2, 2), empty=False), i=classes(), ulps=4)
op("cross_entropy_probs", "F.cross_entropy(x, y)", x=real(-10, 10, dims=(2, 2), empty=False), y=like("x", low=0.0, high=1.0), ulps=4)
_weights = constant(lambda d, a: d.arrays[a["x"]].shape[-1:], 0.25, 3.0)  # of classes
_how, _some_smooth = one_of("mean", "sum", "none"), one_of(0.0, 0.1)
op("nll_loss_weighted", "F.nll_loss(x, i, weight=w, ignore_index=k, reduction=how)", x=matrix, i=classes(), w=_weights, k=one_of(-100, 0, 1), how=_how, programs=False)
op("nll_loss_ignoring", "F.nll_loss(x, i, ignore_index=k)", x=matrix, i=classes(), k=one_of(0, 1), programs=False)
op("cross_entropy_weighted", "F.cross_entropy(x, i, weight=w, ignore_index=k, reduction=how, label_smoothing=s)", x=real(-10, 10, dims=(2, 2), empty=False),
   i=classes(), w=_weights, k=one_of(-100, 0, 1), how=_how, s=_some_smooth, ulps=4, programs=False)
op("cross_entropy_probs_weighted", "F.cross_entropy(x, y, weight=w, reduction=how, label_smoothing=s)", x=real(-10, 10, dims=(2, 2), empty=False),
   y=like("x", low=0.0, high=1.0), w=_weights, how=_how, s=_some_smooth, ulps=4, programs=False)
op("binary_cross_entropy_weighted", "F.binary_cross_entropy(x, y, weight=w, reduction=how)", x=real(0.05, 0.95, empty=False), y=like("x", low=0.0, high=1.0),
   w=constant(shape_of("x"), 0.25, 3.0), how=_how, ulps=4, order=2, programs=False)
op("bce_with_logits_weighted", "F.binary_cross_entropy_with_logits(x, y, weight=w, pos_weight=p, reduction=how)", x=real(-10, 10, empty=False),
   y=like("x", low=0.0, high=1.0), w=constant(shape_of("x"), 0.25, 3.0), p=_weights, how=_how, ulps=4, programs=False)
op("leaky_relu", "F.leaky_relu(x, k)", x=x, k=one_of(0.01, 0.25))
op("elu", "F.elu(x)", x=tame, ulps=4)
op("silu", "F.silu(x)", x=tame, ulps=4)
op("gelu", "F.gelu(x)", x=real(-4, 4), ulps=8, limits=False)
op("softplus", "F.softplus(x)", x=tame, ulps=4)
op("softplus_bent", "F.softplus(x, beta=k, threshold=t)", x=tame, k=one_of(1, 2, 0.5), t=one_of(1, 20), ulps=4, programs=False)
op("elu_alpha", "F.elu(x, alpha=k)", x=tame, k=one_of(0.5, 2.0), ulps=4, programs=False)
op("gelu_tanh", "F.gelu(x, approximate='tanh')", x=real(-4, 4), ulps=8, limits=False, programs=False)
op("logsigmoid", "F.logsigmoid(x)", x=tame, ulps=4)
op("hardtanh", "F.hardtanh(x)", x=x)
op("F.relu", "F.relu(x)", x=x)
op("F.softmax", "F.softmax(x, dim=dim)", x=tame, dim=dim(), ulps=4)
op("F.log_softmax", "F.log_softmax(x, dim=dim)", x=tame, dim=dim(), ulps=4)
op("layer_norm", "F.layer_norm(x, (n,))", x=real(-3, 3, dims=(1, 3), empty=False), n=given(lambda d, a: d.arrays[a["x"]].shape[-1]), ulps=4, programs=False)
op("layer_norm_affine", "F.layer_norm(x, (n,), w, b)", x=real(-3, 3, dims=(1, 3), empty=False), n=given(lambda d, a: d.arrays[a["x"]].shape[-1]),
   w=tensor(lambda d, a: (a["n"],)), b=tensor(lambda d, a: (a["n"],)), ulps=4, programs=False)
op("batch_norm", "F.batch_norm(x, None, None, w, b, True)", x=given(lambda d, a: d.floats(d.pick(((3, 2), (4, 2), (2, 3), (2, 2, 2), (2, 1, 3))), -3, 3)),
   w=tensor(channels), b=tensor(channels), ulps=4, programs=False)
op("batch_norm_running", "F.batch_norm(x, m, v, w, b)", x=real(-3, 3, dims=(2, 3), empty=False), m=constant(channels),
   v=constant(channels, 0.25, 4.0), w=tensor(channels),
   b=tensor(channels), ulps=4, programs=False)
op("normalize", "F.normalize(x, dim=dim)", x=real(gap=0.25, empty=False, dims=(1, 4)), dim=dim(), ulps=2)

PROGRAM_OPS = tuple(o for o in OPS.values() if o.programs)
