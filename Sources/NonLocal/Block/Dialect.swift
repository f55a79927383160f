/// Whose names the weights in a file have, and what those people's blocks imply.
public enum Dialect: String, Sendable, Hashable, CaseIterable {
    case automatic = "auto"
    case alexHex7 = "alexhex7"
    case mmcv
    case slowFast = "slowfast"
    case pytorchvideo
    case caffe2
    case keras
    case latentDiffusion = "ldm"
    case diffusers
}
