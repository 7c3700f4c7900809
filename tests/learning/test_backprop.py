import numpy as np
import pytest
from mpmath import mp

from lossnotes.confirm import ConfirmationError, confirm
from lossnotes.learning.backprop import (
    Affine,
    DivergenceError,
    Network,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
    mean_loss,
    mean_loss_grad,
    perceptron,
    train,
)
from lossnotes.losses.kl import cross_entropy, cross_entropy_grad
from lossnotes.losses.label_smoothing import smooth, smoothed_log_loss, smoothed_log_loss_grad
from lossnotes.losses.margin import margin_loss, margin_loss_grad
from lossnotes.losses.softmax import log_loss, log_loss_grad, softmax_jacobian

ACTIVATIONS = [Sigmoid, Tanh, ReLU, Softmax]
each_activation = pytest.mark.parametrize("activation", ACTIVATIONS)


def examples(count=4, inputs=3, classes=3, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, inputs)), rng.integers(classes, size=count)


def moved(network, seed=2):
    """The network with other biases than zero."""
    network.w = network.w + np.random.default_rng(seed).normal(0, 0.1, network.w.shape)
    return network


def confirm_every_parameter(network, x, y, loss=log_loss, loss_grad=log_loss_grad):
    def value(w):
        network.w = w
        return mean_loss(network, x, y, loss)

    def gradient(w):
        network.w = w
        return mean_loss_grad(network, x, y, loss_grad)

    start = network.w.copy()
    confirmation = confirm(value, gradient, at=[{"w": start}])
    network.w = start
    return confirmation


# The gradient


@pytest.mark.parametrize("sizes", [(3, 2), (2, 4, 3), (2, 2, 2, 2, 2, 2)])
@each_activation
def test_every_parameter_is_confirmed_at_any_depth(activation, sizes):
    network = moved(perceptron(sizes, activation, np.random.default_rng(0)))
    confirmation = confirm_every_parameter(network, *examples(2, sizes[0], sizes[-1]))
    assert confirmation.entries == network.w.size
    assert confirmation.unseen == 0


@pytest.mark.parametrize(
    ("loss", "loss_grad"),
    [
        (margin_loss, margin_loss_grad),
        (log_loss, log_loss_grad),
        (
            lambda s, y: smoothed_log_loss(s, y, 0.1),
            lambda s, y: smoothed_log_loss_grad(s, y, 0.1),
        ),
    ],
    ids=["margin", "log", "smoothed"],
)
def test_any_loss_of_scores_may_stand_at_the_end(loss, loss_grad):
    network = moved(perceptron((3, 4, 3), Tanh, np.random.default_rng(0)))
    confirm_every_parameter(network, *examples(), loss, loss_grad)


def test_a_loss_of_probabilities_may_stand_behind_a_softmax():
    network = moved(perceptron((3, 4, 3), Tanh, np.random.default_rng(0)))
    x, y = examples()
    q = smooth(y, 3, 0.1)
    slope = mean_loss_grad(network, x, q)
    ended = Network([*network.layers, Softmax()])
    loss, loss_grad = (lambda p, q: cross_entropy(q, p)), (lambda p, q: cross_entropy_grad(q, p))
    confirm_every_parameter(ended, x, q, loss, loss_grad)
    assert mean_loss_grad(ended, x, q, loss_grad) == pytest.approx(slope, rel=1e-12, abs=1e-15)


@each_activation
def test_the_gradient_in_the_input_is_the_slope_of_the_loss(activation):
    network = moved(perceptron((3, 4, 3), activation, np.random.default_rng(0)))
    (x,), (y,) = examples(count=1)

    def value(x):
        return mean_loss(network, x, y)

    def gradient(x):
        return network.backward(log_loss_grad(network.forward(x), y))

    confirm(value, gradient, at=[{"x": x}])


@pytest.mark.parametrize("name", ["W1", "b1", "W2", "b2"])
def test_a_wrong_entry_of_any_parameter_is_refused(name):
    network = moved(perceptron((3, 4, 3), Tanh, np.random.default_rng(0)))
    x, y = examples()

    def value(w):
        network.w = w
        return mean_loss(network, x, y)

    def wrong(w):
        network.w = w
        gradient = mean_loss_grad(network, x, y)
        network.by_name(gradient)[name].flat[0] *= 1 + 1e-6
        return gradient

    with pytest.raises(ConfirmationError):
        confirm(value, wrong, at=[{"w": network.w.copy()}])


