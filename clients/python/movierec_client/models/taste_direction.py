from enum import StrEnum


class TasteDirection(StrEnum):
    LESS = "less"
    MORE = "more"
    SAME = "same"

    def __str__(self) -> str:
        return str(self.value)
