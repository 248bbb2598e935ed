import json
from pathlib import Path

import pytest
import support
from pydantic import TypeAdapter
from serving import ARTICLE, Service

from pipeline.model.bundle import load_bundle
from pipeline.serve.schemas import PredictionRow, TableRow

SCHEMA = Path(__file__).parents[1] / "docs" / "prediction.schema.json"


def predict(model: Path, *options: str) -> list[dict]:
    done = support.run("predict", "-", "--model", model, "--format", "jsonl", *options, stdin=ARTICLE.encode())
    assert done.returncode == 0, done.stderr
    return support.json_lines(done.stdout)


def test_an_article_gets_the_rows_of_the_command_line(service: Service, small_model: Path) -> None:
    rows = service.ask("/v1/predict", {"article": ARTICLE, "explain": True}).json()["predictions"]
    assert [row | {"source": "-"} for row in rows] == predict(small_model, "--explain")
    assert [row["topics"] for row in rows] == [["mine_action"], ["peace_process"], []]


@pytest.mark.parametrize("point", ["precision", "balanced", "recall"])
def test_an_operating_point_is_that_of_the_command_line_and_the_bundle(
    service: Service, small_model: Path, point: str
) -> None:
    answer = service.ask("/v1/predict", {"article": ARTICLE, "threshold": point}).json()
    assert [row | {"source": "-"} for row in answer["predictions"]] == predict(small_model, "--threshold", point)
    scorer = load_bundle(small_model / "champion.safetensors").scorer
    thresholds = dict(zip(scorer.topics, scorer.points[point].tolist(), strict=True))
    assert (answer["model"]["threshold"], answer["model"]["thresholds"]) == (point, thresholds)
    for topic in service.ask("/v1/topics").json()["topics"]:
        assert topic["thresholds"][point] == thresholds[topic["id"]]


def test_the_operating_points_differ_and_balanced_is_the_default(service: Service) -> None:
    (topic, _) = service.ask("/v1/topics").json()["topics"]
    assert list(topic["thresholds"]) == ["precision", "balanced", "recall"]
    assert len(set(topic["thresholds"].values())) > 1
    assert topic["threshold"] == topic["thresholds"]["balanced"]
    assert service.ask("/v1/predict", {"texts": []}).json()["model"]["threshold"] == "balanced"


def test_an_unknown_operating_point_is_refused_with_those_there_are(service: Service) -> None:
    reply = service.ask("/v1/predict", {"texts": ["a"], "threshold": "high"})
    expected = "threshold: no operating point 'high', expected one of precision, balanced, recall"
    assert (reply.status, reply.json()) == (409, {"detail": expected})


def test_texts_are_scored_as_they_are_and_in_order(service: Service) -> None:
    article = service.ask("/v1/predict", {"article": ARTICLE}).json()["predictions"]
    answer = service.ask("/v1/predict", {"texts": [*ARTICLE.split("\n\n"), "", ARTICLE]}).json()
    rows = answer["predictions"]
    assert [row["scores"] for row in rows[:3]] == [row["scores"] for row in article]
    assert [row["source"] for row in rows] == [f"texts/{i}" for i in range(5)]
    assert rows[3]["topics"] == []
    assert rows[4]["text"] == ARTICLE
    assert answer["model"]["run_id"] == "run-one"


def test_the_schema_in_docs_describes_what_is_written(service: Service, small_model: Path, tmp_path: Path) -> None:
    assert json.loads(SCHEMA.read_text()) == TypeAdapter(PredictionRow | TableRow).json_schema()
    for row in service.ask("/v1/predict", {"article": ARTICLE, "explain": True}).json()["predictions"]:
        PredictionRow.model_validate_json(json.dumps(row))
    table = support.write_rows(tmp_path / "t.jsonl", [{"id": "x", "text": ARTICLE, "y": 1}, {"text": None}])
    first, second = support.run("predict", table, "--keep", "all", "--model", small_model).stdout.splitlines()
    assert TableRow.model_validate_json(first).model_extra == {"text": ARTICLE, "y": 1}
    assert TableRow.model_validate_json(second).error == "no text in column 'text'"


def test_topics_health_and_metrics(service: Service) -> None:
    topics = service.ask("/v1/topics").json()["topics"]
    assert [topic["id"] for topic in topics] == ["mine_action", "peace_process"]
    assert service.ask("/healthz").json() == {"status": "ok"}
    assert service.ask("/readyz").json()["run_id"] == "run-one"
    figures = service.ask("/metrics").body.decode()
    assert 'topics_requests_total{path="/v1/topics",status="200"}' in figures
    assert 'topics_model_info{run_id="run-one"' in figures
