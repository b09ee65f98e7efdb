from enum import StrEnum


class NeighbourSource(StrEnum):
    CONTENT = "content"
    MODEL = "model"
    POPULAR = "popular"

    def __str__(self) -> str:
        return str(self.value)
