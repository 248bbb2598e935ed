"""Score rows with a logged model where the project itself is not importable: python served_alone.py MODEL ROWS

ROWS is a JSON list of texts. Prints the scores, a list a row, and the modules of the project that were loaded.
"""

import json
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType


class OfTheModel:
    """Finds `pipeline` in the folder of the model and nowhere else, however it is installed."""

    def __init__(self, model: Path) -> None:
        self.model = str(model)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] != "pipeline":
            return None
        below = [folder for folder in path or sys.path if folder.startswith(self.model)]
        spec = PathFinder.find_spec(name, below, target)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return spec


def importable(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


if __name__ == "__main__":
    model, rows = Path(sys.argv[1]).resolve(), json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    sys.meta_path.insert(0, OfTheModel(model))
    assert not importable("pipeline")

    import mlflow
    import pandas as pd

    answer = mlflow.pyfunc.load_model(str(model)).predict(pd.DataFrame({"text": rows}))
    answer = answer.drop(columns=["topics", "error"]).astype(object).where(answer["error"].isna(), None)
    modules = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "pipeline"}
    assert all(str(module.__file__).startswith(str(model)) for module in modules.values())
    sys.stdout.write(json.dumps({"modules": sorted(modules), "scores": answer.to_numpy().tolist()}))
