from enum import StrEnum


class TrackStatus(StrEnum):
    CONFLICT = "conflict"
    DELETED = "deleted"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    MERGED = "merged"
    REJECTED = "rejected"
    STORED = "stored"
    WRITTEN = "written"

    def __str__(self) -> str:
        return str(self.value)
