"""Movies, people, viewers and events: tables and constraints, no logic."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Concat, Lower, Upper

from catalog.external_ids import format_imdb_id, format_person_id, parse_imdb_id, parse_person_id
from catalog.keys import MAX_KEY_LENGTH, Key
from catalog.limits import MAX_YEAR, MIN_YEAR
from catalog.names.countries import country_problem, find_country
from catalog.names.languages import canonical_tag
from catalog.validators import MAX_OVERVIEW_LENGTH, validate_country, validate_imdb_id, validate_language

MAX_AGE_LIMIT = 21  # years: the highest age limit


class RealField(models.FloatField):
    """A float of four bytes in place of eight: exact for half stars, and 25 million rows feel the difference."""

    def db_type(self, connection: object) -> str:
        return "real"


class CatalogPlain(models.Func):
    """Calls catalog_plain(), made by migration 0005: text without accents, capitals and marks between words."""

    function = "catalog_plain"
    output_field = models.TextField()


class WithoutSpaces(models.Func):
    """Takes what still parts letters out of a text that CatalogPlain made: J. J. Abrams is JJ Abrams."""

    function = "translate"
    template = "%(function)s(%(expressions)s, ' ,;!?()*+\"', '')"
    output_field = models.TextField()


def collapse_spaces(text: str) -> str:
    """Return the text with one space between words and none around them."""
    return " ".join(text.split())


def _clean_country(field: str, text: str, *, former: bool = False) -> str:
    """Return a country's code in capital letters. Raises ValidationError for the field."""
    country = find_country(text, former=former)
    if country is None:
        raise ValidationError({field: f"{text} {country_problem(text)}"})
    return country


class KeyField(models.CharField):
    """A key that is no number, as the site wrote it; null for a record whose key is the number `id`.

    Collation C: bytes are compared, as keys are everywhere.
    """

    def __init__(self, **options: Any) -> None:
        options |= {"max_length": MAX_KEY_LENGTH, "null": True, "blank": True, "unique": True, "editable": False}
        super().__init__(**options | {"db_collation": "C"})


def key_constraint(name: str) -> models.CheckConstraint:
    """Return the constraint that ids below zero, and only they, have a key of their own."""
    return models.CheckConstraint(
        name=name, condition=models.Q(id__gt=0, key__isnull=True) | models.Q(id__lt=0, key__isnull=False)
    )


class Genre(models.Model):
    """A genre of movies."""

    name = models.CharField(max_length=60, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.name = collapse_spaces(self.name)
        other = Genre.objects.filter(name__iexact=self.name).exclude(pk=self.pk).first()
        if other is not None:
            raise ValidationError({"name": f"There is the genre {other} already."})


class GenreAlias(models.Model):
    """Another name of a genre: who asks for it means the genre."""

    genre = models.ForeignKey(Genre, on_delete=models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=60)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "genre aliases"
        constraints = [models.UniqueConstraint(Upper("name"), name="genre_alias_once")]

    def __str__(self) -> str:
        return f"{self.name} is {self.genre}"

    def clean(self) -> None:
        self.name = collapse_spaces(self.name)


class GenreTranslation(models.Model):
    """A genre's name in a language."""

    genre = models.ForeignKey(Genre, on_delete=models.CASCADE, related_name="translations", db_index=False)
    language = models.CharField(max_length=12, validators=[validate_language], help_text="BCP 47 tag: de, pt-BR.")
    name = models.CharField(max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["genre", "language"], name="genre_translation_once")]

    def __str__(self) -> str:
        return f"{self.genre} in {self.language}: {self.name}"

    def clean(self) -> None:
        self.name, self.language = collapse_spaces(self.name), canonical_tag(self.language)


