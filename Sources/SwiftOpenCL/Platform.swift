public enum DeviceSelector: Sendable, Hashable { case automatic, gpu, cpu, index(Int), named(String) }
