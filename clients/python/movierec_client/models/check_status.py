from enum import StrEnum


class CheckStatus(StrEnum):
    FAIL = "fail"
    OK = "ok"
    UNKNOWN = "unknown"
    WARN = "warn"

    def __str__(self) -> str:
        return str(self.value)
