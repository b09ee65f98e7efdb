"""Genres under the names of several sites: one genre, however it is written."""

# In each line names of one genre. Case does not count.
SAME_GENRES = (
    ("Sci-Fi", "Science Fiction", "SciFi", "Science-Fiction"),
    ("Children", "Children's", "Family", "Kids"),
    ("Film-Noir", "Film Noir", "Noir"),
    ("Musical", "Music"),
    ("Documentary", "Documentaries"),
    ("Animation", "Animated"),
    ("Romance", "Romantic"),
    ("War", "War film"),
    ("Sport", "Sports"),
    ("Biography", "Biographical", "Biopic"),
    ("History", "Historical"),
)
