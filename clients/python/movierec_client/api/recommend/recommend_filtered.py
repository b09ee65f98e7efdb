from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.filtered_answer import FilteredAnswer
from ...models.filtered_request import FilteredRequest
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    *,
    body: FilteredRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/recommend/filtered",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> FilteredAnswer | Problem:
    if response.status_code == 200:
        response_200 = FilteredAnswer.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[FilteredAnswer | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: FilteredRequest,
) -> Response[FilteredAnswer | Problem]:
    """The best films among those that satisfy the filters.

     The best films among those that satisfy the filters.

    Args:
        body (FilteredRequest): The attribute filters of a call that lists movies; `to_filters`
            reads them.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[FilteredAnswer | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: FilteredRequest,
) -> FilteredAnswer | Problem | None:
    """The best films among those that satisfy the filters.

     The best films among those that satisfy the filters.

    Args:
        body (FilteredRequest): The attribute filters of a call that lists movies; `to_filters`
            reads them.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        FilteredAnswer | Problem
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: FilteredRequest,
) -> Response[FilteredAnswer | Problem]:
    """The best films among those that satisfy the filters.

     The best films among those that satisfy the filters.

    Args:
        body (FilteredRequest): The attribute filters of a call that lists movies; `to_filters`
            reads them.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[FilteredAnswer | Problem]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: FilteredRequest,
) -> FilteredAnswer | Problem | None:
    """The best films among those that satisfy the filters.

     The best films among those that satisfy the filters.

    Args:
        body (FilteredRequest): The attribute filters of a call that lists movies; `to_filters`
            reads them.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        FilteredAnswer | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
