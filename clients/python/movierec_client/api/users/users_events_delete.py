import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.deleted_events import DeletedEvents
from ...models.problem import Problem
from ...models.users_events_delete_kind import UsersEventsDeleteKind
from ...types import UNSET, Response, Unset


def _get_kwargs(
    user_id: str,
    *,
    all_: bool | Unset = False,
    before: datetime.datetime | float | Unset = UNSET,
    kind: UsersEventsDeleteKind | Unset = UNSET,
    movie_id: int | str | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["all"] = all_

    json_before: float | str | Unset
    if isinstance(before, Unset):
        json_before = UNSET
    elif isinstance(before, datetime.datetime):
        json_before = before.isoformat()
    else:
        json_before = before
    params["before"] = json_before

    json_kind: str | Unset = UNSET
    if not isinstance(kind, Unset):
        json_kind = kind.value

    params["kind"] = json_kind

    json_movie_id: int | str | Unset
    if isinstance(movie_id, Unset):
        json_movie_id = UNSET
    else:
        json_movie_id = movie_id
    params["movie_id"] = json_movie_id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "delete",
        "url": "/users/{user_id}/events".format(
            user_id=quote(str(user_id), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> DeletedEvents | Problem:
    if response.status_code == 200:
        response_200 = DeletedEvents.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[DeletedEvents | Problem]:
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
    all_: bool | Unset = False,
    before: datetime.datetime | float | Unset = UNSET,
    kind: UsersEventsDeleteKind | Unset = UNSET,
    movie_id: int | str | Unset = UNSET,
) -> Response[DeletedEvents | Problem]:
    """Takes back what was reported of a viewer: all, or what is of a film, of a kind, before a moment.

     Takes back what was reported of a viewer: all, or what is of a film, of a kind, before a moment.

    Args:
        user_id (str):
        all_ (bool | Unset):  Default: False.
        before (datetime.datetime | float | Unset):
        kind (UsersEventsDeleteKind | Unset):
        movie_id (int | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[DeletedEvents | Problem]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        all_=all_,
        before=before,
        kind=kind,
        movie_id=movie_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    user_id: str,
    *,
    client: AuthenticatedClient,
    all_: bool | Unset = False,
    before: datetime.datetime | float | Unset = UNSET,
    kind: UsersEventsDeleteKind | Unset = UNSET,
    movie_id: int | str | Unset = UNSET,
) -> DeletedEvents | Problem | None:
    """Takes back what was reported of a viewer: all, or what is of a film, of a kind, before a moment.

     Takes back what was reported of a viewer: all, or what is of a film, of a kind, before a moment.

    Args:
        user_id (str):
        all_ (bool | Unset):  Default: False.
        before (datetime.datetime | float | Unset):
        kind (UsersEventsDeleteKind | Unset):
        movie_id (int | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        DeletedEvents | Problem
    """

    return sync_detailed(
        user_id=user_id,
        client=client,
        all_=all_,
        before=before,
        kind=kind,
        movie_id=movie_id,
    ).parsed


async def asyncio_detailed(
    user_id: str,
    *,
    client: AuthenticatedClient,
    all_: bool | Unset = False,
    before: datetime.datetime | float | Unset = UNSET,
    kind: UsersEventsDeleteKind | Unset = UNSET,
    movie_id: int | str | Unset = UNSET,
) -> Response[DeletedEvents | Problem]:
    """Takes back what was reported of a viewer: all, or what is of a film, of a kind, before a moment.

     Takes back what was reported of a viewer: all, or what is of a film, of a kind, before a moment.

    Args:
        user_id (str):
        all_ (bool | Unset):  Default: False.
        before (datetime.datetime | float | Unset):
        kind (UsersEventsDeleteKind | Unset):
        movie_id (int | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[DeletedEvents | Problem]
    """

    kwargs = _get_kwargs(
        user_id=user_id,
        all_=all_,
        before=before,
        kind=kind,
        movie_id=movie_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    user_id: str,
    *,
    client: AuthenticatedClient,
    all_: bool | Unset = False,
    before: datetime.datetime | float | Unset = UNSET,
    kind: UsersEventsDeleteKind | Unset = UNSET,
    movie_id: int | str | Unset = UNSET,
) -> DeletedEvents | Problem | None:
    """Takes back what was reported of a viewer: all, or what is of a film, of a kind, before a moment.

     Takes back what was reported of a viewer: all, or what is of a film, of a kind, before a moment.

    Args:
        user_id (str):
        all_ (bool | Unset):  Default: False.
        before (datetime.datetime | float | Unset):
        kind (UsersEventsDeleteKind | Unset):
        movie_id (int | str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        DeletedEvents | Problem
    """

    return (
        await asyncio_detailed(
            user_id=user_id,
            client=client,
            all_=all_,
            before=before,
            kind=kind,
            movie_id=movie_id,
        )
    ).parsed
