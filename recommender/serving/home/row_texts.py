"""What rows are called and why they are there, in English and in the languages that genres have built-in names in."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

ENGLISH = "en"
LANGUAGES = (ENGLISH, "de", "fr", "es", "it", "pt")


class RowText(NamedTuple):
    """A title or a reason: the English text, a key of `_TRANSLATIONS`, and what stands in it."""

    text: str  # with {film}, {other}, {genre}, {person}
    films: tuple[int, ...] = ()  # rows of the catalogue's table: the film, and another
    genre: str = ""  # by the catalogue's own name
    person: str = ""


def choose_language(tags: Iterable[str]) -> str:
    """Return the first language that rows are told in, of these tags (BCP 47); English where there is none."""
    languages = (tag.lower().partition("-")[0] for tag in tags)
    return next((language for language in languages if language in LANGUAGES), ENGLISH)


def put_into_words(text: RowText, language: str, titles: Mapping[int, str], genre_names: Mapping[str, str]) -> str:
    """Return a text in one of the LANGUAGES.

    `titles`: of films by their rows. `genre_names`: in the language, by the catalogue's own name.
    """
    template = _TRANSLATIONS[text.text].get(language, text.text)
    before, after = _QUOTATION_MARKS.get(language, ("", ""))
    films = (f"{before}{titles[row]}{after}" for row in text.films)
    named = dict(zip(("film", "other"), films, strict=False))
    return template.format(**named, genre=genre_names.get(text.genre, text.genre), person=text.person)


def _in(*, de: str, fr: str, es: str, it: str, pt: str) -> Mapping[str, str]:
    return {"de": de, "fr": fr, "es": es, "it": it, "pt": pt}


# Around a film's title in a sentence.
_QUOTATION_MARKS: Mapping[str, tuple[str, str]] = {
    "de": ("„", "“"),
    "fr": ("«\N{NO-BREAK SPACE}", "\N{NO-BREAK SPACE}»"),
    "es": ("«", "»"),
    "it": ("«", "»"),
    "pt": ("“", "”"),
}

_TRANSLATIONS: Mapping[str, Mapping[str, str]] = {
    "Continue watching": _in(
        de="Weiterschauen",
        fr="Reprendre la lecture",
        es="Seguir viendo",
        it="Continua a guardare",
        pt="Continuar assistindo",
    ),
    "You have not watched it to the end.": _in(
        de="Du hast diesen Film nicht zu Ende gesehen.",
        fr="Vous n'avez pas regardé ce film jusqu'à la fin.",
        es="No has visto esta película hasta el final.",
        it="Non hai finito di vedere questo film.",
        pt="Você não assistiu a este filme até o fim.",
    ),
    "You have not watched them to the end.": _in(
        de="Du hast diese Filme nicht zu Ende gesehen.",
        fr="Vous n'avez pas regardé ces films jusqu'à la fin.",
        es="No has visto estas películas hasta el final.",
        it="Non hai finito di vedere questi film.",
        pt="Você não assistiu a estes filmes até o fim.",
    ),
    "Watch again": _in(
        de="Noch einmal ansehen",
        fr="À revoir",
        es="Volver a ver",
        it="Da rivedere",
        pt="Assistir de novo",
    ),
    "You liked them, and it is a while ago.": _in(
        de="Diese Filme haben dir gefallen, und das ist schon eine Weile her.",
        fr="Vous avez aimé ces films, il y a déjà un certain temps.",
        es="Estas películas te gustaron hace ya un tiempo.",
        it="Questi film ti sono piaciuti, ed è passato un po' di tempo.",
        pt="Você gostou destes filmes, e já faz um tempo.",
    ),
    "You liked them or watched them again, and it is a while ago.": _in(
        de="Diese Filme haben dir gefallen oder du hast sie mehrmals gesehen, und das ist schon eine Weile her.",
        fr="Vous avez aimé ou revu ces films, il y a déjà un certain temps.",
        es="Estas películas te gustaron o las volviste a ver hace ya un tiempo.",
        it="Questi film ti sono piaciuti o li hai rivisti, ed è passato un po' di tempo.",
        pt="Você gostou destes filmes ou os viu de novo, e já faz um tempo.",
    ),
    "Top picks for you": _in(
        de="Für dich ausgewählt",
        fr="Notre sélection pour vous",
        es="Nuestra selección para ti",
        it="I migliori per te",
        pt="Os melhores para você",
    ),
    "Chosen for you by your history.": _in(
        de="Ausgewählt nach dem, was du gesehen hast.",
        fr="Choisis d'après ce que vous avez vu.",
        es="Elegidas según lo que has visto.",
        it="Scelti in base a ciò che hai visto.",
        pt="Escolhidos com base no que você já viu.",
    ),
    "Because you watched {film}": _in(
        de="Weil du {film} gesehen hast",
        fr="Parce que vous avez vu {film}",
        es="Porque viste {film}",
        it="Perché hai visto {film}",
        pt="Porque você assistiu a {film}",
    ),
    "You liked {film}.": _in(
        de="{film} hat dir gefallen.",
        fr="Vous avez aimé {film}.",
        es="Te gustó {film}.",
        it="Ti è piaciuto {film}.",
        pt="Você gostou de {film}.",
    ),
    "You watched {film}.": _in(
        de="Du hast {film} gesehen.",
        fr="Vous avez vu {film}.",
        es="Viste {film}.",
        it="Hai visto {film}.",
        pt="Você assistiu a {film}.",
    ),
    "You liked {film} and {other}.": _in(
        de="{film} und {other} haben dir gefallen.",
        fr="Vous avez aimé {film} et {other}.",
        es="Te gustaron {film} y también {other}.",
        it="Ti sono piaciuti {film} e {other}.",
        pt="Você gostou de {film} e de {other}.",
    ),
    "You watched {film} and {other}.": _in(
        de="Du hast {film} und {other} gesehen.",
        fr="Vous avez vu {film} et {other}.",
        es="Viste {film} y también {other}.",
        it="Hai visto {film} e {other}.",
        pt="Você assistiu a {film} e a {other}.",
    ),
    "Trending for you": _in(
        de="Trends für dich",
        fr="Tendances pour vous",
        es="Tendencias para ti",
        it="Tendenze per te",
        pt="Em alta para você",
    ),
    "Trending now": _in(
        de="Im Trend",
        fr="Tendances actuelles",
        es="Tendencias actuales",
        it="Tendenze del momento",
        pt="Em alta",
    ),
    "Watched more than usual lately, what suits you first.": _in(
        de="Zuletzt öfter gesehen als sonst; zuerst das, was zu dir passt.",
        fr="Plus regardés que d'habitude ces derniers temps\N{NO-BREAK SPACE}; d'abord ce qui correspond à vos goûts.",
        es="Más vistas de lo normal últimamente; primero, las que van contigo.",
        it="Visti più del solito negli ultimi tempi; per primi quelli che fanno per te.",
        pt="Mais vistos que o normal ultimamente; primeiro, os que combinam com você.",
    ),
    "Watched more than usual lately.": _in(
        de="Zuletzt öfter gesehen als sonst.",
        fr="Plus regardés que d'habitude ces derniers temps.",
        es="Más vistas de lo normal últimamente.",
        it="Visti più del solito negli ultimi tempi.",
        pt="Mais vistos que o normal ultimamente.",
    ),
    "New films": _in(
        de="Neue Filme",
        fr="Nouveaux films",
        es="Películas nuevas",
        it="Nuovi film",
        pt="Novos filmes",
    ),
    "The newest films here, what suits you first.": _in(
        de="Die neuesten Filme hier; zuerst die, die zu dir passen.",
        fr="Les films les plus récents du catalogue\N{NO-BREAK SPACE}; d'abord ce qui correspond à vos goûts.",
        es="Las películas más nuevas del catálogo; primero, las que van contigo.",
        it="I film più recenti del catalogo; per primi quelli che fanno per te.",
        pt="Os filmes mais novos do catálogo; primeiro, os que combinam com você.",
    ),
    "The newest films here.": _in(
        de="Die neuesten Filme hier.",
        fr="Les films les plus récents du catalogue.",
        es="Las películas más nuevas del catálogo.",
        it="I film più recenti del catalogo.",
        pt="Os filmes mais novos do catálogo.",
    ),
    "Popular": _in(
        de="Beliebt",
        fr="Populaires",
        es="Populares",
        it="Popolari",
        pt="Populares",
    ),
    "What everyone watches.": _in(
        de="Was alle schauen.",
        fr="Ce que tout le monde regarde.",
        es="Lo que ve todo el mundo.",
        it="Quello che guardano tutti.",
        pt="O que todo mundo assiste.",
    ),
    "Popular in {genre}": _in(
        de="Beliebt im Genre {genre}",
        fr="Populaires dans le genre {genre}",
        es="Populares del género {genre}",
        it="Popolari nel genere {genre}",
        pt="Populares no gênero {genre}",
    ),
    "What everyone watches in {genre}.": _in(
        de="Was alle im Genre {genre} schauen.",
        fr="Ce que tout le monde regarde dans le genre {genre}.",
        es="Lo que ve todo el mundo del género {genre}.",
        it="Quello che guardano tutti nel genere {genre}.",
        pt="O que todo mundo assiste no gênero {genre}.",
    ),
    "More in {genre}": _in(
        de="Mehr aus dem Genre {genre}",
        fr="D'autres films du genre {genre}",
        es="Más películas del género {genre}",
        it="Altri film del genere {genre}",
        pt="Mais filmes do gênero {genre}",
    ),
    "You watch more films in {genre} than most people do.": _in(
        de="Du schaust mehr Filme aus dem Genre {genre} als die meisten.",
        fr="Vous regardez plus de films du genre {genre} que la plupart des gens.",
        es="Ves más películas del género {genre} que la mayoría.",
        it="Guardi più film del genere {genre} rispetto alla maggior parte delle persone.",
        pt="Você assiste a mais filmes do gênero {genre} do que a maioria das pessoas.",
    ),
    "More by {person}": _in(
        de="Mehr von {person}",
        fr="D'autres films réalisés par {person}",
        es="Más películas de {person}",
        it="Altri film di {person}",
        pt="Mais filmes de {person}",
    ),
    "More with {person}": _in(
        de="Mehr mit {person}",
        fr="D'autres films avec {person}",
        es="Más películas con {person}",
        it="Altri film con {person}",
        pt="Mais filmes com {person}",
    ),
}
