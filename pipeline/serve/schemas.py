"""Requests and responses of the service, for its OpenAPI description and `docs/prediction.schema.json`."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from pipeline.predict.article import DEFAULT_POINT

Text = Annotated[str, Field(pattern=r"^[^\x00]*$", description="Plain text without NUL characters.")]
Written = Annotated[
    str,
    Field(pattern=r"^[^\x00]*[^\x00\s][^\x00]*$", description="Plain text, not empty, without NUL characters."),
]
Name = Annotated[
    str,
    Field(max_length=80, pattern=r"^[^\x00-\x1f\x7f]*$", description="Of a person, without control characters."),
]
Probability = Annotated[float, Field(ge=0, le=1)]


def _whole(value: object) -> object:
    """Take 3.0 as 3, as JSON Schema does."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Row(BaseModel):
    """An object without other fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


class TextsRequest(Row):
    """Texts to predict on, each as it is."""

    texts: list[Text] = Field(description="Each is one paragraph.", examples=[["Sappers cleared the field."]])
    explain: bool = Field(default=False, description="Explain the scores of assigned topics and near misses.")
    threshold: str = Field(
        default=DEFAULT_POINT, max_length=80, description="Operating point: precision, balanced or recall."
    )


class ArticleRequest(Row):
    """An article to predict on, paragraph by paragraph."""

    article: Text = Field(description="It is split into paragraphs first.")
    explain: bool = Field(default=False, description="Explain the scores of assigned topics and near misses.")
    threshold: str = Field(
        default=DEFAULT_POINT, max_length=80, description="Operating point: precision, balanced or recall."
    )


class TermRow(Row):
    """The contribution of one term to a score's logit."""

    term: str = Field(description="A folded word, neighbouring words, or first letters and an asterisk.")
    contribution: float = Field(description="In logits; negative for a term that speaks against the topic.")
    spans: list[tuple[int, int]] = Field(description="Where it stands: start and end, characters in `text`.")


class ExplanationRow(Row):
    """How a score comes about: ln(score / (1 - score)) = bias + all contributions + rest."""

    bias: float = Field(description="The logit of a text whose terms contribute nothing.")
    terms: list[TermRow] = Field(description="The ten terms with the largest contributions, largest first.")
    rest: float = Field(description="The sum of all other contributions.")


class PredictionRow(Row):
    """The prediction for one paragraph: a line of the command line's JSON lines."""

    source: str = Field(
        description="The file, address or feed entry; over HTTP `article`, or `texts/0` and so on."
    )
    paragraph: int = Field(ge=0, description="Number within the source, from 0.")
    start: int = Field(ge=0, description="Where the paragraph starts: characters in the article's text.")
    end: int = Field(ge=0, description="Where it ends, exclusive.")
    text: str = Field(description="The paragraph.")
    topics: list[str] = Field(description="Assigned topics, in the order of the label set; empty for none.")
    scores: dict[str, Probability] = Field(description="A calibrated probability for every topic.")
    margins: dict[str, float] = Field(description="Score minus threshold; a topic is assigned from 0.")
    title: str | None = Field(default=None, description="The article's title, where its format has one.")
    date: str | None = Field(default=None, description="Its date, as the document writes it.")
    origin: str | None = Field(default=None, description="The address or site that the document names as its own.")
    language: str | None = Field(
        default=None,
        description="The article's language in ISO 639-1, where it is clear and the model names its own.",
    )
    explanation: dict[str, ExplanationRow] | None = Field(
        default=None, description="On request: for each assigned topic and each near miss."
    )


class TableRow(BaseModel):
    """The prediction for one row of a table, or its error; columns kept by `--keep` are further fields."""

    model_config = ConfigDict(extra="allow", strict=True)

    source: str | None = Field(default=None, description="The table, where several are predicted on at once.")
    row: int = Field(ge=1, description="Number within the table, from 1.")
    id: Any = Field(default=None, description="The row's own id, where the table has a column of that name.")
    topics: list[str] | None = Field(default=None, description="As for a paragraph; missing with an error.")
    scores: dict[str, Probability] | None = Field(default=None, description="As for a paragraph, with 6 decimals.")
    margins: dict[str, float] | None = Field(default=None, description="As for a paragraph, with 6 decimals.")
    line: int | None = Field(default=None, description="With an error: the line of the file, in Parquet the row.")
    error: str | None = Field(default=None, description="Why the row has no prediction.")


