"""How a model does for the next visit, beside what needs no training: a table in plain words."""

from collections.abc import Mapping
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog.plurals import count_noun
from recommender.admin.svg_charts import share_bar
from recommender.training import evidence

_STATES = {"better": "good", "level": "none", "worse": "bad"}  # colours


def next_visit_table(metrics: Mapping[str, Any]) -> SafeString:
    """Draw the table of a version's metrics, the best ranker first."""
    ranked = evidence.next_visit_ranks(metrics)
    if not ranked:
        return format_html("<p>{}</p>", "Not measured.")
    active = (metrics.get("active") or {}).get("name", "")
    titles = evidence.TITLES | {evidence.CANDIDATE: "this model", evidence.ACTIVE: f"the active model then, {active}"}
    top = max(values["ndcg10"] for values in ranked.values()) or 1.0
    rows = []
    for name in sorted(ranked, key=lambda name: -ranked[name]["ndcg10"]):
        values, is_own = ranked[name], name == evidence.CANDIDATE
        verdict = evidence.verdict(values)
        rows.append(
            {
                "title": titles[name],
                "is_own": is_own,
                "bar": share_bar(values["ndcg10"] / top),
                "ndcg10": f"{values['ndcg10']:.4f}",
                "hr10": f"{values['hr10']:.1%}",
                "difference": "" if is_own else f"{values['difference']:+.4f}",
                "interval": "" if is_own else f"{values['low']:+.4f} to {values['high']:+.4f}",
                "verdict": "" if is_own else evidence.VERDICTS[verdict],
                "state": _STATES[verdict],
            }
        )
    visits = count_noun(metrics["gate"]["next_visit"]["visits"], "visit")
    seconds = f"{sum(values['seconds'] for values in ranked.values()):.0f}"
    held_out = metrics.get("held_out", "what the training did not see")
    context = {"rows": rows, "visits": visits, "seconds": seconds, "held_out": held_out}
    context["sentence"] = _sentence(ranked)
    return SafeString(render_to_string("recommender/next_visit.html", context))


def _sentence(ranked: Mapping[str, Mapping[str, float]]) -> str:
    """Say how the model does beside the best of what is popular, and which of the others are better."""
    popular = max(evidence.POPULARITY, key=lambda name: ranked[name]["ndcg10"])
    words = {"better": "better than", "level": "about as good as", "worse": "worse than"}
    said = f"This model's lists are {words[evidence.verdict(ranked[popular])]} the best popular list, "
    said += f"{evidence.TITLES[popular]}."
    better = [evidence.TITLES[name] for name in evidence.LEARNED if evidence.verdict(ranked[name]) == "worse"]
    return f"{said} They are worse than {' and than '.join(better)}." if better else said
