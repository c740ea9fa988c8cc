"""PyTorch's models for bench/steps.py, run eagerly: what its users write, with losses on logits, as they do.

Batches are drawn by a permutation and cut out of tensors at hand; a DataLoader would take longer than small steps.
The contestants: as it comes; with Adam in one kernel for all weights ("fused"); that with images channels-last as well.
"""

VARIANTS = {"torch": {}, "torch fused": {"fused": True}, "torch nhwc": {"fused": True, "channels_last": True}}


def keras_mlp(t, features, units):
    n = t.nn
    return n.Sequential(
        n.Linear(features, units), n.ReLU(), n.Linear(units, units), n.ReLU(), n.Linear(units, 1), n.Flatten(0)
    )


def keras_cnn(t, side, filters, units, classes):
    return _cnn(t, 1, 0, ((side - 2) // 2 - 2) // 2, filters, units, classes)


def torch_style_cnn(t, side, filters, units, classes):
    return _cnn(t, 3, 1, side // 2 // 2, filters, units, classes)


def _cnn(t, channels, padding, side, filters, units, classes):
    n = t.nn
    layers = [n.Conv2d(channels, filters[0], 3, padding=padding), n.ReLU(), n.MaxPool2d(2)]
    layers += [n.Conv2d(*filters, 3, padding=padding), n.ReLU(), n.MaxPool2d(2), n.Flatten()]
    layers += [n.Linear(filters[1] * side * side, units), n.ReLU(), n.Linear(units, classes)]
    return n.Sequential(*layers)


def text_pooling(t, vocabulary, length, width, classes):
    class Net(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.rows, self.head = t.nn.Embedding(vocabulary, width), t.nn.Linear(width, classes)

        def forward(self, x):
            return self.head(self.rows(x).mean(1))

    return Net()


def text_gru(t, vocabulary, length, width, dropout):
    """Dropout takes whole channels of a sequence, as Keras's does."""
    n = t.nn

    class Net(n.Module):
        def __init__(self):
            super().__init__()
            self.rows = n.Embedding(vocabulary, width)
            self.first, self.second = n.GRU(width, width, batch_first=True), n.GRU(width, width, batch_first=True)
            self.hidden, self.head = n.Linear(width, width), n.Linear(width, 1)

        def dropped(self, x):
            return x * n.functional.dropout(x.new_ones(len(x), 1, width), dropout)

        def forward(self, x):
            y, _ = self.first(self.dropped(self.rows(x)))
            _, last = self.second(self.dropped(y))
            return self.head(n.functional.relu(self.hidden(last[0])))[:, 0]

    return Net()


def gpt(t, vocabulary, length, width, heads, blocks):
    n = t.nn

    class Part(n.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.qkv, self.out = n.LayerNorm(width), n.Linear(width, 3 * width), n.Linear(width, width)
            self.feedforward = n.Sequential(
                n.LayerNorm(width), n.Linear(width, 4 * width), n.GELU(), n.Linear(4 * width, width)
            )

        def forward(self, x):
            parts = self.qkv(self.norm(x)).split(width, 2)
            q, k, v = (part.unflatten(2, (heads, -1)).transpose(1, 2) for part in parts)
            y = n.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(y.transpose(1, 2).flatten(2))
            return x + self.feedforward(x)

    class Net(n.Module):
        def __init__(self):
            super().__init__()
            self.token, self.position = n.Embedding(vocabulary, width), n.Embedding(length, width)
            parts = [Part() for _ in range(blocks)]
            self.parts = n.Sequential(*parts, n.LayerNorm(width), n.Linear(width, vocabulary))

        def forward(self, x):
            return self.parts(self.token(x) + self.position.weight).flatten(0, 1)

    return Net()


def resnet(t, side, filters, blocks, classes):
    n = t.nn

    def conv(inputs, outputs, stride=1, size=3):
        return n.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)

    class Part(n.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.inner = n.Sequential(
                conv(inputs, outputs, stride),
                n.BatchNorm2d(outputs),
                n.ReLU(),
                conv(outputs, outputs),
                n.BatchNorm2d(outputs),
            )
            self.shortcut = conv(inputs, outputs, stride, 1) if stride > 1 else n.Identity()

        def forward(self, x):
            return n.functional.relu(self.shortcut(x) + self.inner(x))

    layers, inputs = [conv(3, filters[0]), n.BatchNorm2d(filters[0]), n.ReLU()], filters[0]
    for stage, count in enumerate(filters):
        for block in range(blocks):
            layers.append(Part(inputs, count, 2 if stage and not block else 1))
            inputs = count
    return n.Sequential(*layers, n.AdaptiveAvgPool2d(1), n.Flatten(), n.Linear(inputs, classes))


MODELS = {
    "keras_mlp": keras_mlp,
    "keras_cnn": keras_cnn,
    "torch_style_cnn": torch_style_cnn,
    "text_pooling": text_pooling,
    "text_gru": text_gru,
    "gpt": gpt,
    "resnet20": resnet,
}


def contestant(name, sizes, batch, fused=False, channels_last=False):
    """(number of weights, prepare), as steps_ours.py has."""
    import torch as t

    t.manual_seed(0)
    model = MODELS[name](t, **sizes)
    if channels_last:
        model = model.to(memory_format=t.channels_last)
    optimizer = t.optim.Adam(model.parameters(), lr=0.001, eps=1e-7, fused=fused)

    def prepare(x, y):
        x, y = t.from_numpy(x), t.from_numpy(y)
        if x.ndim == 4:
            x = x.permute(0, 3, 1, 2)
            x = x if channels_last else x.contiguous()
        functions = t.nn.functional
        measure = functions.binary_cross_entropy_with_logits if y.is_floating_point() else functions.cross_entropy

        def epoch():
            order, total = t.randperm(len(x)), 0.0
            for start in range(0, len(x), batch):
                rows = order[start : start + batch]
                optimizer.zero_grad()
                loss = measure(model(x[rows]), y[rows].flatten())
                loss.backward()
                optimizer.step()
                total += loss.item() * len(rows)
            return total / len(x)

        return epoch

    return sum(p.numel() for p in model.parameters()), prepare