def test_the_gradient_of_a_batch_is_the_mean_of_those_of_its_examples():
    network = moved(perceptron((3, 4, 3), Tanh, np.random.default_rng(0)))
    x, y = examples(count=7)
    alone = [mean_loss_grad(network, x[i], y[i]) for i in range(7)]
    together = mean_loss_grad(network, x, y)
    assert together == pytest.approx(np.mean(alone, axis=0), rel=1e-12, abs=1e-16)
    assert np.abs(together - alone[0]).max() > 0.01


def test_a_batch_may_have_any_leading_axes():
    network = moved(perceptron((3, 4, 3), Tanh, np.random.default_rng(0)))
    x, y = examples(count=6)
    slope = mean_loss_grad(network, x.reshape(2, 3, 3), y.reshape(2, 3))
    assert slope == pytest.approx(mean_loss_grad(network, x, y), rel=1e-13, abs=1e-16)


def test_the_gradient_in_the_weights_is_an_outer_product_with_the_shape_of_w():
    layer = Affine([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [0.0, 1.0])
    assert layer.forward(np.array([1.0, 0.0, -1.0])).tolist() == [-2, -1]
    assert layer.backward(np.array([10.0, 1.0])).tolist() == [14, 25, 36]
    assert layer.W_grad.tolist() == [[10, 0, -10], [1, 0, -1]]
    assert layer.b_grad.tolist() == [10, 1]


@each_activation
def test_backward_multiplies_by_the_jacobian(activation):
    layer, s = activation(), np.array([0.3, -1.2, 2.0])
    layer.forward(s)
    rows = np.stack([layer.backward(row) for row in np.eye(3)])
    if activation is Softmax:
        right = softmax_jacobian(s)
    else:
        slopes = {
            Sigmoid: 1 / (2 * np.cosh(s / 2)) ** 2,
            Tanh: 1 / np.cosh(s) ** 2,
            ReLU: np.array([1.0, 0.0, 1.0]),
        }
        right = np.diag(slopes[activation])
    assert rows == pytest.approx(right, rel=1e-14, abs=1e-17)


def test_the_relu_has_the_subgradient_zero_at_its_kink():
    layer = ReLU()
    assert layer.forward(np.array([-1.0, 0.0, 1.0])).tolist() == [0, 0, 1]
    assert layer.backward(np.ones(3)).tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("activation", "value", "slope"),
    [
        (Sigmoid, lambda s: 1 / (1 + mp.exp(-s)), lambda s: 1 / (2 * mp.cosh(s / 2)) ** 2),
        (Tanh, mp.tanh, mp.sech),
    ],
)
def test_values_and_slopes_keep_their_digits_where_they_saturate(activation, value, slope):
    layer, s = activation(), np.array([-300.0, -40.0, -20.0, -0.1, 1e-9, 0.0, 20.0, 40.0, 300.0])
    found = layer.forward(s)
    with mp.workdps(50):
        right = [float(value(mp.mpf(t))) for t in s]
        power = 2 if activation is Tanh else 1
        slopes = [float(slope(mp.mpf(t)) ** power) for t in s]
    assert found == pytest.approx(right, rel=1e-15, abs=0)
    assert layer.backward(np.ones(len(s))) == pytest.approx(slopes, rel=1e-15, abs=0)


def test_it_agrees_with_pytorch():
    torch = pytest.importorskip("torch")
    kinds = {Sigmoid: torch.nn.Sigmoid, Tanh: torch.nn.Tanh, ReLU: torch.nn.ReLU}
    x, y = examples(count=16, inputs=8, classes=5)
    for activation, kind in kinds.items():
        network = moved(perceptron((8, 7, 6, 5), activation, np.random.default_rng(0)))
        layers = [torch.nn.Linear(8, 7), kind(), torch.nn.Linear(7, 6), kind()]
        peer = torch.nn.Sequential(*layers, torch.nn.Linear(6, 5)).double()
        parameters = list(peer.parameters())
        with torch.no_grad():
            for theirs, ours in zip(parameters, network.parameters.values(), strict=True):
                theirs.copy_(torch.from_numpy(ours))
        loss = torch.nn.functional.cross_entropy(peer(torch.from_numpy(x)), torch.from_numpy(y))
        loss.backward()
        theirs = np.concatenate([part.grad.numpy().ravel() for part in parameters])
        assert mean_loss(network, x, y) == pytest.approx(loss.item(), abs=1e-12)
        assert np.abs(mean_loss_grad(network, x, y) - theirs).max() <= 1e-12


# The network


