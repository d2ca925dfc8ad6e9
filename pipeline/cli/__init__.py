"""The command line: arguments in, exit code out. All work is done elsewhere."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import NoReturn, get_args

from rich.console import Console
from rich.text import Text

from pipeline.cli import data, packs, record  # noqa: F401  # importing adds their commands
from pipeline.cli.app import app
from pipeline.errors import EXIT_SOME_FAILED, WorkbenchError
from pipeline.locale import Language
from pipeline.settings import LanguageCode

__all__ = ["app", "main"]


def _fail(text: str, code: int) -> NoReturn:
    Console(stderr=True, highlight=False, soft_wrap=True).print(Text(text, style="red"))
    raise SystemExit(code)


def _language_of_errors(arguments: list[str]) -> Language:
    """Find the language even when the settings could not be read."""
    for i, word in enumerate(arguments):
        value = word.partition("=")[2] if "=" in word else "".join(arguments[i + 1 : i + 2])
        if word.split("=")[0] == "--lang" and value in get_args(LanguageCode):
            return Language(value)
    return Language(os.environ.get("CALIBRATE_PACK__LANGUAGE", "en"))


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; every failure is one sentence and an exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        app(args=words, prog_name="calibrate")
    except WorkbenchError as error:
        _fail(_language_of_errors(words).say(error.message), error.exit_code)
    except Exception as error:
        if os.environ.get("CALIBRATE_DEBUG"):
            raise
        # the text of a foreign exception may quote data
        place = traceback.extract_tb(error.__traceback__)[-1]
        text = (
            f"Unexpected fault {type(error).__name__} ({Path(place.filename).name}:{place.lineno})."
        )
        _fail(f"{text} Set CALIBRATE_DEBUG=1 for the traceback.", EXIT_SOME_FAILED)
