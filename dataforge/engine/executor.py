"""Runs tasks: in this process, or in worker processes; a result that is stored is not made again."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Protocol

from dataforge.core.errors import MachineError
from dataforge.engine.flow import Result
from dataforge.engine.task import Task
from dataforge.store.home import Store

Note = Callable[[int], None]

# How often a waiting build looks at what its workers say of their progress.
_LOOK_EVERY_S = 0.5

# Starting workers costs more than this much input is worth.
SMALL_INPUT_BYTES = 48 << 20


class TaskWatcher(Protocol):
    """Is told how the tasks of a stage go."""

    def tasks(self, size: int) -> None:
        """This many bytes are to be worked through."""
        ...

    def under_way(self, size: int) -> None:
        """So many bytes of the tasks that are not done yet are behind them."""
        ...

    def done(self, size: int) -> None:
        """A task of this size is done."""
        ...


class Executor(Protocol):
    """Runs tasks that are not stored yet."""

    workers: int

    def run(self, tasks: Sequence[Task], note: Note) -> Iterator[Result]:
        """Give the results in task order, each as soon as it and those before it are there.

        `note` is told how many bytes of the tasks under way are behind them.
        """
        ...

    def close(self) -> None:
        """Let the workers go."""
        ...


class InProcess:
    """One worker: this process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.workers = 1

    def run(self, tasks: Sequence[Task], note: Note) -> Iterator[Result]:
        """Run one task after the other."""
        from dataforge.engine.work import perform

        for task in tasks:
            yield perform(self._store, task, note)

    def close(self) -> None:
        """Nothing to let go."""


class LocalWorkers:
    """Several worker processes on this machine."""

    def __init__(self, store: Store, workers: int) -> None:
        # Never fork: polars' thread pool does not survive it.
        context = multiprocessing.get_context("spawn")
        self._store = store
        self.workers = workers
        self._pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_leave_interrupts_to_the_parent)

    def run(self, tasks: Sequence[Task], note: Note) -> Iterator[Result]:
        """Keep the workers busy, and give the results in task order."""
        from concurrent.futures.process import BrokenProcessPool

        waiting: list[Future[Result]] = []
        try:
            for place in range(len(tasks)):
                while len(waiting) < min(len(tasks), place + 4 * self.workers):
                    task = tasks[len(waiting)]
                    waiting.append(self._pool.submit(_perform, str(self._store.project), task))
                yield self._wait(waiting[place], note)
        except BrokenProcessPool as error:
            raise MachineError(
                "a worker process died, probably for want of memory",
                fix="run again with fewer --workers; what was done is kept",
            ) from error

    def _wait(self, future: Future[Result], note: Note) -> Result:
        while True:
            try:
                return future.result(timeout=_LOOK_EVERY_S)
            except TimeoutError:
                note(_bytes_under_way(self._store))

    def close(self) -> None:
        """Stop the workers; what they had not finished is done next time."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(_progress_folder(self._store), ignore_errors=True)


def _progress_folder(store: Store) -> Path:
    return store.root / "progress"


def _bytes_under_way(store: Store) -> int:
    """Add up what the workers last wrote of their tasks."""
    total = 0
    for path in _progress_folder(store).glob("*"):
        with contextlib.suppress(OSError, ValueError):
            total += int(path.read_text())
    return total


def _perform(project: str, task: Task) -> Result:
    from dataforge.engine.work import perform

    store = Store(Path(project))
    mine = _progress_folder(store) / str(os.getpid())

    def note(done: int) -> None:
        # Only for people who watch: what cannot be written is not missed.
        with contextlib.suppress(OSError):
            mine.parent.mkdir(parents=True, exist_ok=True)
            mine.write_text(str(done))

    try:
        return perform(store, task, note)
    finally:
        with contextlib.suppress(OSError):
            mine.unlink(missing_ok=True)


def make_executor(store: Store, workers: int | None, input_bytes: int) -> Executor:
    """Choose how to run.

    Args:
        store: The project's store.
        workers: As asked for, or None for as many as there are cores, and one where the input is small.
        input_bytes: Size of all input files.

    Returns:
        This process alone for one worker, else a pool of processes; the results are the same bytes.
    """
    workers = chosen_workers(workers, input_bytes)
    return InProcess(store) if workers == 1 else LocalWorkers(store, workers)


def chosen_workers(workers: int | None, input_bytes: int) -> int:
    """Say how many workers a build has: as asked for, or as many as are worth their start."""
    if workers is not None:
        return workers
    return 1 if input_bytes < SMALL_INPUT_BYTES else available_cores()


def available_cores() -> int:
    """Count the cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_or_reuse(store: Store, executor: Executor, tasks: Sequence[Task], watcher: TaskWatcher) -> list[Result]:
    """Give the results of tasks in order, doing only what is not stored."""
    results: list[Result | None] = [store.result(task.fingerprint) for task in tasks]
    missing = [place for place, result in enumerate(results) if result is None]
    for result in results:
        if result is not None:
            result["reused"] = True
    to_do = [tasks[place] for place in missing]
    watcher.tasks(sum(task.size for task in to_do))
    for place, result in zip(missing, executor.run(to_do, watcher.under_way), strict=True):
        results[place] = result
        watcher.done(tasks[place].size)
    return [result for result in results if result is not None]


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
