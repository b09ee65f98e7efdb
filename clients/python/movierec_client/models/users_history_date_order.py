from enum import StrEnum


class UsersHistoryDateOrder(StrEnum):
    DMY = "dmy"
    MDY = "mdy"
    YMD = "ymd"

    def __str__(self) -> str:
        return str(self.value)
