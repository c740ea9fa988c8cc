"""Attention and transformer layers: NumPy's formulas, masks, positions, residual sums, errors."""

import numpy as np
import pytest
import tilewright as tw
from tilewright.layers import (
    Conv2D,
    Dense,
    Embedding,
    MultiHeadAttention,
    PositionEmbedding,
    Residual,
    SinePositionEncoding,
    Tensor,
    TokenAndPositionEmbedding,
    TransformerDecoder,
    TransformerEncoder,
)
from tilewright.train import Sequential

from .gradients import assert_gradient, numeric_gradient

rng = np.random.default_rng(0)
N, T, S, D = 2, 5, 4, 6
X, MEMORY, OTHER = (rng.standard_normal((N, t, d)) for t, d in ((T, D), (S, 3), (S, 7)))


def randomised(layer, *inputs):
    """The layer, built, with weights that are not zero anywhere."""
    layer(*inputs)
    for p in layer.parameters():
        p.value[...] = np.random.default_rng(p.value.size).standard_normal(p.value.shape)
    return layer


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attention(layer, query, value, key, seen=True):
    """The formula, head by head; `seen` broadcasts to (N, H, T, S)."""
    project = lambda dense, x: x @ dense.w.value + (0 if dense.b is None else dense.b.value)  # noqa: E731
    q, k, v = project(layer.query, query), project(layer.key, key), project(layer.value, value)
    H, G = layer.num_heads, layer.num_key_value_heads or layer.num_heads
    seen = np.broadcast_to(seen, (len(q), H, q.shape[1], k.shape[1]))
    heads, K, V = [], layer.key_dim, v.shape[-1] // G
    for h in range(H):
        g = h // (H // G)
        logits = q[..., h * K : h * K + K] @ k[..., g * K : g * K + K].swapaxes(1, 2) / np.sqrt(K)
        heads.append(softmax(np.where(seen[:, h], logits, -1e30)) @ v[..., g * V : g * V + V])
    return project(layer.output, np.concatenate(heads, -1))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_bias": False, "num_key_value_heads": 2},
        {"num_key_value_heads": 1, "output_dim": 3},
        {"value_dim": 2},
        {"value_dim": 5, "output_dim": 1},
    ],
    ids=str,
)
def test_attention_is_its_formula(options):
    layer = randomised(MultiHeadAttention(4, 3, **options, dtype="float64"), X, MEMORY, OTHER)
    got = layer(X, MEMORY, OTHER)
    np.testing.assert_allclose(got.numpy(), attention(layer, X, MEMORY, OTHER), atol=1e-10)
    assert got.shape == (N, T, options.get("output_dim", D))


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("shape", [None, (T, S), (N, T, S), (N, 4, T, S), (N, 1, 1, S)], ids=str)
@pytest.mark.parametrize("padded", [False, True])
def test_masks(causal, shape, padded):
    layer = randomised(MultiHeadAttention(4, 3, dtype="float64"), X, MEMORY)
    given = None if shape is None else rng.random(shape) < 0.7
    if given is not None:
        given[..., 0] = True
    seen = np.ones((N, 1, T, S), bool)
    if given is not None:
        seen = seen & given.reshape((1,) * (4 - given.ndim) + shape if len(shape) != 3 else (N, 1, T, S))
    if causal:
        seen = seen & np.tri(T, S, dtype=bool)
    query, memory = Tensor(X), Tensor(MEMORY)
    query.mask = rng.random((N, T)) < 0.5
    if padded:
        memory.mask = np.array([[1, 1, 1, 0], [1, 0, 0, 0]], bool)
        seen = seen & memory.mask[:, None, None]
    y, weights = layer(query, memory, attention_mask=given, use_causal_mask=causal, return_attention_scores=True)
    np.testing.assert_allclose(y.numpy(), attention(layer, X, MEMORY, MEMORY, seen), atol=1e-10)
    assert y.mask is query.mask
    assert weights.shape == (N, 4, T, S) and not weights.numpy()[~np.broadcast_to(seen, weights.shape)].any()
    np.testing.assert_allclose(weights.numpy().sum(-1), 1)


