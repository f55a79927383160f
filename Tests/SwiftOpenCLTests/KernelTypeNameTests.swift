import Testing

@testable import SwiftOpenCL

struct KernelTypeNameTests {
    @Test(arguments: [
        ("float", "float", 1, true), ("uint4", "uint", 4, true), ("double16", "double", 16, true),
        ("int5", "int", 5, false), ("my_struct2", "my_struct", 2, false), ("size_t", "size_t", 1, false),
        ("", "", 1, false), ("16", "", 16, false),
    ])
    func parts(_ name: String, _ scalar: String, _ lanes: Int, _ isBuiltIn: Bool) {
        let type = KernelTypeName(name)
        #expect(type == KernelTypeName(scalar: scalar, lanes: lanes))
        #expect(type.isBuiltIn == isBuiltIn)
    }
}
