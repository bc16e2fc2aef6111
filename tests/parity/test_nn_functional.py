"""nn.functional against torch: values, gradients and gradients of gradients, each pulled back by a random cotangent.

Both sides round differently. The bound: a result is made of at most OPS roundings of numbers no larger than the largest in
the result, the inputs and the cotangents, so it may differ by OPS * eps * that scale.
"""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

import minigrad
import minigrad.nn.functional

torch = pytest.importorskip("torch")

OPS = 32
DTYPES = ["float32", "float64"]


def orders(module, function, arrays, constants, seed):
    """Value, gradients, gradients of gradients, and gradients without a graph, from the same random cotangents."""
    rng = np.random.default_rng(seed)

    def random_like(t):
        return module.tensor(np.asarray(rng.standard_normal(tuple(t.shape)), arrays[0].dtype))

    leaves = [module.tensor(a, requires_grad=True) for a in arrays]
    rest = [module.tensor(c) for c in constants]
    out = function(module, module.nn.functional, *leaves, *rest)
    cotangent = random_like(out)
    first = module.autograd.grad(out, leaves, cotangent, create_graph=True)
    pulled = [(g, c) for g, c in [(g, random_like(g)) for g in first] if g.requires_grad]
    second = [None] * len(leaves)
    if pulled:
        second = module.autograd.grad([g for g, _ in pulled], leaves, [c for _, c in pulled], allow_unused=True)
    plain = module.autograd.grad(function(module, module.nn.functional, *leaves, *rest), leaves, cotangent)
    results = {"value": [out], "first order": first, "second order": second, "first order, no graph": plain}
    return {name: [None if t is None else t.detach().numpy(force=True) for t in ts] for name, ts in results.items()}


def close(ours, theirs, what, slack):
    if ours is None or theirs is None:  # no path and a path of zeros are the same gradient
        left = theirs if ours is None else ours
        assert left is None or not np.any(left), what
        return
    assert ours.shape == theirs.shape, what
    assert ours.dtype == theirs.dtype, what
    finite = np.isfinite(theirs)
    np.testing.assert_array_equal(ours[~finite], theirs[~finite], err_msg=what)
    scale = max(1.0, np.abs(theirs[finite]).max(initial=0))
    bound = OPS * np.finfo(theirs.dtype).eps * scale + slack
    error = np.abs(ours[finite].astype(np.float64) - theirs[finite]).max(initial=0)
    assert error <= bound, f"{what}: off by {error:.3g}, allowed {bound:.3g}\nminigrad {ours}\ntorch    {theirs}"


def agree(function, arrays, constants=(), seed=0, slack=0.0):
    """`slack` is torch's own error, where its formula is not exact."""
    ours, theirs = (orders(m, function, arrays, constants, seed) for m in (minigrad, torch))
    for name in theirs:
        for i, (x, y) in enumerate(zip(ours[name], theirs[name])):
            close(x, y, f"{name}, input {i}", slack)


# values that hurt: knees, signed zeros, halves, huge and tiny
HARD = [-3.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0, 3.0, 1e-6, -1e-6, 19.5, 21.0, -30.0]

ACTIVATIONS = {
    "relu": lambda m, F, x: F.relu(x),
    "leaky_relu": lambda m, F, x: F.leaky_relu(x, 0.2),
    "leaky_relu default": lambda m, F, x: F.leaky_relu(x),
    "elu": lambda m, F, x: F.elu(x, 1.5),
    "elu default": lambda m, F, x: F.elu(x),
    "gelu": lambda m, F, x: F.gelu(x),
    "gelu tanh": lambda m, F, x: F.gelu(x, approximate="tanh"),
    "silu": lambda m, F, x: F.silu(x),
    "sigmoid": lambda m, F, x: F.sigmoid(x),
    "tanh": lambda m, F, x: F.tanh(x),
    "softplus": lambda m, F, x: F.softplus(x),
    "softplus beta": lambda m, F, x: F.softplus(x, 2.0, 5.0),
    "logsigmoid": lambda m, F, x: F.logsigmoid(x),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_agree_to_second_order(name, dtype):
    rng = np.random.default_rng(1)
    for x in (np.array(HARD), rng.standard_normal((3, 4)), rng.standard_normal(()), np.zeros((0, 2))):
        agree(ACTIVATIONS[name], [x.astype(dtype)])


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "silu"])
def test_activations_in_place_write_the_input_and_differentiate(name):
    def function(m, F, x):
        y = x * 2
        out = getattr(F, name)(y, inplace=True)
        assert out is y or (out == y).all()
        return y * 1.5

    agree(function, [np.array(HARD, np.float64)])


