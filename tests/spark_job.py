"""Run the lines of docs/scale.md on a real Spark: python spark_job.py MODEL NEWS, which prints answers as JSON.

MODEL is the address of a registered model, NEWS a Parquet file.
"""

import json
import re
import sys
from pathlib import Path

from pyspark.sql import SparkSession

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
LOCAL = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def documented(model: str, news: str) -> str:
    """Return the example of the page, with the names of a model and of a table in place of its own."""
    section = PAGE.read_text(encoding="utf-8").partition("\n## Spark\n")[2].partition("\n## ")[0]
    example = re.findall(r"```python\n(.*?)```", section, re.DOTALL)[0]
    for name, own in (("models:/news-paragraph-topics@champion", model), ("news.parquet", news)):
        assert name in example
        example = example.replace(name, own)
    return str(example)


if __name__ == "__main__":
    builder = SparkSession.builder.master("local[2]")
    for name, value in LOCAL.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    names: dict[str, object] = {}
    exec(compile(documented(*sys.argv[1:3]), str(PAGE), "exec"), names)
    answered = names["answered"]
    found = {"type": answered.schema["answer"].dataType.simpleString()}
    rows = [json.loads(row) for row in answered.toJSON().collect()]
    sys.stdout.write(json.dumps({**found, "rows": sorted(rows, key=lambda row: row["id"])}))
    spark.stop()
