from enum import StrEnum


class EventStatus(StrEnum):
    CONFLICT = "conflict"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    STORED = "stored"

    def __str__(self) -> str:
        return str(self.value)
