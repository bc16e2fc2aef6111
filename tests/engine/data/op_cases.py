"""What is asked of torch and of minigrad, line by line: values and gradients at corners, types, errors.

A case is Python code with `torch` at hand; what stands after the last `;` is the result. `x`, `y`, `z` are float64 leaves
made by G, and get the gradients of the result times a fixed cotangent without symmetry. T makes a tensor as torch.tensor
does, V one of float64. `torch_says.json` holds torch's answers; `tests/parity/test_ops_corners.py` records and renews them.
"""

from __future__ import annotations

import math
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

RECORDED = Path(__file__).with_name("torch_says.json")
ULPS = 16  # of a result of at most some ten operations on a few elements, without cancellation
SPECIAL = "[0., -0., 1., -1., .5, -2.5, 20., -20., 1000., -1000., inf, -inf, nan]"
UNARY = (
    "abs acos acosh asin asinh atan atanh ceil cos cosh erf exp exp2 expm1 floor frac log log10 log1p log2 neg reciprocal relu "
    "round rsqrt sigmoid sign sin sinh sqrt square tan tanh trunc"
).split()
BINARY = "add sub mul div fmod remainder maximum minimum pow atan2".split()
COMPARISONS = "eq ne lt le gt ge logical_and logical_or logical_xor".split()
POWERS = "0., 1., 2., 3., .5, -1., -.5, -2., 1.5, inf, -inf".split(", ")
VECTORS = ["[]", "[5.]", "[2., 2.]", "[1., 2., 4.]", "[0., 2., 3.]", "[0., 0., 3.]", "[3., -4., 0.]", "[1., nan, 2.]", "[inf, 1., inf]"]


def values() -> list[str]:
    cases = [f"x=G({SPECIAL}); x.{f}()" for f in UNARY]
    cases += [f"x=G({SPECIAL}); torch.{f}(x)" for f in UNARY]
    cases += [f"x=G([.3, -.7]); torch.{f}(x.mul(1), out=torch.zeros(2))" for f in ("exp", "sin")]
    cases += [f"x=G({SPECIAL}); x ** {p}" for p in POWERS] + [f"x=G({SPECIAL}); {p} ** x" for p in ("0.", "1.", "2.", "-2.")]
    pairs = "x=G([5., -5., 5., -5., 6., 0., 0., 1., inf, nan, 2., -inf]); y=G([3., 3., -3., -3., 3., 0., 2., 0., 2., 1., 2., inf])"
    cases += [f"{pairs}; torch.{f}(x, y)" for f in BINARY] + [f"{pairs}; x.{f}(y)" for f in (*BINARY, *COMPARISONS)]
    cases += [f"{pairs}; x {op} 3" for op in ("+", "-", "*", "/", "%", "//", "==", "<")]
    cases += [f"{pairs}; 3 {op} y" for op in ("+", "-", "*", "/", "%", "//", "**", ">=")]
    cases += [f"{pairs}; torch.{f}(x, y)" for f in (*COMPARISONS, "floor_divide")] + ["T([5, -5]).floor_divide(3)"]
    cases += [f"x=G([.1, .2]); y = x * 2; y.{f}_()" for f in UNARY if f not in ("acosh", "asinh", "atanh")] + ["y = T([5, -5]); y.floor_divide_(3)"]
    cases += [f"{M}; torch.{f}(x, 1)" for f in (
        "log_softmax", "logsumexp", "all", "any", "amax", "amin", "argmin", "argsort", "cumprod", "var", "std", "prod", "sum", "mean",
    )]  # fmt: skip
    cases += [f"x=G([[1., 2.]]); y=G([[3.], [4.], [5.]]); x {op} y" for op in ("+", "-", "*", "/", "**")]
    for v in VECTORS:
        cases += [f"x=G({v}); x.{f}" for f in (
            "sum()", "mean()", "prod()", "prod(0)", "std()", "var()", "std(0, False)", "var(unbiased=False)", "std(correction=0)",
            "norm()", "norm(1)", "norm(3)", "norm(.5)", "norm(float('inf'))", "norm(float('-inf'))", "cumsum(0)", "cumprod(0)",
            "logsumexp(0)", "softmax(0)", "log_softmax(0)", "max()", "min()", "amax(0)", "amin()", "max(0).values", "min(0).values",
            "argmax()", "argmin(0)", "max(0).indices", "all()", "any()", "sort().values", "sort(descending=True).values",
            "sort(descending=True).indices", "argsort()", "isnan()", "isinf()", "isfinite()", "diag()",
        )]  # fmt: skip
    cases += TABLE
    return cases


