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
    named = dict(zip(("film", "other"), (titles[row] for row in text.films), strict=False))
    return template.format(**named, genre=genre_names.get(text.genre, text.genre), person=text.person)


def _in(*, de: str, fr: str, es: str, it: str, pt: str) -> Mapping[str, str]:
    return {"de": de, "fr": fr, "es": es, "it": it, "pt": pt}


_TRANSLATIONS: Mapping[str, Mapping[str, str]] = {
    "Continue watching": _in(
        de="Weiterschauen",
        fr="Reprendre la lecture",
        es="Seguir viendo",
        it="Continua a guardare",
        pt="Continuar assistindo",
    ),
    "You have not watched it to the end.": _in(
        de="Du hast ihn nicht zu Ende gesehen.",
        fr="Vous ne l'avez pas vu jusqu'à la fin.",
        es="No la has visto hasta el final.",
        it="Non lo hai visto fino alla fine.",
        pt="Você não o assistiu até o fim.",
    ),
    "You have not watched them to the end.": _in(
        de="Du hast sie nicht zu Ende gesehen.",
        fr="Vous ne les avez pas vus jusqu'à la fin.",
        es="No las has visto hasta el final.",
        it="Non li hai visti fino alla fine.",
        pt="Você não os assistiu até o fim.",
    ),
    "Watch again": _in(de="Noch einmal ansehen", fr="À revoir", es="Ver otra vez", it="Da rivedere", pt="Ver de novo"),
    "You liked them, and it is a while ago.": _in(
        de="Sie haben dir gefallen, und es ist eine Weile her.",
        fr="Vous les avez aimés, il y a un certain temps.",
        es="Te gustaron, y hace tiempo de eso.",
        it="Ti sono piaciuti, ed è passato del tempo.",
        pt="Você gostou deles, e já faz um tempo.",
    ),
    "You liked them or watched them again, and it is a while ago.": _in(
        de="Sie haben dir gefallen oder du hast sie noch einmal gesehen, und es ist eine Weile her.",
        fr="Vous les avez aimés ou revus, il y a un certain temps.",
        es="Te gustaron o las volviste a ver, y hace tiempo de eso.",
        it="Ti sono piaciuti o li hai rivisti, ed è passato del tempo.",
        pt="Você gostou deles ou os viu de novo, e já faz um tempo.",
    ),
    "Top picks for you": _in(
        de="Für dich ausgewählt",
        fr="Notre sélection pour vous",
        es="Lo mejor para ti",
        it="I migliori per te",
        pt="Os melhores para você",
    ),
    "Chosen for you by your history.": _in(
        de="Nach dem ausgewählt, was du gesehen hast.",
        fr="Choisis d'après ce que vous avez vu.",
        es="Elegidas según lo que has visto.",
        it="Scelti in base a ciò che hai visto.",
        pt="Escolhidos pelo que você já assistiu.",
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
        es="Te gustaron {film} y {other}.",
        it="Ti sono piaciuti {film} e {other}.",
        pt="Você gostou de {film} e de {other}.",
    ),
    "You watched {film} and {other}.": _in(
        de="Du hast {film} und {other} gesehen.",
        fr="Vous avez vu {film} et {other}.",
        es="Viste {film} y {other}.",
        it="Hai visto {film} e {other}.",
        pt="Você assistiu a {film} e a {other}.",
    ),
    "Trending for you": _in(
        de="Im Trend, für dich",
        fr="Tendances pour vous",
        es="Tendencias para ti",
        it="Tendenze per te",
        pt="Em alta para você",
    ),
    "Trending now": _in(de="Im Trend", fr="Tendances actuelles", es="Tendencias", it="Tendenze", pt="Em alta"),
    "Watched more than usual lately, what suits you first.": _in(
        de="Zuletzt mehr gesehen als sonst; was zu dir passt, zuerst.",
        fr="Plus vus que d'habitude ces derniers temps, ce qui vous convient d'abord.",
        es="Más vistas de lo normal últimamente; primero, lo que va contigo.",
        it="Visti più del solito negli ultimi tempi; prima ciò che fa per te.",
        pt="Mais vistos que o normal ultimamente; primeiro, o que combina com você.",
    ),
    "Watched more than usual lately.": _in(
        de="Zuletzt mehr gesehen als sonst.",
        fr="Plus vus que d'habitude ces derniers temps.",
        es="Más vistas de lo normal últimamente.",
        it="Visti più del solito negli ultimi tempi.",
        pt="Mais vistos que o normal ultimamente.",
    ),
    "New films": _in(de="Neue Filme", fr="Nouveaux films", es="Películas nuevas", it="Nuovi film", pt="Novos filmes"),
    "The newest films here, what suits you first.": _in(
        de="Die neuesten Filme hier; was zu dir passt, zuerst.",
        fr="Les films les plus récents ici, ce qui vous convient d'abord.",
        es="Las películas más nuevas aquí; primero, lo que va contigo.",
        it="I film più recenti qui; prima ciò che fa per te.",
        pt="Os filmes mais novos aqui; primeiro, o que combina com você.",
    ),
    "The newest films here.": _in(
        de="Die neuesten Filme hier.",
        fr="Les films les plus récents ici.",
        es="Las películas más nuevas aquí.",
        it="I film più recenti qui.",
        pt="Os filmes mais novos aqui.",
    ),
    "Popular": _in(de="Beliebt", fr="Populaires", es="Populares", it="Popolari", pt="Populares"),
    "What everyone watches.": _in(
        de="Was alle sehen.",
        fr="Ce que tout le monde regarde.",
        es="Lo que todos ven.",
        it="Ciò che guardano tutti.",
        pt="O que todo mundo assiste.",
    ),
    "Popular in {genre}": _in(
        de="Beliebt: {genre}",
        fr="Populaires : {genre}",
        es="Populares: {genre}",
        it="Popolari: {genre}",
        pt="Populares: {genre}",
    ),
    "What everyone watches in {genre}.": _in(
        de="Was alle im Genre {genre} sehen.",
        fr="Ce que tout le monde regarde dans le genre {genre}.",
        es="Lo que todos ven del género {genre}.",
        it="Ciò che guardano tutti del genere {genre}.",
        pt="O que todo mundo assiste do gênero {genre}.",
    ),
    "More in {genre}": _in(
        de="Mehr im Genre {genre}",
        fr="Encore du genre {genre}",
        es="Más del género {genre}",
        it="Altri del genere {genre}",
        pt="Mais do gênero {genre}",
    ),
    "You watch more films in {genre} than most people do.": _in(
        de="Du siehst mehr Filme des Genres {genre} als die meisten.",
        fr="Vous regardez plus de films du genre {genre} que la plupart des gens.",
        es="Ves más películas del género {genre} que la mayoría.",
        it="Guardi più film del genere {genre} della maggior parte delle persone.",
        pt="Você assiste a mais filmes do gênero {genre} do que a maioria.",
    ),
    "More by {person}": _in(
        de="Mehr von {person}",
        fr="Encore de {person}",
        es="Más de {person}",
        it="Altri di {person}",
        pt="Mais de {person}",
    ),
    "More with {person}": _in(
        de="Mehr mit {person}",
        fr="Encore avec {person}",
        es="Más con {person}",
        it="Altri con {person}",
        pt="Mais com {person}",
    ),
}
