"""The texts that viewers read, in each language beside English, by the English text. A test holds them together.

{film} and {other} are titles in quotation marks, {genre} and {person} one name or several, {count} a number from 2.
"""

from collections.abc import Mapping


def _in(*, de: str, fr: str, es: str, it: str, pt: str) -> Mapping[str, str]:
    return {"de": de, "fr": fr, "es": es, "it": it, "pt": pt}


TRANSLATIONS: Mapping[str, Mapping[str, str]] = {
    # Rows of a home page
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
    # Why a film is listed
    "Of the same series as {film}.": _in(
        de="Aus derselben Reihe wie {film}.",
        fr="De la même saga que {film}.",
        es="De la misma saga que {film}.",
        it="Della stessa saga di {film}.",
        pt="Da mesma franquia que {film}.",
    ),
    "Directed by {person}, like {film}.": _in(
        de="Regie: {person}, wie bei {film}.",
        fr="Réalisé par {person}, comme {film}.",
        es="Dirigida por {person}, como {film}.",
        it="Diretto da {person}, come {film}.",
        pt="Dirigido por {person}, como {film}.",
    ),
    "With {person}, like {film}.": _in(
        de="Mit {person}, wie in {film}.",
        fr="Avec {person}, comme dans {film}.",
        es="Con {person}, como en {film}.",
        it="Con {person}, come in {film}.",
        pt="Com {person}, como em {film}.",
    ),
    "{genre}, like {film}.": _in(
        de="{genre}, wie {film}.",
        fr="{genre}, comme {film}.",
        es="{genre}, como {film}.",
        it="{genre}, come {film}.",
        pt="{genre}, como {film}.",
    ),
    "Directed by {person}, as in 1 film that you watched.": _in(
        de="Regie: {person}, wie bei einem Film, den du gesehen hast.",
        fr="Réalisé par {person}, comme un film que vous avez vu.",
        es="Dirigida por {person}, como una película que has visto.",
        it="Diretto da {person}, come un film che hai visto.",
        pt="Dirigido por {person}, como um filme que você viu.",
    ),
    "Directed by {person}, as in {count} films that you watched.": _in(
        de="Regie: {person}, wie bei {count} Filmen, die du gesehen hast.",
        fr="Réalisé par {person}, comme {count} films que vous avez vus.",
        es="Dirigida por {person}, como {count} películas que has visto.",
        it="Diretto da {person}, come {count} film che hai visto.",
        pt="Dirigido por {person}, como {count} filmes que você viu.",
    ),
    "With {person}, as in {count} films that you watched.": _in(
        de="Mit {person}, wie in {count} Filmen, die du gesehen hast.",
        fr="Avec {person}, comme dans {count} films que vous avez vus.",
        es="Con {person}, como en {count} películas que has visto.",
        it="Con {person}, come in {count} film che hai visto.",
        pt="Com {person}, como em {count} filmes que você viu.",
    ),
    "{genre}, as in {count} films that you watched.": _in(
        de="{genre}, wie {count} Filme, die du gesehen hast.",
        fr="{genre}, comme {count} films que vous avez vus.",
        es="{genre}, como {count} películas que has visto.",
        it="{genre}, come {count} film che hai visto.",
        pt="{genre}, como {count} filmes que você viu.",
    ),
    "Directed by {person}, as in films that each of you watched.": _in(
        de="Regie: {person}, wie bei Filmen, die ihr alle gesehen habt.",
        fr="Réalisé par {person}, comme des films que vous avez tous vus.",
        es="Dirigida por {person}, como películas que ha visto todo el grupo.",
        it="Diretto da {person}, come film che avete visto tutti.",
        pt="Dirigido por {person}, como filmes que todos vocês viram.",
    ),
    "With {person}, as in films that each of you watched.": _in(
        de="Mit {person}, wie in Filmen, die ihr alle gesehen habt.",
        fr="Avec {person}, comme dans des films que vous avez tous vus.",
        es="Con {person}, como en películas que ha visto todo el grupo.",
        it="Con {person}, come in film che avete visto tutti.",
        pt="Com {person}, como em filmes que todos vocês viram.",
    ),
    "{genre}, as in films that each of you watched.": _in(
        de="{genre}, wie Filme, die ihr alle gesehen habt.",
        fr="{genre}, comme des films que vous avez tous vus.",
        es="{genre}, como películas que ha visto todo el grupo.",
        it="{genre}, come film che avete visto tutti.",
        pt="{genre}, como filmes que todos vocês viram.",
    ),
    "Popular with other viewers.": _in(
        de="Bei anderen beliebt.",
        fr="Populaire auprès des autres spectateurs.",
        es="Popular entre otros espectadores.",
        it="Popolare tra gli altri spettatori.",
        pt="Popular entre outros espectadores.",
    ),
    # Why a list is empty
    "The list ended with the page before.": _in(
        de="Die Liste endete mit der Seite davor.",
        fr="La liste s'est terminée à la page précédente.",
        es="La lista terminó en la página anterior.",
        it="L'elenco è finito con la pagina precedente.",
        pt="A lista terminou na página anterior.",
    ),
    "The viewer has seen no film, or none without bad stars: leave out seen=only.": _in(
        de="Es wurde kein Film gesehen, oder keiner ohne schlechte Sterne: lass seen=only weg.",
        fr="Aucun film n'a été vu, ou aucun sans mauvaise note\N{NO-BREAK SPACE}: retirez seen=only.",
        es="No se ha visto ninguna película, o ninguna sin malas estrellas: quita seen=only.",
        it="Nessun film è stato visto, o nessuno senza voti bassi: togli seen=only.",
        pt="Nenhum filme foi visto, ou nenhum sem notas ruins: retire seen=only.",
    ),
    "No film that is available and unseen is watched more than usual lately.": _in(
        de="Kein Film, der verfügbar und ungesehen ist, wird zuletzt öfter gesehen als sonst.",
        fr="Aucun film disponible et non vu n'est plus regardé que d'habitude ces derniers temps.",
        es="Ninguna película disponible y sin ver se ha visto últimamente más de lo normal.",
        it="Nessun film disponibile e non visto è guardato più del solito negli ultimi tempi.",
        pt="Nenhum filme disponível e não visto é mais assistido que o normal ultimamente.",
    ),
    "The catalogue has none of the {field}: {names}.": _in(
        de="Der Katalog hat nichts von {field}: {names}.",
        fr="Le catalogue ne contient aucun élément de {field}\N{NO-BREAK SPACE}: {names}.",
        es="El catálogo no tiene nada de {field}: {names}.",
        it="Il catalogo non ha nulla di {field}: {names}.",
        pt="O catálogo não tem nada de {field}: {names}.",
    ),
    "{low} {minimum} is greater than {high} {maximum}.": _in(
        de="{low} {minimum} ist größer als {high} {maximum}.",
        fr="{low} {minimum} est supérieur à {high} {maximum}.",
        es="{low} {minimum} es mayor que {high} {maximum}.",
        it="{low} {minimum} è maggiore di {high} {maximum}.",
        pt="{low} {minimum} é maior que {high} {maximum}.",
    ),
    "No film matches {field}: change this filter or leave it out.": _in(
        de="Kein Film passt zu {field}: ändere diesen Filter oder lass ihn weg.",
        fr="Aucun film ne correspond à {field}\N{NO-BREAK SPACE}: modifiez ce filtre ou retirez-le.",
        es="Ninguna película cumple {field}: cambia este filtro o quítalo.",
        it="Nessun film corrisponde a {field}: cambia questo filtro o toglilo.",
        pt="Nenhum filme corresponde a {field}: mude este filtro ou retire-o.",
    ),
    "Each filter matches some films, but no film matches all of them: leave one out.": _in(
        de="Zu jedem Filter passen Filme, aber zu allen zusammen keiner: lass einen weg.",
        fr="Chaque filtre trouve des films, mais aucun film ne correspond à tous\N{NO-BREAK SPACE}: retirez-en un.",
        es="Cada filtro encuentra películas, pero ninguna los cumple todos: quita uno.",
        it="Ogni filtro trova dei film, ma nessuno corrisponde a tutti: togline uno.",
        pt="Cada filtro encontra filmes, mas nenhum corresponde a todos: retire um.",
    ),
    "Films matching the filters: {count}": _in(
        de="Filme, die zu den Filtern passen: {count}",
        fr="Films correspondant aux filtres\N{NO-BREAK SPACE}: {count}",
        es="Películas que cumplen los filtros: {count}",
        it="Film che corrispondono ai filtri: {count}",
        pt="Filmes que correspondem aos filtros: {count}",
    ),
    "Films in the catalogue: {count}": _in(
        de="Filme im Katalog: {count}",
        fr="Films du catalogue\N{NO-BREAK SPACE}: {count}",
        es="Películas del catálogo: {count}",
        it="Film nel catalogo: {count}",
        pt="Filmes no catálogo: {count}",
    ),
    "none is available now.": _in(
        de="keiner ist zurzeit verfügbar.",
        fr="aucun n'est disponible actuellement.",
        es="ninguna está disponible ahora.",
        it="nessuno è disponibile ora.",
        pt="nenhum está disponível agora.",
    ),
    "none is available now in {country}.": _in(
        de="keiner ist zurzeit in {country} verfügbar.",
        fr="aucun n'est disponible actuellement dans le pays {country}.",
        es="ninguna está disponible ahora en {country}.",
        it="nessuno è disponibile ora in {country}.",
        pt="nenhum está disponível agora em {country}.",
    ),
    "none is available now where no country is named.": _in(
        de="keiner ist zurzeit ohne Angabe eines Landes verfügbar.",
        fr="aucun n'est disponible actuellement sans indication de pays.",
        es="ninguna está disponible ahora sin indicar un país.",
        it="nessuno è disponibile ora senza indicare un paese.",
        pt="nenhum está disponível agora sem indicar um país.",
    ),
    "none that is available now is for the age of {age}, and those of unknown certificate count as {uncertified}.": _in(
        de=(
            "keiner, der zurzeit verfügbar ist, ist ab {age} Jahren frei, und ohne Freigabe zählt einer als "
            "{uncertified}."
        ),
        fr=(
            "aucun de ceux disponibles actuellement ne convient à l'âge de {age} ans, et les films sans "
            "visa comptent pour {uncertified}."
        ),
        es=(
            "ninguna de las disponibles ahora es para la edad de {age} años, y las que no tienen "
            "calificación cuentan como {uncertified}."
        ),
        it=(
            "nessuno di quelli disponibili ora è adatto all'età di {age} anni, e quelli senza "
            "classificazione valgono {uncertified}."
        ),
        pt=(
            "nenhum dos disponíveis agora é para a idade de {age} anos, e os sem classificação contam como "
            "{uncertified}."
        ),
    ),
    "all of them are excluded, seen, rejected or not to be shown now: see removed.": _in(
        de="alle sind ausgeschlossen, gesehen, abgelehnt oder jetzt nicht zu zeigen: siehe removed.",
        fr="tous sont exclus, vus, refusés ou à ne pas montrer maintenant\N{NO-BREAK SPACE}: voir removed.",
        es="todas están excluidas, vistas, rechazadas o no deben mostrarse ahora: mira removed.",
        it="tutti sono esclusi, visti, rifiutati o da non mostrare ora: vedi removed.",
        pt="todos estão excluídos, vistos, rejeitados ou não devem aparecer agora: veja removed.",
    ),
    # What a viewer likes
    "Watches more {genre} than others: {share}% of films, beside {everyone}% of what everyone watches.": _in(
        de=(
            "Schaut mehr {genre} als andere: {share}\N{NO-BREAK SPACE}% der Filme, bei allen zusammen "
            "{everyone}\N{NO-BREAK SPACE}%."
        ),
        fr=(
            "Regarde plus de films du genre {genre} que les autres\N{NO-BREAK SPACE}: "
            "{share}\N{NO-BREAK SPACE}%, contre {everyone}\N{NO-BREAK SPACE}% pour l'ensemble."
        ),
        es=(
            "Ve más películas del género {genre} que los demás: el {share}\N{NO-BREAK SPACE}%, frente al "
            "{everyone}\N{NO-BREAK SPACE}% de lo que ve todo el mundo."
        ),
        it=(
            "Guarda più film del genere {genre} degli altri: {share}%, contro il {everyone}% di quello che "
            "guardano tutti."
        ),
        pt=(
            "Assiste a mais filmes do gênero {genre} do que os outros: {share}%, contra {everyone}% do que "
            "todo mundo assiste."
        ),
    ),
    "Watches less {genre} than others: {share}% of films, beside {everyone}% of what everyone watches.": _in(
        de=(
            "Schaut weniger {genre} als andere: {share}\N{NO-BREAK SPACE}% der Filme, bei allen zusammen "
            "{everyone}\N{NO-BREAK SPACE}%."
        ),
        fr=(
            "Regarde moins de films du genre {genre} que les autres\N{NO-BREAK SPACE}: "
            "{share}\N{NO-BREAK SPACE}%, contre {everyone}\N{NO-BREAK SPACE}% pour l'ensemble."
        ),
        es=(
            "Ve menos películas del género {genre} que los demás: el {share}\N{NO-BREAK SPACE}%, frente al "
            "{everyone}\N{NO-BREAK SPACE}% de lo que ve todo el mundo."
        ),
        it=(
            "Guarda meno film del genere {genre} degli altri: {share}%, contro il {everyone}% di quello che "
            "guardano tutti."
        ),
        pt=(
            "Assiste a menos filmes do gênero {genre} do que os outros: {share}%, contra {everyone}% do que "
            "todo mundo assiste."
        ),
    ),
    "Likes films by {person}: {count} of them.": _in(
        de="Mag Filme von {person}: {count} davon.",
        fr="Aime les films réalisés par {person}\N{NO-BREAK SPACE}: {count}.",
        es="Le gustan las películas de {person}: {count}.",
        it="Ama i film di {person}: {count}.",
        pt="Gosta dos filmes de {person}: {count}.",
    ),
    "Likes films with {person}: {count} of them.": _in(
        de="Mag Filme mit {person}: {count} davon.",
        fr="Aime les films avec {person}\N{NO-BREAK SPACE}: {count}.",
        es="Le gustan las películas con {person}: {count}.",
        it="Ama i film con {person}: {count}.",
        pt="Gosta dos filmes com {person}: {count}.",
    ),
    "Watches mostly films of the {decade}s: {count} of {total}.": _in(
        de="Schaut vor allem Filme der {decade}er-Jahre: {count} von {total}.",
        fr="Regarde surtout des films des années {decade}\N{NO-BREAK SPACE}: {count} sur {total}.",
        es="Ve sobre todo películas de los años {decade}: {count} de {total}.",
        it="Guarda soprattutto film degli anni {decade}: {count} su {total}.",
        pt="Assiste principalmente a filmes dos anos {decade}: {count} de {total}.",
    ),
    "Watches mostly films in the language {language}.": _in(
        de="Schaut vor allem Filme in der Sprache {language}.",
        fr="Regarde surtout des films en langue {language}.",
        es="Ve sobre todo películas en el idioma {language}.",
        it="Guarda soprattutto film in lingua {language}.",
        pt="Assiste principalmente a filmes no idioma {language}.",
    ),
}
