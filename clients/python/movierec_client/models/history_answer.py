from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.history_answer_source_enum import HistoryAnswerSourceEnum

if TYPE_CHECKING:
    from ..models.history_answer_events import HistoryAnswerEvents
    from ..models.history_file import HistoryFile
    from ..models.unmatched_row import UnmatchedRow


T = TypeVar("T", bound="HistoryAnswer")


@_attrs_define
class HistoryAnswer:
    """
    Attributes:
        source (HistoryAnswerSourceEnum): * `imdb` - imdb
            * `letterboxd` - letterboxd
            * `trakt` - trakt
            * `netflix` - netflix
            * `prime_video` - prime_video
            * `plex` - plex
            * `jellyfin` - jellyfin
            * `simkl` - simkl
            * `movary` - movary
        rows (int):
        by_id (int): Rows whose film was found by its id at IMDb or TMDB.
        by_title (int): Rows whose film was found by title and year.
        stored (int): Events that are new.
        duplicates (int): Events that are there already.
        merged (int): Rows that say nothing beside other rows of their film.
        events (HistoryAnswerEvents): What the rows say, by kind of event.
        other_rows (int): Of episodes and games; 1,000 at most are listed.
        unmatched (list[UnmatchedRow]):
        files (list[HistoryFile]):
        dry_run (bool):
        job_id (None | UUID): DELETE /jobs/{id}/import takes it back. Dry run: null.
    """

    source: HistoryAnswerSourceEnum
    rows: int
    by_id: int
    by_title: int
    stored: int
    duplicates: int
    merged: int
    events: HistoryAnswerEvents
    other_rows: int
    unmatched: list[UnmatchedRow]
    files: list[HistoryFile]
    dry_run: bool
    job_id: None | UUID
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        source = self.source.value

        rows = self.rows

        by_id = self.by_id

        by_title = self.by_title

        stored = self.stored

        duplicates = self.duplicates

        merged = self.merged

        events = self.events.to_dict()

        other_rows = self.other_rows

        unmatched = []
        for unmatched_item_data in self.unmatched:
            unmatched_item = unmatched_item_data.to_dict()
            unmatched.append(unmatched_item)

        files = []
        for files_item_data in self.files:
            files_item = files_item_data.to_dict()
            files.append(files_item)

        dry_run = self.dry_run

        job_id: None | str
        if isinstance(self.job_id, UUID):
            job_id = str(self.job_id)
        else:
            job_id = self.job_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "source": source,
                "rows": rows,
                "by_id": by_id,
                "by_title": by_title,
                "stored": stored,
                "duplicates": duplicates,
                "merged": merged,
                "events": events,
                "other_rows": other_rows,
                "unmatched": unmatched,
                "files": files,
                "dry_run": dry_run,
                "job_id": job_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.history_answer_events import HistoryAnswerEvents  # noqa: PLC0415
        from ..models.history_file import HistoryFile  # noqa: PLC0415
        from ..models.unmatched_row import UnmatchedRow  # noqa: PLC0415

        d = dict(src_dict)
        source = HistoryAnswerSourceEnum(d.pop("source"))

        rows = d.pop("rows")

        by_id = d.pop("by_id")

        by_title = d.pop("by_title")

        stored = d.pop("stored")

        duplicates = d.pop("duplicates")

        merged = d.pop("merged")

        events = HistoryAnswerEvents.from_dict(d.pop("events"))

        other_rows = d.pop("other_rows")

        unmatched = []
        _unmatched = d.pop("unmatched")
        for unmatched_item_data in _unmatched:
            unmatched_item = UnmatchedRow.from_dict(unmatched_item_data)

            unmatched.append(unmatched_item)

        files = []
        _files = d.pop("files")
        for files_item_data in _files:
            files_item = HistoryFile.from_dict(files_item_data)

            files.append(files_item)

        dry_run = d.pop("dry_run")

        def _parse_job_id(data: object) -> None | UUID:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                job_id_type_0 = UUID(data)

                return job_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | UUID, data)

        job_id = _parse_job_id(d.pop("job_id"))

        history_answer = cls(
            source=source,
            rows=rows,
            by_id=by_id,
            by_title=by_title,
            stored=stored,
            duplicates=duplicates,
            merged=merged,
            events=events,
            other_rows=other_rows,
            unmatched=unmatched,
            files=files,
            dry_run=dry_run,
            job_id=job_id,
        )

        history_answer.additional_properties = d
        return history_answer

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
