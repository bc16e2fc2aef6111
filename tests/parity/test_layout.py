"""The order of results in memory is torch's: it decides where `view` works and where `reshape` shares memory."""

import itertools

import numpy as np
import pytest
import torch

import minigrad

INPUTS = """
v.expand(2, 3) | v[:, None].expand(3, 2) | t.expand(2, 3, 2) | x[:, None].expand(2, 4, 3) | x[:, ::2] | x.t()[::2] | x[:1].expand(4, 3).t()
x[:, :, None].expand(2, 3, 4).permute(2, 0, 1) | z.permute(2, 0, 1) | z.permute(1, 0, 2)[::2] | x.t()[:, :1] | x.expand(0, 2, 3)
"""
RESULTS = """
e.clone() | torch.zeros_like(e) | torch.full_like(e, 2) | torch.rand_like(e) | e.flip(0) | e * 1 | -e | e.exp() | e.contiguous() | e.double()
torch.relu(e) | e.clamp(0) | torch.where(e > 0, e, e * 2) | e.roll(1, 0) | torch.sigmoid(e) | e.masked_fill(e > 1, 0.0) | e.cumsum(0)
e.softmax(0) | F.log_softmax(e, -1) | e.tril() | e ** 2 | e / 2 | e.to(torch.int32) | F.gelu(e) | torch.erf(e) | F.dropout(e) | e == e
e + torch.ones(e.shape) | torch.ones(e.shape) + e | torch.maximum(e, torch.ones(e.shape)) | e > torch.zeros(e.shape) | e.mean(0)
torch.where(e > torch.zeros(e.shape), torch.ones(e.shape), e) | torch.cat([e, e]) | torch.stack([e, e]) | F.logsigmoid(e)
F.layer_norm(e, e.shape[-1:]) | e.sort(0)[0] | e.sort(0)[1] | e.argsort(0) | e.sum(0) | e.var(0) | e.prod(0) | e.norm(dim=0) | e.cumprod(0)
e.gather(0, torch.zeros(e.shape, dtype=torch.int64)) | e.abs().add_(1) | F.silu(e) | F.elu(e) | F.leaky_relu(e) | F.softplus(e)
torch.add(e, torch.ones(e.shape), alpha=2) | torch.pow(e, torch.ones(e.shape)) | e % torch.ones(e.shape) | e // 2
"""


def strides(result):
    """Of the dimensions that have any: those of one element may say anything."""
    return [s for s, n in zip(result.stride(), result.shape, strict=True) if n > 1] if result.numel() else []


def texts(table):
    return [text.strip() for line in table.strip().split("\n") for text in line.split("|")]


@pytest.mark.parametrize("result", texts(RESULTS))
@pytest.mark.filterwarnings("ignore:var\\(\\)")
def test_results_lie_in_memory_as_torchs(result):
    def made(engine):
        x = engine.arange(6.0).reshape(2, 3)
        names = {"x": x, "t": x.t() * 0.5, "v": engine.arange(3.0), "z": engine.arange(24.0).reshape(2, 3, 4)}
        names |= {"torch": engine, "F": engine.nn.functional}
        for text in texts(INPUTS):
            try:
                out = eval(result, names | {"e": eval(text, names)})
            except (RuntimeError, IndexError) as error:
                out = error
            yield text, type(out).__name__ if isinstance(out, Exception) else (out.is_contiguous(), strides(out))

    for ours, theirs in zip(made(minigrad), made(torch), strict=True):
        assert ours == theirs


def test_reshape_of_a_mixed_result_copies_where_torch_copies():
    for engine in (minigrad, torch):
        x = engine.arange(6.0).reshape(2, 3)
        y = x.t() + engine.ones(3, 2)
        y.reshape(-1)[0] = 100.0
        assert y[0, 0].item() == 1.0
        with pytest.raises(RuntimeError, match="view size is not compatible"):
            y.view(-1)