SOFTMAXES = {
    "softmax": lambda m, F, x, d: F.softmax(x, d),
    "log_softmax": lambda m, F, x, d: F.log_softmax(x, d),
    "logsumexp": lambda m, F, x, d: m.logsumexp(x, d),
    "logsumexp keepdim": lambda m, F, x, d: m.logsumexp(x, d, keepdim=True),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SOFTMAXES)
def test_softmax_family_agrees_to_second_order(name, dtype):
    rng = np.random.default_rng(2)
    for shape, dim in (((4, 3), 1), ((4, 3), 0), ((2, 3, 4), -2), ((5,), 0), ((), 0), ((3, 1), 1)):
        x = (3 * rng.standard_normal(shape)).astype(dtype)
        agree(lambda m, F, x, dim=dim: SOFTMAXES[name](m, F, x, dim), [x])
    x = np.array([[1000.0, 0.0], [-1000.0, 3.0], [7.0, 7.0]], dtype)
    agree(lambda m, F, x: SOFTMAXES[name](m, F, x, 1), [x])


@pytest.mark.parametrize("row", list(itertools.product([0.0, np.inf, -np.inf, np.nan, 1000.0], repeat=2)))
@pytest.mark.parametrize("name", SOFTMAXES)
def test_softmax_family_with_inf_and_nan(name, row):
    for module in (minigrad, torch):
        x = module.tensor(list(row), requires_grad=True)
        y = SOFTMAXES[name](module, module.nn.functional, x, 0)
        y.backward(module.ones_like(y))
        got = y.detach().numpy(), x.grad.numpy()
        if module is minigrad:
            ours = got
    for a, b in zip(ours, got):
        np.testing.assert_allclose(a, b, rtol=1e-6)


REDUCTIONS = ["mean", "sum", "none"]
PAIRS = {
    "mse": lambda F, x, y, r: F.mse_loss(x, y, reduction=r),
    "l1": lambda F, x, y, r: F.l1_loss(x, y, reduction=r),
    "smooth_l1": lambda F, x, y, r: F.smooth_l1_loss(x, y, reduction=r),
    "smooth_l1 beta": lambda F, x, y, r: F.smooth_l1_loss(x, y, reduction=r, beta=0.5),
    "smooth_l1 beta 0": lambda F, x, y, r: F.smooth_l1_loss(x, y, reduction=r, beta=0.0),
    "huber": lambda F, x, y, r: F.huber_loss(x, y, reduction=r),
    "huber delta": lambda F, x, y, r: F.huber_loss(x, y, reduction=r, delta=2.0),
    "bce_with_logits": lambda F, x, y, r: F.binary_cross_entropy_with_logits(x, y, reduction=r),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", PAIRS)
def test_losses_agree_to_second_order_in_both_arguments(name, reduction, dtype):
    rng = np.random.default_rng(3)
    knees = np.array([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0])
    for x, y in (
        (rng.standard_normal((4, 3)), rng.standard_normal((4, 3))),
        (2 * rng.standard_normal(()), rng.standard_normal(())),
        (knees, np.zeros(8)),
    ):
        agree(lambda m, F, x, y: PAIRS[name](F, x, y, reduction), [x.astype(dtype), y.astype(dtype)])
        agree(lambda m, F, x, y: PAIRS[name](F, x, y, reduction), [x.astype(dtype)], [y.astype(dtype)])


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["mse", "l1", "huber", "smooth_l1"])
def test_losses_of_different_shapes_warn_and_broadcast(name, reduction):
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((4, 1)), rng.standard_normal(4)
    with pytest.warns(UserWarning, match=r"target size \(torch.Size\(\[4\]\)\) that is different to the input size"):
        agree(lambda m, F, x, y: PAIRS[name](F, x, y, reduction), [x, y])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
