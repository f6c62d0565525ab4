"""What replaces a Dockerfile, and what is said of its lines."""

from __future__ import annotations

import subprocess
import tomllib
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import UserFault
from cnbkit_engine.adopt.adoption import adopted
from cnbkit_engine.adopt.findings import State
from cnbkit_engine.spec.project import read_project

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.adopt.adoption import Adoption

    from .conftest import Adopt

COVERED, DEFAULT, NEEDS = State.COVERED, State.DEFAULT, State.NEEDS


def variables(found: Adoption) -> dict[str, str]:
    project, notes = read_project(
        found.files["project.toml"].encode(), name="project.toml", where=""
    )
    assert notes == []
    return dict(project.io.buildpacks.variables)


def said(found: Adoption, line: int) -> list[tuple[State, str]]:
    return [(each.state, each.why) for each in found.findings.verdicts if each.line == line]


def test_a_service(adopt: Adopt) -> None:
    text = """
FROM pytorch/pytorch:2.6.0-cuda12.4-cudnn9-runtime
LABEL org.example.team=vision
ENV PYTHONUNBUFFERED=1 MODEL_DIR=/app/models
WORKDIR /app
RUN apt-get update && \\
    apt-get install -y --no-install-recommends libgl1-mesa-glx build-essential && \\
    rm -rf /var/lib/apt/lists/*
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt gunicorn
COPY . .
RUN python scripts/prepare.py
USER 1000
EXPOSE 8080
HEALTHCHECK CMD curl localhost
CMD ["gunicorn", "--bind", "0.0.0.0:8080", "app:app"]
"""
    found = adopt(text, "app.py", "scripts/prepare.py", **{"requirements.txt": "flask\n"})
    assert found.files.keys() == {
        *("requirements-image.txt", "hardware.txt", "Aptfile", "Procfile", "business-tags.yaml"),
        *(".cnbkit/post-build", "project.toml"),
    }
    assert found.files["requirements-image.txt"] == "torch==2.6.0\ngunicorn\n"
    assert found.files["hardware.txt"] == "cuda:12.4\n"
    assert found.files["Aptfile"] == "libgl1\n"
    assert found.files["Procfile"] == "web: gunicorn --bind 0.0.0.0:8080 app:app\n"
    assert found.files["business-tags.yaml"] == 'org.example.team: "vision"\n'
    assert found.files[".cnbkit/post-build"].endswith("set -e\npython scripts/prepare.py\n")
    assert variables(found) == {
        "BP_PYTHON_INPUT": "requirements.txt,requirements-image.txt",
        "BPE_DEFAULT_MODEL_DIR": "/workspace/models",
    }
    assert [(each.line, each.text) for each in found.findings.verdicts if each.state is NEEDS] == [
        (15, "HEALTHCHECK CMD curl localhost")
    ]
    # Each command of a RUN has its own line.
    assert [each.line for each in found.findings.verdicts] == [*range(2, 17)]