def test_the_parameters_are_views_of_one_vector():
    network = perceptron((2, 3, 2), Tanh, np.random.default_rng(0))
    assert {name: part.shape for name, part in network.parameters.items()} == {
        "W1": (3, 2),
        "b1": (3,),
        "W2": (2, 3),
        "b2": (2,),
    }
    network.w = np.arange(17.0)
    assert network.layers[0].W.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert network.parameters["b2"].tolist() == [15, 16]


def test_the_weights_begin_within_the_bounds_of_glorot_and_differ():
    W = perceptron((30, 20), Tanh, np.random.default_rng(0)).parameters["W1"]
    bound = np.sqrt(6 / 50)
    assert 0.99 * bound < np.abs(W).max() <= bound
    assert W.std() == pytest.approx(bound / np.sqrt(3), rel=0.05)


def test_layers_are_copied_so_that_one_may_stand_twice():
    rng = np.random.default_rng(0)
    W, b, tanh = rng.normal(size=(3, 3)), rng.normal(size=3), Tanh()
    square = Affine(W, b)
    network = Network([square, tanh, square, tanh, square])
    confirm_every_parameter(network, *examples())
    network.w = 0 * network.w
    assert np.array_equal(square.W, W)


def test_float32_stays_float32():
    rng = np.random.default_rng(0)
    W, b = rng.normal(size=(3, 4)).astype(np.float32), np.zeros(3, np.float32)
    network = Network([Affine(W, b), Tanh(), Affine(W[:, :3], b)])
    x, y = np.ones((2, 4), np.float32), [0, 1]
    assert network.forward(x).dtype == mean_loss_grad(network, x, y).dtype == np.float32
    train(network, x, y, 0.1, 2, 1, rng)
    assert network.w.dtype == np.float32


def test_input_is_not_modified():
    network = perceptron((3, 4, 3), ReLU, np.random.default_rng(0))
    x, y = examples()
    before = x.copy(), y.copy()
    train(network, x, y, 0.1, 2, 2, np.random.default_rng(0))
    assert np.array_equal(x, before[0]) and np.array_equal(y, before[1])


def network_of(*shapes):
    return Network([Affine(np.zeros(shape), np.zeros(shape[0])) for shape in shapes])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Affine(np.zeros((2, 3)), np.zeros(3)), "W has shape (2, 3), b (3,)"),
        (lambda: Affine(np.zeros(3), np.zeros(3)), "W has shape (3,)"),
        (lambda: Affine([[1, np.nan]], [0]), "W[0, 1] = nan is not finite"),
        (lambda: Affine([[1, 1]], [np.inf]), "b[0] = inf is not finite"),
        (lambda: network_of((2, 3), (4, 5)), "W2 has shape (4, 5), but 2 inputs"),
        (lambda: Network([Tanh()]), "nothing to learn"),
        (lambda: perceptron((3,), Tanh, np.random.default_rng(0)), "nothing to learn"),
        (lambda: perceptron((3, 0), Tanh, np.random.default_rng(0)), "sizes: 0 is not positive"),
        (lambda: perceptron((3, 2.5), Tanh, np.random.default_rng(0)), "sizes: 2.5 is not"),
        (lambda: network_of((2, 3)).forward(np.zeros((5, 2))), "x has shape (5, 2)"),
        (lambda: network_of((2, 3)).backward(np.zeros(2)), "but the last result None"),
        (lambda: setattr(network_of((2, 3)), "w", np.zeros(7)), "w has shape (7,)"),
        (lambda: setattr(network_of((1, 1)), "w", [0, np.nan]), "w[1] = nan is not finite"),
        (lambda: mean_loss(network_of((2, 3)), [0, np.nan, 0], 1), "x[1] = nan is not finite"),
        (lambda: mean_loss_grad(network_of((2, 3)), [0, 0, 0], 2), "y = 2 is not a label"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"step": 0}, "step = 0 is not positive"),
        ({"step": np.nan}, "step = nan is not positive"),
        ({"batch": 0}, "batch: 0 is not positive"),
        ({"epochs": 1.5}, "epochs: 1.5 is not an integer"),
        ({"y": [0]}, "x has 4 examples, but y 1"),
    ],
)
def test_bad_settings_of_training_are_named(changed, message):
    x, y = examples()
    settings = {"x": x, "y": y, "step": 0.1, "batch": 2, "epochs": 1} | changed
    with pytest.raises(ValueError) as error:
        train(network_of((3, 3)), rng=np.random.default_rng(0), **settings)
    assert message in str(error.value)


# Training


@pytest.fixture(scope="module")
def digits():
    load_digits = pytest.importorskip("sklearn.datasets").load_digits
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    return x[order] / 16, y[order]


