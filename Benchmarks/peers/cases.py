"""What is compared: one Case a line of RESULTS.md, with the figures that it is meant to reach."""
from dataclasses import dataclass, field, replace

BARE, BLOCK = "bare", "block"
BEST = "best"  # the fastest of the peers, as a key of Case.ratios


@dataclass(frozen=True)
class Case:
    """One problem: a whole block on x of `shape`, or the bare operation on θ, φ and g of `shape`."""

    name: str
    section: str
    kind: str
    shape: tuple
    pairwise: str = "embedded-gaussian"
    subsample: str = "none"
    scope: str = "spacetime"
    inner: int | None = None  # d; C/2 for a block, C for the bare operation
    groups: int | None = None  # of a group norm in front
    roof: float | None = None  # least percentage of the device's peak
    ratios: dict = field(default_factory=dict)  # peer, or BEST -> least factor by which we are faster
    peers: tuple = ("eager", "compile", "sdpa")
    in_picture: bool = False
    seconds: float = 6  # for the timing, peers included

    @property
    def channels(self):
        return self.shape[1]

    @property
    def d(self):
        return self.inner or (self.channels if self.kind == BARE else max(self.channels // 2, 1))

    @property
    def scale(self):
        """The word for `--scale`: 1/√d where the peers have it."""
        return "sqrt" if self.pairwise == "embedded-gaussian" else "none"

    @property
    def options(self):
        """What `nonlocal bench` needs to be told."""
        words = ["--shape", "x".join(map(str, self.shape)), "--pairwise", self.pairwise]
        if self.pairwise != "concatenation":
            words += ["--scale", self.scale]
        if self.kind == BARE:
            return words + ["--bare"]
        words += ["--inner", str(self.d), "--subsample", self.subsample]
        if self.scope != "spacetime":
            words += ["--scope", self.scope]
        return words + (["--group-norm", str(self.groups)] if self.groups else [])


def all_cases():
    """Every case, in the order of RESULTS.md."""
    return (
        _bare() + _blocks() + _pool_first_and_scopes() + _linear_forms() + _latent_diffusion() + _small())


def _bare():
    section, cases = "Softmax, bare", []
    for d, positions, batches in [
        (512, 784, (1, 8)), (512, 3136, (1, 8)), (512, 6272, (1,)),
        (256, 784, (1, 8)), (256, 3136, (1, 8)), (256, 6272, (1,)),
        (128, 3136, (1,)), (64, 3136, (1,)),
    ]:
        for batch in batches:
            cases.append(Case(
                f"bare d {d}, N {positions}, B {batch}", section, BARE, (batch, d, positions),
                roof={128: 80, 64: 75}.get(d, 88), ratios={BEST: 1.15},
                in_picture=batch == 1 and positions == 3136))
    return cases


def _blocks():
    section = "Blocks, softmax forms"
    res4, long = (1, 1024, 4, 14, 14), (1, 512, 8, 28, 28)

    def block(name, shape, roof, ratio, **options):
        return Case(name, section, BLOCK, shape, roof=roof, ratios={BEST: ratio}, in_picture=True, **options)

    return [
        block("res4, B 8, conv first", (8, 1024, 4, 14, 14), 85, 1.4, subsample="conv-first"),
        block("res4, conv first", res4, 85, 1.3, subsample="conv-first"),
        block("res4, not pooled", res4, 85, 1.1),
        block("res3, T 8, not pooled", long, 88, 1.3),
        block("res3, T 8, Gaussian, not pooled", long, 88, 1.3, pairwise="gaussian"),
        block("res5, B 8, not pooled", (8, 2048, 4, 7, 7), 85, 1.2),
    ]


def _pool_first_and_scopes():
    section, many = "Pool first, and scopes", (2, 512, 8, 28, 28)
    return [
        Case("res4, pool first", section, BLOCK, (1, 1024, 4, 14, 14), subsample="pool-first",
             ratios={BEST: 1.2}),
        Case("res3, B 2, T 8, pool first", section, BLOCK, many, subsample="pool-first", ratios={BEST: 1.2}),
        Case("res3, B 2, T 8, scope space", section, BLOCK, many, scope="space", ratios={BEST: 1.2}),
        Case("res3, B 2, T 8, scope time", section, BLOCK, many, scope="time", ratios={BEST: 1.2}),
    ]


def _linear_forms():
    section = "Dot product and concatenation"
    peers = ("eager", "compile", "re-associated", "Gram")
    return [
        Case("dot product, res3, T 8", section, BLOCK, (1, 512, 8, 28, 28), "dot-product", peers=peers,
             ratios={"eager": 10, "re-associated": 1.1}),
        Case("dot product, res2, T 8", section, BLOCK, (1, 256, 8, 56, 56), "dot-product",
             peers=("eager", "re-associated", "Gram"), ratios={"eager": 60, "re-associated": 1.1}, seconds=16),
        Case("concatenation, res4", section, BLOCK, (1, 1024, 4, 14, 14), "concatenation",
             peers=("eager", "outer sum"), ratios={"eager": 150}, seconds=12),
    ]


def _latent_diffusion():
    section = "Latent-diffusion autoencoder"
    return [
        Case(f"group norm, C = d = 512, {side}×{side}", section, BLOCK, (1, 512, side, side), inner=512,
             groups=32, roof=90, ratios={"diffusers": 1.1}, peers=("diffusers", "eager"), in_picture=True,
             seconds=8 if side < 100 else 24)
        for side in (64, 128)
    ]


def _small():
    cases = []
    for channels in (32, 64, 128, 256):
        for side in (7, 14, 20):
            least = 1.5 if channels >= 256 and side >= 14 else 1
            cases.append(Case(
                f"C {channels}, {side}×{side}", "Small blocks", BLOCK, (1, channels, side, side),
                ratios={BEST: least}, seconds=2))
    return cases


def shrunk(case):
    """The same case in a size that shows only whether everything works."""
    batch, channels, *extents = case.shape
    channels = max(channels // 8, 8) if case.groups is None else case.groups
    if case.kind == BARE:
        extents = [max(extents[0] // 16, 1)]
    else:
        extents = [min(extent, 6) for extent in extents]
    return replace(
        case, shape=(min(batch, 2), channels, *extents), inner=channels if case.groups else None, seconds=0.5)