M = "x=G([[1., -2., 3.], [4., 0., -6.]])"
Q = "x=G([[0., 2.], [3., 4.]])"
TABLE = [
    # reductions over dimensions
    *[f"{M}; x.{f}" for f in (
        "sum(0)", "sum(1, True)", "sum(axis=1, keepdims=True)", "sum((0, 1))", "sum(-1)", "mean(0)", "mean(axis=0)", "mean((0, 1), True)",
        "prod(1)", "prod(0, True)", "std(1)", "std(axis=0)", "std((0, 1))", "std(0, False, True)", "std(False)", "var(0, keepdim=True)",
        "norm(dim=1)", "norm(2, (0, 1), True)", "norm('fro')", "norm(1, 0)", "amax((0, 1))", "amax(1, True)", "amin(0)", "max(1).values",
        "max(1, keepdim=True)[0]", "min(axis=0)[0]", "argmax(1)", "argmax(1, True)", "argmin(axis=0)", "cumsum(1)", "cumsum(axis=0)",
        "cumprod(1)", "logsumexp((0, 1))", "logsumexp(1, True)", "softmax(dim=1)", "log_softmax(-1)", "all(0)", "any(1, keepdim=True)",
        "sum(dtype=torch.float32)", "prod(dtype=torch.float32)",
    )],
    f"{Q}; x.prod(0)", f"{Q}; x.prod()", "x=G([[0., 2.], [0., 4.]]); x.prod(0)", "x=G([2., 0., 3.]); x.cumprod(0)",
    "x=G([2., 0., 0., 3.]); x.cumprod(0)", "x=G(3.); x.prod(0)", "x=G(3.); x.cumsum(0)", "x=G(3.); x.cumprod(0)",
    "x=G([1., 3., 3., 2., 3.]); x.max()", "x=G([1., 3., 3., 2., 3.]); x.amax(0)", "x=G([1., 3., 1., 2., 1.]); x.min()",
    "x=G([1., 3., 3., 2., 3.]); x.max(0).values", "x=G([2., -2., 1.]); x.norm(float('inf'))", "x=G(2.); x.std(unbiased=False)",
    "x=G([2., 1.]); torch.max(x, T([0., 2.]).double())", "x=G([2.]); y=G([2.]); torch.max(x, y)", "x=G([2.]); y=G([2.]); torch.min(x, other=y)",
    "x=G([3., 1., 2., 1.]); torch.sort(x).indices", "x=G([3., 1., 2.]); x.topk(2).values", "x=G([3., nan, 2.]); torch.topk(x, 2, largest=False).values",
    "x=G([3., 1., 2.]); x.topk(2).indices", f"{M}; x.topk(2, 1, False).values", f"{M}; x.sort(0, True).values", f"{M}; x.argsort(0)",
    "x=G([3., 1., 3.]); torch.unique(x)", "torch.unique(T([3, 1, 3]), return_inverse=True, return_counts=True)[1]",
    "torch.unique(T([3, 1, 3]), return_counts=True)[1]", "torch.unique(T([[3, 1], [3, 1], [1, 2]]), dim=0)",
    # clamp, where, masks
    *[f"x=G({SPECIAL}); x.clamp({b})" for b in ("-1, 1", "min=.5", "max=.5", "2, 1")],
    "x=G([1., 1., 3., nan]); y=G([1., 2., 0., 1.]); z=G([2., 3., 1., 2.]); x.clamp(y, z)",
    "x=G([1.]); y=G([5.]); z=G([2.]); torch.clamp(x, min=y, max=z)", "x=G([1., 2.]); y=G([[1.], [5.]]); torch.clamp(x, min=y)",
    "x=G([-1., 0., 4.]); torch.where(x > 0, x.sqrt(), 0.)", "x=G([1., 2.]); y=G([3., 4.]); torch.where(T([True, False]), x, y)",
    "x=G([1., 2.]); x.where(x > 1, 7.)", "x=G([[1.], [2.]]); torch.where(T([True, False]), x, -1)", "torch.where(T([0, 1, 1]) > 0)[0]",
    "x=G([0., 1.]); x.masked_fill(x == 0, 5)", "x=G([0., 1.]); y=G(5.); x.masked_fill(x == 0, y)", "x=G([1., 2.]); x.masked_fill(T([[True], [False]]), 0)",
    "x=G([1., 2., 3.]); x.masked_select(x > 1)", "x=G([1., 2.]); torch.masked_select(x, T([[True], [False]]))",
    # choosing
    "x=G([10., 20., 30.]); x.index_select(0, T([1, 1]))", f"{M}; torch.index_select(x, 1, T([2, 0]))", "x=G([10., 20., 30.]); x.gather(0, T([1, 1, 0]))",
    f"{M}; x.gather(1, T([[0, 0], [2, 1]]))", f"{M}; torch.gather(x, 0, T([[1, 0]]))", "x=G(2.); x.gather(0, T([0, 0]))",
    "x=G([10., 20., 30.]); y=G([1., 2.]); x.scatter_add(0, T([0, 0]), y)", f"{M}; y=G([[1., 2.], [3., 4.]]); x.scatter_add(1, T([[0, 0], [2, 1]]), y)",
    "x=G([10., 20., 30.]); y=G([1., 2.]); x.scatter(0, T([0, 2]), y)", "x=G([10., 20., 30.]); x.scatter(0, T([0, 2]), 7.)",
    f"{M}; x.scatter(1, T([[0], [2]]), value=5.)",
    "torch.nonzero(T([[1, 0], [0, 2]]))", "T([[1, 0], [0, 2]]).nonzero(as_tuple=True)[1]", "torch.nonzero(T(1))", "torch.nonzero(T([0., nan]))",
    # shapes
    *[f"{M}; {f}" for f in (
        "x.reshape(3, 2)", "x.reshape(-1)", "torch.reshape(x, (3, -1))", "torch.reshape(input=x, shape=(6,))", "x.view(3, 2)", "x.t().reshape(6)",
        "x.flatten()", "torch.flatten(x, start_dim=1)", "x.T", "x.mT", "torch.t(x)", "x.transpose(0, 1)", "torch.transpose(x, dim0=0, dim1=1)",
        "x.swapaxes(0, 1)", "x.permute(1, 0)", "torch.permute(x, (1, 0))", "x.permute((1, 0))", "x.unsqueeze(0)",
        "x.unsqueeze(-1)", "torch.unsqueeze(x, dim=1)", "x[None].squeeze()", "x[None].squeeze(0)", "torch.squeeze(x[None], dim=0)", "x.expand(2, 2, 3)",
        "x.broadcast_to((2, 2, 3))", "torch.broadcast_to(x, (2, 2, 3))", "x.repeat(2, 2)", "x.repeat(2, 1, 2)",
        "x.split(2, 1)[0]", "x.split(2, 1)[1]",
        "torch.split(x, [1, 2], dim=1)[1]", "x.chunk(2, 1)[1]", "torch.chunk(x, 2)[0]", "x.unbind(1)[2]", "torch.unbind(x)[1]",
        "x.roll(1)", "x.roll(1, 0)", "torch.roll(x, (1, -1), (0, 1))", "x.roll(shifts=2, dims=1)",
        "x.flip(0)", "x.flip(0, 1)", "torch.flip(x, (1,))", "torch.flip(x, dims=[0])", "x.ravel()", "x.t().ravel()",
        "torch.stack([x, x], 1)", "torch.hstack([x, x])", "torch.hstack((x[0], x[1, :1], x[0, 0]))", "torch.vstack([x, x[0]])",
        "torch.vstack((x[0, 0], x[1, 1]))", "torch.hstack([])", "torch.vstack([])", "torch.cat([x, x])", "torch.cat((x, x), dim=1)", "torch.cat((x, x), axis=1)", "torch.concat([x, x])", "x.tril()",
        "torch.triu(x, 1)", "x.tril(diagonal=-1)", "x.diag()", "torch.diag(x, -1)",
        "torch.meshgrid(x[0], x[1], indexing='ij')[1]", "torch.meshgrid([x[0], x[1, :2]], indexing='xy')[0]", "torch.broadcast_tensors(x, x[0])[1]", "x.clone()",
        "torch.clone(x)", "x.view_as(x)", "x.reshape_as(x.t())", "x[:1].expand_as(x)", "x.contiguous()", "x.t().contiguous()",
    )],
    "x=G([1., 2.]); x.diag()", "x=G([1., 2.]); torch.diag(x, diagonal=1)", "x=G([1., 2.]); torch.diag(x, -2)", "x=G(1.); x.reshape(1)", "x=G(1.); x.flatten()",
    "x=G(1.); x.unsqueeze(0)", "x=G([[[1., 2.], [3., 4.]]]); x.triu()",
    # products
    f"{M}; y=G([[1., 2.], [3., 4.], [5., 6.]]); x @ y", f"{M}; y=G([[1., 2.], [3., 4.], [5., 6.]]); torch.mm(x, y)",
    f"{M}; y=G([[1., 2.], [3., 4.], [5., 6.]]); x.mm(mat2=y)", f"{M}; y=G([1., 2., 4.]); torch.mv(x, y)", f"{M}; y=G([1., 2., 4.]); x.matmul(y)",
    "x=G([1., 2.]); y=G([3., 5.]); torch.dot(x, y)", "x=G([1., 2.]); y=G([[1., 2., 3.], [4., 5., 6.]]); x @ y", "x=G([1., 2.]); y=G([3., 5., 7.]); torch.outer(x, y)", "x=G([1., 2.]); y=G([3., 5., 7.]); x.outer(vec2=y)",
    "x=G([[[1., 2.]], [[3., 4.]]]); y=G([[[1.], [2.]], [[5.], [7.]]]); torch.bmm(x, y)", "x=G([[[1., 2.]], [[3., 4.]]]); y=G([[1.], [2.]]); torch.matmul(x, y)",
    "x=G([[[1., 2.]], [[3., 4.]]]); y=G([[[1.], [2.]]]); x @ y", "x=G([1., 2.]); y=G([[[1.], [2.]], [[3.], [4.]]]); x @ y",
    "x=G([1., 2.]); y=G([[1., 2., 3.], [4., 5., 6.]]); z=G([[1., 2.], [3., 4.], [5., 6.]]); torch.addmm(x, y, z)",
    "x=G([1., 2.]); y=G([[1., 2., 3.], [4., 5., 6.]]); z=G([[1., 2.], [3., 4.], [5., 6.]]); x.addmm(y, z, beta=2, alpha=.5)",
    "x=G([[1., nan]]); y=G([[1., 2.]]); z=G([[1., 2.], [3., 4.]]); torch.addmm(x, y, z, beta=0)",
    "x=G([1., 0., 0.]); y=G([0., 1., 0.]); torch.cross(x, y)", "x=G([[1., 2., 3.]]); y=G([[4., 5., 7.]]); x.cross(y, dim=1)",
    "x=G([[1.], [2.], [3.]]); y=G([[4.], [5.], [7.]]); torch.cross(x, y, dim=0)",
    *[f"x=G([[1., 2.], [3., 4.]]); y=G([[5., 6.], [7., -8.]]); torch.einsum('{e}')".replace("')", f"', {a})") for e, a in (
        ("ij,jk->ik", "x, y"), ("ij,jk", "x, y"), ("ij->ji", "x"), ("ij->", "x"), ("ij->j", "x"), ("ii", "x"), ("ii->i", "x"), ("ij,ij->", "x, y"),
        ("ij,ij->ij", "x, y"), ("ij,kj->ik", "x, y"), ("i,j->ij", "x[0], y[1]"), ("i,j", "x[0], y[1]"), ("i,i", "x[0], y[0]"), ("...ij,...jk->...ik", "x[None], y"),
        ("bij,bjk->bik", "x[None], y[None]"), ("ij,jk,kl->il", "x, y, x"), ("ba,a", "x, y[0]"), ("i...->...", "x"), ("ij,j->i", "x, y[0]"),
    )],
    # comparing, counting
    "torch.isclose(T([1., 1., nan]), T([1., 1.1, nan]))", "torch.isclose(T([nan]), T([nan]), equal_nan=True)", "torch.allclose(T([1.]), T([1. + 1e-9]))",
    "T([1.]).allclose(T([1.1]), rtol=.2)", "torch.equal(T([1., 2.]), T([1., 2.]))", "torch.equal(T([1.]), T([1., 2.]))", "T([nan]).equal(T([nan]))",
    "x=G([0., 1.]); torch.masked_fill(x, x == 0, 5)", "x=G([10., 20., 30.]); y=G([1., 2.]); torch.scatter_add(x, 0, T([0, 0]), y)",
    "torch.isinf(T([1., inf]))", "torch.isnan(T([1., nan]))", f"{M}; torch.ravel(x)", f"{M}; x.swapdims(0, 1)", "x=G([[1., 2.]]); y = x * 2; y.swapaxes_(0, 1).mul_(3)",
    "T([1.]).new_tensor([2, 3])", "T([1]).new_zeros((2, 1))", "T([1]).new_empty(2, 0)", "T([1.5]).short()", "torch.is_tensor(3)", "torch.is_tensor(T(3))", "torch.numel(T([1, 2]))", "torch.is_floating_point(T([1, 2]))",
    # whole numbers
    "T([5, -5, 5]) // T([3, 3, -3])", "T([5, -5, 5]) % T([3, 3, -3])", "torch.fmod(T([5, -5, 5]), T([3, 3, -3]))", "T([2, 3]) ** T([3, 2])",
    "T([2, 1, -1, -1, 0]) ** T([-1, -2, -3, -2, 2])", "2 ** T([-1, 3])", "torch.div(T([5, -5]), T([2, 2]), rounding_mode='floor')",
    "torch.div(T([5, -5]), T([2, 2]), rounding_mode='trunc')", "x=G([5., -5.]); torch.div(x, 2., rounding_mode='floor')",
    "x=G([5., -5.]); y=G([2., 2.]); x.div(y, rounding_mode='trunc')", "torch.div(T([5.]), 0., rounding_mode='trunc')", "-T([1, 0], dtype=torch.uint8)",
    "T([200], dtype=torch.uint8) + T([100], dtype=torch.uint8)", "T([True, False]) + T([True, True])", "T([True, False]) * T([True, True])", "~T([1, 2])",
    "~T([True, False])", "T([6]) & T([3])", "T([6]) | 3", "T([6]) ^ T([3])", "torch.bitwise_xor(T([True]), T([1]))", "torch.bitwise_and(T([6]), 3)",
    "torch.bitwise_or(T([6]), T([3]))", "torch.bitwise_not(T([6]))", "torch.logical_not(T([0., 2.]))", "torch.logical_and(T([0., 2.]), T([1, 1]))", "5 // T([2, -2])",
    "5 % T([3, -3])", "torch.round(T([1.256, -2.5, 2.5]), decimals=2)", "torch.round(V([25., 35.]), decimals=-1)", "T([1, 2]).abs()", "T([-1, 0]).sign()", "T([1, 2]).floor()",
    # alpha, aliases, new
    "x=G([1., 2.]); torch.add(x, x, alpha=2)", "x=G([1., 2.]); x.sub(x * x, alpha=3)", "x=G([1., 2.]); torch.subtract(x, 1)", "x=G([1., 2.]); torch.multiply(x, x)",
    "x=G([1., 2.]); torch.divide(x, 2)", "x=G([1., 2.]); torch.true_divide(x, x)", "x=G([1., 2.]); torch.negative(x)", "x=G([1., -2.]); torch.absolute(x)",
    "x=G([1., -2.]); torch.clip(x, 0)", "x=G([1., 2.]); torch.add(2, x)", "x=G([1., 2.]); torch.pow(2, x)", "x=G([1., 2.]); torch.pow(x, exponent=3)", "x=G([7.]); torch.remainder(5, x)",
    "T([1., 2.]).new_zeros(2)", "T([1]).new_ones((1, 2))", "T([1]).new_ones(2, dtype=torch.float32)", "T([1.]).new_full((2,), 3)", "T([1]).new_tensor([1.5])", "T([1]).new_empty(0)",
    "torch.add(T([1.]), 1, out=torch.zeros(1))", "torch.mul(T([1.]), T([3.]), out=torch.zeros(1, dtype=torch.float64))", "torch.matmul(T([[1.]]), T([[3.]]), out=torch.zeros(1, 1))",
    "torch.max(V([[1., 2.]]), 1, out=(V([0.]), T([0])))[0]",
    # in place
    *[f"x=G([1.5, 2.5]); y = x * 2; y.{f}" for f in (
        "add_(3)", "sub_(x, alpha=2)", "mul_(x)", "div_(x)", "pow_(2)", "exp_()", "log_()", "sqrt_()", "sin_()", "sigmoid_()", "relu_()", "neg_()",
        "abs_()", "clamp_(4)", "clamp_(min=1., max=4.)", "floor_()", "reciprocal_()", "masked_fill_(x > 2, 0.)", "scatter_(0, T([0]), 9.)",
        "scatter_add_(0, T([1]), x[:1])", "zero_()", "fill_(3.)", "copy_(x)", "unsqueeze_(0)", "square_()", "remainder_(2)", "fmod_(2)", "rsqrt_()",
    )],
    "x=G([[1., 2.]]); y = x * 2; y.t_(); y", "x=G([[1., 2.]]); y = x * 2; y.transpose_(0, 1).mul_(x.t())", "x=G([[1., 2.]]); y = x * 2; y.squeeze_(0)",
    "x=G([[1., 2.]]); y = x * 2; y.squeeze_().mul_(3)", "x=G([[1., 2.], [3., 4.]]); y = x * 2; v = y[0]; v.unsqueeze_(0); v.mul_(5); y", "x=G([.3, -.4]); y = x * 2; y.tanh_()", "torch.sin_(T([0.]))", "torch.exp_(T([0.]))",
    "x=G([[1., 2.], [3., 4.]]); y = x * 2; y.tril_()", "x=G([[1., 2.], [3., 4.]]); y = x * 2; y.triu_(1)",
    # svd, up to signs
    "x=G([[3., 1.], [1., -2.], [0., 4.]]); torch.svd(x).S", "x=G([[3., 1.], [1., -2.], [0., 4.]]); u, s, v = torch.svd(x); u @ torch.diag(s ** 2) @ v.t()",
    "x=G([[3., 1., 0.], [1., -2., 4.]]); u, s, v = x.svd(); (u[:, :1] @ v[:, :1].t()) * s[1]", "x=G([[3., 1.], [1., -2.], [0., 4.]]); u, s, v = torch.svd(x); (u * u)[:, 0]",
]  # fmt: skip

