import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import support
from conftest import TrainedExperiment

from pipeline.model.bundle import load_bundle
from pipeline.tracking import embedded_store

JAVA = shutil.which("java") or os.environ.get("JAVA_HOME")
pytestmark = pytest.mark.skipif(not (find_spec("pyspark") and JAVA), reason="needs PySpark and Java")


def test_the_registered_model_predicts_on_a_spark_dataframe(trained: TrainedExperiment, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = [row["text"] for row in support.made_rows(50, prefix="n", writer="n", seed=3)]
    news = {"id": list(range(203)), "text": [*texts, None, "", "None"]}
    pq.write_table(pa.table(news), tmp_path / "news.parquet", row_group_size=50)
    environment = {
        **support.ENVIRONMENT,
        "MLFLOW_TRACKING_URI": embedded_store(trained.experiment.output),
        "PYSPARK_PYTHON": sys.executable,
    }
    job = [
        sys.executable,
        str(Path(__file__).with_name("spark_job.py")),
        "models:/tests@candidate",
        "news.parquet",
    ]
    done = subprocess.run(job, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-5000:]
    found = json.loads(done.stdout)
    scorer = load_bundle(trained.experiment.candidate).scorer
    columns = ",".join(f"{topic}:double" for topic in support.TOPICS)
    assert found["type"] == f"struct<topics:array<string>,{columns},error:string>"
    answers = [row["answer"] for row in found["rows"]]
    assert answers.pop(200) == {"error": "no text in column 'text'"}
    expected = scorer.scores([*texts, "", "None"])
    assert (
        np.abs(np.array([[answer[topic] for topic in support.TOPICS] for answer in answers]) - expected).max()
        < 1e-9
    )
    assigned = [np.array(support.TOPICS)[row].tolist() for row in scorer.labels(expected)]
    assert [answer["topics"] for answer in answers] == assigned
    assert {len(topics) for topics in assigned} == {0, 1, 2}
    assert all("error" not in answer for answer in answers)
