"""Children of a worker that have closed their files and take some seconds to end (celery -I), as large ones do."""

import os
import time
from typing import Any

from celery.signals import worker_process_shutdown

SECONDS = 15


@worker_process_shutdown.connect
def end_slowly(**_: Any) -> None:
    os.closerange(3, 4_096)
    time.sleep(SECONDS)
