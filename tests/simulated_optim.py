"""Run by test_cuda_optim.py with Numba's CUDA simulator on: steps of lists of parameters, in one launch."""

import itertools

import numpy as np
from tilewright.kernels import adam_update, sgd_update
from tilewright.kernels._cuda import memory, simulator, stream
from tilewright.kernels._cuda.access import address
from tilewright.kernels._cuda.graph import Graph
from tilewright.kernels._cuda.numbers import SLOTS, WIDTH, number
from tilewright.kernels._varying import varying
from tilewright.kernels.optim import cuda as device
from tilewright.kernels.optim import reference

simulator.prepare()
device.CHUNK, device.FEW, device.MOST = 8, 3, 7
SHAPES = ((5, 3), (), (8,), (0, 4), (1,), (2, 8), (23,), (4,))
ERROR = {np.float32: 4e-6, np.float64: 1e-14}
rng = np.random.default_rng(0)
started = []
done = 0
start = stream.start


def counted(kernel, *arguments):
    started.append(kernel)
    start(kernel, *arguments)


stream.start = counted


def there(x, shift=0):
    """x on the device, `shift` elements behind a boundary of 16 bytes."""
    return memory.to_device(np.concatenate((np.zeros(shift, x.dtype), x.ravel())))[shift:].reshape(x.shape)


def made(shapes, columns, dtypes):
    """Columns of arrays, one for each shape; their last column is positive, as Adam's v is."""
    parts = [[rng.normal(size=shape) for shape in shapes] for _ in range(columns)]
    parts[-1] = [abs(x) for x in parts[-1]]
    return [[np.array(x, dtype) for x, dtype in zip(part, dtypes)] for part in parts]


def check(got, want):
    global done
    for g, w in zip(got, want, strict=True):
        g = g.copy_to_host()
        assert g.dtype == w.dtype and g.shape == w.shape
        np.testing.assert_allclose(g, w, ERROR[g.dtype.type], ERROR[g.dtype.type])
        done += 1


def run(name, columns, options, shifts, launches):
    """A step of lists on the device, against the reference, and against steps of one parameter, bit for bit."""
    function = {"sgd_update": sgd_update, "adam_update": adam_update}[name]
    lists, apart = ([[there(x, shift) for x, shift in zip(column, shifts)] for column in columns] for _ in range(2))
    rest = (None,) * (3 - len(columns)) if name == "sgd_update" else ()
    started.clear()
    function(*lists, *rest, **options)
    assert len(started) == launches, (name, launches, len(started))
    for arrays in zip(*apart):
        function(*arrays, *rest, **options)
    getattr(reference, name)(*columns, *rest, **options)
    for column, alone, want in zip(lists, apart, columns):
        check(column, want)
        for g, w in zip(column, alone):
            assert g.copy_to_host().tobytes() == w.copy_to_host().tobytes()


adam = {"step": 3, "learning_rate": 0.1}
for dtype in (np.float32, np.float64):
    for shifts in ((0,) * 8, (1, 0, 1, 0, 0, 3, 0, 2)):
        few, eight = (SHAPES[:3], 1), (SHAPES, 1)  # seven of the eight have elements: as many as a launch takes
        for shapes, launches in (few, eight):
            dtypes = [dtype] * len(shapes)
            run("sgd_update", made(shapes, 2, dtypes), {}, shifts, launches)
            run("sgd_update", made(shapes, 3, dtypes), {"momentum": 0.9, "nesterov": True}, shifts, launches)
            run("adam_update", made(shapes, 4, dtypes), adam, shifts, launches)
run("adam_update", made(SHAPES * 2, 4, [np.float32] * 16), adam, (0, 1) * 8, 2)  # 14 with elements, 7 a launch
run("adam_update", made(SHAPES, 4, [np.float32, np.float64] * 4), adam, (0,) * 8, 2)  # one for each dtype

# a recorded step: rate and count are new in every replay, and what only its kernels know by address stays
rates, steps = [0.1, 0.01, 0.2], [1, 2, 3]
columns = made(SHAPES, 4, [np.float32] * 8)
gradients = made(SHAPES, 1, [np.float32] * 8)[0]
w, m, v = ([there(x) for x in columns[n]] for n in (0, 2, 3))
given = [there(x) for x in gradients]
now, count = itertools.chain([0.5], rates).__next__, itertools.chain([9], steps).__next__
rate, step = varying(now), varying(count)  # 0.5 and 9 are those of the recorded call


def train():
    dw = []
    for x in given:  # gradients lie in the graph's own memory
        dw.append(memory.empty_like(x))
        memory.copy(x, dw[-1])
    adam_update(w, dw, m, v, learning_rate=rate, step=step)


graph = Graph()
graph.record(train)
before = [x.copy_to_host() for x in w]
assert all((a == b).all() for a, b in zip(before, columns[0])), "recording computes nothing"
places = {address(x) for x in (*m, *v) if x.size}
del m[:], v[:]  # the graph holds them
others = [memory.empty(shape, np.float32) for shape in SHAPES for _ in range(4)]
assert not places & {address(x) for x in others if x.size}
for learning_rate, at in zip([0.5, *rates], [9, *steps]):
    graph.replay()
    reference.adam_update(columns[0], gradients, *columns[2:], learning_rate=learning_rate, step=at)
check(w, columns[0])
# the place of a number is no memory that the step has used before, which every replay writes again
sevens, result = there(np.full(SLOTS * WIDTH // 8, 7.0)), there(np.zeros(1))
count = varying(itertools.count(1).__next__)


def use_memory_then_a_number():
    passing = memory.empty_like(sevens)
    memory.copy(sevens, passing)
    del passing
    memory.copy(number(count, np.float64), result)


graph = Graph()
graph.record(use_memory_then_a_number)
for want in (1, 2, 3):
    graph.replay()
    check([result], [np.array([want], np.float64)])
print(f"{done} arrays updated in the simulator, no GPU")
