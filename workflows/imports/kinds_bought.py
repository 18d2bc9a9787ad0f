"""Files of what was bought: products, contracts, entitlements, invoices, exclusions, suite covers, Snipe-IT's export.

Each column has the field's word as its heading, a sentence, and the headings under which others know it.
"""

from __future__ import annotations

from licensing import cells
from licensing.cells import Format
from workflows.imports import vocabulary as words
from workflows.imports.columns import Column, Kind, email, from_one, listed, text, whole, yes_no
from workflows.imports.vocabulary import RECORDED
from workflows.register.contracts import put_contracts
from workflows.register.entitlements import put_entitlements, put_snipeit
from workflows.register.papers import put_covers, put_exclusions, put_invoices
from workflows.register.products import put_products

_PRODUCT = ("software", "product name", "application", "item name")
_STARTS = ("start", "start date", "starts", "from", "valid from", "begin")
_ENDS = ("end", "end date", "ends", "until", "to", "valid until", "expires", "expiration date", "expiry date", "expiry")

PRODUCTS = Kind(
    "products",
    "Products: what is licensed, who publishes it, how its use counts where nothing was bought.",
    (
        Column("name", text(200), "The product with its edition, without version.", _PRODUCT, True),
        Column("key", text(80), "What policy.yaml calls it; empty is made from the name.", ("product key word", "id")),
        Column("publisher", text(200), "Who grants the right.", ("manufacturer", "vendor", "made by")),
        Column("category", text(80), "A word for grouping, such as Office."),
        Column("search_words", text(2000), "Other words people look for it by.", ("search terms",)),
        Column("metric", words.METRICS, "How use counts where nothing was bought.", ("licence metric",)),
        Column("licence_model", words.MODELS, "paid, free or unknown.", ("license model", "model")),
        Column("list_price", words.price, "The vendor's list price of a unit.", ("price", "msrp")),
        Column("currency", words.currency, "Of the list price, ISO 4217.", ("list currency",)),
        Column(
            "cycle", words.CYCLES, "What the list price is for: month, year or once.", ("list cycle", "billing cycle")
        ),
        Column("owner", email, "E-mail address of the person who looks after it.", ("product owner", "owner email")),
        Column("idle_after_days", from_one, "Days without use after which a holder looks idle.", ("idle days",)),
        Column("tiers", listed(80), "The tiers people choose from, lowest first, with semicolons.", ("tier", "plans")),
        Column("granting", words.GRANTINGS, "How a seat is given; empty is by its owner.", ("given by",)),
        Column("admin_url", text(500), "Where its owner gives seats by hand.", ("admin page",)),
        Column("enabled", whole, "Units the vendor shows as enabled; they count, not proven, where no purchase does."),
        Column("consumed", whole, "Units the vendor shows as assigned."),
        Column("warning", whole, "Units the vendor shows in warning; they are not entitled."),
        Column("suspended", whole, "Units the vendor shows as suspended or locked out; they are not entitled."),
        Column("figures_at", cells.instant, "When the vendor's figures were read; empty is when the row was recorded."),
        RECORDED,
    ),
    put_products,
    own_fields=True,
)

CONTRACTS = Kind(
    "contracts",
    "Contracts: with whom, from when to when, how they end.",
    (
        Column(
            "number",
            text(100),
            "The contract's number.",
            ("contract", "contract number", "agreement", "agreement number"),
            True,
        ),
        Column("vendor", text(200), "With whom it was made.", ("supplier", "reseller", "party"), True),
        Column("starts_on", cells.day, "Its first day.", _STARTS, True),
        Column("ends_on", cells.day, "Its last day; empty is without end.", _ENDS),
        Column(
            "notice", words.notice, "Notice period: 60 days, 6 weeks, 3 months, 20 working days.", ("notice period",)
        ),
        Column("receipt_counts", yes_no, "Whether a notice counts when it is received, not when it is sent."),
        Column("delivery_days", words.up_to(60), "Working days a notice is under way where receipt counts."),
        Column("auto_renew", yes_no, "Whether it goes on by itself.", ("auto renewal", "automatic renewal")),
        Column(
            "term_months",
            words.up_to(240, 1),
            "Months of a renewed term; empty is as long as the first.",
            ("renewal term",),
        ),
        Column("programme", words.PROGRAMMES, "enterprise_agreement or new_commerce, whose windows hold; else empty."),
        Column("commit_floor", whole, "The least quantity that stays committed.", ("commitment", "minimum quantity")),
        Column("owner", email, "E-mail address of the person who answers for it.", ("contract owner", "owner email")),
        Column("cost_centre", text(64), "Who pays.", ("cost center", "costcentre")),
        Column(
            "true_up_from",
            cells.day,
            "First day of the running true-up period; empty is its anniversary.",
            ("true-up period from",),
        ),
        Column("true_up_price", words.price, "Agreed price of a unit at true-up, per billing cycle of its purchases."),
        Column("currency", words.currency, "Of the true-up price, ISO 4217."),
        Column("true_up_peak", yes_no, "Whether a true-up counts the peak of its period."),
        Column(
            "told_days", words.days_before, "Days before decide-by at which people are told; empty is the policy's."
        ),
        Column("penalty", text(500), "What the contract says a breach costs, in its words; never part of a sum."),
        Column("documents", listed(500), "Links or file names of its papers, with semicolons.", ("document", "files")),
        RECORDED,
    ),
    put_contracts,
    own_fields=True,
)

