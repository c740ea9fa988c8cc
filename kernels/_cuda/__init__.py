"""What CUDA kernels are made of, and what runs them.

launching   jit, cache (compiled kernels on disk), launch (grids), stream (starts every kernel), starter
memory      memory (the pool), buffers, arrays and dlpack (other libraries'), upload, pointers
a step      graph, capture, numbers (that change from step to step), gather, accumulate, events
elements    access (16 bytes at once), elementwise, halves (16-bit kinds), division, windows
sums        warp, reduce, sums, columns
products    gemm (the tiled core), matrix (its sides), gemm_tensor, gemm_hopper, tensor_map, products (batches)
images      conv_views, conv_sides, depthwise
PTX         ptx, ptx_hopper: all of it
no GPU      assemble and usage (registers and spills), simulator, turns, emulation and emulation_hopper
a card      state (whether and why not), ceilings
"""
