import datetime
from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.insights_answer import InsightsAnswer
from ...models.insights_by import InsightsBy
from ...models.problem import Problem
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    by: InsightsBy | Unset = InsightsBy.ALL,
    since: datetime.date | Unset = UNSET,
    until: datetime.date | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_by: str | Unset = UNSET
    if not isinstance(by, Unset):
        json_by = by.value

    params["by"] = json_by

    json_since: str | Unset = UNSET
    if not isinstance(since, Unset):
        json_since = since.isoformat()
    params["since"] = json_since

    json_until: str | Unset = UNSET
    if not isinstance(until, Unset):
        json_until = until.isoformat()
    params["until"] = json_until

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/insights",
        "params": params,
    }

    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> InsightsAnswer | Problem:
    if response.status_code == 200:
        response_200 = InsightsAnswer.from_dict(response.json())

        return response_200

    response_default = Problem.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[InsightsAnswer | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    by: InsightsBy | Unset = InsightsBy.ALL,
    since: datetime.date | Unset = UNSET,
    until: datetime.date | Unset = UNSET,
) -> Response[InsightsAnswer | Problem]:
    """What came of the lists that clients got.

     By the day of the list. Sums are made every five minutes; what came late is added in the night.
    Viewers who click faster than people do are left out.

    Args:
        by (InsightsBy | Unset):  Default: InsightsBy.ALL.
        since (datetime.date | Unset):
        until (datetime.date | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InsightsAnswer | Problem]
    """

    kwargs = _get_kwargs(
        by=by,
        since=since,
        until=until,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    by: InsightsBy | Unset = InsightsBy.ALL,
    since: datetime.date | Unset = UNSET,
    until: datetime.date | Unset = UNSET,
) -> InsightsAnswer | Problem | None:
    """What came of the lists that clients got.

     By the day of the list. Sums are made every five minutes; what came late is added in the night.
    Viewers who click faster than people do are left out.

    Args:
        by (InsightsBy | Unset):  Default: InsightsBy.ALL.
        since (datetime.date | Unset):
        until (datetime.date | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InsightsAnswer | Problem
    """

    return sync_detailed(
        client=client,
        by=by,
        since=since,
        until=until,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    by: InsightsBy | Unset = InsightsBy.ALL,
    since: datetime.date | Unset = UNSET,
    until: datetime.date | Unset = UNSET,
) -> Response[InsightsAnswer | Problem]:
    """What came of the lists that clients got.

     By the day of the list. Sums are made every five minutes; what came late is added in the night.
    Viewers who click faster than people do are left out.

    Args:
        by (InsightsBy | Unset):  Default: InsightsBy.ALL.
        since (datetime.date | Unset):
        until (datetime.date | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[InsightsAnswer | Problem]
    """

    kwargs = _get_kwargs(
        by=by,
        since=since,
        until=until,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    by: InsightsBy | Unset = InsightsBy.ALL,
    since: datetime.date | Unset = UNSET,
    until: datetime.date | Unset = UNSET,
) -> InsightsAnswer | Problem | None:
    """What came of the lists that clients got.

     By the day of the list. Sums are made every five minutes; what came late is added in the night.
    Viewers who click faster than people do are left out.

    Args:
        by (InsightsBy | Unset):  Default: InsightsBy.ALL.
        since (datetime.date | Unset):
        until (datetime.date | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        InsightsAnswer | Problem
    """

    return (
        await asyncio_detailed(
            client=client,
            by=by,
            since=since,
            until=until,
        )
    ).parsed
