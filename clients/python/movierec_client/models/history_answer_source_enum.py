from enum import StrEnum


class HistoryAnswerSourceEnum(StrEnum):
    IMDB = "imdb"
    JELLYFIN = "jellyfin"
    LETTERBOXD = "letterboxd"
    MOVARY = "movary"
    NETFLIX = "netflix"
    PLEX = "plex"
    PRIME_VIDEO = "prime_video"
    SIMKL = "simkl"
    TRAKT = "trakt"

    def __str__(self) -> str:
        return str(self.value)
