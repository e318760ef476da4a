"""Where the time of `dome replay` on one thread goes, by room and by function: `python3 benches/profile.py`.

`perf` samples the release build on synthetic lines (`DOME_BENCH_COUNT`, 200,000 without it). `DOME_BIN` names the
command to look at, instead of building it. The input, the result and the samples stay in `target/profile`.
"""

import collections
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
SHOWN = 20
FILES = re.compile("copy_folio|copy_to_iter|copy_from_iter|write|ext4|xfs|filemap|sync|read")
MEMORY = re.compile("clear_page|fault|mmap|munmap|zap|unmap|lru|charge|rmap|page|alloc")
ALLOCATOR = re.compile("malloc|free|unlink_chunk|consolidate|realloc|calloc|trim")


def room(kernel, library, symbol):
    """What a symbol belongs to: the module of a crate, or what the modules build upon."""
    if kernel:
        return "kernel: files" if FILES.search(symbol) else "kernel: memory" if MEMORY.search(symbol) else "kernel: rest"
    if "sha2" in symbol:
        return "SHA-256"
    if library.startswith("libc"):
        return "libc: allocator" if ALLOCATOR.search(symbol) else "libc: copy and compare"
    if "drop_in_place" in symbol:
        return "dropping values"
    found = re.search(r"\b(dome_core|dome_binder|dome)::(\w+)", symbol)
    if found:
        return "::".join(found.groups())
    return "alloc::btree" if "btree" in symbol else "core: sorting" if "sort" in symbol else "other generic code"


def samples(data):
    """(share, room, symbol) of each function."""
    report = subprocess.run(["perf", "report", "-i", data, "--stdio", "--no-children", "-g", "none", "--percent-limit",
                             "0"], check=True, capture_output=True, text=True).stdout
    for line in report.splitlines():
        found = re.match(r"\s*([\d.]+)%\s+\S+\s+(\S+)\s+\[(.)\]\s+(.*\S)", line)
        if found:
            share, library, kind, symbol = found.groups()
            yield float(share), room(kind == "k", library, symbol), symbol


def main():
    if shutil.which("perf") is None:
        sys.exit("profile: `perf` is not here (Debian: linux-perf)")
    folder = os.path.join(TARGET, "profile")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    cargo = ["cargo", "build", "--quiet", "--release", "--manifest-path", os.path.join(ROOT, "Cargo.toml")]
    subprocess.run(cargo + ["-p", "dome-benches", "--bin", "synthesize"], check=True)
    dome = os.environ.get("DOME_BIN")
    if dome is None:
        subprocess.run(cargo + ["-p", "dome-cli"], check=True)
        dome = os.path.join(TARGET, "release", "dome")
    count = os.environ.get("DOME_BENCH_COUNT", "200000")
    source, data = os.path.join(folder, "in.jsonl"), os.path.join(folder, "perf.data")
    with open(source, "wb") as file:
        subprocess.run([os.path.join(TARGET, "release", "synthesize"), count], check=True, stdout=file)
    replay = [dome, "replay", source, "--threads", "1", "--out", os.path.join(folder, "result"), "--reason-codes",
              os.path.join(ROOT, "benches", "src", "reason-codes.json")]
    record = ["perf", "record", "-e", "cpu-clock", "-F", "999", "-o", data, "--"]
    subprocess.run(record + replay, check=True, capture_output=True)
    rooms, functions = collections.Counter(), collections.Counter()
    for share, place, symbol in samples(data):
        rooms[place] += share
        functions[symbol[:100]] += share
    print(f"dome replay --threads 1 of {count} synthetic lines, samples of CPU time\n\nby room")
    for name, share in rooms.most_common(SHOWN):
        print(f"{share:6.1f} %  {name}")
    print("\nby function, by itself")
    for name, share in functions.most_common(SHOWN):
        print(f"{share:6.1f} %  {name}")


if __name__ == "__main__":
    main()