class ModelRow(Row):
    """The model that made the predictions."""

    run_id: str = Field(description="Its run in MLflow.")
    sha256: str = Field(description="Of its file.")
    data_sha256: str = Field(description="Of the rows it was trained on.")
    threshold: str = Field(description="The operating point.")
    thresholds: dict[str, float] = Field(description="The score from which each topic is assigned there.")


class PredictResponse(Row):
    """Predictions in the order of the texts or paragraphs, and the model."""

    predictions: list[PredictionRow]
    model: ModelRow
    notes: list[str] | None = Field(
        default=None, description="What was left out, or is in doubt: a sentence each, for people."
    )


class TopicRow(Row):
    """One topic of the label set."""

    id: str
    title: str
    definition: str
    colour: str
    threshold: float = Field(description="At the default operating point.")
    thresholds: dict[str, float] = Field(description="By operating point.")


class TopicsResponse(Row):
    """The label set in column order, and the model."""

    topics: list[TopicRow]
    model: ModelRow


class CorrectionRequest(Row):
    """The topics that a person assigns to a paragraph."""

    text: Written
    topics: list[str] = Field(description="All topics of the paragraph; empty for none.")
    article: str = Field(
        default="", pattern=r"^[a-z0-9]{0,64}$", description="Keeps an article's paragraphs together."
    )
    paragraph: Annotated[int, Field(ge=0, le=1_000_000), BeforeValidator(_whole)] = 0
    annotator: Name = Field(default="", description="Who says so; empty for `anonymous`.")
    threshold: str = Field(
        default=DEFAULT_POINT,
        max_length=80,
        description="The operating point of the topics that the person saw: precision, balanced or recall.",
    )


class UndoRequest(Row):
    """The correction to take back."""

    id: Annotated[int, Field(ge=1, le=2**53), BeforeValidator(_whole)]


class CorrectionRow(Row):
    """A saved correction."""

    id: int = Field(description="Its number, by which it is taken back.")
    annotator: str
    article: str
    paragraph: int
    text: str
    model_topics: list[str]
    person_topics: list[str]
    model: str
    time: str


class ErrorResponse(Row):
    """Why a request is refused, in one sentence."""

    detail: str


class ViewRow(Row):
    """A saved view: the selection that it stands for."""

    name: str
    slug: str = Field(description="What addresses and the command line call it.")
    page: str = Field(description="The address of its page.")
    topics: list[str] = Field(description="Paragraphs that have one of these; empty for any topic.")
    outlets: list[str] = Field(description="Empty for all.")
    words: str = Field(description="All must occur in a paragraph; empty for none.")
    threshold: float | None = Field(description="The least score, instead of the model's thresholds.")
    since: str | None = Field(description="First day.")
    until: str | None = Field(description="Last day.")


class StoryArticleRow(Row):
    """An article of a story."""

    id: int
    title: str
    outlet: str
    day: str = Field(description="YYYY-MM-DD: its own date, else when it was collected.")
    address: str | None = Field(description="Where it was published, http or https.")
    language: str | None
    page: str = Field(description="The address of its page in this service.")


class QuotationRow(Row):
    """A paragraph of the story's first article that matches."""

    paragraph: int = Field(ge=0, description="Number within the article, from 0.")
    text: str
    scores: dict[str, Probability] = Field(description="Of the topics that it has, the widest margin first.")
    before: str = Field(description="The paragraph before it; empty at the beginning.")
    after: str = Field(description="The paragraph after it; empty at the end.")
    page: str = Field(description="The address of the paragraph in this service.")


class StoryRow(Row):
    """Articles that tell the same."""

    id: int
    title: str
    about: list[str] = Field(description="Topics that one of the articles is about.")
    mentioned: list[str] = Field(description="Topics that they only mention.")
    articles: list[StoryArticleRow]
    quotations: list[QuotationRow]


class ViewResponse(Row):
    """The stories of a saved view, those about its topics first, of these the newest first."""

    view: ViewRow
    total: int = Field(ge=0, description="How many stories there are in all.")
    stories: list[StoryRow]
