"""Short articles to try on the page; written for it, about no real event."""

EXAMPLES: tuple[tuple[str, str], ...] = (
    (
        "Talks on the border",
        "The foreign ministers of the two countries met on Tuesday for a third round of peace talks and agreed to"
        " go on with the delimitation of their border.\n\n"
        "Clearance teams removed more than 400 anti-personnel mines from farmland along the line last year, and"
        " demining is to reach two more districts by the autumn.\n\n"
        "Lunch was served in the garden of the residence. Neither minister took questions.",
    ),
    (
        "A cold week",
        "The grid operator warned of rolling blackouts on Thursday after a pipeline failure cut gas supplies to"
        " three power stations.\n\n"
        "It ruled out a cyberattack. In January hackers had stolen passwords of its engineers by phishing, and the"
        " national response team has watched its network since.\n\n"
        "Schools in the capital stay closed until Monday. The forecast is for snow.",
    ),
    (
        "After the summit",
        "A year after COP29, campaigners say that the climate finance goal agreed in Baku has"
        " hardly been paid into.\n\n"
        "The minister defended the outcome and pointed to a new wind farm that makes the island less dependent on"
        " imported fuel.\n\n"
        "She also opened an exhibition of children's paintings at the town library.",
    ),
)
