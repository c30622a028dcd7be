"""Long work that people watch: it runs beside the request, and the page is written while it works, without script."""

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

log = logging.getLogger("counsel")
Tell = Callable[[int, int], None]


def with_progress(work: Callable[[Tell], Any]) -> Iterator[tuple[str, Any]]:
    """Run `work` in a thread and yield ``("step", (done, total))`` as it tells, then ``("done", result)`` once.

    A mistake of ours or a refusal ends with ``("failed", code)``; the work itself is all or nothing, so nothing is half-done.
    """
    told: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

    def run() -> None:
        try:
            told.put(("done", work(lambda done, total: told.put(("step", (done, total))))))
        except Exception as error:
            log.error("work ended with %s", type(error).__name__)
            told.put(("failed", type(error).__name__))

    threading.Thread(target=run, daemon=True).start()
    while True:
        kind, value = told.get()
        yield kind, value
        if kind != "step":
            return
