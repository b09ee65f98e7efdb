"""`celery beat` with a movable clock: each line of standard input sets its offset from the true time, in seconds."""

import sys
import threading
from datetime import UTC, datetime, timedelta

import time_machine
from celery.__main__ import main


def follow_clock() -> None:
    """Set the clock as each line says."""
    travel: time_machine.travel | None = None
    for line in sys.stdin:
        if travel is not None:
            travel.stop()
        travel = time_machine.travel(datetime.now(UTC) + timedelta(seconds=float(line)), tick=True)
        travel.start()
        print(f"The clock is set to {datetime.now(UTC)}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    threading.Thread(target=follow_clock, daemon=True).start()
    sys.argv = ["celery", "-A", "movierec", "beat", "--pidfile=", "-l", "INFO"]
    main()