RUN_LINES: list[tuple[str, State, str, dict[str, str]]] = [
    ("apt-get install -y ffmpeg=7:5.1 git", COVERED, "Aptfile", {"Aptfile": "ffmpeg=7:5.1\ngit\n"}),
    (
        "apt install -y python3.10 python3-pip gcc",
        DEFAULT,
        "compilers",
        {".python-version": "3.10\n"},
    ),
    (
        "apt-get install -y python3-opencv",
        COVERED,
        "",
        {"requirements.txt": "opencv-python-headless\n"},
    ),
    ("apt-get install -y $PACKAGES", NEEDS, "$PACKAGES", {}),
    ("apk add --no-cache git", COVERED, "Aptfile", {"Aptfile": "git\n"}),
    ("apk add --virtual .deps build-base postgresql-dev", COVERED, "", {"Aptfile": "libpq-dev\n"}),
    ("apk add libgomp", DEFAULT, "the run image has it", {}),
    ("apk add no-such-thing git", NEEDS, "Debian's names for apk's no-such-thing", {}),
    ("apk update", DEFAULT, "no such package manager", {}),
    ("yum install -y mesa-libGL gcc-c++", COVERED, "", {"Aptfile": "libgl1\n"}),
    ("dnf install -y python3-devel", DEFAULT, "compilers", {}),
    ("microdnf install openssl-devel", COVERED, "", {"Aptfile": "libssl-dev\n"}),
    ("apt-get install -y libgomp1", DEFAULT, "the run image has it", {}),
    ("rm -rf /tmp/* ~/*", DEFAULT, "nothing of the installation", {}),
    ("add-apt-repository -y ppa:deadsnakes/ppa", DEFAULT, "every Python", {}),
    ("add-apt-repository ppa:other/ppa", NEEDS, ":repo:", {}),
    ("echo 'deb x y z' > /etc/apt/sources.list.d/x.list", NEEDS, ":repo:", {}),
    ("pip install -U pip setuptools wheel", DEFAULT, "installers", {}),
    ("pip3 install numpy 'scipy>=1'", COVERED, "", {"requirements.txt": "numpy\nscipy>=1\n"}),
    ("pip install numpy>=1.2", COVERED, "", {"requirements.txt": "numpy>=1.2\n"}),
    ("/opt/venv/bin/python -m pip install numpy", COVERED, "", {"requirements.txt": "numpy\n"}),
    ("uv pip install --system numpy", COVERED, "", {"requirements.txt": "numpy\n"}),
    ("bash -c 'pip install numpy'", COVERED, "", {"requirements.txt": "numpy\n"}),
    (
        "pip install torch --index-url https://download.pytorch.org/whl/cu126",
        COVERED,
        "cuda:12.6",
        {"requirements.txt": "torch\n", "hardware.txt": "cuda:12.6\n"},
    ),
    (
        "pip install torch -f https://download.pytorch.org/whl/cpu",
        COVERED,
        "cpu",
        {"hardware.txt": "cpu\n"},
    ),
    ("pip install -r /elsewhere.txt", NEEDS, "/elsewhere.txt", {}),
    ("pip install -i https://user:secret@x.example/simple y", NEEDS, "binding", {}),
    (
        "pip install git+https://x.example/y.git",
        COVERED,
        "",
        {"requirements.txt": "git+https://x.example/y.git\n"},
    ),
    ("pip install /tmp/other", NEEDS, "git+https", {}),
    ("conda install -y -c pytorch python=3.11 numpy", COVERED, "environment.yml", {}),
    ("conda clean -afy", DEFAULT, "on PATH", {}),
    ("poetry config virtualenvs.create false", DEFAULT, "poetry's settings", {}),
    ("poetry install --no-root", NEEDS, "poetry lock", {}),
    ("uv python install 3.12", COVERED, ".python-version", {".python-version": "3.12\n"}),
    ("curl -LsSf https://astral.sh/uv/install.sh | sh", DEFAULT, "uv", {}),
    ("curl -fsSL https://x.example/install.sh | bash -", NEEDS, "installs a program", {}),
    ("wget -q https://x.example/model.onnx", COVERED, "weights.toml", {}),
    ("curl -o /models/a.bin https://x.example/a.bin", NEEDS, "weights.toml", {}),
    ("hf download a/b --local-dir models/b", COVERED, "weights.toml", {}),
    ("huggingface-cli download a/b", NEEDS, "models/b", {}),
    ("git clone https://x.example/y.git", COVERED, "pre-build", {}),
    ("git clone https://x.example/y.git /opt/y", NEEDS, "submodule", {}),
    ("mkdir -p logs /app/out", COVERED, "pre-build", {}),
    ("mkdir -p /data", NEEDS, "mount", {}),
    ("useradd -m app && chown -R app /app", DEFAULT, "1000", {}),
    ("rm -rf /root/.cache", DEFAULT, "", {}),
    ("ln -sf /usr/bin/python3 /usr/bin/python", DEFAULT, "PATH", {}),
    ("echo 'export A=1' >> ~/.bashrc", DEFAULT, "login shell", {}),
    ("sed -i s/a/b/ /etc/hosts", NEEDS, "app's folder", {}),
    ("npm ci", NEEDS, "another language", {}),
    ("python -c 'import nltk; nltk.download(\"punkt\")'", COVERED, "post-build", {}),
    ("python -m spacy download en_core_web_sm", NEEDS, "requirements.txt", {}),
    ("python /elsewhere.py", NEEDS, "not a file of the app", {}),
    ("unheard-of --now", NEEDS, "unheard-of is not known", {}),
    ("if true; then apt-get install x; fi", NEEDS, "Aptfile", {}),
    ("set -eux", DEFAULT, "", {}),
]