def test_binary_cross_entropy(weighted, reduction, dtype):
    rng = np.random.default_rng(6)
    p, t = rng.uniform(0.05, 0.95, (4, 3)), rng.uniform(0.05, 0.95, (4, 3))
    w = [rng.uniform(0.5, 2, 3).astype(dtype)] if weighted else []
    p, t = p.astype(dtype), t.astype(dtype)

    def function(m, F, p, t, *w):
        return F.binary_cross_entropy(p, t, *w, reduction=reduction)

    # torch's second derivative adds 1e-12 to p and to 1 - p, both at least 0.05, in a denominator (p * (1 - p))**2
    slack = 2 * 1e-12 / 0.05 / (0.05 * 0.95) ** 2 * 2 * 5
    agree(function, [p], [t, *w], slack=slack)
    agree(function, [p, t], w, slack=slack)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight, positive", [(False, True), (True, False), (True, True)])
def test_binary_cross_entropy_with_logits_weights(weight, positive, reduction):
    rng = np.random.default_rng(7)
    x, t = rng.standard_normal((4, 3)), rng.uniform(0, 1, (4, 3))
    w, p = rng.uniform(0.5, 2, (4, 1)), rng.uniform(0.5, 3, 3)

    def function(m, F, x, t, w, p):
        return F.binary_cross_entropy_with_logits(
            x, t, weight=w if weight else None, pos_weight=p if positive else None, reduction=reduction
        )

    agree(function, [x, t], [w, p])
    agree(function, [x], [t, w, p])


@pytest.mark.parametrize("t", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("p", [0.0, 1e-20, 0.3, 0.5, 1.0])
def test_binary_cross_entropy_at_the_corners(p, t):
    results = []
    for module in (minigrad, torch):
        x = module.tensor([p], requires_grad=True)
        loss = module.nn.functional.binary_cross_entropy(x, module.tensor([t]))
        loss.backward()
        results.append((loss.item(), x.grad.item()))
    np.testing.assert_allclose(*results, rtol=3e-7)


@pytest.mark.parametrize("t", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("z", [0.0, 1000.0, -1000.0, 2.0, float("inf"), float("-inf")])
def test_binary_cross_entropy_with_logits_at_the_corners(z, t):
    results = []
    for module in (minigrad, torch):
        x = module.tensor([z], requires_grad=True)
        loss = module.nn.functional.binary_cross_entropy_with_logits(x, module.tensor([t]))
        loss.backward()
        results.append((loss.item(), x.grad.item()))
    np.testing.assert_allclose(*results, rtol=3e-7)


CLASSES = [((5, 4), (5,)), ((4,), ()), ((3, 4, 2), (3, 2)), ((2, 4, 3, 2), (2, 3, 2))]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss, smoothing", [("cross_entropy", 0.0), ("cross_entropy", 0.1), ("nll_loss", 0.0)])
def test_losses_of_classes_agree_to_second_order(loss, smoothing, weighted, ignored, reduction, dtype):
    rng = np.random.default_rng(8)
    options = {"label_smoothing": smoothing} if loss == "cross_entropy" else {}
    for shape, label_shape in CLASSES:
        x, t = rng.standard_normal(shape).astype(dtype), np.array(rng.integers(0, 4, label_shape))
        w = [rng.uniform(0.5, 2, 4).astype(dtype)] if weighted else []
        if ignored:
            t.reshape(-1)[::2] = 2

        def function(m, F, x, t, w=None):
            return getattr(F, loss)(x, t, weight=w, ignore_index=2 if ignored else -100, reduction=reduction, **options)

        agree(function, [x], [t, *w])


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("shape", [(5, 4), (4,), (3, 4, 2)])
def test_cross_entropy_with_probabilities(shape, smoothing, weighted, reduction):
    rng = np.random.default_rng(9)
    x, t, w = rng.standard_normal(shape), rng.uniform(0, 1, shape), rng.uniform(0.5, 2, 4)

    def function(m, F, x, t, w=None):
        return F.cross_entropy(x, t, w, reduction=reduction, label_smoothing=smoothing)

    agree(function, [x, t], [w] if weighted else [])


def test_all_targets_ignored_gives_nan_and_zero_gradients():
    x = minigrad.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    loss = minigrad.nn.functional.cross_entropy(x, minigrad.tensor([-100, -100]))
    loss.backward()
    assert np.isnan(loss.item())
    assert not x.grad.numpy().any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", [(5, 3), (3,), (2, 4, 3), (2, 1, 2, 3), (0, 3)])
def test_linear(shape, bias, dtype):
    rng = np.random.default_rng(10)
    arrays = [rng.standard_normal(s).astype(dtype) for s in (shape, (4, 3), (4,))[: 3 if bias else 2]]
    agree(lambda m, F, *a: F.linear(*a), arrays)


@pytest.mark.parametrize("padding", [None, 0, -1, 2])
@pytest.mark.parametrize("index", [[0, 2, 0, 1], [[1, 1], [3, 0]], 2, []])
def test_embedding(index, padding):
    rng = np.random.default_rng(11)

    def function(m, F, w):
        return F.embedding(m.tensor(index, dtype=m.int64), w * w, padding)

    agree(function, [rng.standard_normal((4, 3))])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5)])
