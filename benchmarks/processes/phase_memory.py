"""Which part of the nightly job takes how much memory: samples of its process, by the function that runs."""

import sys
import threading
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

SAMPLE_SECONDS = 0.02
RESET_PEAK = "5"  # in clear_refs, see proc(5)
START = "start"
# The innermost of these that runs says which part it is.
PHASES = {
    "update_shards": "export",
    "take_snapshot": "tokens",
    "split_holdout": "split",
    "Trainer.__init__": "training",
    "Trainer.run": "training",
    "EpochSelection.__init__": "epoch selection",
    "EpochSelection.on_epoch": "epoch selection",
    "DailyPopularity.from_tokens": "popularity",
    "Transitions.from_training": "transitions",
    "ItemWeights.from_training": "EASE",
    "fit_prior": "prior",
    "fit_ensemble": "ensemble",
    "fit_new_film_term": "new films",
    "judge": "gate",
    "measure_next_visits": "next visit, baselines",
    "make_neighbours": "neighbours",
    "fit_co_liking": "likes",
    "save_model": "saving",
    "fill_all": "lists",
}


class PhaseMemory:
    """Notes the peaks of this process (Linux) by phase, in MB: of all that it holds in memory, pages of mapped files
    and of libraries included, and of its own memory alone. The main thread does the work."""

    def __init__(self) -> None:
        self.peaks: dict[str, dict[str, int]] = {}
        self._phase, self._main = START, threading.main_thread().ident
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._reset()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._note()

    def peak(self) -> dict[str, int]:
        """Return the peaks of all phases together."""
        return {name: max(peaks[name] for peaks in self.peaks.values()) for name in ("peak_mb", "own_mb")}

    def _watch(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            phase = _phase_of(sys._current_frames().get(self._main or 0)) or self._phase
            self._note()
            if phase != self._phase:
                print(f"{self._phase}: {self.peaks[self._phase]}", flush=True)
                self._phase = phase
                self._reset()

    def _note(self) -> None:
        """Add the peak since the last reset to that of the phase."""
        fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        values = {"peak_mb": fields["VmHWM"], "own_mb": fields["RssAnon"]}
        peaks = self.peaks.setdefault(self._phase, dict.fromkeys(values, 0))
        for name, value in values.items():
            peaks[name] = max(peaks[name], round(int(value.split()[0]) / 1024))

    def _reset(self) -> None:
        """Have the system count the peak from now on."""
        Path("/proc/self/clear_refs").write_text(RESET_PEAK)


def _phase_of(frame: FrameType | None) -> str | None:
    while frame is not None:
        if frame.f_code.co_qualname in PHASES:
            return PHASES[frame.f_code.co_qualname]
        frame = frame.f_back
    return None
