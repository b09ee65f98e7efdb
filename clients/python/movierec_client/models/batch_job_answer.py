from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.job_status import JobStatus

if TYPE_CHECKING:
    from ..models.batch_job_answer_result import BatchJobAnswerResult


T = TypeVar("T", bound="BatchJobAnswer")


@_attrs_define
class BatchJobAnswer:
    """
    Attributes:
        job_id (UUID):
        kind (str):
        status (JobStatus): * `queued` - queued
            * `running` - running
            * `done` - done
            * `failed` - failed
            * `cancelled` - cancelled
        phase (str):
        done (int):
        total (int):
        result (BatchJobAnswerResult):
        error (str):
        created_at (datetime.datetime):
        started_at (datetime.datetime | None):
        finished_at (datetime.datetime | None):
        failed_users (list[str]): Keys that are no viewer's id.
    """

    job_id: UUID
    kind: str
    status: JobStatus
    phase: str
    done: int
    total: int
    result: BatchJobAnswerResult
    error: str
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None
    failed_users: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        job_id = str(self.job_id)

        kind = self.kind

        status = self.status.value

        phase = self.phase

        done = self.done

        total = self.total

        result = self.result.to_dict()

        error = self.error

        created_at = self.created_at.isoformat()

        started_at: None | str
        if isinstance(self.started_at, datetime.datetime):
            started_at = self.started_at.isoformat()
        else:
            started_at = self.started_at

        finished_at: None | str
        if isinstance(self.finished_at, datetime.datetime):
            finished_at = self.finished_at.isoformat()
        else:
            finished_at = self.finished_at

        failed_users = self.failed_users

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "job_id": job_id,
                "kind": kind,
                "status": status,
                "phase": phase,
                "done": done,
                "total": total,
                "result": result,
                "error": error,
                "created_at": created_at,
                "started_at": started_at,
                "finished_at": finished_at,
                "failed_users": failed_users,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.batch_job_answer_result import BatchJobAnswerResult  # noqa: PLC0415

        d = dict(src_dict)
        job_id = UUID(d.pop("job_id"))

        kind = d.pop("kind")

        status = JobStatus(d.pop("status"))

        phase = d.pop("phase")

        done = d.pop("done")

        total = d.pop("total")

        result = BatchJobAnswerResult.from_dict(d.pop("result"))

        error = d.pop("error")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_started_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                started_at_type_0 = datetime.datetime.fromisoformat(data)

                return started_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        started_at = _parse_started_at(d.pop("started_at"))

        def _parse_finished_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                finished_at_type_0 = datetime.datetime.fromisoformat(data)

                return finished_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        finished_at = _parse_finished_at(d.pop("finished_at"))

        failed_users = cast(list[str], d.pop("failed_users"))

        batch_job_answer = cls(
            job_id=job_id,
            kind=kind,
            status=status,
            phase=phase,
            done=done,
            total=total,
            result=result,
            error=error,
            created_at=created_at,
            started_at=started_at,
            finished_at=finished_at,
            failed_users=failed_users,
        )

        batch_job_answer.additional_properties = d
        return batch_job_answer

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
