from enum import StrEnum


class ListSource(StrEnum):
    CACHE = "cache"
    MODEL = "model"
    POPULAR = "popular"
    SIMILAR = "similar"

    def __str__(self) -> str:
        return str(self.value)
