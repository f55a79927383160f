/// Whose names the weights in a file have, and what those people's blocks imply.
public enum Dialect: String, Sendable, Hashable, CaseIterable {
    /// The one whose names the file has.
    case automatic = "auto"
    /// AlexHex7/Non-local_pytorch: `theta.weight`, `W.0.weight`; convolution first, scale 1.
    case alexHex7 = "alexhex7"
    /// mmcv and mmdetection: `theta.conv.weight`, `conv_out.conv.weight`; convolution first, scale 1/√d.
    case mmcv
    /// SlowFast: `conv_theta.weight`, `bn.weight`; pooling first by (1, 2, 2), scale 1/√d.
    case slowFast = "slowfast"
    /// pytorchvideo: `conv_theta.weight`, `norm.weight`; pooling first by (1, 2, 2), scale 1/√d.
    case pytorchvideo
    /// video-nonlocal-net: `_theta_w`, `_bn_s`; pooling first by (1, 2, 2), scale 1/√d.
    case caffe2
    /// titu1994, seiei17: `theta/kernel`; channels last, flat pooling by 2 after the convolutions, scale 1.
    case keras
    /// Latent-diffusion autoencoders: `q.weight`, `proj_out.weight`, `norm.weight`; group norm, scale 1/√C.
    case latentDiffusion = "ldm"
    /// The same in diffusers: `to_q.weight`, `to_out.0.weight`, `group_norm.weight`; one head is assumed.
    case diffusers
}
