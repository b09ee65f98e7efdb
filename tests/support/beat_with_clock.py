"""`celery beat` whose clock is set: each line of its standard input moves it by so many seconds from the truth."""

import sys
import threading
from datetime import UTC, datetime, timedelta

import time_machine
from celery.__main__ import main


def follow_clock() -> None:
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
