from enum import StrEnum


class UsersEventsDeleteKind(StrEnum):
    CLICK = "click"
    DISLIKE = "dislike"
    IMPRESSION = "impression"
    INTERESTED = "interested"
    LIKE = "like"
    NOT_INTERESTED = "not_interested"
    PROGRESS = "progress"
    RATING = "rating"
    REWATCH = "rewatch"
    UNDISLIKE = "undislike"
    UNLIKE = "unlike"
    UNWATCH = "unwatch"
    WATCH = "watch"
    WATCHLIST = "watchlist"

    def __str__(self) -> str:
        return str(self.value)