KINDS = ["bool", "uint8", "int32", "int64", "float32", "float64"]
TYPED = """t + True|t + 2|t + 2.5|t - 2|t * 2.5|t / 2|t / t|t // 2|t // 2.0|t % 2|t ** 2|t ** 2.0|t ** 0.5|t ** -1|2 ** t|2.0 ** t|t ** t|2 / t|-t|
abs(t)|~t|t & 1|t & True|t - t|t < 1|t == t|1 - t|True - t|t | 1|t ^ t|t.sum()|t.sum(0)|t.prod()|t.mean()|t.cumsum(0)|t.cumprod(0)|t.max()|t.max(0).values|t.argmax()|
t.std()|t.var()|t.norm()|t.all()|t.any()|t.exp()|t.sqrt()|t.sin()|t.log()|t.sigmoid()|t.tanh()|t.relu()|t.abs()|t.neg()|t.sign()|t.floor()|t.ceil()|t.trunc()|t.round()|t.square()|
t.reciprocal()|t.rsqrt()|t.softmax(0)|t.log_softmax(0)|t.logsumexp(0)|t @ t|torch.mm(t[None], t[:, None])|torch.dot(t, t)|t.clamp(0, 1)|t.clamp(0., 1.)|torch.maximum(t, t)|
torch.where(t > 0, t, 1)|torch.where(t > 0, t, 1.)|torch.where(t > 0, 1., 0.)|t.sort().values|t.isnan()|t.erf()|torch.atan2(t, t)|t.masked_fill(t > 0, 1.5)|torch.full_like(t, 1.5)|
torch.cat([t, torch.ones(2)])|torch.stack([t, torch.ones(2).to(t.dtype)])|torch.outer(t, t)|torch.einsum('i,i', t, t)|t.unique()|t.topk(1).values|t.flip(0)|t.tril()|
t[None].triu()|torch.logical_not(t)|t.fmod(2)|t.remainder(t)|torch.isfinite(t)|torch.zeros_like(t)|torch.ones_like(t)|t.new_ones(1)|torch.sum(t, dtype=torch.float64)|
torch.equal(t, t)|t.diag()|t.gather(0, T([0]))|t.index_select(0, T([0]))|t.repeat(2)|torch.minimum(t, T(2))|t + T(2.5)|t * T([2.5], dtype=torch.float64)|t + T(7, dtype=torch.int8)|t.expm1()|
t.log1p()|t.std(0)|t.amax(0)|t.amin()|t.trunc()|t.frac()|t.pow(2)|torch.pow(2, t)|t.float()|t.type_as(T([1.]))|t.addmm(t[None], t[:, None])|t.bool()|torch.div(t, 2, rounding_mode='floor')|
torch.div(t, 2, rounding_mode='trunc')|t.isclose(t)|t.scatter(0, T([0]), 1)|t.cross(t, 0)""".replace("\n", "").split("|")