@pytest.mark.parametrize("result", texts("x + y | x * y | x > y | torch.maximum(x, y) | torch.where(x > y, x, y) | x ** y | (x > 0) & (y > 0)"))
def test_results_of_two_lie_as_the_first_that_has_an_order(result):
    layouts = texts("""
    x | x.t() | v.expand(2, 3) | x[:, :1].expand(2, 3) | x.t() * 1.0 | torch.ones(3, 2).t() | z | z.permute(2, 0, 1) | z.permute(1, 0, 2)
    z.transpose(0, 2) | v | torch.ones(1, 3) | z[:, ::2] | z.permute(1, 2, 0)[::2] | z.expand(2, 2, 3, 4) | torch.ones(4).expand(3, 4).t() | torch.ones(())
    """)

    def made(engine):
        x = engine.arange(6.0).reshape(2, 3)
        names = {"torch": engine, "x": x, "v": engine.arange(3.0), "z": engine.arange(24.0).reshape(2, 3, 4)}
        tensors = [eval(text, names) for text in layouts]
        for i, a in enumerate(tensors):
            for j, b in enumerate(tensors):
                try:
                    yield i, j, strides(eval(result, {"torch": engine, "x": a, "y": b}))
                except RuntimeError:
                    yield i, j, "no broadcast"

    for ours, theirs in zip(made(minigrad), made(torch), strict=True):
        assert ours == theirs


@pytest.mark.parametrize("shapes", [((2, 1), (4, 1, 5)), ((2, 3), (4, 2, 3, 5)), ((4, 2, 1), (1, 5)), ((4, 2, 3), (3,)), ((3,), (4, 3, 5))])
@pytest.mark.parametrize("lying", ["as it is", "transposed", "expanded"])
def test_matmul_of_a_matrix_and_a_batch_is_the_product_that_torch_takes(shapes, lying):
    """Of matrices or of batches, which tells in the signs of zeros, in the strides and in the node."""
    rng = np.random.default_rng(5)
    data = [rng.choice([-1.0, -0.0, 0.0, 2.0], shape) for shape in shapes]
    for needs in itertools.product((False, True), repeat=2):
        seen = []
        for M in (torch, minigrad):
            x, y = (M.tensor(a) for a in data)
            if lying != "as it is":
                x, y = (v if v.ndim < 3 else v.mT.contiguous().mT if lying == "transposed" else v[:1].expand(v.shape) for v in (x, y))
            x, y = (v.detach().requires_grad_(n) for v, n in zip((x, y), needs))
            out = x @ y
            seen.append((out.stride(), out.grad_fn and out.grad_fn.name(), out._is_view(), str(out.tolist())))
        assert seen[0] == seen[1], needs


LEAVES = "m | m.t().contiguous().t() | z[:, ::2] | m[0].expand(2, 3)"
USES = """
x * 2 | x.exp() | x.t() * 2 | (x + x).t() | x.sum(0) | x * c | x * c.t().contiguous().t() | x.t() @ c | x * x + x | x[0] | x[[0, 1]]
torch.where(c > 0, x, c) | x + c[0] | x.expand(2, 2, 3) | x.reshape(-1) | x.cumsum(0) | x.softmax(1) | x.contiguous() | x.clone()
"""


@pytest.mark.parametrize("leaf", texts(LEAVES))
@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.filterwarnings("ignore:Using backward")
def test_a_gradient_lies_in_memory_as_its_leaf(leaf, create_graph):
    """If the leaf fills its memory, and else row by row: utils::clone_obey_contract, which `.grad.view(-1)` relies on."""

    def made(engine, use, transposed):
        names = {"torch": engine, "m": engine.arange(6.0).reshape(2, 3), "z": engine.arange(12.0).reshape(2, 6)}
        x = eval(leaf, names).detach().requires_grad_()
        y = eval(use, names | {"x": x, "c": engine.arange(6.0).reshape(2, 3) - 2})
        shape = tuple(y.shape)[:: -1 if transposed else 1]
        v = engine.arange(float(y.numel())).reshape(shape)
        seen = []
        for _ in range(2):
            y.backward(v.permute(*range(len(shape))[::-1]) if transposed else v, retain_graph=True, create_graph=create_graph)
            seen.append(x.grad.stride())
        return seen

    for use, transposed in itertools.product(texts(USES), (False, True)):
        assert made(minigrad, use, transposed) == made(torch, use, transposed), (use, transposed)