def test_causal_attention_to_itself_sees_no_later_step():
    layer = randomised(MultiHeadAttention(2, 4, use_causal_mask=True, dtype="float64"), X)
    later = X.copy()
    later[:, 3:] = 0
    np.testing.assert_array_equal(layer(X).numpy()[:, :3], layer(later).numpy()[:, :3])
    np.testing.assert_allclose(layer(X).numpy(), attention(layer, X, X, X, np.tri(T, dtype=bool)), atol=1e-10)


def test_a_query_that_sees_no_key_gets_the_bias():
    layer = randomised(MultiHeadAttention(2, 4, dtype="float64"), X)
    seen = np.ones((T, T), bool)
    seen[2] = False
    x = Tensor(X.copy(), requires_grad=True)
    y, weights = layer(x, attention_mask=seen, return_attention_scores=True)
    np.testing.assert_array_equal(y.numpy()[:, 2], np.tile(layer.output.b.value, (N, 1)))
    assert not weights.numpy()[:, :, 2].any()
    y.backward(np.ones(y.shape))
    assert np.isfinite(x.grad).all()


def test_gradients_of_a_mask_by_query_and_of_dropout():
    for options, call in (({}, {"attention_mask": rng.random((N, T, S)) < 0.7}), ({"dropout": 0.4, "seed": 1}, {})):
        layer = randomised(MultiHeadAttention(2, 4, value_dim=3, **options, dtype="float64"), X, MEMORY)
        dy = rng.standard_normal((N, T, D))

        def result(x, layer=layer, call=call):
            layer._steps = 0  # the same weights are dropped
            return layer(x, MEMORY, **call)

        x = Tensor(X.copy(), requires_grad=True)
        result(x).backward(dy.copy())
        loss = lambda: (dy * result(x).value).sum()  # noqa: B023, E731
        assert_gradient(x.grad, numeric_gradient(loss, x.value))
        assert_gradient(layer.value.w.grad, numeric_gradient(loss, layer.value.w.value))


def test_dropout_of_weights_in_training_alone():
    layer = randomised(MultiHeadAttention(2, 4, dropout=0.5, seed=3, dtype="float64"), X)
    first, second = layer(X).numpy(), layer(X).numpy()
    assert not np.allclose(first, second)
    np.testing.assert_allclose(layer.eval()(X).numpy(), attention(layer, X, X, X), atol=1e-10)


def test_rotary_attention_depends_on_distances_alone():
    layer = randomised(MultiHeadAttention(2, 4, rotary=True, dtype="float64"), X)
    once = np.concatenate([np.zeros((N, 3, D)), X], 1)  # all places 3 later, the first 3 hidden
    mask = np.arange(T + 3) >= 3
    y = layer(once, attention_mask=np.tile(mask, (T + 3, 1))).numpy()[:, 3:]
    np.testing.assert_allclose(y, layer(X).numpy(), atol=1e-10)
    assert not np.allclose(y, attention(layer, X, X, X))


def layer_norm(layer, x):
    mean = x.mean(-1, keepdims=True)
    xhat = (x - mean) / np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + layer.epsilon)
    return xhat * layer.gamma.value + layer.beta.value


def feedforward(layer, x):
    hidden = np.maximum(x @ layer.intermediate.w.value + layer.intermediate.b.value, 0)
    return hidden @ layer.feedforward.w.value + layer.feedforward.b.value


def part(layer, norm, x, compute):
    return x + compute(layer_norm(norm, x)) if layer.normalize_first else layer_norm(norm, x + compute(x))


@pytest.mark.parametrize("normalize_first", [False, True])
def test_encoder_and_decoder_are_their_formulas(normalize_first):
    options = {"normalize_first": normalize_first, "dropout": 0.2, "dtype": "float64"}
    encoder = randomised(TransformerEncoder(7, 2, **options), X).eval()
    x = part(encoder, encoder.attention_norm, X, lambda x: attention(encoder.attention, x, x, x))
    want = part(encoder, encoder.feedforward_norm, x, lambda x: feedforward(encoder, x))
    np.testing.assert_allclose(encoder(X).numpy(), want, atol=1e-10)

    decoder = randomised(TransformerDecoder(7, 2, **options), X, MEMORY).eval()
    seen = np.tri(T, dtype=bool)
    x = part(decoder, decoder.self_attention_norm, X, lambda x: attention(decoder.self_attention, x, x, x, seen))
    x = part(decoder, decoder.cross_attention_norm, x, lambda x: attention(decoder.cross_attention, x, MEMORY, MEMORY))
    want = part(decoder, decoder.feedforward_norm, x, lambda x: feedforward(decoder, x))
    np.testing.assert_allclose(decoder(X, MEMORY).numpy(), want, atol=1e-10)


