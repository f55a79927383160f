import COpenCL
struct Placeholder {}
