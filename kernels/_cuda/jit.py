"""How functions become CUDA kernels: `kernel` for what is launched, `device` for what kernels are made of."""

from numba import cuda

kernel = cuda.jit
device = cuda.jit(device=True, inline="always")  # inlined in Numba's IR: assembling them needs no driver
