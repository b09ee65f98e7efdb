"""The one family of errors that the catalogue raises on purpose: each says what to do next."""


class CatalogError(Exception):
    """A write that cannot be done as asked; nothing was changed."""


class NotASessionError(CatalogError):
    """An account, where an anonymous session was meant."""


class NotAnAccountError(CatalogError):
    """An anonymous session, where an account was meant."""


class DataFileError(CatalogError):
    """A data file that cannot be read. `line` counts from 1, as an editor does; None: the file as a whole."""

    def __init__(self, file: str, line: int | None, problem: str) -> None:
        self.file, self.line, self.problem = file, line, problem
        super().__init__(f"{file}, line {line}: {problem}" if line is not None else f"{file}: {problem}")
