"""Models whose training step is measured, by the public API. Sizes are bench/steps.py's; the peers' are the same."""

from ..layers import (
    GRU,
    BatchNormalization,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    LayerNormalization,
    MaxPooling2D,
    Residual,
    TokenAndPositionEmbedding,
    TransformerDecoder,
    set_seed,
)
from ..train import Adam, BinaryCrossentropy, Sequential, SparseCategoricalCrossentropy

VARIANTS = {"ours": {}}


def keras_mlp(features, units):
    """Two hidden layers, one probability."""
    layers = [Dense(units, activation="relu", input_shape=(features,)), Dense(units, activation="relu")]
    return Sequential([*layers, Dense(1, activation="sigmoid")]), BinaryCrossentropy()


def keras_cnn(side, filters, units, classes):
    """Two convolutions without padding, each followed by pooling."""
    layers = [Conv2D(filters[0], 3, activation="relu", input_shape=(side, side, 1)), MaxPooling2D(2)]
    layers += [Conv2D(filters[1], 3, activation="relu"), MaxPooling2D(2), Flatten()]
    layers += [Dense(units, activation="relu"), Dense(classes, activation="softmax")]
    return Sequential(layers), SparseCategoricalCrossentropy()


def torch_style_cnn(side, filters, units, classes):
    """Two convolutions with padding and a wide layer."""
    layers = [Conv2D(filters[0], 3, padding="same", activation="relu", input_shape=(side, side, 3)), MaxPooling2D(2)]
    layers += [Conv2D(filters[1], 3, padding="same", activation="relu"), MaxPooling2D(2), Flatten()]
    layers += [Dense(units, activation="relu"), Dense(classes)]
    return Sequential(layers), SparseCategoricalCrossentropy(from_logits=True)


def text_pooling(vocabulary, length, width, classes):
    """The mean of the words' rows."""
    layers = [Embedding(vocabulary, width, input_length=length), GlobalAveragePooling1D()]
    return Sequential([*layers, Dense(classes, activation="softmax")]), SparseCategoricalCrossentropy()


def text_gru(vocabulary, length, width, dropout):
    """Two recurrent layers over the words."""
    layers = [Embedding(vocabulary, width, input_length=length)]
    layers += [GRU(width, return_sequences=True, dropout=dropout), GRU(width, dropout=dropout)]
    layers += [Dense(width, activation="relu"), Dense(1, activation="sigmoid")]
    return Sequential(layers), BinaryCrossentropy()


def gpt(vocabulary, length, width, heads, blocks):
    """Decoder blocks that normalise first, as in GPT-2, without dropout."""
    layers = [TokenAndPositionEmbedding(vocabulary, length, width, input_shape=(length,))]
    for _ in range(blocks):
        layers.append(TransformerDecoder(4 * width, heads, activation="gelu", normalize_first=True))
    layers += [LayerNormalization(epsilon=1e-5), Dense(vocabulary)]
    return Sequential(layers), SparseCategoricalCrossentropy(from_logits=True)


def resnet(side, filters, blocks, classes):
    """He et al. 2016, arXiv:1512.03385, section 4.2: a stage for each of `filters`, so many blocks each."""
    layers = [_conv(filters[0], input_shape=(side, side, 3)), _norm("relu")]
    for stage, count in enumerate(filters):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            inner = [_conv(count, stride), _norm("relu"), _conv(count), _norm()]
            shortcut = _conv(count, stride, size=1) if stride > 1 else None
            layers.append(Residual(inner, shortcut, activation="relu"))
    layers += [GlobalAveragePooling2D(), Dense(classes, activation="softmax")]
    return Sequential(layers), SparseCategoricalCrossentropy()


def _conv(filters, stride=1, size=3, **more):
    return Conv2D(filters, size, stride, "same", use_bias=False, kernel_initializer="he_normal", **more)


def _norm(activation=None):
    return BatchNormalization(momentum=0.9, epsilon=1e-5, activation=activation)


MODELS = {
    "keras_mlp": keras_mlp,
    "keras_cnn": keras_cnn,
    "torch_style_cnn": torch_style_cnn,
    "text_pooling": text_pooling,
    "text_gru": text_gru,
    "gpt": gpt,
    "resnet20": resnet,
}


def contestant(name, sizes, batch):
    """(number of weights that are trained, prepare).

    prepare(x, y) gives a function without arguments that trains for an epoch on x and y, and returns its mean loss.
    """
    set_seed(0)
    model, loss = MODELS[name](**sizes)
    model.compile(Adam(learning_rate=0.001), loss)

    def prepare(x, y):
        return lambda: model.fit(x, y, batch_size=batch, verbose=0).history["loss"][0]

    return sum(p.value.size for p in model.parameters() if p.trainable), prepare