def types() -> list[str]:
    cases = [f"t = T([1, 2]).to(torch.{kind}); {code.strip()}" for code in TYPED for kind in KINDS]
    names = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
    for a in names:
        cases += [f"torch.ones(2, dtype=torch.{a}) {op} torch.ones({s}, dtype=torch.{b})" for b in names for op, s in (("+", "2"), ("*", "()"))]
        cases += [f"torch.promote_types(torch.{a}, torch.{b})" for b in names]
    return cases + CREATION


CREATION = """torch.tensor(1)|torch.tensor(True)|torch.tensor(1.)|torch.tensor([])|torch.tensor([[], []])|torch.tensor([1, 2.])|torch.tensor([True, 2])|torch.tensor([True, 2.5])|
torch.tensor([[1, 2], [3, 4]])|torch.tensor([[1, 2], [3]])|torch.tensor([[1, 2], 3])|torch.tensor((1, 2))|torch.tensor(range(3))|torch.tensor({1, 2})|torch.tensor('a')|torch.tensor(None)|
torch.tensor([None])|torch.tensor(2 ** 63)|torch.tensor(2 ** 31)|torch.tensor(1e40)|torch.tensor(nan)|torch.tensor(np.float64(1.5))|torch.tensor(np.float32(1.5))|torch.tensor(np.int32(1))|
torch.tensor(np.bool_(True))|torch.tensor([np.float64(1.5)])|torch.tensor([np.float32(1.5)])|torch.tensor([np.int32(1)])|torch.tensor(np.zeros(2))|torch.tensor(np.zeros(2, 'f4'))|
torch.tensor(np.zeros(2, 'i4'))|torch.tensor(np.zeros(2, bool))|torch.tensor(np.zeros(2, 'f2'))|torch.tensor([np.zeros(2), np.ones(2)])|torch.tensor([torch.tensor(1.), torch.tensor(2.)])|
torch.tensor([torch.tensor([1.])])|torch.tensor([torch.tensor([1., 2.])])|torch.tensor([torch.tensor(1., dtype=torch.float64)])|torch.tensor([1.5], dtype=torch.int64)|
torch.tensor([1.5, -1.5]).long()|torch.tensor([300]).to(torch.uint8)|torch.tensor(300, dtype=torch.uint8)|torch.tensor(-1, dtype=torch.uint8)|torch.tensor([2.], dtype=torch.bool)|
torch.tensor(1, requires_grad=True)|torch.tensor([1, 2]).requires_grad_()|torch.tensor([True]).requires_grad_()|torch.tensor([1.], requires_grad=True)|torch.as_tensor([1, 2.])|
torch.as_tensor(np.zeros(2), dtype=torch.float32)|torch.from_numpy(np.zeros(2))|torch.from_numpy([1, 2])|torch.from_numpy(np.float32(3))|torch.from_numpy(np.arange(4)[::-1])|torch.Tensor([1, 2])|
torch.Tensor(2, 3).shape|torch.Tensor()|torch.Tensor(3).shape|torch.FloatTensor([1, 2])|torch.LongTensor([1.5])|torch.DoubleTensor([[1]])|torch.IntTensor(2).dtype|torch.BoolTensor([1, 0])|
torch.ByteTensor([1])|torch.FloatTensor(2, 3).dtype|torch.HalfTensor([1.5])|torch.ShortTensor([1])|torch.CharTensor([1])|isinstance(torch.ones(1), torch.FloatTensor)|
isinstance(torch.ones(1), torch.LongTensor)|torch.LongTensor(torch.ones(2))|torch.FloatTensor('a')|torch.FloatTensor(None)|torch.arange(5)|torch.arange(5.)|torch.arange(0, 1, .25)|
torch.arange(1, 0)|torch.arange(0, 5, 0)|torch.arange(0., 1., .1)|torch.arange(1, 4)|torch.arange(start=1, end=4)|torch.arange(1, end=7, step=2)|torch.arange(4, 0, -1)|torch.arange(3, dtype=torch.float64)|
torch.arange(T(3))|torch.arange(end=3)|torch.arange('a')|torch.arange(nan)|torch.arange(2., requires_grad=True)|torch.linspace(0, 1, 5)|torch.linspace(0, 1)|torch.linspace(-1, 1, steps=4)|torch.linspace(3, 4, 1)|
torch.linspace(0, 1, 0)|torch.linspace(0, 1, -1)|torch.linspace(0, 1, 2.)|torch.linspace(0, 5, 3, dtype=torch.int64)|torch.linspace(0, 1, 7, dtype=torch.float64)|torch.linspace(T(0.), T(1.), 3)|
torch.zeros(2)|torch.ones(2, dtype=torch.int32)|torch.full((2,), 1)|torch.full((2,), 1.)|torch.full((2,), True)|torch.full([1, 2], 2.5, dtype=torch.int64)|
torch.full(2, 1.)|torch.full((), 3.)|torch.full((2,), 1., requires_grad=True)|torch.eye(2)|torch.eye(2, 3)|torch.eye(2, dtype=torch.bool)|torch.eye(2, requires_grad=True)|torch.zeros(2, 3)|torch.zeros((2, 3))|torch.zeros([2, 3])|
torch.zeros(size=(2, 3))|torch.zeros(())|torch.zeros(0)|torch.zeros(-1)|torch.zeros(2.)|torch.zeros('a')|torch.zeros(2, foo=1)|torch.ones(2, out=torch.zeros(2))|torch.zeros(2, requires_grad=True)|torch.zeros(2, dtype=torch.int64, requires_grad=True)|
torch.empty(2, 3).shape|torch.empty_like(T([1, 2])).dtype|torch.zeros_like(T([1, 2]), dtype=torch.float32)|torch.ones_like(T([1.]), requires_grad=True)|torch.full_like(T([1, 2]), 3)|torch.zeros_like([1])|torch.randint(0, 5, (2,)).dtype|
torch.randperm(3).dtype|torch.randn(2, dtype=torch.int64)|torch.rand(2, dtype=torch.int64)|torch.ones(2).float()|torch.ones(2).double()|torch.ones(2).half()|torch.ones(2).int()|torch.ones(2).long()|torch.ones(2).bool()|torch.ones(2).byte()|
torch.ones(2).to(torch.float64)|torch.ones(2).to('cpu')|torch.ones(2).type(torch.int32)|torch.ones(2).type('torch.DoubleTensor')|torch.ones(2).type(torch.LongTensor)|torch.ones(2).type_as(torch.ones(1, dtype=torch.int8))|
(torch.float is torch.float32, torch.double is torch.float64, torch.long is torch.int64, torch.int is torch.int32, torch.half is torch.float16, torch.short is torch.int16)|torch.ones(2) * np.ones(2)|torch.ones(2) * np.float64(2)|np.float64(2) * torch.ones(2)|
torch.ones(2) + [1, 2]|torch.ones(2) + 'a'|[1, 2] + torch.ones(2)|torch.ones(2) == None|torch.ones(2) == 'a'|torch.ones(2, dtype=torch.int64) @ torch.ones(2)|torch.ones(2, 2, dtype=torch.float64) @ torch.ones(2, 2)|
torch.cat([torch.ones(1), torch.ones(1, dtype=torch.int64)])|torch.ones(2, dtype=torch.int32).add_(1.5)|torch.ones(2, dtype=torch.int32).div_(2)|torch.ones(2).add_(torch.ones(2, dtype=torch.float64))|torch.ones(()).add_(torch.ones(2))|
torch.ones(2).mul_(True)|torch.result_type(T([1]), 2.5)|torch.result_type(T(1.), T([1]))|torch.pi|torch.inf|torch.get_default_dtype()|torch.set_default_device('cpu')|torch.set_default_tensor_type(torch.FloatTensor)|torch.set_default_tensor_type('torch.FloatTensor')|
torch.set_default_tensor_type(torch.LongTensor)|torch.set_default_dtype(torch.int64)|torch.cuda.is_available()|torch.cuda.device_count()|torch.ones(2, device='cuda')|torch.ones(2).cuda()|torch.ones(2).to('cuda')|torch.ones(2, device='foo')""".replace("\n", "").split("|")

