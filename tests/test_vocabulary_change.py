import numpy as np
from handmade_model import BUNDLE

from pipeline.monitoring.reference import learn_sample
from pipeline.monitoring.sample import observe
from pipeline.monitoring.vocabulary_change import changed_words, new_words

BEFORE = learn_sample(
    observe("before", [(str(i), ["the snow"] if i % 2 else ["the rain"]) for i in range(60)], BUNDLE)
)
AFTER = observe("after", [(str(i), ["the rain and typhoon" if i else "the monsoon"]) for i in range(40)], BUNDLE)


def test_new_words_are_those_out_of_the_vocabulary_in_several_articles() -> None:
    assert new_words(AFTER, BUNDLE.scorer).to_numpy().tolist() == [["and", 39, "97.5%"], ["typhoon", 39, "97.5%"]]


def test_known_words_are_listed_by_how_sure_their_change_is() -> None:
    found = changed_words(AFTER, BEFORE, BUNDLE.scorer)
    assert found["word"].tolist() == ["rain", "snow"]
    assert found["articles of the reference"].tolist() == ["50.0%", "50.0%"]
    assert found["articles"].tolist() == ["97.5%", "0.0%"]
    z = (np.log(39.5 / 1.5) - 0) / np.sqrt(1 / 39.5 + 1 / 1.5 + 2 / 30.5)
    assert found["z"][0] == f"{z:+.1f}"


def test_without_a_change_nothing_is_listed() -> None:
    same = observe("same", [(str(i), ["the snow"] if i % 2 else ["the rain"]) for i in range(60)], BUNDLE)
    assert not len(changed_words(same, BEFORE, BUNDLE.scorer))
    assert not len(new_words(same, BUNDLE.scorer))
