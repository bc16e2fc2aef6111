"""What was once wrong without an error, and must not be again."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import minigrad as torch


def test_stacked_transposes_are_contiguous_so_that_reshape_is_a_view() -> None:
    x = torch.arange(6.0).reshape(2, 3).requires_grad_()
    s = torch.stack([x.t(), x.t()])
    v = s.reshape(2, -1)
    s.mul_(2)
    cotangent = torch.linspace(0.5, 2.0, 12).reshape(2, 6)
    v.backward(cotangent)
    expected = 2 * cotangent.numpy().reshape(2, 3, 2).sum(0).T
    assert s.is_contiguous() and torch.cat([x.t(), x.t()]).is_contiguous()
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=4 * np.finfo(np.float32).eps)


def test_an_index_that_was_overwritten_is_seen_in_backward() -> None:
    x, i = torch.randn(3, 2).requires_grad_(), torch.tensor([0, 2])
    y = x.index_select(0, i)
    i.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward(torch.randn(y.shape))


def test_the_copy_of_a_parameter_starts_without_a_gradient() -> None:
    net = torch.nn.Linear(3, 1)
    net(torch.ones(2, 3)).sum().backward()
    twin = copy.deepcopy(net)
    assert twin.weight.grad is None and net.weight.grad is not None


def test_the_variance_with_more_correction_than_elements_has_torchs_finite_slope() -> None:
    x = torch.tensor([[1.0, 2.0, 4.0, 7.0]], requires_grad=True)
    x.var(1, correction=5).backward(torch.tensor([0.5]))
    np.testing.assert_allclose(x.grad.numpy(), 0.5 * -2.0 * (np.array([[1.0, 2, 4, 7]]) - 3.5), rtol=1e-6)


def test_an_index_of_numpy_may_be_overwritten_before_backward() -> None:
    """torch follows the overwritten index: a gradient for other rows than those that were chosen."""
    x = torch.zeros(6).requires_grad_()
    for i in (np.array([0, 2]), np.array([True, False, True, False, False, False])):
        x.grad = None
        y, before = x[i], i.copy()
        i[:] = i[::-1].copy() if i.dtype == bool else 5
        y.backward(torch.tensor([3.0, -2.0]))
        expected = np.zeros(6)
        expected[before] = [3, -2]
        assert np.array_equal(x.grad.numpy(), expected)


def test_a_list_of_lists_is_a_key_for_several_dimensions() -> None:
    x = torch.arange(12.0).reshape(3, 4).requires_grad_()
    y = x[[[0, 1], [1, 2]]]
    assert y.tolist() == [1, 6]
    y.backward(torch.tensor([3.0, -2.0]))
    assert x.grad.tolist() == [[0, 3, 0, 0], [0, 0, -2, 0], [0, 0, 0, 0]]


def test_an_index_of_bytes_is_a_mask() -> None:
    x = torch.arange(3.0).requires_grad_()
    with pytest.warns(UserWarning, match="uint8 is now deprecated"):
        y = x[torch.tensor([1, 0, 2], dtype=torch.uint8)]
    assert y.tolist() == [0, 2]
    y.backward(torch.tensor([3.0, -2.0]))
    assert x.grad.tolist() == [3, 0, -2]


def test_what_is_assigned_by_an_index_must_have_the_dtype() -> None:
    x = torch.zeros(3).requires_grad_() * 1
    with pytest.raises(RuntimeError, match="got Float for the destination and Double for the source"):
        x[[0, 1]] = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    x[0:2] = torch.tensor([1.0, 2.0], dtype=torch.float64)  # torch converts these
    x[x == 0] = torch.tensor(3.0, dtype=torch.float64)
    assert x.tolist() == [1, 2, 3]


def test_a_running_product_is_not_divided_by_a_factor_of_few_digits() -> None:
    for values, g in (([5e-324], [0.7]), ([5e-324, 2.0, 3.0], [0.7, -0.3, 0.5]), ([1e-200, 1e-200], [0.0, 2.0])):
        x = torch.tensor(values, dtype=torch.float64, requires_grad=True)
        x.cumprod(0).backward(torch.tensor(g, dtype=torch.float64))
        expected = [sum(g[k] * np.prod(np.delete(values[: k + 1], i)) for k in range(i, len(g))) for i in range(len(g))]
        np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-14, atol=5e-324)


def test_the_product_of_factors_that_underflow_has_a_slope() -> None:
    x = torch.tensor([1e-200, 2e-200], dtype=torch.float64, requires_grad=True)
    x.prod().backward(torch.tensor(-3.0, dtype=torch.float64))
    np.testing.assert_allclose(x.grad.numpy(), [-6e-200, -3e-200], rtol=1e-14)


def test_a_hook_that_writes_to_its_gradient_changes_no_other() -> None:
    x, w = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    h, cotangent = x * 2, torch.randn(3)
    h.register_hook(lambda g: (g.mul_(10), None)[1])
    before = cotangent.clone()
    (h + w).backward(cotangent)
    assert x.grad.tolist() == (before * 10 * 2).tolist()
    assert w.grad.tolist() == cotangent.tolist() == before.tolist()


def test_a_backward_that_writes_to_its_gradient_changes_no_other() -> None:
    class Tenfold(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 10

        @staticmethod
        def backward(ctx, g):
            return g.mul_(10)

    x, w, cotangent = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True), torch.randn(3)
    before = cotangent.tolist()
    (Tenfold.apply(x) + w).backward(cotangent)
    assert x.grad.tolist() == (cotangent * 10).tolist()
    assert w.grad.tolist() == cotangent.tolist() == before


def test_a_backward_gets_zeros_for_an_output_that_was_not_differentiated() -> None:
    seen = []

    class Three(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            constant = x * 3
            ctx.mark_non_differentiable(constant)
            return x * 2, constant, torch.tensor([1, 2])

        @staticmethod
        def backward(ctx, g, constant, integers):
            seen.extend([constant, integers])
            return g * 2

    x = torch.ones(2, requires_grad=True)
    Three.apply(x)[0].backward(torch.tensor([3.0, -1.0]))
    assert x.grad.tolist() == [6.0, -2.0]
    assert [(s.tolist(), s.dtype) for s in seen] == [([0.0, 0.0], torch.float32), ([0, 0], torch.int64)]


def test_a_backward_that_overwrote_what_it_saved_is_refused() -> None:
    class Careless(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.kept = x * 1
            ctx.save_for_backward(ctx.kept)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            ctx.kept.add_(1)
            return g * ctx.saved_tensors[0]

    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        Careless.apply(torch.ones(3, requires_grad=True)).backward(torch.randn(3))


def test_copying_a_tensor_makes_a_leaf_of_its_own() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    x.grad = torch.tensor([3.0, 3.0])
    y, z = copy.copy(x), copy.copy(x * 3)
    (y * z).backward(torch.tensor([0.5, -2.0]))
    assert x.grad.tolist() == [3.0, 3.0]
    assert y.grad.tolist() == [1.5, -12.0] and z.grad.tolist() == [0.5, -4.0] and z.is_leaf
    assert type(copy.copy(torch.nn.Parameter(torch.ones(2)))) is torch.nn.Parameter


def test_a_leaf_that_was_frozen_and_given_new_data_keeps_its_gradient() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    x.requires_grad_(False)
    x.data = torch.tensor([5.0, 6.0])
    x.requires_grad_(True)
    y.backward(torch.tensor([0.5, -2.0]))
    assert x.grad.tolist() == [1.5, -6.0]


@pytest.mark.parametrize("other", [torch.ones(1), torch.ones(3, dtype=torch.float64), torch.ones(3, 1)])
def test_a_gradient_for_a_leaf_that_has_another_shape_by_now_is_refused(other) -> None:
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    x.grad = torch.ones(3)
    x.data = other
    with pytest.raises(RuntimeError, match=r"leaf has shape \[3\].*compute the result again"):
        y.backward(torch.randn(3))


def test_a_leaf_transposed_in_place_refuses_the_gradient_of_its_old_shape() -> None:
    x = torch.ones(2, 3, requires_grad=True)
    y = x * 2
    with torch.no_grad():
        x.t_()
    with pytest.raises(RuntimeError, match="compute the result again"):
        y.backward(torch.randn(2, 3))


@pytest.mark.parametrize("operator, result", [("//=", [2, 3, 3]), ("%=", [1, 0, 1]), ("&=", [0, 2, 2]), ("|=", [7, 6, 7]), ("^=", [7, 4, 5])])
def test_operators_with_equals_write_in_place(operator: str, result: list[int]) -> None:
    names = {"a": torch.tensor([5, 6, 7])}
    view, before = names["a"][1:], names["a"]
    exec(f"a {operator} 2", names)
    assert names["a"] is before and before.tolist() == result and view.tolist() == result[1:]


def test_remainder_in_place_differentiates_and_is_refused_on_a_leaf() -> None:
    x = torch.tensor([5.0, 6.5], requires_grad=True)
    y = x * 3
    view = y[1:]
    y %= 2
    assert view.tolist() == [1.5]
    y.backward(torch.tensor([0.5, -2.0]))
    assert x.grad.tolist() == [1.5, -6.0]
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        x %= 2


def test_a_hook_after_accumulation_runs_unrecorded() -> None:
    x = torch.ones(2, requires_grad=True)
    x.register_post_accumulate_grad_hook(lambda leaf: (leaf.sub_(leaf.grad), None)[1])
    (x * 3).backward(torch.tensor([1.0, -1.0]))
    assert x.tolist() == [-2.0, 4.0]


@pytest.mark.parametrize("choose", [
    lambda x: x[:, [0, 2]], lambda x: x.t()[[0, 1]], lambda x: x.t().cumsum(0), lambda x: x.t().gather(0, torch.zeros(2, 3, dtype=torch.int64)),
    lambda x: x.t().scatter(0, torch.zeros(1, 3, dtype=torch.int64), 1.0),
])  # fmt: skip
def test_what_is_chosen_lies_in_order_so_that_reshape_is_a_view(choose) -> None:
    y = choose(torch.arange(12.0).reshape(3, 4).requires_grad_())
    row = y.reshape(-1)
    assert y.is_contiguous()
    y.mul_(2)
    assert row.tolist() == y.flatten().tolist()


def test_running_statistics_that_move_on_do_not_change_an_earlier_gradient() -> None:
    mean, weight = torch.zeros(2), torch.ones(2, requires_grad=True)
    x, cotangent = torch.tensor([[1.0, 2.0], [3.0, 5.0]]), torch.tensor([[0.5, -1.0], [2.0, 3.0]])
    y = torch.nn.functional.batch_norm(x, mean, torch.ones(2), weight)
    mean.add_(7)
    y.backward(cotangent)
    np.testing.assert_allclose(weight.grad.numpy(), [6.5, 13.0], rtol=1e-4)


def test_running_statistics_that_ask_for_a_gradient_are_refused() -> None:
    x, mean = torch.rand(3, 2, requires_grad=True), torch.zeros(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="not differentiable with respect to argument 'running_mean'"):
        torch.nn.functional.batch_norm(x, mean, torch.ones(2))


def test_an_empty_batch_leaves_the_running_statistics_alone() -> None:
    layer = torch.nn.BatchNorm1d(3)
    assert layer(torch.ones(0, 3)).shape == (0, 3)
    assert layer.running_mean.tolist() == [0, 0, 0] and layer.running_var.tolist() == [1, 1, 1]


@pytest.mark.parametrize("weight", [torch.ones(1), torch.ones(3, dtype=torch.float64)])
def test_layer_norm_refuses_a_weight_of_another_shape_or_dtype(weight) -> None:
    with pytest.raises(RuntimeError, match="same shape as normalized_shape|mixed dtype"):
        torch.nn.functional.layer_norm(torch.rand(2, 3), (3,), weight)


def test_float16_does_not_overflow_inside_softplus_and_layer_norm() -> None:
    x = torch.tensor([20.0, -1.0], dtype=torch.float16, requires_grad=True)
    y = torch.nn.functional.softplus(x)
    y.backward(torch.tensor([0.5, 2.0], dtype=torch.float16))
    np.testing.assert_allclose(y.tolist(), [20, np.log1p(np.exp(-1))], rtol=1e-3)
    np.testing.assert_allclose(x.grad.tolist(), [0.5, 2 / (1 + np.e)], rtol=1e-3)
    z = torch.nn.functional.layer_norm(torch.tensor([[300.0, -300.0, 100.0, 5.0]], dtype=torch.float16), (4,))
    values = np.array([300.0, -300.0, 100.0, 5.0])
    np.testing.assert_allclose(z.tolist()[0], (values - values.mean()) / values.std(), rtol=2e-3)


def test_an_index_of_no_dimensions_that_was_overwritten_is_seen_in_backward() -> None:
    x, i = torch.tensor([1.0, 2.0, 4.0], requires_grad=True), torch.tensor(0)
    y = x.index_select(0, i)
    i.fill_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward(torch.tensor([0.5]))


def test_no_dimensions_are_not_all_dimensions() -> None:
    assert torch.ones(1, 2, 1).squeeze(()).shape == (1, 2, 1)
    assert torch.tensor([1, 0]).all(()).tolist() == [True, False] and torch.tensor([[1, 0]]).any(()).tolist() == [[True, False]]


def test_a_state_of_an_optimizer_that_moved_on_is_seen_in_backward() -> None:
    w, v = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    optimizer = torch.optim.Adam([w], lr=0.1)
    w.grad = torch.tensor([0.5, -1.0])
    optimizer.step()
    y = optimizer.state[w]["exp_avg"] * v
    optimizer.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward(torch.randn(2))


def test_gather_and_scatter_by_an_index_without_dimensions() -> None:
    x, place = torch.tensor([1.0, 2.0, 4.0], requires_grad=True), torch.tensor(2)
    x.gather(0, place).backward(torch.tensor(0.5))
    assert x.gather(0, place).tolist() == 4.0 and x.grad.tolist() == [0, 0, 0.5]
    y, x.grad = x.scatter(0, place, 8.0), None
    y.backward(torch.tensor([3.0, 5.0, 7.0]))
    assert y.tolist() == [1, 2, 8] and x.grad.tolist() == [3, 5, 0]
    zero = torch.tensor(3.0)
    assert zero.scatter(0, torch.tensor([0]), 4.0).tolist() == 4
    assert zero.scatter_add(0, torch.tensor([0, 0]), torch.tensor([1.0, 2.0])).tolist() == 6
    assert zero.gather(0, place * 0).shape == () and zero.gather(0, torch.tensor([0, 0])).tolist() == [3, 3]


def test_a_handle_removes_only_its_own_hook() -> None:
    x = torch.ones(2, requires_grad=True)
    first = x.register_hook(lambda g: g * 2)
    first.remove()
    x.register_hook(lambda g: g * 5)
    first.remove()
    (x * 1).backward(torch.tensor([1.0, -2.0]))
    assert x.grad.tolist() == [5, -10]


@pytest.mark.parametrize("call", [
    lambda w: torch.full((2,), w), lambda w: torch.ones(2).new_full((2,), w), lambda w: torch.full_like(torch.ones(2), w),
    lambda w: torch.arange(w), lambda w: torch.ones(2).norm(w),
])  # fmt: skip
def test_a_tensor_whose_gradient_would_be_lost_is_no_number(call) -> None:
    with pytest.raises(TypeError, match="must be Number, not Tensor"):
        call(torch.tensor(2.0, requires_grad=True))
    call(torch.tensor(2.0))


@pytest.mark.parametrize("name", ["sum", "prod", "cumsum"])
def test_a_sum_in_integers_loses_no_gradient_silently(name: str) -> None:
    x = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="Autograd not support dtype: Long"):
        getattr(x, name)(0, dtype=torch.int64)


def test_an_integer_that_does_not_fit_is_refused_by_fill() -> None:
    x = torch.zeros(2, dtype=torch.uint8)
    with pytest.raises(RuntimeError, match="cannot be converted to type uint8_t without overflow"):
        x.fill_(300)
    assert x.tolist() == [0, 0]


def test_create_graph_records_gradients_also_inside_no_grad() -> None:
    x, w = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([0.5, -1.0])
    y = x**3 @ w
    with torch.no_grad():
        y.backward(create_graph=True)
    first, x.grad = x.grad, None
    (first**2 @ w).backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * (3 * np.array([1.0, 4]) * w.numpy()) * 6 * np.array([1.0, 2]) * w.numpy() ** 2, rtol=1e-6)


@pytest.mark.parametrize("swapped", [False, True])
def test_a_gradient_given_to_backward_may_be_the_grad_of_a_leaf(swapped: bool) -> None:
    x, v = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    x.grad = torch.tensor([1.0, 2.0])
    (v + x if swapped else x + v).backward(x.grad)
    assert x.grad.tolist() == [2, 4] and v.grad.tolist() == [1, 2]


@pytest.mark.parametrize("dtype, value", [("uint8", 300), ("uint8", -256), ("int8", -129), ("int16", 40_000), ("int32", 2**40), ("int64", np.nan)])
@pytest.mark.parametrize("key", [0, [0, 1], slice(0, 2), ...], ids=str)
def test_a_number_that_does_not_fit_is_not_assigned(dtype, value, key) -> None:
    x = torch.zeros(3, dtype=getattr(torch, dtype))
    with pytest.raises(RuntimeError, match="without overflow"):
        x[key] = value
    with pytest.raises(RuntimeError, match="without overflow"):
        x.fill_(value)
    assert x.tolist() == [0, 0, 0]
@pytest.mark.parametrize("shape, dim", [((200_000, 2), 0), ((2, 200_000, 3), 1), ((1000, 200, 2), (0, 1)), ((400, 3, 500), (0, 2)), ((70_001, 2), 0)])
@pytest.mark.parametrize("keepdim", [False, True])
def test_many_rows_are_added_without_losing_digits(shape, dim, keepdim) -> None:
    rng = np.random.default_rng(0)
    x = rng.random(shape, np.float32)
    axes = dim if isinstance(dim, tuple) else (dim,)
    exact = x.sum(axes, np.float64, keepdims=keepdim)
    for array in (x, np.asfortranarray(x)):
        result = torch.from_numpy(array).sum(dim, keepdim).numpy()
        assert result.shape == exact.shape
        np.testing.assert_allclose(result, exact, rtol=20 * np.finfo(np.float32).eps)
    leaf = torch.zeros(exact.shape, requires_grad=True)
    if keepdim:
        (torch.from_numpy(x) + leaf).backward(torch.from_numpy(x))
        np.testing.assert_allclose(leaf.grad.numpy(), exact, rtol=20 * np.finfo(np.float32).eps)


def test_a_part_of_a_large_array_is_added_without_losing_digits() -> None:
    x = torch.full((200_000, 4), 0.1)[:, 1:3]
    np.testing.assert_allclose(x.sum().item(), 400_000 * float(np.float32(0.1)), rtol=2e-6)
    np.testing.assert_allclose(x.mean().item(), 0.1, rtol=2e-6)


def test_a_mean_loss_of_float16_does_not_overflow() -> None:
    x = torch.full((3000,), 20.0, dtype=torch.float16, requires_grad=True)
    loss = torch.nn.functional.mse_loss(x, torch.zeros(3000, dtype=torch.float16))
    assert loss.item() == 400.0


def test_nothing_is_recorded_in_inference_mode_whatever_is_asked_inside_it() -> None:
    x = torch.ones(2, requires_grad=True)
    with torch.inference_mode():
        with torch.enable_grad():
            assert not (x * 2).requires_grad
        torch.set_grad_enabled(True)
        assert not (x * 2).requires_grad


def test_a_leaf_that_only_the_graph_keeps_calls_its_hook() -> None:
    seen = []

    def make():
        w = torch.ones(2, requires_grad=True)
        w.register_post_accumulate_grad_hook(lambda leaf: seen.append(leaf.grad.tolist()))
        return w * 2

    make().backward(torch.tensor([0.5, -2.0]))
    assert seen == [[1.0, -4.0]]


def test_a_backward_that_fails_before_it_starts_retains_nothing() -> None:
    x = torch.ones(2, requires_grad=True)
    h = x * 2
    with pytest.raises(RuntimeError, match="does not require grad"):
        torch.ones(2).backward(torch.ones(2), inputs=[h])
    assert not h.retains_grad


@pytest.mark.parametrize("values, cotangent, slope", [
    ([1.0, 0.0, 3.0], [1.0, np.nan, 1.0], [1.0, np.nan, 0.0]),
    ([0.0, np.inf, 3.0], [1.0, 2.0, 3.0], [np.inf, 0.0, 0.0]),
    ([0.0, np.nan, 2.0], [1.0, 2.0, 3.0], [np.nan, 0.0, 0.0]),
    ([2.0, 0.0, 3.0, 0.0, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 22.0, 0.0, 0.0, 0.0]),
])  # fmt: skip
def test_behind_a_zero_a_running_product_has_no_slope(values, cotangent, slope) -> None:
    x = torch.tensor(values, requires_grad=True)
    x.cumprod(0).backward(torch.tensor(cotangent))
    np.testing.assert_array_equal(x.grad.numpy(), np.array(slope, np.float32))


def test_products_and_norms_of_one_element_are_that_element() -> None:
    huge, tiny = 3.4028234663852886e38, 1.4e-45
    for reduce, slopes in ((lambda x: x.prod(1), [1, 1, 1]), (lambda x: x.norm(dim=1), [-1, 1, 1])):
        x = torch.tensor([[-huge], [tiny], [1e30]], requires_grad=True)
        reduce(x).backward(torch.tensor([1.625, 0.5, -2.0]))
        assert x.grad.ravel().tolist() == [1.625 * slopes[0], 0.5 * slopes[1], -2.0 * slopes[2]]
    assert torch.tensor([huge], requires_grad=True).prod().item() == torch.tensor([huge]).item()
    x = torch.tensor([0.0, 0.0], requires_grad=True)
    x.prod().backward(torch.tensor(np.inf))
    assert x.grad.tolist() == [0, 0]


@pytest.mark.parametrize("power", [lambda x: x ** torch.tensor([2.0, 3.0]), lambda x: torch.tensor([2.0, 3.0]) ** x, lambda x: x.clone().pow_(torch.tensor([2.0, 3.0]))])
def test_a_power_of_which_one_side_is_constant_has_second_derivatives(power) -> None:
    def slope(x, cotangent, **options):
        return torch.autograd.grad(power(x), x, cotangent, **options)[0]

    x = torch.tensor([1.5, 0.5], dtype=torch.float64, requires_grad=True)
    g, h = torch.tensor([0.5, -2.0], dtype=torch.float64), 1e-6
    second = torch.autograd.grad(slope(x, g, create_graph=True), x, g)[0].numpy()
    up, down = [slope((x + d).detach().requires_grad_(), g).numpy() for d in (h, -h)]
    np.testing.assert_allclose(second, g.numpy() * (up - down) / (2 * h), rtol=1e-7)


def test_the_sign_of_bools_is_a_copy() -> None:
    mask, w = torch.tensor([True, False]), torch.ones(2, requires_grad=True)
    z, y = torch.where(mask, w, w * 2), mask.sign()
    y[0] = False
    z.backward(torch.tensor([3.0, 5.0]))
    assert mask.tolist() == [True, False] and w.grad.tolist() == [3, 10]


def test_zero_times_infinity_is_nan_in_a_product_of_one_term() -> None:
    zero, huge = torch.tensor([[0.0]]), torch.tensor([[np.inf], [1.0]])
    results = [huge @ zero, zero @ huge.T, huge @ zero[0], torch.nn.functional.linear(huge, zero, torch.tensor([1.0]))]
    for result, rest in zip(results, (0, 0, 0, 1)):
        values = result.ravel().tolist()
        assert np.isnan(values[0]) and values[1:] == [rest]
    assert (torch.ones(3, 1) @ torch.ones(1, 2)).shape == (3, 2)
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        torch.ones(3, 1) @ torch.ones(2, 2)


def test_what_is_made_like_a_transposed_tensor_lies_in_memory_like_it() -> None:
    x = torch.arange(6.0).reshape(2, 3).t()
    for y in (x.flip(0), torch.zeros_like(x), torch.ones_like(x), torch.full_like(x, 2.0)):
        assert y.stride() == x.stride() == (1, 3)
        with pytest.raises(RuntimeError, match="view size is not compatible"):
            y.view(-1)
    assert x.flip(0).tolist() == x.tolist()[::-1] and torch.full_like(x, 2.0).sum() == 12


def test_grad_of_a_tensor_with_a_hook_is_that_before_it_if_the_walk_goes_on_behind_it() -> None:
    x, cotangent = torch.ones(2, requires_grad=True), torch.tensor([0.5, -2.0])
    h = x * 3
    h.register_hook(lambda g: g * 2)
    both = torch.autograd.grad(h * 1, [h, x], cotangent, retain_graph=True)
    assert [g.tolist() for g in both] == [[0.5, -2.0], [3.0, -12.0]]
    assert torch.autograd.grad(h * 1, h, cotangent)[0].tolist() == [1.0, -4.0]


def test_hooks_of_a_root_that_leads_nowhere_run_only_if_it_is_the_only_one() -> None:
    w, x, seen = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True), []
    b, v = x * 2, torch.tensor([0.5, -1.0])
    b.register_hook(lambda g: seen.append(g.tolist()))
    b.retain_grad()
    torch.autograd.grad([b, w * 1], w, [v, v], retain_graph=True)
    assert seen == [] and b.grad is None
    torch.autograd.grad(b, w, v, allow_unused=True, retain_graph=True)
    assert seen == [[0.5, -1.0]]


def test_addmm_without_the_product_sees_nothing_of_it() -> None:
    x = torch.tensor([[float("inf"), 1.0], [2.0, float("nan")]])
    out = torch.addmm(torch.tensor([3.0, -1.0]), x, torch.ones(2, 2), alpha=0)
    assert out.tolist() == [[3.0, -1.0]] * 2


def test_the_deviation_of_equal_numbers_is_exactly_zero_and_has_no_slope() -> None:
    for dim in (None, (0, 1), 0, 2):
        x = torch.full((2, 3, 4), 0.7, dtype=torch.float64).requires_grad_()
        out = x.std(dim) if dim is not None else x.std()
        out.backward(torch.rand(out.shape, dtype=torch.float64))
        assert not out.any() and not x.grad.any()


def test_a_loss_of_transposed_logits_lies_as_they_do() -> None:
    x = torch.rand(3, 2).t()
    assert torch.nn.functional.binary_cross_entropy_with_logits(x, x, reduction="none").stride() == x.stride()


def test_a_0_d_tensor_has_no_dimension_to_roll() -> None:
    with pytest.raises(IndexError, match="Dimension specified as 0 but tensor has no dimensions"):
        torch.tensor(1.0).roll(1, 0)


def test_the_second_derivative_goes_through_relu_and_leaky_relu() -> None:
    for f in (torch.relu, torch.nn.functional.leaky_relu):
        x = torch.tensor([1.0, -1.5, 2.0], dtype=torch.float64).requires_grad_()
        (g,) = torch.autograd.grad(torch.sinh(f(x)), x, torch.tensor([-2.0, 0.875, 0.5], dtype=torch.float64), create_graph=True)
        (h,) = torch.autograd.grad(g, x, torch.tensor([0.25, 2.0, -1.0], dtype=torch.float64))
        slope = np.where(x.detach().numpy() > 0, 1.0, 0.01 if f is not torch.relu else 0.0)
        expected = np.array([-0.5, 1.75, -0.5]) * np.sinh(f(x).detach().numpy()) * slope**2
        np.testing.assert_allclose(h.numpy(), expected, rtol=1e-14)


def test_no_input_of_an_operation_is_named_as_its_result() -> None:
    from minigrad.autograd.graph import differentiable

    with pytest.raises(TypeError, match="`out` is the result"):
        differentiable(x=lambda g: g, out=None)(lambda x, out: x)


def test_a_variance_whose_sum_overflows_is_infinite() -> None:
    big = 1.7976931348623157e308
    assert torch.tensor([big, big, 1.0, -1.0], dtype=torch.float64).var().item() == float("inf")


def test_a_second_hook_on_a_stale_view_is_refused() -> None:
    b = torch.ones(4, 3) + torch.tensor(0.7).requires_grad_()
    view = b[1:]
    view.register_hook(lambda g: g * 2)
    view.register_hook(lambda g: g * 5)
    b.copy_(b.sum())
    with pytest.raises(RuntimeError, match="has a hook already, and its base was written to"):
        view.register_hook(lambda g: g * 3)
    b[1:].register_hook(lambda g: g * 3)


def test_zeros_have_torchs_sign_where_it_is_printed() -> None:
    assert str(torch.tensor([-2.0, 2.0]) % 2) == "tensor([-0., 0.])"
    assert str(torch.tensor([-0.0, -0.0, 1.0]).cumsum(0)) == "tensor([0., 0., 1.])"


def test_a_scatter_does_not_read_what_it_writes_but_masked_fill_may() -> None:
    c = torch.tensor([1.0, 2.0, 3.0])
    with pytest.raises(RuntimeError, match="some elements of the input tensor and the written-to tensor"):
        c.scatter_add_(0, torch.tensor([0, 0]), c)
    assert c.masked_fill_(c > 1, c[0]).tolist() == [1.0, 1.0, 1.0]


def test_one_target_may_have_a_dimension_where_one_input_has_one() -> None:
    x = torch.tensor([0.1, 0.2, 0.3]).requires_grad_()
    cross_entropy = torch.nn.functional.cross_entropy
    assert cross_entropy(x, torch.tensor([1])).item() == cross_entropy(x, torch.tensor(1)).item()
    with pytest.raises(ValueError, match="For 1D input, 1D target must have size 1, but got target size: 2"):
        cross_entropy(x, torch.tensor([1, 2]))
    with pytest.raises(ValueError, match=r"Expected input batch_size \(2\) to match target batch_size \(0\)"):
        cross_entropy(torch.ones(2, 3), torch.tensor(1))


def test_the_extremum_of_a_number_over_a_dimension_saves_no_result() -> None:
    x = torch.tensor(-1.5).requires_grad_()
    least = x.min(-1)[0]
    least.abs_()
    least.backward(torch.tensor(2.0))
    assert x.grad.item() == -2.0 and least.grad_fn.name() == "AbsBackward0"


def test_an_activation_in_place_is_seen_by_what_saved_its_result() -> None:
    c = torch.tensor([1.5, -2.0]).requires_grad_() * 1.0
    torch.nn.functional.relu(c, inplace=True)
    assert c.grad_fn.name() == "ReluBackward0"
    c.sub_(5.0)
    with pytest.raises(RuntimeError, match="output 0 of Relu, is at version 2; expected version 1"):
        c.backward(torch.tensor([1.0, 2.0]))


def test_the_slope_of_a_step_has_no_slope() -> None:
    x = torch.tensor([1.5, -2.5]).requires_grad_()
    for step in (torch.floor, torch.ceil, torch.trunc, torch.round, torch.sign):
        (g,) = torch.autograd.grad((step(x) ** 2).sum(), x, create_graph=True)
        assert not g.requires_grad and g.tolist() == [0.0, 0.0], step


def test_a_number_squeezed_in_place_is_the_leaf_that_it_was() -> None:
    x = torch.tensor(1.5).requires_grad_()
    y = x * 4
    with torch.no_grad():
        x.squeeze_()
    y.backward(torch.tensor(2.0), retain_graph=True)
    assert x.grad.item() == 8.0
    with torch.no_grad():
        x.unsqueeze_(0)
    with pytest.raises(RuntimeError, match=r"has shape \[\] and dtype float32, but the leaf has shape \[1\]"):
        (y * 1).backward(torch.tensor(2.0))


def test_tensors_and_modules_are_pickled_as_their_numbers():
    x = torch.tensor([1.5, -2.0], dtype=torch.float64, requires_grad=True)
    x.sum().backward()
    x.note = "mine"
    again = pickle.loads(pickle.dumps(x))
    assert again.requires_grad and again.is_leaf and again.dtype is torch.float64 and again.tolist() == [1.5, -2.0] and again.note == "mine"
    assert again.grad is None
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3), torch.nn.Tanh())
    other, inputs = pickle.loads(pickle.dumps(net)), torch.randn(4, 2)
    assert type(other[0].weight) is torch.nn.Parameter and torch.equal(other(inputs), net(inputs))
    assert not any([p is q for p, q in zip(net.parameters(), other.parameters())])


def test_a_loss_of_two_shapes_sees_data_replaced_in_the_one_that_was_not_expanded():
    x = torch.tensor([[1.0, -0.5, 2.0], [0.25, 3.0, -1.0]], dtype=torch.float64, requires_grad=True)
    b = x * 2.0
    with pytest.warns(UserWarning, match="target size"):
        loss = torch.nn.functional.mse_loss(b, torch.tensor([2.0, -1.0, 0.5], dtype=torch.float64))
    assert torch.broadcast_tensors(b, torch.ones(3))[0] is b
    b.data = b.detach() * 2.0
    loss.backward(torch.tensor(1.5, dtype=torch.float64))
    np.testing.assert_allclose(x.grad.numpy(), 1.5 * 2 / 6 * 2 * (4 * x.detach().numpy() - [2.0, -1.0, 0.5]), rtol=1e-14)
