"""The files for a Jetson fit together, and what they tell our programs is accepted by them.

No Jetson and no image of NVIDIA's is needed; that the images work is not shown here.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from interject.servers.llm.settings import LlmSettings
from interject.servers.stt.settings import SttEngine, SttSettings
from interject.servers.tts.settings import TtsEngine, TtsSettings
from interject.wire.settings import load

_ROOT = Path(__file__).parents[2]
_DOCKERFILE = _ROOT / "docker" / "jetson" / "Dockerfile"
_COMPOSE = [
    _ROOT / "docker" / name for name in ("compose.yaml", "jetson/compose.yaml", "jetson/compose.piper-gpu.yaml")
]
_SCHEMAS: dict[str, type[Any]] = {"stt": SttSettings, "llm": LlmSettings, "tts": TtsSettings}
# What CTranslate2's CMakeLists.txt declares with option() or reads (OpenNMT/CTranslate2, read 2026-11-30),
# and what CMake itself knows.
_CMAKE_OPTIONS = {
    "BUILD_CLI",
    "CMAKE_BUILD_TYPE",
    "CMAKE_INSTALL_LIBDIR",
    "CMAKE_INSTALL_PREFIX",
    "CUDA_ARCH_LIST",
    "OPENMP_RUNTIME",
    "WITH_CUDA",
    "WITH_CUDNN",
    "WITH_MKL",
    "WITH_RUY",
}
_PLACEHOLDER = re.compile(r"\$\{(\w+)(?::?-([^}]*))?\}")


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, each with what follows it, with its lines joined."""
    text = re.sub(r"^\s*#.*\n", "", _DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = [line for line in re.sub(r"\\\n\s*", " ", text).splitlines() if line.strip()]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def arguments() -> dict[str, str]:
    """Return the build arguments and their defaults."""
    pairs = [rest.partition("=") for word, rest in instructions() if word == "ARG"]
    return {name: value.strip('"') for name, _, value in pairs}


def services(file: int) -> dict[str, Any]:
    """Return the services of a compose file, with the defaults of its variables."""
    content = yaml.safe_load(_COMPOSE[file].read_text(encoding="utf-8"))["services"]
    filled: dict[str, Any] = yaml.safe_load(_PLACEHOLDER.sub(lambda found: found[2] or "", yaml.safe_dump(content)))
    return filled


def test_every_stage_is_there_before_it_is_used() -> None:
    stages: list[str] = []
    for word, rest in instructions():
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            assert base in stages or _PLACEHOLDER.fullmatch(base), base
            stages.append(name)
        for used in re.findall(r"--from=(\S+)", rest):
            assert used in stages
    assert {"stt", "tts"} <= set(stages)


def test_every_argument_that_is_used_has_a_value() -> None:
    assert {"BASE", "RUNTIME_BASE", "CTRANSLATE2_VERSION", "CUDA_ARCH_LIST", "JOBS", "ONNXRUNTIME_GPU"} == set(
        arguments()
    )
    for word, rest in instructions():
        if word in {"FROM", "RUN"}:
            assert set(re.findall(r"\$\{(\w+)\}", rest)) <= set(arguments())


def test_it_builds_the_ctranslate2_that_our_packages_bring() -> None:
    assert arguments()["CTRANSLATE2_VERSION"] == version("ctranslate2")


def test_it_asks_for_nothing_that_the_build_of_ctranslate2_does_not_know() -> None:
    (build,) = [rest for word, rest in instructions() if word == "RUN" and "cmake -S" in rest]
    given = dict(re.findall(r"-D(\w+)=(\S+)", build))
    assert given.keys() == _CMAKE_OPTIONS
    assert given["WITH_CUDA"] == given["WITH_CUDNN"] == "ON"
    # MKL is for x86, and Intel's OpenMP comes with it.
    assert given["WITH_MKL"] == "OFF"
    assert given["OPENMP_RUNTIME"] == "COMP"


def test_what_it_copies_from_the_clone_is_let_through_to_the_build() -> None:
    copied = [rest.split()[0] for word, rest in instructions() if word == "COPY" and "--from" not in rest]
    assert set(copied) == {"pyproject.toml", "."}
    assert "!pyproject.toml" in (_ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(("file", "name"), [(1, "stt"), (2, "tts")])
def test_compose_builds_stages_and_gives_arguments_that_exist(file: int, name: str) -> None:
    service = services(file)[name]
    build = service["build"]
    assert (_ROOT / "docker" / build["context"] / build["dockerfile"]).resolve() == _DOCKERFILE
    assert f"AS {build['target']}" in _DOCKERFILE.read_text(encoding="utf-8")
    assert build["args"].keys() <= arguments().keys()
    assert build["args"]["BASE"] == arguments()["BASE"]
    assert service["runtime"] == "nvidia"


@pytest.mark.parametrize(("file", "name"), [(1, "stt"), (1, "llm"), (1, "tts"), (2, "tts")])
def test_the_program_takes_what_compose_tells_it(file: int, name: str) -> None:
    environ = {key: str(value) for key, value in services(file)[name]["environment"].items()}
    settings = load(_SCHEMAS[name], prefix=name, argv=[], environ=environ, description="")
    if name == "stt":
        assert settings.engine is SttEngine.FASTER_WHISPER
        assert getattr(settings.device, "value", settings.device) == "cuda"
    if name == "tts":
        assert settings.engine is TtsEngine.PIPER
        assert settings.use_cuda == (file == 2)
    if name == "llm":
        assert services(1)["ollama"]["environment"]["OLLAMA_HOST"] in settings.base_url


def test_the_page_names_only_variables_that_compose_or_the_programs_read() -> None:
    page = (_ROOT / "docs" / "jetson.md").read_text(encoding="utf-8")
    read = {name for path in _COMPOSE for name, _ in _PLACEHOLDER.findall(path.read_text(encoding="utf-8"))}
    set_in_env_file = re.findall(r"^([A-Z_]+)=", page, flags=re.MULTILINE)
    named = set(re.findall(r"`(INTERJECT_\w+)", page))
    assert len(set_in_env_file) > 3
    assert len(named) > 2
    assert {*set_in_env_file, *named} <= read


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="docker-compose is not installed")
def test_compose_itself_reads_the_files_together() -> None:
    flags = [part for path in _COMPOSE for part in ("-f", str(path))]
    done = subprocess.run(
        ["docker-compose", *flags, "config", "--services"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert {"satellite", "stt", "llm", "tts", "ollama"} <= set(done.stdout.split())
