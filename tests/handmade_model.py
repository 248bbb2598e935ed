"""A model made by hand: "rain" speaks for the first topic, "snow" for the second, "peru" against the first."""

import numpy as np

from pipeline.model.bundle import Bundle
from pipeline.model.scorer import Scorer
from pipeline.report.measure import measure
from pipeline.schema import LabelledParagraph, Topic
from pipeline.text.tokenizer import Analyzer
from pipeline.text.vocabulary import Vocabulary

SCORER = Scorer(
    topics=("wet", "cold"),
    vocabulary=Vocabulary("peru\nrain\nsnow\nthe", Analyzer(max_ngram=1, prefix_length=0)),
    table=np.array([[1.0, -9.0, 0.0], [1.0, 9.0, 0.0], [1.0, 0.0, 9.0], [1.0, 0.0, 0.0]]),
    oov_idf=1.0,
    sublinear=False,
    oov_weight=0.0,
    slope=1.0,
    pivot=1.0,
    text_coef=np.array([0.5, 0.5]),
    sentence_coef=np.array([0.5, 0.5]),
    intercept=np.array([-3.0, -3.0]),
    points={"balanced": np.array([0.5, 0.5])},
)
TOPICS = (Topic("wet", "Wet", keywords=("rain",)), Topic("cold", "Cold", keywords=("frost",)))
BUNDLE = Bundle(SCORER, TOPICS, np.array([], np.uint64), {"most_frequent": "", "run_id": "none"})
TEXTS = ["the rain", "the snow", "rain and snow", "the", "the rain of Peru", "the snow of Chile"]
LABELS = [("wet",), ("cold",), ("wet", "cold"), (), ("wet",), ()]
ROWS = [LabelledParagraph(f"a{i // 2}", i % 2, TEXTS[i], topics=LABELS[i]) for i in range(6)]
MEASURED = measure("made-up rows", BUNDLE, ROWS, random_state=1)
