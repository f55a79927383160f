import COpenCL

extension Kernel {
    /// What a kernel's source says about one of its parameters.
    public struct Parameter: Sendable, Hashable {
        /// Where a parameter's value lives.
        public enum AddressSpace: Sendable, Hashable {
            /// Memory of the device, given as a ``Buffer``.
            case global
            /// Memory of a work-group, given as ``LocalMemory``.
            case local
            /// Read-only memory of the device, given as a ``Buffer``.
            case constant
            /// The parameter itself, given as a scalar or vector.
            case `private`
        }

        /// The name in the source.
        public let name: String

        /// The type in the source, such as `float*`; a `typedef`'s name where one is used.
        public let typeName: String

        /// Where the value, or what it points to, lives.
        public let addressSpace: AddressSpace

        private let type: KernelTypeName
        private let isBuiltIn: Bool

        /// All parameters, or none if the driver doesn't tell everything.
        static func all(of kernel: Handle, count: Int) -> [Parameter] {
            let parameters = (0..<count).compactMap { Parameter(kernel, cl_uint($0)) }
            return parameters.count == count ? parameters : []
        }

        private init?(_ kernel: Handle, _ index: cl_uint) {
            let info = Info("clGetKernelArgInfo") { [pointer = kernel.pointer] in
                clGetKernelArgInfo(pointer, index, $0, $1, $2, $3)
            }
            guard let name = try? info.string(CL_KERNEL_ARG_NAME),
                let typeName = try? info.string(CL_KERNEL_ARG_TYPE_NAME),
                let qualifier = try? info.value(CL_KERNEL_ARG_ADDRESS_QUALIFIER, as: cl_uint.self),
                let space = AddressSpace(qualifier)
            else { return nil }
            self.name = name
            self.typeName = typeName
            addressSpace = space
            type = KernelTypeName(typeName)
            isBuiltIn = type.isBuiltIn
        }
    }
}

extension Kernel.Parameter.AddressSpace {
    fileprivate init?(_ qualifier: cl_uint) {
        switch Int32(bitPattern: qualifier) {
        case CL_KERNEL_ARG_ADDRESS_GLOBAL: self = .global
        case CL_KERNEL_ARG_ADDRESS_LOCAL: self = .local
        case CL_KERNEL_ARG_ADDRESS_CONSTANT: self = .constant
        case CL_KERNEL_ARG_ADDRESS_PRIVATE: self = .private
        default: return nil
        }
    }
}

extension Kernel.Parameter {
    /// Whether an argument can be meant for this parameter, as far as names of types tell.
    ///
    /// OpenCL itself compares only sizes: it would take a `float` for an `int`.
    func accepts(_ storage: KernelArgumentValue.Storage) -> Bool {
        switch storage {
        case .memory: addressSpace == .global || addressSpace == .constant
        case .local: addressSpace == .local
        case .bytes(_, let type):
            addressSpace == .private && (type == nil || !isBuiltIn || type == self.type)
        }
    }
}