class Tag(models.Model):
    """A tag that viewers gave movies."""

    name = models.CharField(max_length=200, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.name = collapse_spaces(self.name)


class Person(models.Model):
    """A director or actor. People of one name are told apart by ids at IMDb or TMDB; without one the name is the id."""

    name = models.CharField(max_length=200)
    imdb_id = models.CharField("IMDb id", max_length=12, blank=True, db_default="", help_text="As in nm0000138.")
    tmdb_id = models.PositiveIntegerField("TMDB id", null=True, blank=True, validators=[MinValueValidator(1)])
    search_name = models.GeneratedField(
        expression=CatalogPlain("name"), output_field=models.TextField(), db_persist=True, editable=False
    )

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "people"
        indexes = [
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="person_name_trgm"),
            GinIndex(SearchVector("search_name", config="simple"), name="person_words", fastupdate=False),
            models.Index(fields=["search_name"], name="person_search_name"),
            models.Index(WithoutSpaces("search_name"), name="person_by_letters"),
            models.Index(fields=["name"], name="person_name"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["name"], name="person_by_name_once", condition=models.Q(imdb_id="", tmdb_id__isnull=True)
            ),
            models.UniqueConstraint(fields=["imdb_id"], name="person_by_imdb_once", condition=~models.Q(imdb_id="")),
            models.UniqueConstraint(fields=["tmdb_id"], name="person_by_tmdb_once"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Write the values as imports do; two people may share a name, if one of them has an id at IMDb or TMDB."""
        self.name, self.imdb_id = collapse_spaces(self.name), self.imdb_id.strip()
        if self.imdb_id:
            number = parse_person_id(self.imdb_id)
            if number is None:
                raise ValidationError({"imdb_id": "A person's id at IMDb is written as in nm0000138."})
            self.imdb_id = format_person_id(number)
            if other := Person.objects.filter(imdb_id=self.imdb_id).exclude(pk=self.pk).first():
                raise ValidationError({"imdb_id": f"{other} has this id."})
        if self.tmdb_id:
            if other := Person.objects.filter(tmdb_id=self.tmdb_id).exclude(pk=self.pk).first():
                raise ValidationError({"tmdb_id": f"{other} has this id."})
        elif (
            not self.imdb_id
            and Person.objects.filter(name=self.name, imdb_id="", tmdb_id=None).exclude(pk=self.pk).exists()
        ):
            raise ValidationError(
                {"name": f"There is {self.name} already: to add another, enter the id at IMDb or TMDB."}
            )


class Movie(models.Model):
    """A movie. After a MovieLens import `id` is the MovieLens id."""

    id = models.AutoField(primary_key=True)
    key = KeyField(help_text="The site's own id where it is no number.")
    title = models.CharField(max_length=300)
    original_title = models.CharField(max_length=300, blank=True)
    year = models.PositiveSmallIntegerField(
        null=True, blank=True, db_index=True, validators=[MinValueValidator(MIN_YEAR), MaxValueValidator(MAX_YEAR)]
    )
    genres = models.ManyToManyField(Genre, blank=True, related_name="movies")
    tags = models.ManyToManyField(Tag, through="MovieTag", blank=True, related_name="movies")
    people = models.ManyToManyField(Person, through="Credit", blank=True, related_name="movies")
    overview = models.TextField(blank=True, validators=[MaxLengthValidator(MAX_OVERVIEW_LENGTH)])
    poster_url = models.URLField(max_length=500, blank=True)
    runtime = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Minutes."
    )
    certificate = models.CharField(
        max_length=12,
        blank=True,
        help_text="Age certificate: the site's country's own (R), or with its country (GB:15). Empty means unknown.",
    )
    language = models.CharField(
        max_length=12,
        blank=True,
        validators=[validate_language],
        help_text="BCP 47 tag of the original language: en, en-GB.",
    )
    countries = ArrayField(
        models.CharField(max_length=2), default=list, blank=True, db_default=[], help_text="Of origin: US, GB."
    )
    imdb_id = models.CharField(
        "IMDb id", max_length=12, blank=True, db_index=True, validators=[validate_imdb_id], help_text="As in tt0114709."
    )
    tmdb_id = models.PositiveIntegerField(
        "TMDB id", null=True, blank=True, db_index=True, validators=[MinValueValidator(1)]
    )
    available_from = models.DateTimeField(null=True, blank=True)
    available_until = models.DateTimeField(null=True, blank=True, help_text="Exclusive.")
    published = models.BooleanField(default=True)
    double_of = models.IntegerField(
        null=True,
        editable=False,
        help_text="Id of the film that staff say it is, its own: of none by its title. Empty: of those by its title.",
    )
    is_demo = models.BooleanField(default=False, editable=False, help_text="Part of the demo; an import removes it.")
    added_at = models.DateTimeField(auto_now_add=True)
    search_words = models.GeneratedField(
        expression=SearchVector(CatalogPlain(Concat("title", models.Value("\n"), "original_title")), config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
        editable=False,
    )

    class Meta:
        ordering = ["id"]
        indexes = [
            GinIndex(OpClass(Upper("title"), name="gin_trgm_ops"), name="movie_title_trgm"),
            GinIndex(fields=["search_words"], name="movie_words", fastupdate=False),
            models.Index(fields=["certificate"], name="movie_certificate"),
        ]
        constraints = [
            key_constraint("movie_key_or_number"),
            models.CheckConstraint(
                name="movie_window_ends_after_it_begins",
                condition=models.Q(available_until__isnull=True)
                | models.Q(available_from__isnull=True)
                | models.Q(available_until__gt=models.F("available_from")),
                violation_error_message="The availability window must end after it begins.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.year})" if self.year else self.title

    def clean(self) -> None:
        """Write the values as the API does, and refuse ids at IMDb and TMDB that another movie has."""
        self.title, self.original_title = collapse_spaces(self.title), collapse_spaces(self.original_title)
        self.imdb_id = format_imdb_id(number) if (number := parse_imdb_id(self.imdb_id)) else self.imdb_id
        self.countries = [_clean_country("countries", code, former=True) for code in self.countries]
        before: Any = Movie.objects.filter(pk=self.pk).values("imdb_id", "tmdb_id").first() or {}
        for name in ("imdb_id", "tmdb_id"):
            value = getattr(self, name)
            if value and value != before.get(name) and (other := Movie.objects.filter(**{name: value}).first()):
                raise ValidationError({name: f"Film {other.pk}, {other}, has this id."})


class MovieStanding(models.Model):
    """How a movie stands with viewers, as it was counted last. Not every movie has one: the rest nobody has watched or
    rated."""

    # Without a constraint: a count writes thousands, and must neither wait for edits of movies nor hold them up.
    movie = models.OneToOneField(Movie, on_delete=models.CASCADE, primary_key=True, db_constraint=False)
    popularity = models.FloatField(default=0, db_default=0, help_text="0 to 1: the score on the popular chart.")
    rating = models.FloatField(
        default=0, db_default=0, help_text="Stars: the mean rating, drawn to that of all films; 0 where there is none."
    )
    # A page that follows one from before a count is in the order from before it.
    popularity_before = models.FloatField(
        db_default=0, help_text="The popularity before the count of popularity_since."
    )
    popularity_since = models.BigIntegerField(db_default=0, help_text="Revision.standings since which it holds.")
    rating_before = models.FloatField(db_default=0, help_text="The rating before the count of rating_since.")
    rating_since = models.BigIntegerField(db_default=0, help_text="Revision.standings since which it holds.")

    class Meta:
        indexes = [
            models.Index(F("popularity").desc(), "movie", name="movie_by_popularity", condition=Q(popularity__gt=0)),
            models.Index(F("rating").desc(), "movie", name="movie_by_rating", condition=Q(rating__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.movie_id}: popularity {self.popularity:g}, rating {self.rating:g}"


class MovieTranslation(models.Model):
    """A movie's title and overview in a language other than its first."""

    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, related_name="translations", db_index=False)
    language = models.CharField(max_length=12, validators=[validate_language], help_text="BCP 47 tag: de, pt-BR.")
    title = models.CharField(max_length=300, blank=True)
    overview = models.TextField(blank=True, validators=[MaxLengthValidator(MAX_OVERVIEW_LENGTH)])
    search_words = models.GeneratedField(
        expression=SearchVector(CatalogPlain("title"), config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
        editable=False,
    )

    class Meta:
        indexes = [
            GinIndex(fields=["search_words"], name="movie_translation_words", fastupdate=False),
            models.Index(Lower("language"), name="movie_translation_language"),
        ]
        constraints = [models.UniqueConstraint(fields=["movie", "language"], name="movie_translation_once")]

    def __str__(self) -> str:
        return f"{self.movie} in {self.language}: {self.title}"

    def clean(self) -> None:
        self.title, self.language = collapse_spaces(self.title), canonical_tag(self.language)


class MovieAvailability(models.Model):
    """A window in which a movie is available in a country. A movie with any is available in no other country."""

    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, related_name="availability", db_index=False)
    country = models.CharField(max_length=2, help_text="ISO 3166: US, DE.")
    available_from = models.DateTimeField(null=True, blank=True)
    available_until = models.DateTimeField(null=True, blank=True, help_text="Exclusive.")

    class Meta:
        verbose_name_plural = "availability by country"
        constraints = [
            models.UniqueConstraint(fields=["movie", "country"], name="movie_availability_once"),
            models.CheckConstraint(
                name="availability_ends_after_it_begins",
                condition=models.Q(available_until__isnull=True)
                | models.Q(available_from__isnull=True)
                | models.Q(available_until__gt=models.F("available_from")),
                violation_error_message="The availability window must end after it begins.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.movie} in {self.country}"

    def clean(self) -> None:
        self.country = _clean_country("country", self.country)


class SearchWord(models.Model):
    """A word of titles and names, to correct typing errors by. Triggers on movies and people add to it."""

    word = models.CharField(max_length=40, primary_key=True)

    class Meta:
        indexes = [GinIndex(OpClass("word", name="gin_trgm_ops"), name="search_word_trgm", fastupdate=False)]

    def __str__(self) -> str:
        return self.word


class MovieTag(models.Model):
    """A tag of a movie, and how many viewers gave it."""

    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, db_index=False)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE)
    count = models.PositiveIntegerField(default=1, help_text="How many viewers gave the film this tag.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["movie", "tag"], name="movie_tag_once")]

    def __str__(self) -> str:
        return f"{self.tag} x{self.count}"


class Credit(models.Model):
    """A person's part in a movie."""

    class Role(models.IntegerChoices):
        DIRECTOR = 1, "director"
        ACTOR = 2, "actor"

    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, related_name="credits", db_index=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="credits")
    role = models.PositiveSmallIntegerField(choices=Role)
    order = models.PositiveSmallIntegerField(default=0, help_text="Billing: 0 is the first name.")

    class Meta:
        ordering = ["role", "order"]
        constraints = [models.UniqueConstraint(fields=["movie", "role", "person"], name="credit_once")]

    def __str__(self) -> str:
        return f"{self.person}, {self.get_role_display()}"


class Viewer(models.Model):
    """A person of the site's audience; staff are Django users. Their key is `key`, or `id` where it is a number."""

    id = models.AutoField(primary_key=True)
    key = KeyField(help_text="The site's own id where it is no number.")
    account = models.CharField(
        max_length=MAX_KEY_LENGTH,
        blank=True,
        db_default="",
        help_text="Key of the account that the profile belongs to.",
    )
    language = models.CharField(
        max_length=12, blank=True, db_default="", validators=[validate_language], help_text="BCP 47 tag: de, pt-BR."
    )
    country = models.CharField(
        max_length=2, blank=True, db_default="", validators=[validate_country], help_text="ISO 3166: US, DE."
    )
    name = models.CharField(max_length=120, blank=True, help_text="For staff; sent to nobody but the viewer.")
    is_simulated = models.BooleanField(default=False, editable=False, db_index=True)
    is_session = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="An anonymous session: all that was said of this viewer said so. It may be merged into an account.",
    )
    age_limit = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(MAX_AGE_LIMIT)],
        help_text="Years: films for older people are never listed. Empty means no limit.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    version = models.BigIntegerField(
        default=0, editable=False, help_text="Grows with every write that changes this viewer's lists."
    )
    # The outbox: true from the write that raised `version` until beat has published it. Cleared in bulk, so that
    # an event costs one UPDATE.
    publish_pending = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["id"], name="viewer_outbox", condition=models.Q(publish_pending=True)),
            models.Index(fields=["account"], name="viewer_account", condition=~models.Q(account="")),
        ]
        constraints = [key_constraint("viewer_key_or_number")]

    def __str__(self) -> str:
        label = self.name or f"Viewer {self.site_key}"
        return f"{label} (simulated)" if self.is_simulated else label

    @property
    def site_key(self) -> Key:
        """Return the viewer's key: what the site calls them."""
        return int(self.pk) if self.key is None else self.key

    def clean(self) -> None:
        self.name = collapse_spaces(self.name)