@pytest.mark.parametrize("folder", ["/usr/src/app", "/usr/local/app", "/var/task", "/root/app"])
def test_a_folder_of_the_system_can_be_the_app_s(adopt: Adopt, folder: str) -> None:
    text = f"""FROM python:3.12-slim
WORKDIR {folder}
COPY requirements.txt ./
RUN pip install -r requirements.txt
COPY . .
CMD ["python", "main.py"]
"""
    found = adopt(text, "main.py", **{"requirements.txt": "six\n"})
    assert found.findings.count(NEEDS) == 0
    assert found.files["Procfile"] == "web: python main.py\n"
    alone = adopt("FROM python:3.12-slim\nCOPY main.py /etc/main.py\n", "main.py")
    assert said(alone, 2)[0][0] is NEEDS


def test_a_script_has_the_variables_that_its_lines_take(adopt: Adopt, tmp_path: Path) -> None:
    """As in Docker's shell: ARG by its default, and empty what nobody has set."""
    found = adopt(
        "FROM python:3.11\nARG DEV=false\nARG WHO\nENV PLACE='a b'\nWORKDIR /app\nCOPY . .\n"
        'RUN if [ "$DEV" = "true" ]; then exit 3; fi && printf "%s" "${PLACE} $DEV $WHO" > said\n'
        'CMD ["python", "app.py"]\n',
        "app.py",
    )
    script = tmp_path / "script"
    script.write_text("".join(found.files.get(f".cnbkit/{n}-build") or "" for n in ("pre", "post")))
    subprocess.run(["bash", script], cwd=tmp_path, env={}, check=True)
    assert (tmp_path / "said").read_text() == "a b false "


def test_what_is_removed_elsewhere_is_no_part_of_the_script(adopt: Adopt) -> None:
    text = "FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN rm -rf build/* /tmp/* ~/.cache\n"
    found = adopt(text, "build/x")
    assert found.files[".cnbkit/pre-build"].splitlines()[-1] == "rm -rf build/*"


@pytest.mark.parametrize(
    ("installed", "own", "file", "text"),
    [
        (
            "conda env create -f environment.yaml && conda install -c conda-forge libgomp",
            "environment.yaml",
            "environment.yaml",
            "channels:\n  - conda-forge\ndependencies:\n  - libgomp\n",
        ),
        (
            "conda env update -f environment.yml && pip install awscli",
            "environment.yml",
            "environment.yml",
            'channels:\n  - conda-forge\ndependencies:\n  - pip\n  - pip:\n      - "awscli"\n',
        ),
        (
            "pipenv install --system --deploy && pip install gunicorn 'flask>=3'",
            "Pipfile.lock",
            "Pipfile",
            '[packages]\n"gunicorn" = "*"\n"flask" = ">=3"\n',
        ),
        (
            "uv sync --frozen && uv pip install gunicorn",
            "uv.lock",
            "pyproject.toml",
            '[project]\ndependencies = ["gunicorn"]\n',
        ),
    ],
)
def test_what_is_installed_besides_a_lock_is_said_of_its_project(
    adopt: Adopt, installed: str, own: str, file: str, text: str
) -> None:
    found = adopt(
        f"FROM continuumio/miniconda3\nWORKDIR /app\nCOPY . .\nRUN {installed}\n",
        own,
        **{file: "# its own\n"},
    )
    assert found.merge == {file: text}
    assert file not in found.files


@pytest.mark.parametrize(
    ("line", "state", "why", "files"), RUN_LINES, ids=[each[0] for each in RUN_LINES]
)
def test_a_run(adopt: Adopt, line: str, state: State, why: str, files: dict[str, str]) -> None:
    found = adopt(f"FROM debian\nWORKDIR /app\nCOPY . .\nRUN {line}\n", "main.py")
    states = [each for each, _ in said(found, 4)]
    assert states
    assert set(states) == {state}
    assert any(why in reason for _, reason in said(found, 4))
    assert {name: found.files.get(name) for name in files} == files


def test_no_reason_is_empty(adopt: Adopt) -> None:
    lines = "".join(f"RUN {line}\n" for line, *_ in RUN_LINES)
    found = adopt(f"FROM debian\nWORKDIR /app\nCOPY . .\n{lines}", "main.py")
    assert len(found.findings.verdicts) > len(RUN_LINES)
    assert [each for each in found.findings.verdicts if not each.why or not each.text] == []


