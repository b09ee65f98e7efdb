from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.imports_kind import ImportsKind
from ...models.job_answer import JobAnswer
from ...models.problem import Problem
from ...types import UNSET, File, Response, Unset


def _get_kwargs(
    kind: ImportsKind,
    *,
    body: File,
    create_genres: bool | Unset = False,
    dry_run: bool | Unset = False,
    map_: str | Unset = "",
    set_: str | Unset = "",
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    params: dict[str, Any] = {}

    params["create_genres"] = create_genres

    params["dry_run"] = dry_run

    params["map"] = map_

    params["set"] = set_

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/imports/{kind}".format(
            kind=quote(str(kind), safe=""),
        ),
        "params": params,
    }

    _kwargs["content"] = body.payload
    headers["Content-Type"] = "application/octet-stream"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> JobAnswer | Problem:
    if response.status_code == 202:
        response_202 = JobAnswer.from_dict(response.json())

        return response_202

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[JobAnswer | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    kind: ImportsKind,
    *,
    client: AuthenticatedClient,
    body: File,
    create_genres: bool | Unset = False,
    dry_run: bool | Unset = False,
    map_: str | Unset = "",
    set_: str | Unset = "",
) -> Response[JobAnswer | Problem]:
    """Brings films, people, genres, viewers or events in from a file; a job tells what became of the rows.

     Brings films, people, genres, viewers or events in from a file; a job tells what became of the rows.

    Args:
        kind (ImportsKind):
        create_genres (bool | Unset):  Default: False.
        dry_run (bool | Unset):  Default: False.
        map_ (str | Unset):  Default: ''.
        set_ (str | Unset):  Default: ''.
        body (File):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[JobAnswer | Problem]
    """

    kwargs = _get_kwargs(
        kind=kind,
        body=body,
        create_genres=create_genres,
        dry_run=dry_run,
        map_=map_,
        set_=set_,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    kind: ImportsKind,
    *,
    client: AuthenticatedClient,
    body: File,
    create_genres: bool | Unset = False,
    dry_run: bool | Unset = False,
    map_: str | Unset = "",
    set_: str | Unset = "",
) -> JobAnswer | Problem | None:
    """Brings films, people, genres, viewers or events in from a file; a job tells what became of the rows.

     Brings films, people, genres, viewers or events in from a file; a job tells what became of the rows.

    Args:
        kind (ImportsKind):
        create_genres (bool | Unset):  Default: False.
        dry_run (bool | Unset):  Default: False.
        map_ (str | Unset):  Default: ''.
        set_ (str | Unset):  Default: ''.
        body (File):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        JobAnswer | Problem
    """

    return sync_detailed(
        kind=kind,
        client=client,
        body=body,
        create_genres=create_genres,
        dry_run=dry_run,
        map_=map_,
        set_=set_,
    ).parsed


async def asyncio_detailed(
    kind: ImportsKind,
    *,
    client: AuthenticatedClient,
    body: File,
    create_genres: bool | Unset = False,
    dry_run: bool | Unset = False,
    map_: str | Unset = "",
    set_: str | Unset = "",
) -> Response[JobAnswer | Problem]:
    """Brings films, people, genres, viewers or events in from a file; a job tells what became of the rows.

     Brings films, people, genres, viewers or events in from a file; a job tells what became of the rows.

    Args:
        kind (ImportsKind):
        create_genres (bool | Unset):  Default: False.
        dry_run (bool | Unset):  Default: False.
        map_ (str | Unset):  Default: ''.
        set_ (str | Unset):  Default: ''.
        body (File):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[JobAnswer | Problem]
    """

    kwargs = _get_kwargs(
        kind=kind,
        body=body,
        create_genres=create_genres,
        dry_run=dry_run,
        map_=map_,
        set_=set_,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    kind: ImportsKind,
    *,
    client: AuthenticatedClient,
    body: File,
    create_genres: bool | Unset = False,
    dry_run: bool | Unset = False,
    map_: str | Unset = "",
    set_: str | Unset = "",
) -> JobAnswer | Problem | None:
    """Brings films, people, genres, viewers or events in from a file; a job tells what became of the rows.

     Brings films, people, genres, viewers or events in from a file; a job tells what became of the rows.

    Args:
        kind (ImportsKind):
        create_genres (bool | Unset):  Default: False.
        dry_run (bool | Unset):  Default: False.
        map_ (str | Unset):  Default: ''.
        set_ (str | Unset):  Default: ''.
        body (File):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        JobAnswer | Problem
    """

    return (
        await asyncio_detailed(
            kind=kind,
            client=client,
            body=body,
            create_genres=create_genres,
            dry_run=dry_run,
            map_=map_,
            set_=set_,
        )
    ).parsed