def test_batch_norm_in_training_and_evaluation(shape, affine, dtype):
    rng = np.random.default_rng(12)
    x = rng.standard_normal(shape).astype(dtype)
    wb = list(rng.standard_normal((2, 3)).astype(dtype)) if affine else []
    stats = [rng.standard_normal(3).astype(dtype), rng.uniform(0.5, 2, 3).astype(dtype)]

    def training(m, F, x, *wb):
        return F.batch_norm(x, None, None, *wb, training=True)

    def evaluation(m, F, x, *rest):
        return F.batch_norm(x, *rest[-2:], *rest[:-2])

    agree(training, [x, *wb])
    agree(evaluation, [x, *wb], stats)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("affine", [0, 1, 2])
@pytest.mark.parametrize("dims", [1, 2])
def test_layer_norm(dims, affine, dtype):
    rng = np.random.default_rng(13)
    x = rng.standard_normal((4, 2, 5)).astype(dtype)
    shape = x.shape[-dims:]
    wb = [rng.standard_normal(shape).astype(dtype) for _ in range(affine)]
    agree(lambda m, F, x, *wb: F.layer_norm(x, shape, *wb), [x, *wb])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("p", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_dropout_masks_are_those_of_torch_to_the_bit(p, dtype):
    rng = np.random.default_rng(14)
    for shape in ((5, 7), (3,), (), (0,), (2, 3, 4)):
        x = rng.standard_normal(shape).astype(dtype)
        results = []
        for module in (minigrad, torch):
            module.manual_seed(3)
            leaf = module.tensor(x, requires_grad=True)
            out = module.nn.functional.dropout(leaf, p)
            out.backward(module.ones_like(out) * 3)
            results.append((out.detach().numpy(), leaf.grad.numpy(), module.rand(1).numpy()))
        for ours, theirs in zip(*results):
            np.testing.assert_array_equal(ours, theirs)


def test_dropout_of_a_transposed_input_draws_in_memory_order():
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    results = []
    for module in (minigrad, torch):
        module.manual_seed(5)
        results.append(module.nn.functional.dropout(module.tensor(x).t(), 0.4).numpy())
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize(
    "size_average, reduce", [(True, None), (False, None), (None, False), (None, True), (False, True)]
)
def test_old_reduction_arguments_warn_and_work(size_average, reduce):
    x, y = [1.0, 2.0], [3.0, 5.0]
    results = []
    for module in (minigrad, torch):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            out = module.nn.functional.mse_loss(module.tensor(x), module.tensor(y), size_average, reduce)
        results.append((out.tolist(), [str(w.message) for w in caught]))
    assert results[0] == results[1]


WATCHED = {  # (loss, what is written to between forward and backward): a probability p, labels t, weights w
    "nll_loss": (lambda F, x, t, w, p, r: F.nll_loss(x, t, w, reduction=r), "tw"),
    "nll_loss without weight": (lambda F, x, t, w, p, r: F.nll_loss(x, t, reduction=r), "tw"),
    "nll_loss of a vector": (lambda F, x, t, w, p, r: F.nll_loss(x[0], t[0], w, reduction=r), "tw"),
    "nll_loss of images": (lambda F, x, t, w, p, r: F.nll_loss(x[..., None], t[:, None], w, reduction=r), "tw"),
    "cross_entropy": (lambda F, x, t, w, p, r: F.cross_entropy(x, t, w, reduction=r), "tw"),
    "cross_entropy, smooth": (lambda F, x, t, w, p, r: F.cross_entropy(x, t, w, reduction=r, label_smoothing=0.1), "tw"),
    "cross_entropy of probabilities": (lambda F, x, t, w, p, r: F.cross_entropy(x, p, w, reduction=r), "pw"),
    "binary_cross_entropy": (lambda F, x, t, w, p, r: F.binary_cross_entropy(x, p, w, reduction=r), "pw"),
    "with logits": (lambda F, x, t, w, p, r: F.binary_cross_entropy_with_logits(x, p, w, reduction=r), "pw"),
    "with pos_weight": (
        lambda F, x, t, w, p, r: F.binary_cross_entropy_with_logits(x, p, pos_weight=w, reduction=r), "pw",
    ),
    "mse_loss": (lambda F, x, t, w, p, r: F.mse_loss(x, p, reduction=r), "p"),
    "l1_loss": (lambda F, x, t, w, p, r: F.l1_loss(x, p, reduction=r), "p"),
    "huber_loss": (lambda F, x, t, w, p, r: F.huber_loss(x, p, reduction=r), "p"),
    "smooth_l1_loss": (lambda F, x, t, w, p, r: F.smooth_l1_loss(x, p, reduction=r), "p"),
}  # fmt: skip


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name, written", [(name, k) for name, (_, keys) in WATCHED.items() for k in keys])
def test_a_target_or_weight_written_to_before_backward_is_noticed_where_torch_notices(name, written, reduction):
    outcomes = []
    for module in (minigrad, torch):
        x = module.tensor([[0.1, 0.4, 0.5], [0.3, 0.2, 0.9]], requires_grad=True)
        given = {"t": module.tensor([2, 0]), "w": module.tensor([1.0, 2.0, 3.0]), "p": module.full((2, 3), 0.25)}
        loss = WATCHED[name][0](module.nn.functional, x, *given.values(), reduction)
        given[written].fill_(1)
        try:
            loss.sum().backward()
            outcomes.append(x.grad.numpy().round(5).tolist())
        except RuntimeError as error:
            outcomes.append(str(error).split(" [")[0])
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("grad_mode", [True, False])
@pytest.mark.parametrize("name", ["weight", "pos_weight"])
def test_a_weight_that_requires_grad_is_refused_as_torch_does_and_only_while_recording(name, grad_mode):
    outcomes = []
    for module in (minigrad, torch):
        x, t, w = module.zeros(2, 2), module.ones(2, 2), module.ones(2, requires_grad=True)
        with module.set_grad_enabled(grad_mode):
            try:
                loss = module.nn.functional.binary_cross_entropy_with_logits(x, t, **{name: w})
                outcomes.append(round(loss.item(), 5))
            except RuntimeError as error:
                outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]
