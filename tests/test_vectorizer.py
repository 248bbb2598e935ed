import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from small_model import TEXTS

from pipeline.text.vectorizer import Featuriser

SETTINGS = {"ngrams": 2, "prefix": 4, "min_df": 1, "sublinear": True, "unknown": 0.5}


def test_rows_have_length_one_and_columns_have_names() -> None:
    featuriser = Featuriser(**SETTINGS)
    features = featuriser.fit_transform(["mine mine action", "gas"])
    assert featuriser.get_feature_names_out().tolist() == [
        "acti*",
        "action",
        "gas",
        "gas*",
        "mine",
        "mine action",
        "mine mine",
        "mine*",
    ]
    np.testing.assert_allclose((features.toarray() ** 2).sum(1), 1)
    np.testing.assert_allclose(features.toarray()[1, [2, 3]], 2**-0.5)


def test_unknown_words_make_a_row_shorter() -> None:
    featuriser = Featuriser(**SETTINGS).fit(["mine action", "gas"])
    assert 0 < (featuriser.transform(["gas in zzz"]).toarray() ** 2).sum() < 0.5


def test_it_works_inside_scikit_learn() -> None:
    labels = [place % 3 == 0 for place in range(len(TEXTS))]
    model = clone(make_pipeline(Featuriser(), LogisticRegression(C=100)))
    assert (model.fit(TEXTS, labels).predict(TEXTS) == labels).all()


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValueError, match="no setting 'ngram'"):
        Featuriser().set_params(ngram=3)


def test_features_need_no_scikit_learn() -> None:
    code = (
        "import sys, pipeline.text.vectorizer as f; f.Featuriser().fit(['gas']); print('sklearn' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
