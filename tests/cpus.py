"""Other x86 CPUs than this one, by what Numba must be told in the environment to compile for them."""

import platform

IS_X86 = platform.machine() in ("x86_64", "AMD64")
AVX2 = "+sse,+sse2,+sse3,+ssse3,+sse4.1,+sse4.2,+avx,+avx2,+fma,+bmi,+bmi2,+popcnt,+lzcnt,+cx8,+cmov,+fxsr,+mmx,+xsave"
OTHERS = {
    "AVX2": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": AVX2},
    "SSE2 without fma": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
}