ENTITLEMENTS = Kind(
    "entitlements",
    "Entitlements: one row a purchase, each with its own price and term.",
    (
        Column(
            "reference",
            text(120),
            "Purchase number, by which a later file finds it; empty makes equal rows several purchases.",
            ("purchase order", "po", "po number", "order number", "purchase number"),
        ),
        Column("product", text(200), "The product's name or key; a new one is made.", _PRODUCT, True),
        Column("publisher", text(200), "Who grants the right; used when the product is new.", ("manufacturer",)),
        Column("tier", text(80), "The product's tier, where it has several.", ("plan", "edition tier")),
        Column("version", text(60), "The version bought; empty is any.", ("release",)),
        Column(
            "metric",
            words.METRICS,
            "What is counted: named_user, device, concurrent, core, consumption or site.",
            ("licence metric", "license metric", "counted by"),
        ),
        Column(
            "kind",
            words.PURCHASES,
            "subscription, perpetual, saas, concurrent or consumption.",
            ("type", "licence type", "license type"),
        ),
        Column(
            "quantity",
            words.quantity,
            "How many units, or unlimited; empty is not known.",
            ("seats", "licences", "licenses", "qty", "count", "units", "number of licences"),
        ),
        Column(
            "unit_price",
            words.price,
            "Price of a unit and billing cycle.",
            ("price", "price per unit", "price per seat", "unit cost", "purchase cost"),
        ),
        Column("currency", words.currency, "ISO 4217; may stand in the price instead."),
        Column(
            "billing_cycle",
            words.CYCLES,
            "month, year or once; what the price is for.",
            ("cycle", "billing", "billing period", "price per"),
        ),
        Column(
            "acquired_on",
            cells.day,
            "The day of purchase.",
            ("purchase date", "order date", "bought on", "date of purchase"),
        ),
        Column("starts_on", cells.day, "First day of the right; empty is the day of purchase.", _STARTS),
        Column("ends_on", cells.day, "Last day of the right; empty is without end.", _ENDS),
        Column("contract", text(100), "Number of its contract.", ("contract number", "agreement")),
        Column(
            "maintenance_until",
            cells.day,
            "Last day on which newer versions are included.",
            ("maintenance end", "support until", "maintenance ends on"),
        ),
        Column("maintenance_price", words.price, "Maintenance of a unit a year.", ("maintenance",)),
        Column("true_up_price", words.price, "Price of a unit at true-up; wins over the contract's.", ("true-up",)),
        Column("overage_price", words.price, "Price of a unit above what was bought.", ("overage",)),
        Column(
            "cores_per_processor",
            whole,
            "Least number of cores that counts per processor.",
            ("minimum cores per processor",),
        ),
        Column(
            "cores_per_server", whole, "Least number of cores that counts per server.", ("minimum cores per server",)
        ),
        Column(
            "cores_per_virtual",
            whole,
            "Least number of cores that counts per virtual machine.",
            ("minimum cores per virtual machine",),
        ),
        Column("pack", from_one, "Cores in a unit, where cores are sold in packs.", ("cores per pack", "pack size")),
        Column("sites", listed(120), "The sites a site licence covers, with semicolons.", ("site",)),
        Column("rights", words.RIGHTS, "downgrade, second_use, with semicolons.", ("use rights",)),
        Column(
            "evidence",
            text(500),
            "The clause or paper that gives the rights; without it they do not count.",
            ("evidence of rights", "clause"),
        ),
        Column("rights_until", cells.day, "Last day of the rights; empty is as long as the purchase."),
        Column(
            "proof",
            text(500),
            "Proof of purchase: a link or document number.",
            ("proof of purchase", "invoice number", "document"),
        ),
        Column("supplier", text(200), "Who sold it.", ("reseller", "vendor", "sold by")),
        Column(
            "product_key",
            words.KEYS,
            "Product keys, with semicolons; only a hash and the last five are kept.",
            ("serial number", "serial", "licence key", "license key", "key"),
        ),
        Column("volume_key", yes_no, "Whether the key is meant for many devices.", ("volume licence key",)),
        RECORDED,
    ),
    put_entitlements,
    own_fields=True,
)

