"""What a data scientist does with azure-ai-ml, against the sandbox. Prints one JSON line per step: name, result or error.

Usage: ml.py IMAGE [sample]
"""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import traceback

from azure.ai.ml import Input, MLClient, Output, command
from azure.ai.ml.constants import AssetTypes
from azure.ai.ml.entities import Data, Environment, Model
from azure.ai.ml.entities._assets import Code
from azure.identity import DefaultAzureCredential

image, *rest = sys.argv[1:]
sample = rest == ["sample"]
compute = "cpu-cluster"
ml = MLClient(DefaultAzureCredential(), "00000000-0000-4000-8000-000000005ec0", "rg-contoso-sec", "ml-risk")
folder = pathlib.Path(tempfile.mkdtemp())


def step(run):
    """Runs it at once. What the SDK prints goes to stderr: stdout is for the results."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            line = {"step": run.__name__, "result": run()}
    except BaseException as error:  # pylint: disable=broad-except
        traceback.print_exc()
        line = {"step": run.__name__, "error": f"{type(error).__name__}: {error}"[:2000]}
    print(json.dumps(line), flush=True)


def write(name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def files(below):
    return sorted(str(path.relative_to(below)) for path in below.rglob("*") if path.is_file())


def stream(name):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        ml.jobs.stream(name)
    return out.getvalue()


@step
def workspace():
    found = ml.workspaces.get("ml-risk")
    return [found.name, found.container_registry.split("/")[-1], [each.name for each in ml.workspaces.list()]]


@step
def computes_and_datastores():
    return [
        [each.name for each in ml.compute.list()],
        ml.compute.get(compute).type,
        ml.datastores.get_default().name,
        sorted(each.name for each in ml.datastores.list()),
    ]


@step
def environment():
    ml.environments.create_or_update(Environment(name="tiny", version="1", image=image))
    ml.environments.create_or_update(Environment(name="old", version="1", image=image))
    ml.environments.archive("old", version="1")
    return {
        "image": ml.environments.get("tiny", "1").image == image,
        "latest": ml.environments.get("tiny", label="latest").version,
        "listed": [each.version for each in ml.environments.list("tiny")],
        "archived": [each.version for each in ml.environments.list("old")],
    }


if sample:
    sys.exit(0)

table = write("data/churn.csv", "age,churned\n42,1\n")
write("src/main.sh", 'echo from code\ncat "$1" > "$2/copy.csv"\nmkdir outputs\necho kept > outputs/art.txt\n')
write("model/weights.bin", "weights")


@step
def data():
    made = ml.data.create_or_update(Data(name="churn", path=str(table), type=AssetTypes.URI_FILE))
    whole = ml.data.create_or_update(
        Data(name="churn-folder", version="7", path=str(table.parent), type=AssetTypes.URI_FOLDER)
    )
    again = ml.data.create_or_update(Data(name="churn", path=str(table), type=AssetTypes.URI_FILE))
    ml.data.archive("churn-folder", version="7")
    return {
        "versions": [made.version, whole.version, again.version],
        "latest": ml.data.get("churn", label="latest").version,
        "listed": sorted(each.name for each in ml.data.list()),
        "archived": [each.version for each in ml.data.list("churn-folder")],
    }


@step
def model():
    made = ml.models.create_or_update(Model(name="churn", path=str(folder / "model"), type=AssetTypes.CUSTOM_MODEL))
    ml.models.download("churn", made.version, download_path=str(folder / "downloaded"))
    listed = [each.version for each in ml.models.list("churn")]
    ml.models.archive("churn", version=made.version)
    return {
        "version": made.version,
        "files": [path.split("/")[-1] for path in files(folder / "downloaded")],
        "listed": listed,
        "archived": [each.version for each in ml.models.list("churn")],
    }


@step
def code():
    first = ml._code.create_or_update(Code(path=str(folder / "src")))  # pylint: disable=protected-access
    second = ml._code.create_or_update(Code(path=str(folder / "src")))  # pylint: disable=protected-access
    return {"same": first.id == second.id, "uri": first.path.startswith("https://stcontososec.blob.core.windows.net/")}


@step
def job():
    made = ml.jobs.create_or_update(
        command(
            code=str(folder / "src"),
            command="bash main.sh ${{inputs.data}} ${{outputs.model}}",
            environment="tiny:1",
            compute=compute,
            inputs={"data": Input(type="uri_file", path="azureml:churn:1")},
            outputs={"model": Output(type="uri_folder")},
            experiment_name="strangers",
            tags={"kind": "first"},
        )
    )
    streamed = stream(made.name)
    ml.jobs.download(made.name, download_path=str(folder / "named"), output_name="model")
    ml.jobs.download(made.name, download_path=str(folder / "all"), all=True)
    shown = ml.jobs.get(made.name)
    shown.tags["more"] = "1"
    changed = ml.jobs.create_or_update(shown)
    ml.jobs.archive(made.name)
    archived = made.name not in [each.name for each in ml.jobs.list()]
    ml.jobs.restore(made.name)
    return {
        "status": ml.jobs.get(made.name).status,
        "streamed": "from code" in streamed,
        "named": files(folder / "named"),
        "copied": (folder / "named/named-outputs/model/copy.csv").read_text() == table.read_text(),
        "all": files(folder / "all"),
        "tags": changed.tags,
        "archived": archived,
        "listed": made.name in [each.name for each in ml.jobs.list()],
    }


@step
def job_with_local_folder_is_canceled():
    made = ml.jobs.create_or_update(
        command(
            command="cat ${{inputs.data}}/churn.csv; echo $WORD ${{inputs.rate}}; sleep 600",
            environment="tiny@latest",
            compute=compute,
            inputs={"data": Input(type="uri_folder", path=str(table.parent)), "rate": 0.1},
            environment_variables={"WORD": "hello"},
        )
    )
    ml.jobs.begin_cancel(made.name).wait()
    return ml.jobs.get(made.name).status


@step
def job_that_fails():
    made = ml.jobs.create_or_update(
        command(command="echo it broke >&2; exit 3", environment="tiny:1", compute=compute)
    )
    try:
        stream(made.name)
    except Exception as error:  # pylint: disable=broad-except
        return [ml.jobs.get(made.name).status, "status code 3" in str(error), "it broke" in str(error)]
    return "streamed without an error"
