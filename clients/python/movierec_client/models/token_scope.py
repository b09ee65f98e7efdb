from enum import StrEnum


class TokenScope(StrEnum):
    DATA = "data"
    EVENTS = "events"
    IMPORT = "import"
    READ = "read"

    def __str__(self) -> str:
        return str(self.value)
