"""Small invented files in IMDb's format."""

import gzip
from pathlib import Path

HEADERS = {
    "title.basics": "tconst titleType primaryTitle originalTitle isAdult startYear endYear runtimeMinutes genres",
    "title.ratings": "tconst averageRating numVotes",
    "title.crew": "tconst directors writers",
    "title.principals": "tconst ordering nconst category job characters",
    "name.basics": "nconst primaryName birthYear deathYear primaryProfession knownForTitles",
    "title.akas": "titleId ordering title region language types attributes isOriginalTitle",
}
# In each line the columns, separated by |; - is \N.
FILES = {
    "title.basics": r"""
tt0000101|movie|"The Paper" Moon|"The Paper" Moon|0|1973|-|102|Comedy,Sci-Fi
tt0000102|movie|Glass Harbour|Hafen aus Glas|0|1988|-|95|Drama,Biography
tt0000103|tvSeries|Glass Harbour|Glass Harbour|0|1990|1992|45|Drama
tt0000104|movie|Night Shift Only|Night Shift Only|1|1999|-|70|Adult
tt0000105|movie|Unseen|Unseen|0|2001|-|-|-
tt10000106|movie|The Long Key|The Long Key|0|2019|-|121|Family
""",
    "title.ratings": """
tt0000101|7.1|1500
tt0000102|6.0|100
tt0000103|8.0|9000
tt0000104|5|800
tt0000105|5.5|99
tt10000106|8|2000
""",
    "title.crew": "tt0000101|nm0000011,nm0000012|-\ntt0000102|nm0000013|-\ntt0000105|nm0000013|-\ntt10000106|-|-",
    "title.principals": r"""
tt0000101|1|nm0000021|actor|-|["Moze"]
tt0000101|2|nm0000022|actress|-|["Trixie"]
tt0000101|3|nm0000011|director|-|-
tt0000101|4|nm0000023|actor|-|["Clerk"]
tt0000101|5|nm0000021|actor|-|["Twin"]
tt0000102|1|nm0000024|actor|-|-
tt0000102|2|nm0000022|self|-|-
tt10000106|1|nm0000024|actor|-|-
tt10000106|2|nm0000021|actor|-|-
tt10000106|3|nm0000025|actor|-|-
""",
    "name.basics": """
nm0000011|Ola Brandt|1930|-|director|tt0000101
nm0000012|Ines Okoro|-|-|director|tt0000101
nm0000013|Jun Verne|-|-|director|tt0000102
nm0000021|Sam Field|1940|-|actor|tt0000101
nm0000022|Lena Hart|-|-|actress|-
nm0000023|Bo Lund|-|-|actor|-
nm0000024|Sam Field|1960|-|actor|tt0000102
nm0000025|Jr.|-|-|actor|-
nm0000099|Nobody Here|-|-|actor|-
""",
    "title.akas": r"""
tt0000101|1|"The Paper" Moon|-|-|original|-|1
tt0000101|2|Papiermond|DE|-|imdbDisplay|-|0
tt0000101|3|Der Papiermond|DE|de|-|-|0
tt0000101|4|Kami no tsuki|JP|-|imdbDisplay|transliterated title|0
tt0000101|5|Lune de papier|CA|fr|imdbDisplay|-|0
tt0000101|6|"The Paper" Moon|FR|-|imdbDisplay|-|0
tt0000102|1|Puerto de cristal|ES|-|imdbDisplay|-|0
tt0000103|1|Glashafen|DE|-|imdbDisplay|-|0
""",
}


def write_imdb(folder: Path, leave_out: tuple[str, ...] = (), **changes: str) -> Path:
    """Write the files, gzipped; `changes`: other rows by the file's name with _ for the dot. Returns the folder."""
    folder.mkdir(exist_ok=True)
    for name, header in HEADERS.items():
        if name in leave_out:
            continue
        rows = changes.get(name.replace(".", "_"), FILES[name])
        lines = [header.replace(" ", "\t")]
        lines += [
            "\t".join("\\N" if cell == "-" else cell for cell in row.split("|")) for row in rows.split("\n") if row
        ]
        (folder / f"{name}.tsv.gz").write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))
    return folder
