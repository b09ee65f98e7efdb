from enum import StrEnum


class RowSource(StrEnum):
    CACHE = "cache"
    CONTENT = "content"
    HISTORY = "history"
    LATEST = "latest"
    MODEL = "model"
    POPULAR = "popular"
    SIMILAR = "similar"
    TRENDING = "trending"
    TRENDING_FOR_YOU = "trending_for_you"

    def __str__(self) -> str:
        return str(self.value)
