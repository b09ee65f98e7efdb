from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.admin_note import AdminNote
    from ..models.done_event import DoneEvent
    from ..models.imported_file import ImportedFile
    from ..models.kept_merge import KeptMerge
    from ..models.known_viewer import KnownViewer
    from ..models.sent_history import SentHistory
    from ..models.shown_film import ShownFilm
    from ..models.shown_list import ShownList
    from ..models.stored_film import StoredFilm
    from ..models.waiting_row import WaitingRow


T = TypeVar("T", bound="DataAnswer")


@_attrs_define
class DataAnswer:
    """
    Attributes:
        user_id (int | str):
        exported_at (datetime.datetime):
        viewer (KnownViewer | None):
        events (list[DoneEvent]):
        admin_notes (list[AdminNote]): Of changes of the viewer; the latest 10,000.
        shown (list[ShownFilm]): Impressions and clicks.
        sent_histories (list[SentHistory]): As they came with a batch.
        merges (list[KeptMerge]): Of the last day, of this viewer into another or the other way round.
        imported_files (list[ImportedFile]): Reports of the person's own files.
        waiting_rows (list[WaitingRow]): Of imports that are not done; the first 10,000.
        stored_list (list[StoredFilm] | None): What the model made of it; null: not at hand.
        served_lists (list[ShownList]): What a client got for this viewer, the newest first; the newest 10,000.
    """

    user_id: int | str
    exported_at: datetime.datetime
    viewer: KnownViewer | None
    events: list[DoneEvent]
    admin_notes: list[AdminNote]
    shown: list[ShownFilm]
    sent_histories: list[SentHistory]
    merges: list[KeptMerge]
    imported_files: list[ImportedFile]
    waiting_rows: list[WaitingRow]
    stored_list: list[StoredFilm] | None
    served_lists: list[ShownList]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.known_viewer import KnownViewer  # noqa: PLC0415

        user_id: int | str
        user_id = self.user_id

        exported_at = self.exported_at.isoformat()

        viewer: dict[str, Any] | None
        if isinstance(self.viewer, KnownViewer):
            viewer = self.viewer.to_dict()
        else:
            viewer = self.viewer

        events = []
        for events_item_data in self.events:
            events_item = events_item_data.to_dict()
            events.append(events_item)

        admin_notes = []
        for admin_notes_item_data in self.admin_notes:
            admin_notes_item = admin_notes_item_data.to_dict()
            admin_notes.append(admin_notes_item)

        shown = []
        for shown_item_data in self.shown:
            shown_item = shown_item_data.to_dict()
            shown.append(shown_item)

        sent_histories = []
        for sent_histories_item_data in self.sent_histories:
            sent_histories_item = sent_histories_item_data.to_dict()
            sent_histories.append(sent_histories_item)

        merges = []
        for merges_item_data in self.merges:
            merges_item = merges_item_data.to_dict()
            merges.append(merges_item)

        imported_files = []
        for imported_files_item_data in self.imported_files:
            imported_files_item = imported_files_item_data.to_dict()
            imported_files.append(imported_files_item)

        waiting_rows = []
        for waiting_rows_item_data in self.waiting_rows:
            waiting_rows_item = waiting_rows_item_data.to_dict()
            waiting_rows.append(waiting_rows_item)

        stored_list: list[dict[str, Any]] | None
        if isinstance(self.stored_list, list):
            stored_list = []
            for stored_list_type_0_item_data in self.stored_list:
                stored_list_type_0_item = stored_list_type_0_item_data.to_dict()
                stored_list.append(stored_list_type_0_item)

        else:
            stored_list = self.stored_list

        served_lists = []
        for served_lists_item_data in self.served_lists:
            served_lists_item = served_lists_item_data.to_dict()
            served_lists.append(served_lists_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "user_id": user_id,
                "exported_at": exported_at,
                "viewer": viewer,
                "events": events,
                "admin_notes": admin_notes,
                "shown": shown,
                "sent_histories": sent_histories,
                "merges": merges,
                "imported_files": imported_files,
                "waiting_rows": waiting_rows,
                "stored_list": stored_list,
                "served_lists": served_lists,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.admin_note import AdminNote  # noqa: PLC0415
        from ..models.done_event import DoneEvent  # noqa: PLC0415
        from ..models.imported_file import ImportedFile  # noqa: PLC0415
        from ..models.kept_merge import KeptMerge  # noqa: PLC0415
        from ..models.known_viewer import KnownViewer  # noqa: PLC0415
        from ..models.sent_history import SentHistory  # noqa: PLC0415
        from ..models.shown_film import ShownFilm  # noqa: PLC0415
        from ..models.shown_list import ShownList  # noqa: PLC0415
        from ..models.stored_film import StoredFilm  # noqa: PLC0415
        from ..models.waiting_row import WaitingRow  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_user_id(data: object) -> int | str:
            return cast(int | str, data)

        user_id = _parse_user_id(d.pop("user_id"))

        exported_at = datetime.datetime.fromisoformat(d.pop("exported_at"))

        def _parse_viewer(data: object) -> KnownViewer | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                viewer_type_0 = KnownViewer.from_dict(data)

                return viewer_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(KnownViewer | None, data)

        viewer = _parse_viewer(d.pop("viewer"))

        events = []
        _events = d.pop("events")
        for events_item_data in _events:
            events_item = DoneEvent.from_dict(events_item_data)

            events.append(events_item)

        admin_notes = []
        _admin_notes = d.pop("admin_notes")
        for admin_notes_item_data in _admin_notes:
            admin_notes_item = AdminNote.from_dict(admin_notes_item_data)

            admin_notes.append(admin_notes_item)

        shown = []
        _shown = d.pop("shown")
        for shown_item_data in _shown:
            shown_item = ShownFilm.from_dict(shown_item_data)

            shown.append(shown_item)

        sent_histories = []
        _sent_histories = d.pop("sent_histories")
        for sent_histories_item_data in _sent_histories:
            sent_histories_item = SentHistory.from_dict(sent_histories_item_data)

            sent_histories.append(sent_histories_item)

        merges = []
        _merges = d.pop("merges")
        for merges_item_data in _merges:
            merges_item = KeptMerge.from_dict(merges_item_data)

            merges.append(merges_item)

        imported_files = []
        _imported_files = d.pop("imported_files")
        for imported_files_item_data in _imported_files:
            imported_files_item = ImportedFile.from_dict(imported_files_item_data)

            imported_files.append(imported_files_item)

        waiting_rows = []
        _waiting_rows = d.pop("waiting_rows")
        for waiting_rows_item_data in _waiting_rows:
            waiting_rows_item = WaitingRow.from_dict(waiting_rows_item_data)

            waiting_rows.append(waiting_rows_item)

        def _parse_stored_list(data: object) -> list[StoredFilm] | None:
            if data is None:
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                stored_list_type_0 = []
                _stored_list_type_0 = data
                for stored_list_type_0_item_data in _stored_list_type_0:
                    stored_list_type_0_item = StoredFilm.from_dict(stored_list_type_0_item_data)

                    stored_list_type_0.append(stored_list_type_0_item)

                return stored_list_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[StoredFilm] | None, data)

        stored_list = _parse_stored_list(d.pop("stored_list"))

        served_lists = []
        _served_lists = d.pop("served_lists")
        for served_lists_item_data in _served_lists:
            served_lists_item = ShownList.from_dict(served_lists_item_data)

            served_lists.append(served_lists_item)

        data_answer = cls(
            user_id=user_id,
            exported_at=exported_at,
            viewer=viewer,
            events=events,
            admin_notes=admin_notes,
            shown=shown,
            sent_histories=sent_histories,
            merges=merges,
            imported_files=imported_files,
            waiting_rows=waiting_rows,
            stored_list=stored_list,
            served_lists=served_lists,
        )

        data_answer.additional_properties = d
        return data_answer

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
