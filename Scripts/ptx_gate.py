"""The compile gate's work: OpenCL C → PTX → machine code, and a table of what came out. See Scripts/ptx-gate."""
import os
import re
import subprocess
import sys

TOOLS, PAGE, ARCHITECTURES = sys.argv[1], sys.argv[2], sys.argv[3:]
LIMIT = 48 * 1024
LLVM = f"{TOOLS}/root/usr/lib/llvm-19"
ENVIRONMENT = dict(os.environ, LD_LIBRARY_PATH=f"{TOOLS}/root/usr/lib/x86_64-linux-gnu:{LLVM}/lib")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)


def compile_kernel(name, architecture, takes_more):
    """Returns what ptxas said, the disassembly and the local memory asked for at launch, or an error."""
    source, target = f"{TOOLS}/kernels/{name}.cl", f"{TOOLS}/kernels/{name}-{architecture}"
    # The PTX of an older device is good for every newer one; clang 19 does not know the newest.
    virtual = min(architecture, "sm_90", key=lambda name: int(name[3:]))
    clang = run(
        f"{LLVM}/bin/clang", "-x", "cl", "-cl-std=CL1.2", "--target=nvptx64--nvidiacl", f"-march={virtual}",
        "-Xclang", "-target-feature", "-Xclang", "+ptx80", "-Xclang", "-finclude-default-header",
        "-Xclang", "-mlink-builtin-bitcode", "-Xclang", f"{TOOLS}/root/usr/lib/clc/nvptx64--nvidiacl.bc",
        "-Dasm=__asm__", "-w", "-O3", "-S", source, "-o", f"{target}.ptx")
    if clang.returncode:
        return clang.stderr, None, 0
    dynamic = 0
    if takes_more:
        text, dynamic = as_dynamic(open(f"{target}.ptx").read())
        open(f"{target}.ptx", "w").write(text)
    ptxas = run(
        f"{TOOLS}/nvidia_cuda_nvcc_cu12/nvidia/cuda_nvcc/bin/ptxas", f"-arch={architecture}", "-v", f"{target}.ptx", "-o",
        f"{target}.cubin")
    if ptxas.returncode:
        return ptxas.stdout + ptxas.stderr, None, 0
    sass = run(f"{TOOLS}/nvidia_cuda_nvdisasm/nvidia/cu13/bin/nvdisasm", "-c", f"{target}.cubin")
    return ptxas.stdout + ptxas.stderr, sass.stdout, dynamic


