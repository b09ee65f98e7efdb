"""Import and export of rows by the commands, as an operator runs them."""

import csv
import io

from django.core.management import CommandError, call_command


def import_file(kind, path, **options):
    """Run `import_rows`; return its output and the rejected rows as (line, field, reason)."""
    out = io.StringIO()
    try:
        call_command("import_rows", kind, path, stdout=out, **options)
    except CommandError as error:
        out.write(str(error))
    report = path.with_name(f"{path.name}.rejected.csv")
    rows = list(csv.DictReader(report.open(newline=""))) if report.exists() else []
    return out.getvalue(), [(int(row["line"]), row["field"], row["reason"]) for row in rows]


def export_lines(kind, form="jsonl"):
    """Run `export`; return its output."""
    out = io.StringIO()
    call_command("export", kind, "--form", form, stdout=out)
    return out.getvalue()