INVOICES = Kind(
    "invoices",
    "Invoices: one row a line as it was billed.",
    (
        Column("vendor", text(200), "Who billed.", ("supplier", "reseller"), True),
        Column("number", text(100), "The invoice's number.", ("invoice", "invoice number"), True),
        Column("line", from_one, "The line's number; empty is counted from the top.", ("line number", "position")),
        Column("contract", text(100), "Number of its contract.", ("contract number",)),
        Column("product", text(200), "The product's name or key.", _PRODUCT),
        Column("issued_on", cells.day, "The day on the invoice.", ("date", "invoice date"), True),
        Column("period_from", cells.day, "First day it pays for.", ("service from",)),
        Column("period_to", cells.day, "Last day it pays for.", ("service to",)),
        Column("quantity", words.units, "Units billed; a credit may be negative.", ("qty", "seats", "units")),
        Column(
            "amount", words.price, "The line's sum; a credit is negative.", ("total", "line total", "sum", "net amount")
        ),
        Column("currency", words.currency, "ISO 4217; may stand in the amount instead."),
        Column("cost_centre", text(64), "Who pays.", ("cost center",)),
        Column("words", text(2000), "What the line says.", ("description", "text", "item")),
        RECORDED,
    ),
    put_invoices,
)

EXCLUSIONS = Kind(
    "exclusions",
    "Exclusions: use that a right in a contract takes out of the count.",
    (
        Column("reference", text(120), "Your number for it; empty is made from the row."),
        Column("product", text(200), "The product's name or key.", _PRODUCT, True),
        Column(
            "device", text(128), "Identity or name of the device, or fill person or site instead.", ("computer", "host")
        ),
        Column("person", email, "E-mail address of the person.", ("user", "email")),
        Column("site", text(120), "The site all of whose devices are excluded.", ("location",)),
        Column(
            "right",
            text(200),
            "What the contract calls it: disaster recovery, development and test.",
            ("reason",),
            True,
        ),
        Column("evidence", text(500), "The clause or paper that gives it.", ("clause", "document"), True),
        Column("starts_on", cells.day, "Its first day.", _STARTS, True),
        Column("ends_on", cells.day, "Its last day; every exclusion has one.", _ENDS, True),
        RECORDED,
    ),
    put_exclusions,
)

COVERS = Kind(
    "covers",
    "Suite covers: your own word on whether a suite covers a product; it wins over what is computed.",
    (
        Column("suite", text(200), "The suite's name or key.", ("suite product",), True),
        Column(
            "part", text(200), "The product it covers, or does not.", ("part product", "component", "product"), True
        ),
        Column("covers", yes_no, "yes or no; empty is yes.", ("covered", "included")),
        Column("source", text(500), "Where that stands.", ("evidence", "document"), True),
        RECORDED,
    ),
    put_covers,
)

SNIPEIT = Kind(
    "snipeit-licences",
    "The licence CSV that Snipe-IT exports; serial numbers are product keys and are not kept in clear.",
    (
        Column("product", text(200), "The licence's name.", ("item name", "name", "licence", "license"), True),
        Column(
            "product_key",
            words.KEYS,
            "The product key; only a hash and the last five are kept.",
            ("serial number", "serial"),
        ),
        Column("publisher", text(200), "Who grants the right.", ("manufacturer",)),
        Column("category", text(80), "Kept as an own field."),
        Column("acquired_on", cells.day, "The day of purchase, month first.", ("purchase date",)),
        Column("unit_price", words.price, "Price of a licence; Snipe-IT names no currency.", ("purchase cost",)),
        Column("currency", words.currency, "Add the column to say which one."),
        Column("proof", text(500), "The purchase order.", ("purchase order",)),
        Column("order", text(200), "Kept as an own field.", ("order number",)),
        Column("ends_on", cells.day, "The last day.", ("expiration date",)),
        Column("quantity", words.quantity, "How many.", ("seats",)),
        Column("company", text(200), "Kept as an own field."),
        Column("supplier", text(200), "Who sold it."),
        Column("notes", text(5000), "Kept as an own field."),
        RECORDED,
    ),
    put_snipeit,
    fixed=Format(decimals=".", order="mdy"),
    template=(
        "Item name",
        "serial number",
        "Category",
        "manufacturer",
        "purchase date",
        "purchase cost",
        "currency",
        "purchase order",
        "order number",
        "expiration date",
        "seats",
        "company",
        "supplier",
        "notes",
        "recorded_at",
    ),
)

BOUGHT = (PRODUCTS, CONTRACTS, ENTITLEMENTS, INVOICES, EXCLUSIONS, COVERS, SNIPEIT)
