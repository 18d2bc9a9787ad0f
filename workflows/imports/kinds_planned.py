"""Files of what is planned: heads a department will gain or lose, and what a cost centre may spend."""

from __future__ import annotations

from licensing import cells
from workflows.imports import vocabulary as words
from workflows.imports.columns import Column, Kind, text
from workflows.imports.vocabulary import RECORDED
from workflows.register.plans import put_budgets, put_hiring

HIRING = Kind(
    "hiring",
    "The hiring plan: heads a department gains or loses from a day on.",
    (
        Column(
            "reference",
            text(120),
            "Number of the position, by which a later file finds it; empty is department, day and product.",
            ("position", "requisition", "id"),
        ),
        Column("department", text(120), "The department, as the directory spells it; empty is the whole company."),
        Column("starts_on", cells.day, "First day.", ("start", "start date", "from"), True),
        Column("heads", words.heads, "How many people more, or fewer with a minus.", ("head count", "people"), True),
        Column(
            "product",
            text(200),
            "A product they all get; empty counts the department's usual share of each product.",
            ("software", "product name"),
        ),
        Column("cost_centre", text(64), "Who pays.", ("cost center", "costcentre")),
        Column("words", text(500), "What else is to be known.", ("notes", "comment")),
        RECORDED,
    ),
    put_hiring,
)

BUDGETS = Kind(
    "budgets",
    "Budgets: what a cost centre may spend on software in a calendar year, per currency.",
    (
        Column("cost_centre", text(64), "Who may spend it.", ("cost center", "costcentre", "centre"), True),
        Column("year", words.year, "The calendar year.", ("budget year", "fiscal year"), True),
        Column("amount", words.price, "The sum; 0 is a budget of nothing.", ("budget", "sum", "total"), True),
        Column("currency", words.currency, "ISO 4217; may stand in the amount instead."),
    ),
    put_budgets,
)

PLANNED = (HIRING, BUDGETS)
