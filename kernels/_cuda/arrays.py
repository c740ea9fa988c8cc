"""Arrays on a device, whoever made them, as Numba's device arrays on the same memory."""

from numba import config, cuda

if config.ENABLE_CUDASIM:

    def adopt(x):
        """x: the simulator's arrays lie nowhere else."""
        return x

else:
    from numba.cuda.cudadrv.devicearray import DeviceNDArray

    def adopt(x):
        """x, or a Numba array on the memory of x if x is another library's array on a device."""
        if isinstance(x, DeviceNDArray) or not hasattr(x, "__cuda_array_interface__"):
            return x
        return cuda.as_cuda_array(x)
