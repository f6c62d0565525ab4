"""The files of other tools that are known, and what says the same here."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CONVENTIONS", "Convention"]


@dataclass(frozen=True)
class Convention:
    """A name that means something to another tool.

    Args:
        name: of a file in the app's root, perhaps with `*` in it; of a folder if it ends in `/`.
        what: what it is, for people.
        step: what to do about it here; `{}` stands for the path that was found.
        instead: where one of these files is, the app says it here as well.
        read: whether a buildpack may read it, so that only an app that nothing fits is told.
        anywhere: whether it counts in folders below as well.
    """

    name: str
    what: str
    step: str
    instead: tuple[str, ...] = ()
    read: bool = False
    anywhere: bool = False


_APT = "Debian packages stand in Aptfile: cp {} Aptfile"
_ENVIRONMENTS = ("environment.yml", "environment.yaml", "conda-lock.yml", "pixi.lock")
_VERSION = "it says which Python, not what to install or start: add requirements.txt or a Procfile"

CONVENTIONS = (
    Convention(
        "binder/",
        "repo2docker's folder",
        "copy what is in it to the app's root, apt.txt as Aptfile, postBuild as .cnbkit/post-build",
    ),
    Convention(
        ".binder/",
        "repo2docker's folder",
        "copy what is in it to the app's root, apt.txt as Aptfile, postBuild as .cnbkit/post-build",
    ),
    Convention("apt.txt", "repo2docker's Debian packages", _APT, ("Aptfile",)),
    Convention("packages.txt", "Streamlit's Debian packages", _APT, ("Aptfile",)),
    Convention(
        "postBuild",
        "repo2docker's script after the installation",
        "mkdir -p .cnbkit && cp {} .cnbkit/post-build",
        (".cnbkit/post-build",),
    ),
    Convention(
        "start",
        "repo2docker's script before the program",
        "write it into Procfile, before the program: `web: bash start python3 app.py`",
        ("Procfile",),
    ),
    Convention(
        "conda.yaml",
        "MLflow's conda environment",
        "a conda environment is environment.yml: cp {} environment.yml",
        _ENVIRONMENTS,
    ),
    Convention(
        "conda.yml",
        "a conda environment",
        "it is read by the name environment.yml: cp {} environment.yml",
        _ENVIRONMENTS,
    ),
    Convention(
        "MLproject",
        "MLflow's project",
        "write its entry points into Procfile, a line each: `train: python3 train.py`",
        ("Procfile",),
    ),
    Convention(
        "cog.yaml",
        "Cog's image",
        "write python_packages into requirements.txt, system_packages into Aptfile,"
        " and what starts into Procfile",
        ("Procfile",),
    ),
    Convention(
        "bentofile.yaml",
        "BentoML's service",
        "write its packages and bentoml into requirements.txt; `service` is read then",
        ("requirements.txt", "pyproject.toml", "Pipfile.lock", *_ENVIRONMENTS),
    ),
    Convention(
        "nltk.txt",
        "Heroku's NLTK data",
        "download it in .cnbkit/post-build: python3 -m nltk.downloader -d nltk_data NAMES",
        (".cnbkit/post-build",),
    ),
    Convention(
        "bin/pre_compile",
        "Heroku's script before the installation",
        "mkdir -p .cnbkit && cp {} .cnbkit/pre-build",
        (".cnbkit/pre-build",),
    ),
    Convention(
        "bin/post_compile",
        "Heroku's script after the installation",
        "mkdir -p .cnbkit && cp {} .cnbkit/post-build",
        (".cnbkit/post-build",),
    ),
    *(
        Convention(name, what, f"{said} is a line of Procfile: `web: {line}`", ("Procfile",))
        for name, what, said, line in (
            ("heroku.yml", "Heroku's build", "what stands under run", "<command>"),
            ("render.yaml", "Render's services", "startCommand", "<startCommand>"),
            ("railway.json", "Railway's service", "startCommand", "<startCommand>"),
            ("railway.toml", "Railway's service", "startCommand", "<startCommand>"),
            ("railpack.json", "Railpack's plan", "startCommand", "<startCommand>"),
            ("nixpacks.toml", "Nixpacks' plan", "cmd of [start]", "<cmd>"),
            ("app.yaml", "App Engine's service", "entrypoint", "<entrypoint>"),
            ("apprunner.yaml", "App Runner's service", "command of run", "<command>"),
            (".replit", "Replit's app", "run", "<run>"),
            (".s2i/environment", "OpenShift's settings", "APP_FILE", "python3 <APP_FILE>"),
        )
    ),
    Convention(
        ".ebextensions/",
        "Elastic Beanstalk's settings",
        "what WSGIPath names is a line of Procfile, packages stand in Aptfile, variables are"
        " --env BPE_NAME=VALUE",
        ("Procfile",),
    ),
    Convention(
        ".profile",
        "a script that Heroku runs at start",
        "set variables by --env BPE_NAME=VALUE, or run it in Procfile: `web: . ./.profile; …`",
    ),
    Convention(
        "Dockerfile",
        "Docker's build",
        "cnbkit adopt writes the files that replace it, and says what is left: cnbkit adopt {}",
    ),
    Convention("runtime.txt", "Heroku's and repo2docker's Python", _VERSION, read=True),
    Convention("mise.toml", "mise's tools", _VERSION, read=True),
    Convention(".mise.toml", "mise's tools", _VERSION, read=True),
    Convention(".tool-versions", "asdf's tools", _VERSION, read=True),
    Convention(".python-version", "the Python", _VERSION, read=True),
    Convention(
        "MLmodel",
        "a model of MLflow",
        "write mlflow and the model's packages into requirements.txt; the image serves it then",
        read=True,
        anywhere=True,
    ),
    *(
        Convention(
            f"*.{ending}",
            "a model",
            f"add an app.py that serves it, and a requirements.txt with {packages}",
            read=True,
            anywhere=True,
        )
        for ending, packages in (
            ("onnx", "onnxruntime"),
            ("joblib", "joblib and scikit-learn"),
            ("pkl", "the packages that wrote it, in their versions"),
            ("safetensors", "safetensors and torch"),
            ("pt", "torch"),
            ("pth", "torch"),
            ("keras", "keras"),
            ("h5", "keras"),
            ("tflite", "ai-edge-litert"),
            ("gguf", "llama-cpp-python"),
        )
    ),
    Convention(
        "*.ipynb",
        "a notebook",
        "write jupyterlab and its packages into requirements.txt; the image then starts JupyterLab",
        read=True,
        anywhere=True,
    ),
    *(
        Convention(
            name,
            f"a project of {language}",
            "the reference builder is for Python: -B names one that has buildpacks for it; for a"
            " Python project name its folder",
            read=True,
        )
        for name, language in (
            ("package.json", "Node.js"),
            ("go.mod", "Go"),
            ("Cargo.toml", "Rust"),
            ("pom.xml", "Java"),
            ("build.gradle", "Java"),
            ("Gemfile", "Ruby"),
            ("composer.json", "PHP"),
            ("DESCRIPTION", "R"),
            ("install.R", "R"),
            ("Project.toml", "Julia"),
        )
    ),
)
"""All that are known, the most telling first."""
