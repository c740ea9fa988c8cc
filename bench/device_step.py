"""A whole training step of a small convolutional network, ours as `fit` runs it, PyTorch's eagerly, by the wall clock.

Both take shuffled batches of data that lies on the device, and Adam, PyTorch's in one fused kernel; both are timed over
an epoch until the device has finished. Images are H x H x 1.
"""

import statistics
import time

import numpy as np

from ..kernels._device import to_device
from ..layers import Conv2D, Dense, Flatten, MaxPooling2D, set_seed, use
from ..train import Sequential

H, FILTERS, UNITS, CLASSES = 28, (32, 64), 64, 10  # 121,930 parameters
BATCH, STEPS = 32, 200
ROW = {"op": "training", "case": f"CNN {H} x {H}, batch {BATCH}", "product": "step", "dtype": "float32"}
LOSS = "sparse_categorical_crossentropy"


def data(steps=STEPS):
    """Random images and labels for so many steps."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((BATCH * steps, H, H, 1), np.float32), rng.integers(0, CLASSES, BATCH * steps)


def ours(device, x, y):
    """(number of parameters, a function that trains for an epoch) on "cpu" or "cuda"."""
    use(device)
    try:
        set_seed(0)
        layers = [Conv2D(FILTERS[0], 3, activation="relu", input_shape=(H, H, 1)), MaxPooling2D(2)]
        layers += [Conv2D(FILTERS[1], 3, activation="relu"), MaxPooling2D(2), Flatten()]
        layers += [Dense(UNITS, activation="relu"), Dense(CLASSES, activation="softmax")]
        model = Sequential(layers)
        model.compile(optimizer="adam", loss=LOSS)
    finally:
        use("cpu")
    if device == "cuda":
        x, y = to_device(x), to_device(y)

    def epoch():
        model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)  # which reads the loss back: the device has finished

    return model.count_params(), epoch


def torch(device, x, y):
    """The same with PyTorch, eagerly."""
    import torch as t

    t.manual_seed(0)
    t.backends.cuda.matmul.allow_tf32 = t.backends.cudnn.allow_tf32 = False
    t.backends.cudnn.benchmark = True
    n, side = t.nn, ((H - 2) // 2 - 2) // 2
    layers = [n.Conv2d(1, FILTERS[0], 3), n.ReLU(), n.MaxPool2d(2), n.Conv2d(*FILTERS, 3), n.ReLU(), n.MaxPool2d(2)]
    layers += [n.Flatten(), n.Linear(FILTERS[1] * side * side, UNITS), n.ReLU(), n.Linear(UNITS, CLASSES)]
    model = n.Sequential(*layers).to(device)
    optimizer = t.optim.Adam(model.parameters(), eps=1e-7, fused=device == "cuda")
    x, y = t.from_numpy(x).permute(0, 3, 1, 2).contiguous().to(device), t.from_numpy(y).to(device)

    def epoch():
        order = t.randperm(len(x), device=device)
        total = 0.0
        for start in range(0, len(x), BATCH):
            rows = order[start : start + BATCH]
            optimizer.zero_grad()
            loss = n.functional.cross_entropy(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total = total + loss.detach()
        return float(total)  # the device has finished

    return sum(p.numel() for p in model.parameters()), epoch


CONTESTANTS = {"ours": ours, "torch": torch}


def measure(names, device="cuda", rounds=5, steps=STEPS):
    """A row of the report: seconds a step of "ours" and of the peers in `names`, in turns."""
    epochs = {name: CONTESTANTS[name](device, *data(steps))[1] for name in ("ours", *names) if name in CONTESTANTS}
    times = {name: [] for name in epochs}
    for number in range(rounds + 2):  # the first two compile, record, and try algorithms out
        for name, epoch in epochs.items():
            start = time.perf_counter()
            epoch()
            if number >= 2:
                times[name].append((time.perf_counter() - start) / steps)
    seconds = {name: statistics.median(of) for name, of in times.items()}
    row = {**ROW, "seconds": seconds}
    if len(seconds) > 1:
        row["ratio"] = min(time for name, time in seconds.items() if name != "ours") / seconds["ours"]
    return row