def test_the_digits_are_learnt_to_97_percent(digits):
    x, y = digits
    network = perceptron((64, 64, 10), Tanh, np.random.default_rng(1))
    losses = train(network, x[:1437], y[:1437], 0.3, 32, 40, np.random.default_rng(2))
    right = network.forward(x[1437:]).argmax(-1) == y[1437:]
    assert right.mean() >= 0.97
    assert len(losses) == 41 and losses[-1] < 0.03 < 2 < losses[0]


def test_the_same_seed_gives_the_same_network():
    x, y = examples(count=9)
    trained = []
    for seed in (1, 1, 2):
        network = perceptron((3, 4, 3), Tanh, np.random.default_rng(0))
        train(network, x, y, 0.1, 2, 3, np.random.default_rng(seed))
        trained.append(network.w.copy())
    assert np.array_equal(trained[0], trained[1])
    assert not np.array_equal(trained[0], trained[2])


def test_a_step_of_training_goes_down_the_gradient():
    x, y = examples()
    network = perceptron((3, 4, 3), Tanh, np.random.default_rng(0))
    expected = network.w - 0.1 * mean_loss_grad(network, x, y)
    train(network, x, y, 0.1, len(x), 1, np.random.default_rng(0))
    assert network.w == pytest.approx(expected, rel=1e-13, abs=1e-16)


def diverge(step, activation=Tanh, epochs=9, scale=1.0, loss=log_loss, loss_grad=log_loss_grad):
    x, y = examples(count=20)
    network = perceptron((3, 4, 3), activation, np.random.default_rng(0))
    network.w = network.w * scale
    rng = np.random.default_rng(0)
    with pytest.raises(DivergenceError) as error:
        train(network, scale * x, y, step, 4, epochs, rng, loss, loss_grad)
    assert f"step {error.value.step}: " in str(error.value)
    assert error.value.parameter in network.parameters
    assert error.value.parameter in str(error.value)
    return error.value


def test_a_loss_that_grows_is_reported_at_the_end_of_its_epoch():
    assert diverge(100.0).step == 5
    assert "the loss has grown" in str(diverge(100.0))


def test_a_result_beyond_the_numbers_is_reported_with_its_parameter():
    with pytest.raises(DivergenceError, match="^behind W1 a result is not finite") as error:
        Network([Affine([[10.0]], [0.0])]).forward(np.array([1e308]))
    assert error.value.parameter == "W1"


def test_a_weight_beyond_the_bound_is_reported_with_its_step_and_parameter():
    error = diverge(1e200, ReLU)
    assert (error.step, error.parameter) == (1, "W1")
    assert "a weight in W1 has diverged" in str(error)


def test_a_gradient_beyond_the_numbers_is_reported_with_its_parameter():
    def exploding(s, y):
        return np.full(s.shape, 1e308)

    error = diverge(1.0, ReLU, scale=100.0, loss_grad=exploding)
    assert error.step == 1 and "the gradient is not finite in" in str(error)


def test_a_nan_in_the_gradient_is_reported():
    def undefined(s, y):
        return np.full(s.shape, np.nan)

    error = diverge(1.0, loss_grad=undefined)
    assert (error.step, error.parameter) == (1, "W1")


def test_a_step_beyond_the_numbers_is_reported():
    def large(s, y):
        return np.full(s.shape, 1e300)

    error = diverge(1e300, loss_grad=large)
    assert error.step == 1 and "has diverged" in str(error)


def test_training_that_goes_on_from_a_good_network_is_not_called_divergence():
    x, y = examples(count=20)
    network = perceptron((3, 8, 3), Tanh, np.random.default_rng(0))
    train(network, x, y, 1.0, 20, 300, np.random.default_rng(0))
    start, end = train(network, x, y, 1.5, 4, 1, np.random.default_rng(0))
    assert 2 * start < end


def test_no_examples_have_no_mean_loss():
    network, x = perceptron([2, 3], Tanh, np.random.default_rng(0)), np.zeros((0, 2))
    for call in (
        lambda: mean_loss(network, x, []),
        lambda: mean_loss_grad(network, x, []),
        lambda: train(network, x, [], 0.1, 1, 1, np.random.default_rng(0)),
    ):
        with pytest.raises(ValueError, match="without examples there is no mean loss"):
            call()


def test_masked_labels_are_not_trained_on():
    network, y = perceptron([2, 3], Tanh, np.random.default_rng(0)), np.ma.array([0], mask=[True])
    with pytest.raises(ValueError, match="y is a masked array"):
        train(network, np.zeros((1, 2)), y, 0.1, 1, 1, np.random.default_rng(0))
