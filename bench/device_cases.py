"""Cases of the benchmark that are large enough for a GPU, and the few that Numba's simulator can run.

Ops that are not listed here are measured on the catalog's cases. A large array repeats BLOCK random numbers, a prime
number of them, so that neighbouring rows differ.
"""

import itertools

import numpy as np

from ..kernels._row import Case, labels

BLOCK = 1_000_003
IN_MEMORY = (8192, 8192)  # 256 MiB of float32, several times any card's L2
ELEMENTWISE = ("relu", "leaky_relu", "elu", "sigmoid", "tanh", "gelu")
TINY = 600  # elements of a case in the simulator


def repeated(*shape, scale=1.0, low=None, high=None):
    """Normal numbers, or uniform ones from `low` to `high`."""

    def recipe(rng, dtype):
        size = min(BLOCK, int(np.prod(shape)))
        block = rng.standard_normal(size) * scale if low is None else rng.uniform(low, high, size)
        return np.resize(block.astype(dtype), shape)

    return recipe


def _product(M, N, K, transpose_a=False, transpose_b=False):
    form = "".join("nt"[turned] for turned in (transpose_a, transpose_b))
    a, b = (K, M) if transpose_a else (M, K), (N, K) if transpose_b else (K, N)
    options = {"transpose_a": transpose_a, "transpose_b": transpose_b}
    return Case(f"{M} x {N} x {K} {form}", {"a": repeated(*a), "b": repeated(*b)}, options)


def _batch(count, M, N, K):
    arrays = {"a": repeated(count, M, K), "b": repeated(count, N, K)}
    return Case(f"{count} of {M} x {N} x {K} nt", arrays, {"transpose_a": False, "transpose_b": True})


def _linear(M, N, K):
    arrays = {"x": repeated(M, K), "w": repeated(K, N, scale=K**-0.5), "b": repeated(N)}
    return Case(f"{M} x {N} x {K} relu", arrays, {"activation": "relu"})


def _convolution(image, filters, **options):
    scale = np.prod(filters[:3]) ** -0.5
    arrays = {"x": repeated(32, *image), "w": repeated(*filters, scale=scale), "b": repeated(filters[3])}
    step = f"/{options['stride']}" if "stride" in options else ""
    kind = "depthwise" if "groups" in options else filters[3]
    name = f"32x{'x'.join(map(str, image))} {filters[0]}x{filters[1]}{step} {kind}"
    return Case(name, arrays, options)


def _pooling(*image, **options):
    window = f" {options['window']}x{options['window']}/{options['stride']}" if options else ""
    return Case("x".join(map(str, image)) + window, {"x": repeated(*image)}, options)


def _of_two(shape, low=None, high=None, **options):
    arrays = {"y": repeated(*shape), "t": repeated(*shape, low=low, high=high)}
    return Case("in memory", arrays, options)


def _classes(M, N, sparse):
    t = labels(N, M) if sparse else repeated(M, N, low=0.0, high=2 / N)
    return Case(f"logits {M} x {N}", {"y": repeated(M, N), "t": t}, {"from_logits": True})


_same = {"padding": "same"}
_in_memory = Case("in memory", {"x": repeated(*IN_MEMORY)})
_rows = tuple(Case(f"{M} rows of {N}", {"x": repeated(M, N)}) for M, N in (IN_MEMORY, (65536, 1000), (262144, 256)))
_pools = (_pooling(32, 112, 112, 64), _pooling(32, 112, 112, 64, window=3, stride=2, padding="same"))
_parameters = {"w": repeated(*IN_MEMORY), "dw": repeated(*IN_MEMORY)}
_moments = {"m": repeated(*IN_MEMORY), "v": repeated(*IN_MEMORY, low=0.0, high=1.0)}
_row_parameters = {"gamma": repeated(IN_MEMORY[1]), "beta": repeated(IN_MEMORY[1])}

CASES = {
    "matmul": (
        _product(4096, 4096, 4096),
        _product(8192, 8192, 8192),
        *(_product(4096, 4096, 4096, *form) for form in itertools.product((False, True), repeat=2) if any(form)),
        _product(2048, 2048, 2048),
        _product(1024, 1024, 1024),
        _batch(256, 1024, 1024, 64),
    ),
    "linear": (_linear(4096, 4096, 1024), _linear(256, 4096, 4096), _linear(128, 1000, 6272), _linear(32, 64, 1600)),
    "conv2d": (
        _convolution((28, 28, 1), (3, 3, 1, 32)),
        _convolution((13, 13, 32), (3, 3, 32, 64)),
        _convolution((32, 32, 3), (3, 3, 3, 64), **_same),
        _convolution((16, 16, 64), (3, 3, 64, 128), **_same),
        _convolution((56, 56, 64), (3, 3, 64, 64), **_same),
        _convolution((28, 28, 128), (3, 3, 128, 128), **_same),
        _convolution((14, 14, 256), (3, 3, 256, 256), **_same),
        _convolution((7, 7, 512), (3, 3, 512, 512), **_same),
        _convolution((56, 56, 64), (1, 1, 64, 256)),
        _convolution((224, 224, 3), (7, 7, 3, 64), stride=2, padding=3),
        _convolution((28, 28, 192), (3, 3, 1, 192), groups=192, **_same),
    ),
    **dict.fromkeys(ELEMENTWISE, (_in_memory,)),
    "softmax": _rows,
    "layer_norm": (Case("in memory", {"x": repeated(*IN_MEMORY), **_row_parameters}),),
    "max_pool2d": _pools,
    "average_pool2d": _pools,
    "dropout": (Case("in memory", {"x": repeated(*IN_MEMORY)}, {"rate": 0.5, "seed": 1, "step": 1}),),
    "mse": (_of_two(IN_MEMORY),),
    "binary_crossentropy": (_of_two(IN_MEMORY, 0.0, 1.0, from_logits=True),),
    "categorical_crossentropy": (_classes(16384, 1000, False),),
    "sparse_categorical_crossentropy": (_classes(16384, 1000, True), _classes(1024, 32000, True)),
    "sgd_update": (Case("momentum, in memory", {**_parameters, "velocity": repeated(*IN_MEMORY)}, {"momentum": 0.9}),),
    "adam_update": (Case("in memory", {**_parameters, **_moments}, {"step": 3}),),
}


def cases_of(op, simulated=False):
    """The cases on which an op is measured; in the simulator one, small, of the catalog's tests."""
    if simulated:
        return (max((case for case in op.cases if not case.host and _size(case) < TINY), key=_size),)
    return CASES.get(op.name, op.bench)


def _size(case):
    """Elements of all arrays."""
    return sum(x.size for x in case.make(np.float64).values())
