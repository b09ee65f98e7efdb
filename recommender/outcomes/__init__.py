"""What came of served lists: impressions, clicks, plays and more, each tied to the list that showed the film.

Ingestion notes what viewers did (`records`), a task ties it to lists (`attribution`) and sums it up by day (`sums`);
`insights` reads the sums. No request waits for any of this.
"""

from recommender.outcomes.records import note_outcomes

__all__ = ["note_outcomes"]
