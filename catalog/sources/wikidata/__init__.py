"""Films of Wikidata: the downloaded results of a query, as docs/catalogues.md has it."""

from catalog.sources.wikidata.reader import MAX_CAST, WikidataOptions, read_wikidata

__all__ = ["MAX_CAST", "WikidataOptions", "read_wikidata"]
