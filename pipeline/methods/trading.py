"""Do the changes of a session look like exchange between managers rather than like norms?

Three patterns, each with a permutation test of 5,000 draws; the p-value is the share of draws at
least as far, with the observed one among them.

home        mean change of people whose own manager was there minus that of the others, two-sided.
            Permuted is which managers were there: their people stay together, for the changes of
            one manager's people may hang together for many reasons
reciprocity pairs of managers who each took part in raising a report of the other
balance     managers with a raise and a lowering among their reports that leave the sum as it was.
            For both, managers are permuted over the people decided on

Beside these, which is no exchange: did changes follow what the model expects? The slope of the
change on expected minus given, two-sided, the latter permuted over people. Expected scores lie
nearer to the middle than given ones, so any session that moves extremes to the middle shows a slope
above 0 (regression to the mean), whatever moved it.

`p_any` is Bonferroni's for the patterns of exchange that were looked at.

Sources: Bol, Braga de Aguiar & Lill (2019), on calibration that is gamed at peer level; Good
(2005), Permutation, Parametric and Bootstrap Tests of Hypotheses (permutation, (b+1)/(m+1)).

Assumes that managers (home) or people (the others) are exchangeable if norms alone decide: where
one manager's people are raised together, reciprocity and balance see less or more by that alone. It
cannot tell intent: managers may know their own reports best, and with few changes even strong
patterns are common by chance. A small p-value is a question to the facilitator, never a verdict.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.errors import Message, NotEstimable, msg

LEAST_CHANGED, LEAST_MANAGERS, LEAST_EXPECTED = 5, 3, 8
_DRAWS, _SEED = 5_000, 20_260_712
_SAME = 1e-9
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]
_NO_CHANCE = msg("chance gives the same whatever is permuted, so there is nothing to compare.")


@dataclass(frozen=True)
class Pattern:
    """One pattern: what was found, what chance gives on average, and how often it gives as much.

    Attributes
    ----------
    found
        Scale points for home, points per point for follows, a count for the others.
    by_chance, chance_low, chance_high
        Mean over permutations, and the middle 95 % of them.
    p_value
        Share of permutations at least as far (two-sided for home and follows).
    """

    found: float
    by_chance: float
    chance_low: float
    chance_high: float
    p_value: float


@dataclass(frozen=True)
class Trading:
    """Patterns of exchange, and whether changes followed what the model expects.

    Attributes
    ----------
    home, reciprocity, balance, follows
        Or the reason why there is none.
    n_changed, n_managers
        Changed scores, and managers of the people decided on.
    """

    home: Pattern | Message
    reciprocity: Pattern | Message
    balance: Pattern | Message
    follows: Pattern | Message
    n_changed: int
    n_managers: int

    @property
    def p_any(self) -> float | None:
        """Chance that any pattern of exchange is as rare as the rarest one; None without any."""
        looked = (self.home, self.reciprocity, self.balance)
        values = [one.p_value for one in looked if isinstance(one, Pattern)]
        return min(1.0, len(values) * min(values)) if values else None


def estimate_trading(decisions: pd.DataFrame, *, present: frozenset[str]) -> Trading:
    """Compare patterns in the changes of a session with what chance gives.

    Parameters
    ----------
    decisions
        One row per decided score: employee_id, manager_id, change (after minus before, scale
        points), decided_by (missing where not known), gap (expected minus given, scale points;
        missing where not known, and where the decision is not on all criteria together).
    present
        Who was there.

    Raises
    ------
    NotEstimable
        Fewer than five changes, or fewer than three managers.
    """
    known = decisions.dropna(subset=["manager_id", "change"])
    known = known.sort_values(["employee_id", "manager_id", "change"], kind="stable")
    change = known["change"].to_numpy(dtype=float)
    manager, names = pd.factorize(known["manager_id"], sort=True)
    n_changed = int((np.abs(change) > _SAME).sum())
    if n_changed < LEAST_CHANGED or len(names) < LEAST_MANAGERS:
        raise NotEstimable(
            msg(
                "Changed scores: {n}, managers: {m}. {least} changes and {few} managers are needed"
                " to look for exchange.",
                n=n_changed,
                m=len(names),
                least=LEAST_CHANGED,
                few=LEAST_MANAGERS,
            )
        )
    rng = np.random.default_rng(_SEED)
    there = np.array([name in present for name in names])
    places = {name: at for at, name in enumerate(names)}
    decider = np.array([places.get(one, -1) for one in known["decided_by"]], dtype=np.intp)
    of_person = pd.factorize(known["employee_id"], sort=True)[0]
    dealt = [manager, *_permuted(manager, of_person, rng)]
    return Trading(
        home=_home_pattern(change, manager, there, rng),
        reciprocity=_pattern([_reciprocal(change, one, decider, len(names)) for one in dealt]),
        balance=_pattern([_balanced(change, one, len(names)) for one in dealt]),
        follows=_follows(known, rng),
        n_changed=n_changed,
        n_managers=len(names),
    )


def _permuted(
    manager: IntArray, of_person: IntArray, rng: np.random.Generator
) -> Iterator[IntArray]:
    """Give people other managers; decisions about one person keep one manager."""
    own = manager[np.unique(of_person, return_index=True)[1]]
    for _ in range(_DRAWS):
        yield rng.permutation(own)[of_person]


def _home_pattern(
    change: FloatArray, manager: IntArray, there: BoolArray, rng: np.random.Generator
) -> Pattern | Message:
    if there.all() or not there.any():
        return msg("all own managers were there, or none was, so there is nothing beside it.")
    dealt = [there, *(rng.permutation(there) for _ in range(_DRAWS))]
    return _pattern([_home(change, one[manager]) for one in dealt], two_sided=True)


def _home(change: FloatArray, own: BoolArray) -> float:
    return float(change[own].mean() - change[~own].mean())


def _follows(known: pd.DataFrame, rng: np.random.Generator) -> Pattern | Message:
    """Regress the change on expected minus given."""
    rows = known.dropna(subset=["gap"])
    if len(rows) < LEAST_EXPECTED:
        return msg(
            "an expected score is known of {n} people whose whole rating was decided on; {least}"
            " are needed.",
            n=len(rows),
            least=LEAST_EXPECTED,
        )
    change, gap = (rows[name].to_numpy(dtype=float) for name in ("change", "gap"))
    gap = gap - gap.mean()
    if np.ptp(gap) < _SAME:
        return _NO_CHANCE
    dealt = [gap, *(rng.permutation(gap) for _ in range(_DRAWS))]
    return _pattern([float(one @ change) / float(gap @ gap) for one in dealt], two_sided=True)


def _reciprocal(change: FloatArray, manager: IntArray, decider: IntArray, n: int) -> float:
    raised = (change > _SAME) & (decider >= 0) & (decider != manager)
    gave = np.zeros((n, n), dtype=bool)
    gave[decider[raised], manager[raised]] = True
    return float(np.triu(gave & gave.T, 1).sum())


def _balanced(change: FloatArray, manager: IntArray, n: int) -> float:
    total = np.bincount(manager, weights=change, minlength=n)
    up = np.bincount(manager, weights=change > _SAME, minlength=n) > 0
    down = np.bincount(manager, weights=change < -_SAME, minlength=n) > 0
    return float((up & down & (np.abs(total) < _SAME * 1e3)).sum())


def _pattern(values: list[float], *, two_sided: bool = False) -> Pattern | Message:
    if np.ptp(values) < _SAME:
        return _NO_CHANCE
    found, draws = values[0], np.array(values[1:])
    centre = float(draws.mean())
    if two_sided:
        far = np.abs(draws - centre) >= abs(found - centre) - _SAME
    else:
        far = draws >= found - _SAME
    low, high = np.quantile(draws, [0.025, 0.975])
    p_value = float((far.sum() + 1) / (len(draws) + 1))
    return Pattern(found, centre, float(low), float(high), p_value)
