"""What the service takes and gives, as its OpenAPI description and `docs/prediction.schema.json` state it."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Text = Annotated[str, Field(pattern=r"^[^\x00]*$", description="Plain text without NUL characters.")]
Written = Annotated[
    str,
    Field(pattern=r"^[^\x00]*[^\x00\s][^\x00]*$", description="Plain text, not empty, without NUL characters."),
]
Probability = Annotated[float, Field(ge=0, le=1)]


def _whole(value: object) -> object:
    """Take 3.0 as 3, as JSON Schema does."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Row(BaseModel):
    """An object without further fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class TextsRequest(Row):
    """Texts to label, each as it is."""

    texts: list[Text] = Field(description="Each is one paragraph.", examples=[["Sappers cleared the field."]])
    explain: bool = Field(default=False, description="Add what made the score of topics given and near misses.")


class ArticleRequest(Row):
    """An article to label paragraph by paragraph."""

    article: Text = Field(description="It is split into paragraphs first.")
    explain: bool = Field(default=False, description="Add what made the score of topics given and near misses.")


class TermRow(Row):
    """What one term added to a score's logit."""

    term: str = Field(description="A folded word, neighbouring words, or first letters and an asterisk.")
    contribution: float = Field(description="In logits; negative where it speaks against the topic.")
    spans: list[tuple[int, int]] = Field(description="Where it stands: start and end, characters in `text`.")


class ExplanationRow(Row):
    """What made one score: ln(score / (1 - score)) = bias + all contributions + rest."""

    bias: float = Field(description="The logit of a text that says nothing.")
    terms: list[TermRow] = Field(description="The ten terms that moved the score most, strongest first.")
    rest: float = Field(description="What all other terms added together.")


class PredictionRow(Row):
    """The answer for one paragraph, one line of the command line's JSON lines."""

    source: str = Field(
        description="The file, address or feed entry; over HTTP `article`, or `texts/0` and so on."
    )
    paragraph: int = Field(ge=0, description="Number within the source, from 0.")
    start: int = Field(ge=0, description="Where the paragraph starts: characters in the article's text.")
    end: int = Field(ge=0, description="Where it ends, exclusive.")
    text: str = Field(description="The paragraph.")
    topics: list[str] = Field(description="Topics given, in the label set's order; none is an answer.")
    scores: dict[str, Probability] = Field(description="A calibrated probability for every topic.")
    margins: dict[str, float] = Field(description="Score minus threshold; given where it is 0 or more.")
    title: str | None = Field(default=None, description="The article's title, where its format has one.")
    date: str | None = Field(default=None, description="Its date, as the document writes it.")
    origin: str | None = Field(default=None, description="The address or site that the document names as its own.")
    explanation: dict[str, ExplanationRow] | None = Field(
        default=None, description="On request: for each topic given and each near miss."
    )


class ModelRow(Row):
    """Which model answered."""

    run_id: str = Field(description="Its run in MLflow.")
    sha256: str = Field(description="Of its file.")
    data_sha256: str = Field(description="Of the rows it was trained on.")
    thresholds: dict[str, float] = Field(description="The least score with which each topic is given.")


class Answer(Row):
    """Predictions in the order of the texts or paragraphs, and the model."""

    predictions: list[PredictionRow]
    model: ModelRow


class TopicRow(Row):
    """One topic of the label set."""

    id: str
    title: str
    definition: str
    colour: str
    threshold: float


class TopicsAnswer(Row):
    """The label set in column order, and the model."""

    topics: list[TopicRow]
    model: ModelRow


class CorrectionRequest(Row):
    """What a person says of a paragraph."""

    text: Written
    topics: list[str] = Field(description="All topics that the paragraph has; none is an answer.")
    article: str = Field(
        default="", pattern=r"^[a-z0-9]{0,64}$", description="Keeps an article's paragraphs together."
    )
    paragraph: Annotated[int, Field(ge=0, le=1_000_000), BeforeValidator(_whole)] = 0


class CorrectionRow(Row):
    """One correction as it is kept."""

    article: str
    paragraph: int
    text: str
    model_topics: list[str]
    person_topics: list[str]
    model: str
    time: str


class Problem(Row):
    """Why a request is refused."""

    detail: str
