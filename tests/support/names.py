"""Names that readers, and people who type, call the same."""

SAME_NAMES = (
    ("St Mary’s Church", "St Mary's"),
    ("Café Rouge", "Cafe"),
    ("Tŷ Newydd Hall", "Ty Newydd"),
    ("The O'Brien Arms", "O’Brien"),
    ("Ma\u00adson House", "Mason"),
    ("Ångström House", "Angstrom"),
    ("Château Derby", "chateau  derby"),
    ("Stoke-on-Trent Gallery", "stoke on trent"),
    ("Mark & Sons", "mark and sons"),
    ("Łódź Café", "LODZ"),
)
"""A name as it is stored, and what somebody types who looks for it."""

IN_ORDER = (
    "Abbey",
    "Angstrom House",
    "Ångström House",
    "ångström house",
    "Corn",
    "Corn Exchange",
    "corn-exchange",
    "Cornwall Hall",
    "Eglise",
    "Église Saint-Jean",
    "The O'Brien Arms",
    "under_score venue",
    "Zoo",
    "zoo derby",
)
"""As a reader expects them: capitals and accents tell apart only what is the same without them."""