class WatchEvent(models.Model):
    """What a viewer did with a movie. The order of the columns packs a row into 60 bytes."""

    class Kind(models.IntegerChoices):
        WATCH = 1, "watch"
        RATING = 2, "rating"
        LIKE = 3, "like"
        DISLIKE = 4, "dislike"
        NOT_INTERESTED = 5, "not_interested"
        WATCHLIST = 6, "watchlist"
        PROGRESS = 7, "progress"
        REWATCH = 8, "rewatch"
        UNWATCH = 9, "unwatch"
        UNLIKE = 10, "unlike"
        UNDISLIKE = 11, "undislike"
        INTERESTED = 12, "interested"

    id = models.BigAutoField(primary_key=True)
    occurred_at = models.DateTimeField()
    viewer = models.ForeignKey(Viewer, on_delete=models.CASCADE, related_name="events", db_index=False)
    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, related_name="events", db_index=False)
    rating = RealField(null=True, blank=True, help_text="Stars, 0.5 to 5 in halves.")
    completion = RealField(null=True, blank=True, help_text="Share of the film watched, 0 to 1.")
    kind = models.PositiveSmallIntegerField(choices=Kind)
    client_event_id = models.UUIDField(
        null=True, blank=True, help_text="The client's own id: sent twice, counted once."
    )

    class Meta:
        constraints = [
            # Serves two purposes: an event is stored once, and a viewer's history is one range scan of this index.
            models.UniqueConstraint(fields=["viewer", "occurred_at", "movie", "kind"], name="watch_event_once"),
            models.UniqueConstraint(
                fields=["client_event_id"],
                name="client_event_once",
                condition=models.Q(client_event_id__isnull=False),
            ),
            models.CheckConstraint(
                name="rating_in_half_stars",
                condition=models.Q(rating__isnull=True) | models.Q(rating__gte=0.5, rating__lte=5.0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.movie_id} by {self.viewer_id}"


class EventKey(models.Model):
    """The key of an event as the site wrote it, where it is no UUID in lower case. Goes with its event, by a trigger.

    Apart from the events: those without a key, or with a UUID, would grow by a column that they leave empty.
    """

    id = models.UUIDField(primary_key=True, help_text="The event's client_event_id.")
    key = models.CharField(max_length=MAX_KEY_LENGTH)

    def __str__(self) -> str:
        return self.key


class Revision(models.Model):
    """One row with the versions that cached lists are compared with."""

    catalogue = models.BigIntegerField(default=1, help_text="Grows with every write to films and rules.")
    epoch = models.BigIntegerField(
        default=1, help_text="Grows with imports and after a loss of Redis: all lists expire."
    )
    version_floor = models.BigIntegerField(
        db_default=0, help_text="The highest version of any viewer who is gone: every later version is above it."
    )
    erasures = models.BigIntegerField(db_default=0, help_text="Grows with each: no training goes on with the data.")
    data_set = models.BigIntegerField(
        db_default=0, help_text="Grows when ids come to mean other films: no model trained before serves any more."
    )
    standings = models.BigIntegerField(db_default=0, help_text="Grows with each count of how films stand.")

    class Meta:
        constraints = [models.CheckConstraint(name="revision_is_one_row", condition=models.Q(pk=1))]

    def __str__(self) -> str:
        return f"catalogue {self.catalogue}, epoch {self.epoch}"


class Rule(models.Model):
    """A merchandising rule: what editors want of lists, beside the taste of viewers."""

    class Action(models.TextChoices):
        BOOST = "boost", "boost: some places up"
        BURY = "bury", "bury: some places down"
        PIN = "pin", "pin: at one place"
        EXCLUDE = "exclude", "exclude: not listed"

    class Target(models.TextChoices):
        MOVIE = "movie", "film"
        GENRE = "genre", "genre"
        PERSON = "person", "person"
        TAG = "tag", "tag"

    class Surface(models.TextChoices):
        RECOMMEND = "recommend", "personal list"
        POPULAR = "popular", "popular"
        TRENDING = "trending", "trending"
        LATEST = "latest", "latest"
        SIMILAR = "similar", "films like a film"
        TOP_PICKS = "home:top_picks", "home row: top picks"
        BECAUSE = "home:because_you_watched", "home row: because you watched"
        HOME_TRENDING = "home:trending", "home row: trending"
        HOME_NEW = "home:new", "home row: new films"
        HOME_POPULAR = "home:popular", "home row: popular"
        HOME_GENRE = "home:genre", "home rows of genres"
        HOME_PEOPLE = "home:people", "home rows of directors and actors"

    name = models.CharField(max_length=120, help_text="What it is for, in your team's words.")
    action = models.CharField(max_length=8, choices=Action)
    by = models.CharField("of", max_length=8, choices=Target, default=Target.MOVIE)
    movie = models.ForeignKey(Movie, models.CASCADE, null=True, blank=True, verbose_name="film", db_index=False)
    genre = models.ForeignKey(Genre, models.CASCADE, null=True, blank=True, db_index=False)
    person = models.ForeignKey(Person, models.CASCADE, null=True, blank=True, db_index=False)
    tag = models.ForeignKey(Tag, models.CASCADE, null=True, blank=True, db_index=False)
    places = models.PositiveSmallIntegerField(
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(200)],
        help_text="How many places up or down, among the 200 best of a list; for a pin the place itself, from 1.",
    )
    shelves = ArrayField(
        models.CharField(max_length=30, choices=Surface), default=list, blank=True, help_text="None chosen: every list."
    )
    starts_at = models.DateTimeField(null=True, blank=True, help_text="Empty: from now on.")
    ends_at = models.DateTimeField(null=True, blank=True, help_text="Exclusive. Empty: it does not end.")
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "merchandising rule"
        constraints = [
            models.CheckConstraint(
                name="rule_is_of_one_thing",
                condition=models.Q(by="movie", movie__isnull=False, genre=None, person=None, tag=None)
                | models.Q(by="genre", genre__isnull=False, movie=None, person=None, tag=None)
                | models.Q(by="person", person__isnull=False, movie=None, genre=None, tag=None)
                | models.Q(by="tag", tag__isnull=False, movie=None, genre=None, person=None),
                violation_error_message="Name the film, genre, person or tag that the rule is of.",
            ),
            models.CheckConstraint(
                name="rule_ends_after_it_begins",
                condition=models.Q(starts_at__isnull=True)
                | models.Q(ends_at__isnull=True)
                | models.Q(ends_at__gt=models.F("starts_at")),
                violation_error_message="The rule must end after it begins.",
            ),
        ]

    def __str__(self) -> str:
        return self.name