def test_padding_reaches_through_encoders():
    tw.set_seed(0)
    tokens = np.array([[3, 1, 2, 0, 0], [1, 2, 3, 4, 5]])
    model = Sequential(
        [
            TokenAndPositionEmbedding(6, 8, D, mask_zero=True),
            TransformerEncoder(8, 3, rotary=True, num_key_value_heads=1),
            TransformerEncoder(8, 2),
        ]
    )
    y = model(tokens)
    np.testing.assert_array_equal(y.mask, tokens != 0)
    np.testing.assert_allclose(y.numpy()[:1, :3], model(tokens[:1, :3]).numpy(), atol=1e-6)


def test_a_decoder_sees_no_padding_of_either_sequence():
    decoder = randomised(TransformerDecoder(8, 2, dtype="float64"), X, MEMORY)

    def result(x, memory):
        x, memory = Tensor(x), Tensor(memory)
        x.mask, memory.mask = np.tile(np.arange(T) < 3, (N, 1)), np.tile(np.arange(S) < 2, (N, 1))
        return decoder(x, memory)

    y, other_x, other_memory = result(X, MEMORY), X.copy(), MEMORY.copy()
    other_x[:, 3:], other_memory[:, 2:] = 9, 9
    np.testing.assert_array_equal(y.mask, np.tile(np.arange(T) < 3, (N, 1)))
    np.testing.assert_array_equal(result(other_x, other_memory).numpy()[:, :3], y.numpy()[:, :3])
    short = decoder(X[:, :3].copy(), MEMORY[:, :2].copy())
    np.testing.assert_allclose(short.numpy(), y.numpy()[:, :3], atol=1e-12)


@pytest.mark.parametrize("several", [False, True])
def test_functional_models_and_files_hold_blocks(several, tmp_path):
    tw.set_seed(0)
    inputs = [tw.Input((T, D)), *([tw.Input((S, 3))] if several else [])]
    y = TransformerDecoder(8, 2, normalize_first=True, rotary=False)(*inputs)
    model = tw.Model(inputs, MultiHeadAttention(2, 3, use_causal_mask=True)(y, inputs[-1]))
    model.save(tmp_path / "model")
    arrays = [X, MEMORY] if several else X
    again = tw.load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(arrays), model.predict(arrays))
    assert "transformer_decoder.self_attention.query.w" in model.named_parameters()
    causal = MultiHeadAttention(2, 3)
    model = tw.Model(inputs, causal(y, use_causal_mask=True))
    decoded = tw.Model(inputs, y)(arrays).numpy()
    np.testing.assert_array_equal(model.predict(arrays), causal(decoded, use_causal_mask=True).numpy())


def test_positions():
    layer = PositionEmbedding(8, dtype="float64")
    np.testing.assert_array_equal(layer(X).numpy(), np.tile(layer.w.value[:T], (N, 1, 1)))
    dy = rng.standard_normal(X.shape)
    layer(X).backward(dy.copy())
    np.testing.assert_allclose(layer.w.grad, np.concatenate([dy.sum(0), np.zeros((3, D))]))
    sines = SinePositionEncoding(dtype="float64")(X).numpy()
    angles = np.arange(T)[:, None] / 10000 ** (np.arange(0, D, 2) / D)
    np.testing.assert_allclose(sines[1, :, ::2], np.sin(angles))
    np.testing.assert_allclose(sines[1, :, 1::2], np.cos(angles))