ERRORS = """T([1., 2.]) + T([1., 2., 3.])|torch.ones(2, 3) * torch.ones(3, 2)|T([1., 2.]) @ T([1., 2., 3.])|torch.ones(2, 3) @ torch.ones(2, 3)|torch.ones(2, 3) @ torch.ones(2)|torch.ones(2) @ torch.ones(3, 2)|
torch.mm(torch.ones(2), torch.ones(2, 2))|torch.mm(torch.ones(2, 3), torch.ones(2, 3))|torch.mv(torch.ones(2, 3), torch.ones(2))|torch.mv(torch.ones(2), torch.ones(2))|torch.dot(torch.ones(2, 2), torch.ones(2))|torch.dot(torch.ones(2), torch.ones(3))|
torch.bmm(torch.ones(2, 2, 3), torch.ones(2, 2, 3))|torch.bmm(torch.ones(2, 2, 3), torch.ones(3, 3, 2))|torch.bmm(torch.ones(2, 3), torch.ones(2, 3))|torch.matmul(torch.ones(2, 2, 3), torch.ones(3, 3, 2))|T(1.) @ T(1.)|T([1.]) @ 2|2 @ T([1.])|
torch.ones(6).view(4)|torch.ones(6).view(-1, 4)|torch.ones(6).view(-1, -1)|torch.ones(6).view(-2)|torch.ones(6).reshape(4)|torch.ones(6).reshape(-1, 4)|torch.ones(0).reshape(-1, 0)|torch.ones(6).view(2., 3)|torch.cat([])|torch.cat([torch.ones(2), torch.ones(1, 2)])|
torch.cat([torch.ones(2, 2), torch.ones(2, 3)])|torch.cat([torch.ones(2, 2), torch.ones(2, 3)], 1).shape|torch.cat([T(1.), T(2.)])|torch.cat([torch.ones(2)], 1)|torch.cat([torch.ones(0), torch.ones(2, 3)]).shape|torch.cat(torch.ones(2, 2))|torch.stack([])|
torch.stack([torch.ones(2), torch.ones(3)])|torch.stack([torch.ones(2)], 2)|torch.ones(2, 3).sum(2)|torch.ones(2, 3).sum(-3)|torch.ones(2, 3).sum((0, 0))|torch.ones(2, 3).max(5)|T(1.).sum(1)|torch.ones(2, 3, 4).t()|torch.ones(2, 3).transpose(0, 2)|torch.ones(2, 3).permute(0)|
torch.ones(2, 3).permute(0, 0)|torch.ones(2, 3).squeeze(5)|torch.ones(2, 3).squeeze(0).shape|torch.ones(2, 3).unsqueeze(4)|torch.ones(2, 3).expand(2, 4)|torch.ones(2, 3).expand(3)|torch.ones(2, 3).expand(-1, 3).shape|torch.ones(2, 3).repeat(2)|torch.ones(2, 3).repeat(2, -1)|
torch.ones(5).split([2, 2])|torch.ones(5).split(0)|torch.ones(5).split(-1)|torch.ones(5).chunk(0)|torch.ones(5).chunk(7)[4]|torch.ones(5).chunk(4)[2]|torch.ones(0).split(2)[0]|torch.where(T([True, False]), torch.ones(3), torch.zeros(3))|
torch.where(T([1, 0]), 1., 0.)|torch.where(T([True]), T([1]))|torch.gather(torch.ones(2, 2), 0, T([0]))|torch.gather(torch.ones(2, 2), 0, T([[0., 1.]]))|torch.gather(torch.ones(2, 2), 0, T([[0, 5]]))|torch.gather(torch.ones(2, 2), 0, T([[0, -1]]))|torch.gather(torch.ones(2, 2), 0, T([[0, 1, 1]]))|
torch.gather(torch.ones(2), 1, T([0]))|torch.index_select(torch.ones(2, 2), 0, T([0, 5]))|torch.index_select(torch.ones(2, 2), 0, T([0, -1]))|torch.index_select(torch.ones(2, 2), 0, T([[0, 1]]))|torch.index_select(torch.ones(2, 2), 0, T([0.]))|
torch.scatter(torch.ones(3), 0, T([0, 5]), torch.ones(2))|torch.scatter(torch.ones(3), 0, T([0, 1]), torch.ones(1))|torch.scatter(torch.ones(3), 0, T([0, 1]), T([5, 6]))|torch.ones(3).masked_fill(T([True, False, True]), T([1.]))|torch.ones(3).masked_fill(T([1, 0, 1]), 2.)|torch.ones(3).masked_fill(T([True, False]), 2.)|
torch.ones(3).masked_fill(T([True, False, True]), 'a')|torch.masked_select(torch.ones(3), T([1, 0, 1]))|torch.maximum(torch.ones(2), 2)|torch.ones(2).maximum('a')|torch.eq(2, torch.ones(2))|torch.ones(2).eq('a')|torch.fmod(5, torch.ones(2))|torch.logical_and(torch.ones(2), True)|torch.add('a', torch.ones(1))|
torch.ones(2).add(None)|torch.ones(2).pow('a')|torch.div(torch.ones(1), 1, rounding_mode='up')|T([1]) // 0|T([1]) % 0|torch.fmod(T([1]), 0)|torch.div(T([5]), 0, rounding_mode='trunc')|torch.sort(torch.ones(2, 2), 2)|torch.topk(torch.ones(3), 5)|torch.topk(torch.ones(3), -1)|torch.std(torch.ones(2, 2), dim=5)|
torch.tril(torch.ones(2))|torch.diag(torch.ones(2, 2, 2))|torch.outer(torch.ones(2, 2), torch.ones(2))|torch.addmm(torch.ones(3), torch.ones(2, 3), torch.ones(3, 2))|torch.addmm(torch.ones(2), torch.ones(2, 3), torch.ones(2, 2))|torch.cross(torch.ones(2), torch.ones(2))|
torch.cross(torch.ones(3, 3), torch.ones(3))|torch.roll(torch.ones(2, 2), (1, 2))|torch.roll(torch.ones(2, 2), 1, 5)|torch.flip(torch.ones(2, 2), (0, 0))|torch.ones(2).flip()|
torch.allclose(torch.ones(2), torch.ones(3))|torch.allclose(torch.ones(2), torch.ones(2).double())|torch.allclose(torch.ones(2), 1.)|
torch.einsum('ij,jk->iq', torch.ones(2, 2), torch.ones(2, 2))|torch.einsum('ij,jk', torch.ones(2, 2))|torch.einsum('i', torch.ones(2, 2))|torch.einsum('ij->ijii', torch.ones(2, 2))|torch.einsum('ij,jk->ik', torch.ones(2, 3), torch.ones(2, 3))|
torch.einsum('i', torch.ones(2), torch.ones(2))|torch.clamp(torch.ones(2))|torch.clamp(torch.ones(2), 'a')|torch.clamp(torch.ones(2), T([1.]), 2)|torch.clamp(torch.ones(2), torch.ones(3))|torch.cumsum(T([1, 2]), 1)|torch.cumsum(T([1, 2]))|torch.prod(T([[1, 2]]), (0, 1))|torch.norm(torch.ones(2), 'abc')|torch.norm(T([1]))|torch.zeros(0).max()|
torch.zeros(0).min()|torch.zeros(0).argmax()|torch.zeros(0).amax()|torch.zeros(0, 3).max(0)|torch.zeros(0, 3).argmax(0)|torch.zeros(0, 3).amax(0)|torch.zeros(0, 3).max(1).values|torch.zeros(0, 3).amax(1)|torch.zeros(0, 3).mean(0)|torch.zeros(0, 3).sum(0)|torch.svd(torch.ones(2))|torch.meshgrid(torch.ones(2, 2), indexing='ij')|
torch.meshgrid(torch.ones(2), indexing='a')|torch.exp('a')|torch.exp(2.)|torch.exp([1.])|torch.sum('a')|torch.sum([1.])|torch.mean(3)|torch.std([1.])|torch.softmax([1.], 0)|torch.relu(3)|torch.sort([1])|torch.gather([1], 0, T([0]))|torch.reshape([1], (1,))|torch.matmul(torch.ones(1), 3)|torch.mm(torch.ones(1, 1), 3)|torch.dot([1.], torch.ones(1))|
torch.square(3)|torch.clamp(3, 1)|torch.argmax([1])|torch.unsqueeze(3, 0)|torch.transpose([1], 0, 1)|torch.flatten(3)|torch.isnan(3.)|torch.nonzero([1])|torch.where(True, 1, 2)|torch.outer(3, torch.ones(1))|T(1.).foo|torch.ones(2).view()|torch.ones(2, 3).size(5)|torch.ones(2).sum('a')|torch.ones(2).sum(1.5)|torch.ones(2).unsqueeze(1.5)|
torch.ones(2).foo()|torch.ones(3)[5]|torch.ones(3)[[5]]|torch.ones(3)[1.5]|torch.ones(3)[0, 0]|torch.ones(3)[::-1]|T(1.)[0]|torch.ones(3)[T([True, False])]|torch.ones(3)[T([0., 1.])]|x=torch.ones(3); x[0:2] = torch.ones(3); 1|x=torch.ones(3); x[[0, 1]] = torch.ones(3); 1|x=torch.ones(3); x[x > 0] = torch.ones(2); 1|x=torch.ones(3); x[5] = 1; 1|
x=torch.ones(3); x += torch.ones(2); 1|x=torch.ones(2); x.add_(torch.ones(3, 2))|x=torch.ones(2); x.copy_(torch.ones(3))|torch.zeros(2).expand(3, 2).add_(1)|x=G([1., 2.]); x.exp_()|x=G([1., 2.]); x.t_()|x=G([1., 2.]); x.unsqueeze_(0)|x=G([1., 2.]); x.masked_fill_(x > 1, 0.)|x=G([1., 2.]); a, b = (x * 2).split(1); a.mul_(2)|x=G([1., 2.]); a, b = (x * 2).chunk(2); a.mul_(2)|
x=G([1., 2.]); a, b = (x * 2).split([1, 1]); a.mul_(2)|x=G([1., 2.]); a, b = (x * 2).unbind(); a.mul_(2)|x=G([1., 2.]); torch.exp(x, out=torch.zeros(2))|x=G([1., 2.]); torch.exp(T([1.]), out=x)|torch.add(torch.ones(3), 1, out=torch.zeros(3, dtype=torch.long))|torch.exp(torch.ones(1), out=3)|x=G([1., 2.]); (x // 2).sum().backward()|x=G([1., 2.]); x.unique().sum().backward()|
x=G([1., 2.]); y = x * 2; z = y * y; y.unsqueeze_(0); z.sum().backward()|torch.ones(2).new_full(2, 3)|torch.ones(2).sum(foo=1)|torch.exp(torch.ones(2), foo=1)|torch.ones(2).exp(3)|torch.is_tensor()|T([True]) - T([True])|T([True]) - 1|1 - T([True])|torch.ones(2) - True|-T([True])|T([1]).float() & 1|T([True]) ** -1|T([True]) ** T([True])|~torch.ones(1)|
torch.bitwise_not(torch.ones(1))|torch.unique(torch.ones(2), dim=3)|torch.isclose(T([1]), T([1.]))|torch.linspace(0, 1, 'a')|torch.eye(-1)|torch.eye('a')|torch.full('a', 1)|torch.full((2,), 'a')|torch.full((2,), [1])|torch.tensor([1, 'a'])|torch.tensor([[1], 'a'])|torch.as_tensor('a')|torch.tensor()|torch.scatter(torch.ones(3), 0, T([0]), 'a')|
torch.index_select(torch.ones(3), 0, [0])|torch.ones(3).index_select(1, T([0]))|torch.set_default_device('foo')""".replace("\n", "").split("|")