@pytest.mark.parametrize(
    ("image", "state", "files"),
    [
        ("python:3.11.4-slim-bookworm", COVERED, {".python-version": "3.11\n"}),
        ("docker.io/library/python:3.12@sha256:00", COVERED, {".python-version": "3.12\n"}),
        ("python:2.7", NEEDS, {}),
        (
            "tensorflow/tensorflow:2.15.0-gpu",
            COVERED,
            {"hardware.txt": "cuda\n", "requirements.txt": "tensorflow==2.15.0\n"},
        ),
        # The newest Python with wheels of it.
        ("tensorflow/tensorflow:2.15.0", COVERED, {".python-version": "3.11\n"}),
        ("tensorflow/tensorflow:2.8.0", COVERED, {".python-version": "3.10\n"}),
        ("tensorflow/tensorflow:2.20.0", COVERED, {".python-version": None}),
        (
            "pytorch/pytorch:2.1.0-cuda11.8-cudnn8-runtime",
            COVERED,
            {".python-version": "3.11\n", "hardware.txt": "cuda:11.8\n"},
        ),
        ("pytorch/pytorch:2.10.0-cuda12.8-cudnn9-runtime", COVERED, {".python-version": None}),
        ("tensorflow/tensorflow:2.15.0", COVERED, {"hardware.txt": None}),
        ("nvidia/cuda:12.3.1-base-ubuntu22.04", COVERED, {"hardware.txt": "cuda:12.4\n"}),
        ("nvidia/cuda:10.2-base", COVERED, {"hardware.txt": "cuda:11.8\n"}),
        ("rocm/pytorch:latest", COVERED, {"hardware.txt": "rocm\n"}),
        (
            "jupyter/scipy-notebook",
            COVERED,
            {"Procfile": "web: jupyter lab --ip 0.0.0.0 --port $PORT --no-browser\n"},
        ),
        ("tiangolo/uvicorn-gunicorn-fastapi:python3.11", COVERED, {".python-version": "3.11\n"}),
        ("continuumio/miniconda3", COVERED, {}),
        ("debian:12-slim", DEFAULT, {}),
        ("scratch", DEFAULT, {}),
        ("node:22", NEEDS, {}),
        ("public.ecr.aws/lambda/python:3.12", NEEDS, {}),
        ("registry.example.com/team/base:1", NEEDS, {}),
    ],
)
def test_a_base_image(adopt: Adopt, image: str, state: State, files: dict[str, str | None]) -> None:
    found = adopt(f"FROM {image}\n")
    assert [each for each, _ in said(found, 1)] == [state]
    assert {name: found.files.get(name) for name in files} == files


PLAIN = {"Procfile": "web: python main.py\n"}


@pytest.mark.parametrize(
    ("start", "files"),
    [
        ('CMD ["python", "main.py"]', PLAIN),
        ('CMD ["python3", "/app/main.py", "a b"]', {"Procfile": "web: python3 main.py 'a b'\n"}),
        ("CMD exec python main.py -p $PORT", {"Procfile": "web: python main.py -p $PORT\n"}),
        ("CMD python /app/main.py", PLAIN),
        ('ENTRYPOINT ["python"]\nCMD ["main.py"]', PLAIN),
        ('CMD ["sh", "-c", "python main.py $A"]', {"Procfile": "web: python main.py $A\n"}),
        ('ENTRYPOINT ["tini", "--"]\nCMD ["poetry", "run", "python", "main.py"]', PLAIN),
        ('CMD ["conda", "run", "--no-capture-output", "-n", "x", "python", "main.py"]', PLAIN),
        ('CMD ["./run.sh"]', {"Procfile": "web: bash ./run.sh\n"}),
        (
            'WORKDIR /app/src\nCMD ["python", "serve.py"]',
            {"entrypoint.toml": 'web = {command = "python serve.py", working-dir = "src"}\n'},
        ),
        ('CMD ["bash"]', {"Procfile": None}),
    ],
)
def test_what_starts(adopt: Adopt, start: str, files: dict[str, str | None]) -> None:
    found = adopt(
        f"FROM python:3.11\nWORKDIR /app\nCOPY . .\n{start}\n",
        *("main.py", "run.sh", "src/serve.py"),
    )
    assert found.findings.count(NEEDS) == 0
    assert {name: found.files.get(name) for name in files} == files


def test_what_starts_from_elsewhere_needs_somebody(adopt: Adopt) -> None:
    found = adopt('FROM python:3.11\nCOPY main.py /app/\nENTRYPOINT ["/opt/launcher"]\n', "main.py")
    assert [(state, "/opt/launcher" in why) for state, why in said(found, 3)] == [(NEEDS, True)]


def test_a_script_that_does_what_only_root_may_needs_somebody(adopt: Adopt) -> None:
    found = adopt(
        'FROM python:3.11\nCOPY start.sh /start.sh\nENTRYPOINT ["/start.sh"]\n',
        **{"start.sh": "#!/bin/sh\nchown -R app /app\nexec gosu app python main.py\n"},
    )
    assert [state for state, _ in said(found, 3)] == [NEEDS]
    assert found.files["Procfile"] == "web: bash ./start.sh\n"


