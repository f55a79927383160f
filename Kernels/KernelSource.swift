/// OpenCL C sources of the kernels, carried inside the binary.
public enum KernelSource {}