def test_token_and_position_embedding():
    layer = TokenAndPositionEmbedding(6, 8, 4, dtype="float64")
    tokens = np.array([[3, 1, 3], [0, 1, 5]])
    y = layer(tokens)
    np.testing.assert_allclose(y.numpy(), layer.token.w.value[tokens] + layer.position.w.value[:3])
    dy = rng.standard_normal(y.shape)
    y.backward(dy.copy())
    np.testing.assert_allclose(layer.position.w.grad[:3], dy.sum(0))
    np.testing.assert_allclose(layer.token.w.grad[1], dy[0, 1] + dy[1, 1])
    np.testing.assert_allclose(layer.token.w.grad[3], dy[0, 0] + dy[0, 2])


def test_residual():
    images = rng.standard_normal((2, 4, 4, 3))
    plain = Residual([Conv2D(3, 3, padding="same")], activation="relu", dtype="float64")
    layer = Residual(
        [Conv2D(5, 3, 2, "same", dtype="float64")], Conv2D(5, 1, 2, dtype="float64"), "relu", dtype="float64"
    )
    y = layer(images).numpy()
    np.testing.assert_allclose(y, np.maximum(layer.layers[0](images).numpy() + layer.projection(images).numpy(), 0))
    assert plain.config()["activation"] == "relu"


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: MultiHeadAttention(3, 4, num_key_value_heads=2), ValueError, "num_heads is 3, expected a multiple"),
        (lambda: MultiHeadAttention(2, 3, rotary=True), ValueError, "key_dim is 3, expected a multiple of 2"),
        (lambda: MultiHeadAttention(0, 4), ValueError, "num_heads is 0, expected at least 1"),
        (lambda: MultiHeadAttention(2, 4, dropout=1.0), ValueError, "dropout is 1.0, expected a number"),
        (lambda: MultiHeadAttention(2, 4)(X[0]), ValueError, r"query has shape \(5, 6\), expected 3 axes"),
        (lambda: MultiHeadAttention(2, 4)(X, MEMORY[:1]), ValueError, "expected one batch size"),
        (lambda: MultiHeadAttention(2, 4)(X, MEMORY, X), ValueError, "as many keys as values"),
        (
            lambda: MultiHeadAttention(2, 4)(X, attention_mask=np.ones((N, S, T), bool)),
            ValueError,
            r"attention_mask has shape \(2, 4, 5\), expected \(5, 5\), \(2, 5, 5\) or \(2, 2, 5, 5\)",
        ),
        (lambda: MultiHeadAttention(2, 4)(X, attention_mask=np.ones((T, T)) / 2), TypeError, "expected bool"),
        (lambda: TransformerEncoder(8, 4)(X), ValueError, "features of x is 6, expected a multiple of 4"),
        (lambda: TransformerEncoder(8, 2)(X[0]), ValueError, r"x has shape \(5, 6\), expected 3 axes"),
        (lambda: TransformerEncoder(8, 2, activation="rule"), ValueError, "activation is 'rule'"),
        (lambda: randomised(TransformerDecoder(8, 2), X)(X, MEMORY), ValueError, "encoded is given, .* without"),
        (lambda: randomised(TransformerDecoder(8, 2), X, MEMORY)(X), ValueError, "encoded is missing"),
        (lambda: PositionEmbedding(4)(X), ValueError, r"x has shape \(2, 5, 6\), the layer was built for \(N, 4, 6\)"),
        (lambda: Residual([]), ValueError, "layers is empty"),
        (lambda: Residual(["relu"]), TypeError, "layers holds 'relu', expected a layer"),
        (lambda: Residual([Dense(6)], "relu"), TypeError, "projection holds 'relu', expected a layer"),
        (lambda: Residual([Dense(5)])(X), ValueError, "5, 6. to add; give the layer a projection"),
    ],
)  # fmt: skip
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_embedding_masks_what_attention_sees():
    tokens = np.array([[3, 1, 0, 0]])
    embedded = Embedding(5, D, mask_zero=True, dtype="float64")(tokens)
    layer = randomised(MultiHeadAttention(2, 3, dtype="float64"), embedded)
    short = embedded.value[:, :2].copy()
    np.testing.assert_allclose(layer(embedded).numpy()[:, :2], layer(short).numpy(), atol=1e-12)
