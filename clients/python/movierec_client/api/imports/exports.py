from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import quote

import httpx

from ...client import AuthenticatedClient, Client
from ...models.exports_form import ExportsForm
from ...models.exports_kind import ExportsKind
from ...models.problem import Problem
from ...types import File, Response


def _get_kwargs(
    kind: ExportsKind,
    form: ExportsForm,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/exports/{kind}.{form}".format(
            kind=quote(str(kind), safe=""),
            form=quote(str(form), safe=""),
        ),
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> File | Problem:
    if response.status_code == 200:
        response_200 = File(payload=BytesIO(response.content))

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Response[File | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    kind: ExportsKind,
    form: ExportsForm,
    *,
    client: AuthenticatedClient,
) -> Response[File | Problem]:
    """All films, people, genres, viewers or events, as a file that POST /imports takes.

     All films, people, genres, viewers or events, as a file that POST /imports takes.

    Args:
        kind (ExportsKind):
        form (ExportsForm):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[File | Problem]
    """

    kwargs = _get_kwargs(
        kind=kind,
        form=form,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    kind: ExportsKind,
    form: ExportsForm,
    *,
    client: AuthenticatedClient,
) -> File | Problem | None:
    """All films, people, genres, viewers or events, as a file that POST /imports takes.

     All films, people, genres, viewers or events, as a file that POST /imports takes.

    Args:
        kind (ExportsKind):
        form (ExportsForm):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        File | Problem
    """

    return sync_detailed(
        kind=kind,
        form=form,
        client=client,
    ).parsed


async def asyncio_detailed(
    kind: ExportsKind,
    form: ExportsForm,
    *,
    client: AuthenticatedClient,
) -> Response[File | Problem]:
    """All films, people, genres, viewers or events, as a file that POST /imports takes.

     All films, people, genres, viewers or events, as a file that POST /imports takes.

    Args:
        kind (ExportsKind):
        form (ExportsForm):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[File | Problem]
    """

    kwargs = _get_kwargs(
        kind=kind,
        form=form,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    kind: ExportsKind,
    form: ExportsForm,
    *,
    client: AuthenticatedClient,
) -> File | Problem | None:
    """All films, people, genres, viewers or events, as a file that POST /imports takes.

     All films, people, genres, viewers or events, as a file that POST /imports takes.

    Args:
        kind (ExportsKind):
        form (ExportsForm):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        File | Problem
    """

    return (
        await asyncio_detailed(
            kind=kind,
            form=form,
            client=client,
        )
    ).parsed
