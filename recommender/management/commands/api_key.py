"""`manage.py api_key create NAME --scope SCOPE ...`, `list`, `rotate PREFIX`, `revoke PREFIX`."""

from argparse import ArgumentTypeError, _SubParsersAction
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.plurals import count_noun
from recommender.api_keys import ROTATION_OVERLAP, create, revoke, rotate
from recommender.models import ApiKey

KEY_MESSAGE = "This key is shown once; send it as the header `Authorization: Api-Key KEY`:"
MAX_OVERLAP_DAYS = 365


def parse_date(text: str) -> datetime:
    """Return an ISO date or moment, in UTC where it names no zone. Raises ArgumentTypeError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no date: write 2027-01-31 or 2027-01-31T12:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Command(BaseCommand):
    help = "Makes, lists and revokes the keys that client applications call the API with."

    def add_arguments(self, parser: CommandParser) -> None:
        actions: _SubParsersAction[CommandParser] = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a key; it is shown once and stored hashed")
        create.add_argument("name", help="what the key is for, 50 characters at most")
        create.add_argument("--scope", dest="scopes", action="append", required=True, choices=ApiKey.Scope.values)
        create.add_argument("--expires", type=parse_date, metavar="DATE", help="UTC; by default it never does")
        actions.add_parser("list", help="show every key but the secret part")
        rotate = actions.add_parser("rotate", help="make a key's successor; both are good until the old one ends")
        rotate.add_argument("prefix", help="the first 8 characters, as `list` shows them")
        rotate.add_argument(
            "--days", type=int, default=ROTATION_OVERLAP.days, help="how long the old one is good (default: 7)"
        )
        revoke = actions.add_parser("revoke", help="end a key for good; web processes follow within a minute")
        revoke.add_argument("prefix", help="the first 8 characters, as `list` shows them")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        if action == "create":
            self._create(options["name"], options["scopes"], options["expires"])
        elif action == "list":
            self._list()
        elif action == "rotate":
            self._rotate(options["prefix"], options["days"])
        else:
            self._revoke(options["prefix"])

    def _create(self, name: str, scopes: list[str], expires: datetime | None) -> None:
        if not 0 < len(name) <= 50:
            raise CommandError(f"The name has {count_noun(len(name), 'character')}; 1 to 50 are allowed.")
        _, key = create(name, scopes, expires)
        self.stderr.write(KEY_MESSAGE)
        self.stdout.write(key)

    def _list(self) -> None:
        keys = ApiKey.objects.order_by("created")
        for key in keys:
            state = "revoked" if key.revoked else "expired" if key.has_expired else "live"
            until = f"{key.expiry_date:%Y-%m-%d}" if key.expiry_date else "never"
            scopes = ",".join(key.scopes)
            used = f"{key.last_used_at:%Y-%m-%d}" if key.last_used_at else "never"
            self.stdout.write(f"{key.prefix}  {state:8}  expires {until:10}  used {used:10}  {scopes}  {key.name}")

    def _rotate(self, prefix: str, days: int) -> None:
        if not 0 <= days <= MAX_OVERLAP_DAYS:
            raise CommandError(f"--days {days}: 0 to {MAX_OVERLAP_DAYS} are allowed.")
        try:
            successor, key = rotate(prefix, timedelta(days=days))
        except ApiKey.DoesNotExist:
            raise CommandError(f"There is no live key {prefix!r}; `manage.py api_key list` shows them.") from None
        self.stderr.write(
            f"{successor.prefix} follows {prefix}, which ends in {count_noun(days, 'day')}. {KEY_MESSAGE}"
        )
        self.stdout.write(key)

    def _revoke(self, prefix: str) -> None:
        if not revoke(prefix):
            raise CommandError(f"There is no live key {prefix!r}; `manage.py api_key list` shows them.")
        self.stdout.write(f"{prefix} is revoked.")
