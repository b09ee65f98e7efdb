from enum import StrEnum


class UsersHistoryKind(StrEnum):
    DISLIKE = "dislike"
    LIKE = "like"
    NOT_INTERESTED = "not_interested"
    WATCH = "watch"
    WATCHLIST = "watchlist"

    def __str__(self) -> str:
        return str(self.value)
