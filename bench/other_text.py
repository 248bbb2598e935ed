"""Sentences that no model of the project was made for, written for its benchmark of drift."""

GERMAN = (
    "Der Stadtrat hat am Dienstag beschlossen, die alte Halle am Hafen zu einem Markt umzubauen.",
    "Die Ministerin sagte, die Gespräche seien schwierig gewesen, man habe sich aber in vielen Punkten geeinigt.",
    "Nach dem Regen der letzten Tage stand das Wasser in vielen Kellern fast einen halben Meter hoch.",
    "Die Lehrer fordern kleinere Klassen und mehr Zeit, um den Unterricht vorzubereiten.",
    "Im Krankenhaus der Kreisstadt fehlen nach Angaben der Leitung mehr als dreißig Pflegekräfte.",
    "Der Verein gewann das Spiel in der letzten Minute und bleibt damit auf dem dritten Platz.",
    "Wer im Herbst pflanzt, muss im Frühjahr weniger gießen, rät der Gärtner.",
    "Die Brücke über den Fluss bleibt bis zum Sommer gesperrt, weil der Beton nicht hält.",
    "Am Abend las die Schriftstellerin vor vollem Saal aus ihrem neuen Buch.",
    "Die Preise für Butter und Milch sind seit dem Winter um ein Zehntel gestiegen.",
    "Ein Gericht muss nun klären, ob der Vertrag mit der Baufirma gültig ist.",
    "Viele Pendler standen am Morgen auf dem Bahnsteig und warteten vergeblich auf den Zug.",
)
RECIPES = (
    "Peel the onions and slice them thinly, then soften them in butter over a low heat for ten minutes.",
    "Whisk the eggs with the sugar until they are pale and thick enough to leave a trail.",
    "Season with salt, pepper and a pinch of nutmeg, and simmer until the sauce coats the spoon.",
    "Line a tin with baking parchment and spread the batter evenly with a wet spatula.",
    "Roast the peppers until their skins blister, cover them with a cloth, and peel them once they have cooled.",
    "Knead the dough for eight minutes, put it in an oiled bowl and let it rise until it has doubled.",
    "Toast the almonds in a dry pan, shaking it often, and chop them coarsely.",
    "Drain the chickpeas, rinse them, and crush half of them with a fork.",
    "Fold the whipped cream into the cold custard and spoon it over the berries.",
    "Brush the pastry with beaten egg and bake it for twenty-five minutes until golden.",
    "Marinate the fish in lemon juice, garlic and chopped dill for no longer than half an hour.",
    "Serve warm, with a spoonful of yoghurt and plenty of fresh mint.",
)
