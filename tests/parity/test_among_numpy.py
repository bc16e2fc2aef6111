"""Tensors given to NumPy and matplotlib: results, types and refusals are those of torch's tensors."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import minigrad

# x (2, 3) float32, g the same requiring grad, k int64, b bool: tensors; a the array of x, a64 its float64 copy.
EXPRESSIONS = """
np.hstack((x, np.ones_like(x))) | np.vstack([x, x]) | np.stack([x, x]) | np.concatenate([x, x])
np.column_stack([x[:, 0], x[:, 1]]) | np.squeeze(x) | np.squeeze(x[:1]) | np.squeeze(g) | np.array(x)
np.asarray(x) | np.array(x, dtype=np.float64) | np.asarray(x, "float16") | np.array([x, x])
np.array([x[0], x[1]]) | np.array([x[0, 0], x[0, 1]]) | np.array(k) | np.array(b)
np.array(torch.tensor(2.5)) | np.ones_like(x) | np.zeros_like(x) | np.full_like(x, 3)
np.ones_like(g.detach()) | np.shape(g) | np.ndim(x) | np.argmax(x) | np.cumsum(x) | np.exp(k) | np.sqrt(x)
np.abs(-x) | np.add(x, 1) | np.add(a, x) | np.multiply(x, a) | np.maximum(x, 2) | np.power(x, 2)
np.round(x) | np.dot(a, x.T) | np.matmul(a, x.T) | np.inner(x, x) | np.where(x > 2, x, 0) | np.clip(x, 1, 3)
np.allclose(x, a) | np.array_equal(x, a) | np.linspace(x.min(), x.max(), 3) | np.arange(x[0, 0], x[1, 2])
np.reshape(x, -1) | np.transpose(x) | np.expand_dims(x, 0) | np.sort(x) | np.unique(x) | np.median(x)
np.histogram(x) | np.append(x, 1) | np.tile(x, 2) | np.flip(x) | np.meshgrid(x[0], x[1]) | np.linalg.norm(x)
np.float64(x[0, 0]) | np.float32(2) * x | np.float64(2) * x | x * np.float32(2) | x * np.float64(2)
x + np.int64(2) | np.int64(2) + x | x * a | x + a | x - a | x / a | a / x | x == a | a == x | x ** a
x * a64 | k + np.arange(3) | np.float64(2) ** x | 1 - np.float32(2) * x | x[np.array([1, 0])]
x[np.array([True, False])] | x[np.int64(1)] | a[k[0]] | a[0, k[1]] | a[k[:2]] | [1, 2, 3][k[1]]
list(range(k[2])) | float(x[0, 0]) | int(x[0, 1]) | bool(x[0, 1]) | complex(x[0, 0]) | list(x)
[float(v) for v in x[0]] | sum(x) | max(x[0]) | sorted(x[0]) | x.numpy() | g.detach().numpy()
g.data.numpy() | x.__array__(np.float64) | np.asarray(g) | np.array(g) | np.exp(g) | np.hstack((g, g))
g.numpy() | g.numpy(force=True) | isinstance(x, np.ndarray) | x.astype | torch.tensor(a)
torch.tensor([a, a]) | torch.tensor(np.float64(1.5)) | torch.from_numpy(a) | torch.from_numpy(a64)
torch.from_numpy(a > 1) | torch.from_numpy(np.arange(3, dtype=np.int32)) | torch.as_tensor(a64)
torch.from_numpy(np.float32(1)) | torch.from_numpy(a[::-1]) | torch.from_numpy(a[:, ::2])
torch.from_numpy([1.0]) | torch.Tensor(a) | torch.from_numpy(a64).float().unsqueeze(1)
torch.FloatTensor(a) | torch.tensor(np.array(3)) | torch.sum(a) | torch.matmul(x, a)
""".replace("\n", " | ").split(" | ")


def shown(value):
    """A value with its type, dtype and shape, for comparison."""
    if isinstance(value, (list, tuple)):
        return [shown(v) for v in value]
    if isinstance(value, (torch.Tensor, minigrad.Tensor)):
        return ["Tensor", str(value.dtype), tuple(value.shape), value.requires_grad, value.tolist()]
    if isinstance(value, np.ndarray):
        return ["ndarray", str(value.dtype), value.shape, value.tolist()]
    return [type(value).__name__, value]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("expression", [e for e in EXPRESSIONS if e])
def test_numpy_and_python_take_a_tensor_as_they_take_torchs(expression):
    outcomes = []
    for m in (torch, minigrad):
        a = np.array([[1.0, 2.0, 3.0], [4.0, 0.5, 6.0]], np.float32)
        names = {
            "np": np,
            "torch": m,
            "a": a,
            "a64": a.astype(np.float64),
            "x": m.tensor(a.tolist()),
            "k": m.tensor([0, 1, 2]),
        }
        names |= {"g": m.tensor(a.tolist(), requires_grad=True), "b": m.tensor([True, False])}
        try:
            outcomes.append(shown(eval(expression, names)))
        except Exception as error:
            outcomes.append(type(error))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("m", (torch, minigrad), ids=lambda m: m.__name__)
def test_memory_is_shared_both_ways(m):
    a = np.zeros((2, 3), np.float32)
    t = m.from_numpy(a)
    a[0, 0] = 5
    t[1, 1] = 7
    t.numpy()[0, 2] = 9
    np.asarray(t)[1, 0] = 3
    assert t.tolist() == a.tolist() == [[5, 0, 9], [3, 7, 0]]
    assert (
        np.shares_memory(t.numpy(), a)
        and np.shares_memory(np.asarray(t.t()), a)
        and np.shares_memory(t.detach().numpy(), a)
    )
    assert not np.shares_memory(np.array(t), a) and not np.shares_memory(m.tensor(a).numpy(), a)
    zero_d = m.zeros(3).sum()
    zero_d.numpy()[...] = 4
    assert zero_d.item() == 4
    w = m.ones(2, requires_grad=True)
    w.data.numpy()[0] = 8
    w.detach().numpy()[1] = 6
    assert w.tolist() == [8, 6]


@pytest.mark.parametrize("m", (torch, minigrad), ids=lambda m: m.__name__)
def test_matplotlib_draws_a_tensor_as_its_array(m):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    x = m.linspace(0, 1, 5)
    y = (x**2).requires_grad_()
    fig, ax = plt.subplots()
    (line,) = ax.plot(x, y.detach(), label="curve")
    (column,) = ax.plot(x.reshape(-1, 1), y.data.reshape(-1, 1), "bo")
    points = ax.scatter(np.squeeze(x.unsqueeze(1)), y.data, c=x)
    bars = ax.bar(x, y.detach())
    (fill,) = ax.fill(x, y.detach())
    assert np.array_equal(line.get_xydata(), np.stack([x.numpy(), y.detach().numpy()], 1))
    assert np.array_equal(column.get_ydata(), y.detach().numpy().reshape(-1))
    assert np.array_equal(points.get_offsets(), line.get_xydata()) and len(bars) == 5 and len(fill.get_xy()) == 6
    ax.hist(m.tensor([1.0, 2.0, 2.0]), bins=2)
    ax.imshow(m.ones(3, 3))
    with pytest.raises(RuntimeError, match="requires grad"):
        ax.plot(x, y)
    fig.canvas.draw()
    plt.close(fig)
