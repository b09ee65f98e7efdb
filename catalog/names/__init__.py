"""Names as people write them: of genres, people, languages and countries. Plain Python, without the database."""