def as_dynamic(ptx):
    """The PTX with its local memory asked for at launch: ptxas refuses more than 48 KB otherwise."""
    places, size = {}, 0
    for alignment, name, count in re.findall(r"\.shared \.align (\d+) \.b8 ([\w$]+)\[(\d+)\];", ptx):
        size = -(-size // int(alignment)) * int(alignment)
        places[name] = size
        size += int(count)
    ptx = re.sub(r"^\s*\.shared \.align .*\n|^\s*// .*\n", "", ptx, flags=re.M)
    for name, place in places.items():
        ptx = re.sub(re.escape(name) + r"(?![\w$])", f"dynamic+{place}" if place else "dynamic", ptx)
    return ptx.replace(".address_size 64\n", ".address_size 64\n.extern .shared .align 1024 .b8 dynamic[];\n", 1), size


def of_kernel(report, kernel):
    """Registers, bytes spilled and bytes of local memory, as ptxas reports them."""
    part = report.split(f"Function properties for {kernel}\n", 1)[1].split("Compiling entry", 1)[0]
    shared = re.search(r"(\d+) bytes smem", part)
    return (
        int(re.search(r"Used (\d+) registers", part)[1]), int(re.search(r"(\d+) bytes spill stores", part)[1]),
        int(re.search(r"(\d+) bytes stack frame", part)[1]), int(shared[1]) if shared else 0)


def main_loop(sass, kernel):
    """Counts of the instructions between the target of the last backward jump over products and that jump."""
    lines = sass.split(f".text.{kernel}:", 1)[-1].splitlines()
    labels, best = {}, []
    for number, line in enumerate(lines):
        if label := re.match(r"(\.L_x_\d+):", line.strip()):
            labels[label[1]] = number
        jump = re.search(r"BRA\S* .*`\((\.L_x_\d+)\)", line)
        if jump and jump[1] in labels:
            body = lines[labels[jump[1]]:number + 1]
            if sum("HMMA" in each for each in body) > sum("HMMA" in each for each in best):
                best = body
        if line.startswith(".section") and number > 10:
            break
    names = ("HMMA", "LDS", "LDGSTS", "LDG", "STS", "BAR", "MUFU", "LDL", "STL")
    return {name: sum(bool(re.search(rf"\s{name}[.\s]", each)) for each in best) for name in names}


def write_tables(found):
    """Puts the figures in the place of those in the page, each table between two comments."""
    names = [name for name, architecture in found if architecture == "sm_90" and "bfloat16" not in name]
    bounds = ["| kernel, d, d_v | tiling | registers | bytes spilled | local memory | mma | lds | cp.async | ldg | barriers | op/B"
              " | local | tensor | L2 |", "|" + "---|" * 14]
    others = ["| kernel, d, d_v | sm_80 | sm_120 |", "|---|---|---|"]
    for name in names:
        registers, spills, shared, loop, caps, tiling = found[name, "sm_90"]
        counts = [loop[each] for each in ("HMMA", "LDS", "LDGSTS", "LDG", "BAR")]
        bounds.append(f"| {name} | {tiling or '–'} | {registers} | {spills} | {shared / 1024:.1f} KB | "
                      + " | ".join(map(str, counts + caps)) + " |")
        cells = [f"{found[name, each][0]}, {found[name, each][1]}" for each in ("sm_80", "sm_120")]
        others.append(f"| {name} | {' | '.join(cells)} |")
    text = open(PAGE).read()
    for table, lines in (("bounds", bounds), ("others", others)):
        start, end = f"<!-- {table} -->\n", f"<!-- end of {table} -->"
        before, rest = text.split(start)
        text = before + start + "\n".join(lines) + "\n" + end + rest.split(end)[1]
    open(PAGE, "w").write(text)


def main():
    failures, found = [], {}
    print("kernel, arithmetic, d, d_v | arch | registers spills local | loop: mma lds cp.async ldg sts bar ex2 reloads"
          " | op/B, TFLOP/s by local memory, tensor cores, L2")
    for row in open(f"{TOOLS}/kernels/table"):
        name, takes_more, *bounds = row.split()[:6]
        tiling = " ".join(row.split()[6:])
        bounds = [bounds[0]] + [f"{float(bound):.0f}" for bound in bounds[1:]]
        kernel = "warp_" + name.split("-")[0]
        for architecture in ARCHITECTURES:
            report, sass, dynamic = compile_kernel(name, architecture, takes_more == "1")
            if sass is None:
                print(f"{name} | {architecture} | REFUSED")
                failures.append(f"{name} for {architecture}: {report.strip()[-400:]}")
                continue
            registers, spills, stack, shared = of_kernel(report, kernel)
            shared += dynamic
            loop = main_loop(sass, kernel)
            caps = f"{bounds[0]}, {' '.join(bounds[1:])}"
            found[name, architecture] = (registers, spills, shared, loop, bounds, tiling)
            print(f"{name} | {architecture} | {registers} {spills} {shared} | {loop['HMMA']} {loop['LDS']}"
                  f" {loop['LDGSTS']} {loop['LDG']} {loop['STS']} {loop['BAR']} {loop['MUFU']}"
                  f" {loop['LDL'] + loop['STL']} | {caps}", flush=True)
            if spills:
                failures.append(f"{name} for {architecture} spills {spills} bytes")
            if shared > LIMIT and takes_more == "0":
                failures.append(f"{name} for {architecture} takes {shared} bytes of local memory")
            if stack and not spills:
                failures.append(f"{name} for {architecture} keeps {stack} bytes of arrays in memory")
            if not loop["HMMA"]:
                failures.append(f"{name} for {architecture} has no products in its main loop")
    if PAGE and not failures:
        write_tables(found)
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    sys.exit(bool(failures))


main()
