"""Writes what `conda create` leaves on disk, in the small: this machine has no conda channel to ask.

The records have the shape of conda's own (conda-meta/*.json, history, state.json) and name real packages; the packages'
files are not there, but for the metadata that tells what is installed, and numpy, which is Debian's.
"""

import json
import pathlib
import sys

PACKAGES = [
    # name, version, build, what it carries of PyPI
    ("_libgcc_mutex", "0.1", "conda_forge", None),
    ("ca-certificates", "2026.10.5", "hbd8a1cb_0", None),
    ("libblas", "3.9.0", "36_openblas", None),
    ("numpy", "2.2.6", "py312h33ff503_0", "numpy"),
    ("openssl", "3.5.4", "h26f9b46_0", None),
    ("python", "3.12.12", "hd63d673_1_cpython", None),
    ("python_abi", "3.12", "8_cp312", None),
    ("tzdata", "2026b", "h78e105d_0", None),
]


def main(prefix: pathlib.Path) -> None:
    meta = prefix / "conda-meta"
    meta.mkdir(parents=True)
    history = ["==> 2026-11-20 09:00:00 <==", "# cmd: conda create --prefix /opt/conda python=3.12 numpy"]
    for name, version, build, pypi in PACKAGES:
        distribution = f"{name}-{version}-{build}"
        info = f"lib/python3.12/site-packages/{pypi}-{version}.dist-info/METADATA" if pypi else None
        record = {
            "name": name,
            "version": version,
            "build": build,
            "channel": "https://conda.anaconda.org/conda-forge/linux-64",
            "subdir": "linux-64",
            "files": [info] if info else [],
        }
        (meta / f"{distribution}.json").write_text(json.dumps(record, indent=1) + "\n")
        history.append(f"+https://conda.anaconda.org/conda-forge/linux-64::{distribution}")
        # conda unpacks into its cache and links from there.
        for place in [prefix, prefix / "pkgs" / distribution] if info else []:
            (place / info).parent.mkdir(parents=True)
            (place / info).write_text(f"Metadata-Version: 2.4\nName: {pypi}\nVersion: {version}\n")
    (meta / "history").write_text("\n".join(history) + "\n")
    (meta / "state.json").write_text('{"env_vars": {"OMP_NUM_THREADS": "2"}}\n')


main(pathlib.Path(sys.argv[1]))