# Where minigrad differs on purpose, and why
DIFFERENT = {
    "[3 % y] and torch.remainder(5, y) have their gradient; torch raises": ["; 3 % y", "; torch.remainder(5, x)"],
    "einsum takes other steps, which the name of the last one shows": ["'ii->i'", "'ij,ij->ij'", "'i,j->ij'", "torch.einsum('i,j', x"],
    "the node of a write in place is the one that the operation has otherwise": [
        "; y.zero_()", "; y.fill_(3.)", "; y.unsqueeze_(0)", "; y.t_(); y", "; y.squeeze_(0)", "y.unsqueeze_(0); z.sum().backward()",
    ],
    "a text of torch's that speaks of C++ or of devices that are not here": [
        "torch.LongTensor(torch.ones(2))", "torch.FloatTensor(None)", "device='foo')", "set_default_device('foo')", "T([1, 0, 1]), 2.)",
        "torch.meshgrid(torch.ones(2, 2), indexing='ij')",
    ],
    "the second derivative of the variance of one number is other than torch's": ["G([5.]); x.var()"],
    "torch warns once": ["torch.set_default_tensor_type('torch.FloatTensor')"],
}  # fmt: skip


def differs(case: str) -> bool:
    return any(part in case for parts in DIFFERENT.values() for part in parts)