def test_the_code_of_a_folder_is_where_it_was_copied_from(adopt: Adopt) -> None:
    text = (
        "FROM python:3.11\nWORKDIR /code\nCOPY src/ .\nCOPY req.txt .\n"
        'RUN pip install -r req.txt\nCMD ["python", "serve.py"]\n'
    )
    found = adopt(text, "src/serve.py", "req.txt")
    assert (
        found.files["entrypoint.toml"]
        == 'web = {command = "python serve.py", working-dir = "src"}\n'
    )
    assert variables(found) == {"BP_PYTHON_INPUT": "req.txt"}


def test_another_folder_is_the_context_if_it_has_what_is_copied(tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "requirements.txt").touch()
    dockerfile = tmp_path / "docker/Dockerfile"
    dockerfile.write_text("FROM python:3.11\nCOPY requirements.txt .\n")
    assert adopted(dockerfile).context == tmp_path


def test_builders_packages_are_for_building_only(adopt: Adopt) -> None:
    text = """FROM python:3.11 AS build
RUN apt-get update && apt-get install -y libpq-dev
COPY requirements.txt .
RUN pip install --prefix=/install -r requirements.txt
FROM python:3.11-slim
COPY --from=build /install /usr/local
COPY app.py .
CMD ["python", "app.py"]
FROM debian AS unused
RUN unheard-of
"""
    assert adopt(text, "requirements.txt", "app.py").findings.process is None
    found = adopted(adopt(text).dockerfile, target="1")
    assert found.files["Aptfile"] == ":build: libpq-dev\n"
    assert found.findings.count(NEEDS) == 0


def test_a_checksum_makes_weights(adopt: Adopt) -> None:
    digest = "0" * 64
    found = adopt(
        "FROM python:3.11\nWORKDIR /app\nCOPY . .\n"
        f"ADD --checksum=sha256:{digest} https://x.example/m.onnx models/\n",
        "main.py",
    )
    (weight,) = tomllib.loads(found.files["weights.toml"])["weights"]
    assert weight == {
        "uri": "https://x.example/m.onnx",
        "sha256": digest,
        "target": "models/m.onnx",
    }


def test_what_is_fetched_to_a_home_goes_into_the_app(adopt: Adopt) -> None:
    found = adopt(
        'FROM python:3.11\nCOPY main.py /app/\nRUN python -c "import nltk; nltk.download()"\n',
        "main.py",
    )
    assert "export NLTK_DATA=/workspace/nltk_data\n" in found.files[".cnbkit/post-build"]
    assert variables(found) == {"BPE_DEFAULT_NLTK_DATA": "/workspace/nltk_data"}


def test_files_that_are_there_are_not_touched(adopt: Adopt) -> None:
    found = adopt("FROM python:3.11\nRUN apt-get install -y git\n", Aptfile="ffmpeg\n")
    assert "Aptfile" not in found.files
    assert found.merge == {"Aptfile": "git\n"}


def test_a_file_that_says_the_same_is_not_named(adopt: Adopt) -> None:
    found = adopt("FROM python:3.11\n", **{".python-version": "3.11"})
    assert (found.files, found.merge) == ({}, {})


def test_conda_takes_all_packages(adopt: Adopt) -> None:
    text = (
        "FROM continuumio/miniconda3\nRUN conda install -y -c pytorch numpy\n"
        "RUN pip install flask\n"
    )
    assert adopt(text).files["environment.yml"].splitlines() == [
        *("channels:", "  - pytorch", "  - conda-forge", "dependencies:", "  - numpy", "  - pip"),
        *("  - pip:", '      - "flask"'),
    ]


def test_the_versions_of_cuda_are_those_that_the_buildpack_has(
    cuda_versions: tuple[str, ...],
) -> None:
    from cnbkit_engine.adopt.base_image import CUDA

    assert tuple(version for version in cuda_versions if "." in version) == CUDA


@pytest.fixture
def cuda_versions() -> tuple[str, ...]:
    """Those of the cuda buildpack."""
    from cnbkit_cuda.versions import VERSIONS

    return tuple(VERSIONS)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * (1 << 21)])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "Dockerfile").write_bytes(content)
    with pytest.raises(UserFault) as caught:
        adopted(tmp_path / "Dockerfile")
    assert caught.value.remedy
