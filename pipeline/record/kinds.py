"""The sorts of forms that can be recorded."""

from __future__ import annotations

from pipeline.decision_form import DECISION_FORM
from pipeline.progress_form import PROGRESS_FORM
from pipeline.record.decisions import DECISION_KIND
from pipeline.record.model import FormKind
from pipeline.record.progress import PROGRESS_KIND

FORM_KINDS: dict[str, FormKind] = {
    DECISION_FORM.name: DECISION_KIND,
    PROGRESS_FORM.name: PROGRESS_KIND,
}
"""By the name of their layout."""
