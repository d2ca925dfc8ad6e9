"""The conversation cards of one session with 1,000 people, from its outcome to whole pages.

Run from the repository: ``python benchmarks/cards.py [--people N]``. Each person has five ratings
by two raters, a decision with a reason, ten pieces of evidence and four goals; each text is read
for the names of the others. Printed are seconds for the contents and for the pages.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import nbformat
import pandas as pd

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

from pack.conftest import Shape, session_data  # noqa: E402  # found by the path above

from pipeline.locale import Language  # noqa: E402  # after the path, as the others
from pipeline.pack.cards import make_cards  # noqa: E402  # after the path, as the others
from pipeline.pack.html import pages_of  # noqa: E402  # after the path, as the others
from pipeline.settings import Settings  # noqa: E402  # after the path, as the others
from support.outcomes import decision, outcome_of, rows  # noqa: E402  # found by the path above

PEOPLE = 1_000
TEXT = "Hield bij de verhuizing naar de andere locatie de afspraken van die maand bij, met zorg. "


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--people", type=int, default=PEOPLE)
    options = parser.parse_args()
    data = session_data(Shape(n_people=options.people, n_raters=20, n_criteria=5))
    people, day = list(data.employees["employee_id"]), pd.Timestamp("2026-05-02")
    evidence = rows("evidence", *(
        {"employee_id": one, "dated_on": day, "kind": "example", "criterion_id": "c1",
         "text": f"{TEXT * 2}{number}"} for one in people for number in range(10)
    ))  # fmt: skip
    goals = rows("goals", *(
        {"goal_id": f"{one}-{number}", "owner_id": one, "text": TEXT, "due_on": day,
         "status": "open"} for one in people for number in range(4)
    ))  # fmt: skip
    decisions = (decision(one, "c1", "adjusted", argument=TEXT * 3) for one in people)
    outcome = outcome_of(replace(data, evidence=evidence, goals=goals), *decisions)
    began = time.perf_counter()
    cards = make_cards(outcome, Settings(), Language("nl"))
    made = time.perf_counter()
    output = nbformat.v4.new_output("execute_result", cards._repr_mimebundle_())
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=[output])])
    pages = pages_of(notebook, language="nl")
    done = time.perf_counter()
    size = sum(len(page.encode()) for page in pages.values()) / len(pages) / 1024
    print(f"{len(pages):,} cards: {made - began:.1f} s contents, {done - made:.1f} s pages")
    print(f"{size:.0f} KB a card")


if __name__ == "__main__":
    main()