GROUPS = {"values": values(), "types": types(), "errors": ERRORS}


def ask(torch: Any, case: str) -> dict[str, Any]:
    """What the engine says to a case: its result with the gradients of x, y and z, or its error."""
    space: dict[str, Any] = {"torch": torch, "np": np, "inf": math.inf, "nan": math.nan, "T": torch.tensor}
    space["V"] = lambda v: torch.tensor(v, dtype=torch.float64)
    space["G"] = lambda v: torch.tensor(v, dtype=torch.float64, requires_grad=True)
    *steps, last = case.split("; ")
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            exec("\n".join(steps), space)
            result = eval(last, space)
            answer = {"result": described(torch, result)}
            leaves = [n for n in "xyz" if getattr(space.get(n), "requires_grad", False) and space[n].is_leaf]
            if leaves and isinstance(result, torch.Tensor) and result.requires_grad:
                answer["grad_fn"] = str(type(result.grad_fn).__name__)
                inputs = [space[n] for n in leaves]
                gradients = torch.autograd.grad(result, inputs, pull(torch, result), create_graph=True, allow_unused=True)
                answer["gradients"] = {n: described(torch, None if g is None else g + torch.zeros(tuple(g.shape), dtype=g.dtype)) for n, g in zip(leaves, gradients)}
                roots = [g for g in gradients if g is not None and g.requires_grad]
                if roots:
                    second = torch.autograd.grad(roots, inputs, [pull(torch, g, 2) for g in roots], allow_unused=True)
                    answer["second"] = {n: described(torch, None if g is None else g + torch.zeros(tuple(g.shape), dtype=g.dtype)) for n, g in zip(leaves, second)}
        except Exception as error:
            answer = {"error": type(error).__name__, "text": str(error)}
    texts = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
    return answer | ({"warning": texts[0].split(" (Triggered")[0]} if texts else {})


