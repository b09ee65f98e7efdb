from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.history_answer import HistoryAnswer
from ...models.job_answer import JobAnswer
from ...models.problem import Problem
from ...models.users_history_date_order import UsersHistoryDateOrder
from ...models.users_history_kind import UsersHistoryKind
from ...types import UNSET, File, Response, Unset


def _get_kwargs(
    user_id: str,
    *,
    body: File,
    date_order: UsersHistoryDateOrder | Unset = UNSET,
    dry_run: bool | Unset = False,
    kind: UsersHistoryKind | Unset = UNSET,
    profile: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    params: dict[str, Any] = {}

    json_date_order: str | Unset = UNSET
    if not isinstance(date_order, Unset):
        json_date_order = date_order.value

    params["date_order"] = json_date_order

    params["dry_run"] = dry_run

    json_kind: str | Unset = UNSET
    if not isinstance(kind, Unset):
        json_kind = kind.value

    params["kind"] = json_kind

    params["profile"] = profile

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/users/{user_id}/history".format(
            user_id=quote(str(user_id), safe=""),
        ),
        "params": params,
    }

    _kwargs["content"] = body.payload
    headers["Content-Type"] = "application/octet-stream"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> HistoryAnswer | JobAnswer | Problem:
    if response.status_code == 200:
        response_200 = HistoryAnswer.from_dict(response.json())

        return response_200

    if response.status_code == 202:
        response_202 = JobAnswer.from_dict(response.json())

        return response_202

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[HistoryAnswer | JobAnswer | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    user_id: str,
    *,
    client: AuthenticatedClient,
    body: File,
    date_order: UsersHistoryDateOrder | Unset = UNSET,
    dry_run: bool | Unset = False,
    kind: UsersHistoryKind | Unset = UNSET,
    profile: str | Unset = UNSET,
) -> Response[HistoryAnswer | JobAnswer | Problem]:
    """Reads what somebody took along from another site: an archive or a file. A long one is stored by a
    job.

     Reads what somebody took along from another site: an archive or a file. A long one is stored by a
    job.

    Args:
        user_id (str):
        date_order (UsersHistoryDateOrder | Unset):
        dry_run (bool | Unset):  Default: False.
        kind (UsersHistoryKind | Unset):
        profile (str | Unset):
        body (File):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[HistoryAnswer | JobAnswer | Problem]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        body=body,
        date_order=date_order,
        dry_run=dry_run,
        kind=kind,
        profile=profile,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    user_id: str,
    *,
    client: AuthenticatedClient,
    body: File,
    date_order: UsersHistoryDateOrder | Unset = UNSET,
    dry_run: bool | Unset = False,
    kind: UsersHistoryKind | Unset = UNSET,
    profile: str | Unset = UNSET,
) -> HistoryAnswer | JobAnswer | Problem | None:
    """Reads what somebody took along from another site: an archive or a file. A long one is stored by a
    job.

     Reads what somebody took along from another site: an archive or a file. A long one is stored by a
    job.

    Args:
        user_id (str):
        date_order (UsersHistoryDateOrder | Unset):
        dry_run (bool | Unset):  Default: False.
        kind (UsersHistoryKind | Unset):
        profile (str | Unset):
        body (File):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        HistoryAnswer | JobAnswer | Problem
    """

    return sync_detailed(
        user_id=user_id,
        client=client,
        body=body,
        date_order=date_order,
        dry_run=dry_run,
        kind=kind,
        profile=profile,
    ).parsed


async def asyncio_detailed(
    user_id: str,
    *,
    client: AuthenticatedClient,
    body: File,
    date_order: UsersHistoryDateOrder | Unset = UNSET,
    dry_run: bool | Unset = False,
    kind: UsersHistoryKind | Unset = UNSET,
    profile: str | Unset = UNSET,
) -> Response[HistoryAnswer | JobAnswer | Problem]:
    """Reads what somebody took along from another site: an archive or a file. A long one is stored by a
    job.

     Reads what somebody took along from another site: an archive or a file. A long one is stored by a
    job.

    Args:
        user_id (str):
        date_order (UsersHistoryDateOrder | Unset):
        dry_run (bool | Unset):  Default: False.
        kind (UsersHistoryKind | Unset):
        profile (str | Unset):
        body (File):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[HistoryAnswer | JobAnswer | Problem]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        body=body,
        date_order=date_order,
        dry_run=dry_run,
        kind=kind,
        profile=profile,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    user_id: str,
    *,
    client: AuthenticatedClient,
    body: File,
    date_order: UsersHistoryDateOrder | Unset = UNSET,
    dry_run: bool | Unset = False,
    kind: UsersHistoryKind | Unset = UNSET,
    profile: str | Unset = UNSET,
) -> HistoryAnswer | JobAnswer | Problem | None:
    """Reads what somebody took along from another site: an archive or a file. A long one is stored by a
    job.

     Reads what somebody took along from another site: an archive or a file. A long one is stored by a
    job.

    Args:
        user_id (str):
        date_order (UsersHistoryDateOrder | Unset):
        dry_run (bool | Unset):  Default: False.
        kind (UsersHistoryKind | Unset):
        profile (str | Unset):
        body (File):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        HistoryAnswer | JobAnswer | Problem
    """

    return (
        await asyncio_detailed(
            user_id=user_id,
            client=client,
            body=body,
            date_order=date_order,
            dry_run=dry_run,
            kind=kind,
            profile=profile,
        )
    ).parsed