def pull(torch: Any, result: Any, start: int = 0) -> Any:
    """A cotangent for the result: numbers of no symmetry."""
    numbers = [1.25, -0.5, 2.0, -3.0, 0.75]
    return torch.tensor(np.resize(numbers[start:] + numbers[:start], tuple(result.shape)), dtype=result.dtype)


def described(torch: Any, value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return {"dtype": str(value.dtype), "shape": list(value.shape), "values": [v if isinstance(v, int) else repr(v) for v in value.detach().flatten().tolist()]}
    return repr(value)


def close(mine: Any, theirs: Any, dtype: str) -> bool:
    if isinstance(mine, int) or isinstance(theirs, int):
        return mine == theirs
    a, b = float(mine), float(theirs)
    eps = {"torch.float16": 2**-10, "torch.float32": 2**-23, "torch.float64": 2**-52}[dtype]
    return a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= ULPS * eps * abs(b)


def same(mine: Any, theirs: Any) -> bool:
    """Whether two described values agree: dtype, shape and each number to some units in the last place."""
    if not isinstance(mine, dict) or not isinstance(theirs, dict):
        return bool(mine == theirs)
    return (mine["dtype"], mine["shape"]) == (theirs["dtype"], theirs["shape"]) and all(
        close(a, b, mine["dtype"]) for a, b in zip(mine["values"], theirs["values"])
    )


# What torch's parser of arguments says: there the class of the error is held, and that ours says what is wrong
PARSING = re.compile(r"invalid combination of arguments|required positional arguments|takes no arguments|must be (int|Tensor|Number|tuple)")
POSITION = re.compile(r" \(position \d+\)")  # a method counts without self in torch, as a function here


def agree(mine: dict[str, Any], theirs: dict[str, Any]) -> bool:
    if "error" in theirs or "error" in mine:
        ours, its = mine.get("text", ""), theirs.get("text", "")
        same_text = POSITION.sub("", ours) == POSITION.sub("", its)
        explained = PARSING.search(its) and re.search(r"must be|unexpected keyword|missing|takes|invalid", ours)
        return mine.get("error") == theirs.get("error") and bool(same_text or explained)
    ours, its = mine.get("gradients", {}), theirs.get("gradients", {})
    return (
        same(mine["result"], theirs["result"])
        and mine.get("grad_fn") == theirs.get("grad_fn")
        and mine.get("warning") == theirs.get("warning")
        and ours.keys() == its.keys()
        and all(same(ours[n], its[n]) for n in its)
        and same_second(mine, theirs)
    )


def same_second(mine: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Whether second gradients agree: none is zero, and what cancels does so up to some units of the largest number around."""
    for name in mine.get("second", {}).keys() | theirs.get("second", {}).keys():
        shown = [said["gradients"][name] for said in (mine, theirs)]
        if "None" in shown:
            continue
        pair = [said.get("second", {}).get(name, "None") for said in (mine, theirs)]
        numbers = [[0.0] * len(g["values"]) if p == "None" else [float(v) for v in p["values"]] for p, g in zip(pair, shown)]
        around = [abs(v) for v in numbers[1] + [float(v) for v in shown[1]["values"]] + [3.0] if math.isfinite(v)]
        for a, b in zip(*numbers):
            if not (a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= 64 * 2**-52 * max(around)):
                return False
    return True
