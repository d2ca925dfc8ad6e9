"""Do the changes of a session look like exchange between managers rather than like norms?

Three patterns, each against the same null: that who is whose manager has no bearing on the changes.
Managers are permuted over the people decided on, 5,000 times, and the pattern counted again; the
p-value is the share of draws at least as far, with the observed one among them.

home        mean change of people whose own manager was there minus that of the others
reciprocity pairs of managers who each took part in raising a report of the other
balance     managers with a raise and a lowering among their reports that leave the sum as it was

Sources: Bol, Braga de Aguiar & Lill (2019), on calibration that is gamed at peer level; Good
(2005), Permutation, Parametric and Bootstrap Tests of Hypotheses (permutation, (b+1)/(m+1)).

Assumes that people are exchangeable between managers if norms alone decide. It cannot tell intent:
managers may know their own reports best, and with few changes even strong patterns are common by
chance. A small p-value is a question to the facilitator, never a verdict.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.errors import NotEstimable, msg

LEAST_CHANGED, LEAST_MANAGERS = 5, 3
_DRAWS, _SEED = 5_000, 20_260_712
_SAME = 1e-9
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Pattern:
    """One pattern: what was found, what chance gives on average, and how often it gives as much.

    Attributes
    ----------
    found
        Scale points for home, a count for the others.
    by_chance, chance_low, chance_high
        Mean over permutations, and the middle 95 % of them.
    p_value
        Share of permutations at least as far (two-sided for home).
    """

    found: float
    by_chance: float
    chance_low: float
    chance_high: float
    p_value: float


@dataclass(frozen=True)
class Trading:
    """Patterns of exchange.

    Attributes
    ----------
    home
        None where every own manager was there, or none was.
    reciprocity
        None where nobody is known to have decided.
    balance
        Always there.
    n_changed, n_managers
        Changed scores, and managers of the people decided on.
    """

    home: Pattern | None
    reciprocity: Pattern | None
    balance: Pattern
    n_changed: int
    n_managers: int


def estimate_trading(decisions: pd.DataFrame, *, present: frozenset[str]) -> Trading:
    """Compare patterns in the changes of a session with what chance gives.

    Parameters
    ----------
    decisions
        One row per decided score: employee_id, manager_id, change (after minus before, scale
        points), decided_by (missing where not known).
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
    there = np.array([name in present for name in names])
    places = {name: at for at, name in enumerate(names)}
    decider = np.array([places.get(one, -1) for one in known["decided_by"]], dtype=np.intp)
    of_person = pd.factorize(known["employee_id"], sort=True)[0]
    draws = _permuted(manager, of_person)
    home = None
    if there[manager].any() and not there[manager].all():
        home = _pattern([_home(change, m, there) for m in (manager, *draws)], two_sided=True)
    reciprocity = None
    if (decider >= 0).any():
        reciprocity = _pattern(
            [_reciprocal(change, m, decider, len(names)) for m in (manager, *draws)]
        )
    balance = _pattern([_balanced(change, m, len(names)) for m in (manager, *draws)])
    return Trading(home, reciprocity, balance, n_changed, len(names))


def _permuted(manager: IntArray, of_person: IntArray) -> list[IntArray]:
    """Give people other managers; decisions about one person keep one manager."""
    rng = np.random.default_rng(_SEED)
    first = np.unique(of_person, return_index=True)[1]
    own = manager[first]
    return [rng.permutation(own)[of_person] for _ in range(_DRAWS)]


def _home(change: FloatArray, manager: IntArray, there: npt.NDArray[np.bool_]) -> float:
    own = there[manager]
    if own.all() or not own.any():
        return 0.0
    return float(change[own].mean() - change[~own].mean())


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


def _pattern(values: list[float], *, two_sided: bool = False) -> Pattern:
    found, draws = values[0], np.array(values[1:])
    centre = float(draws.mean())
    if two_sided:
        far = np.abs(draws - centre) >= abs(found - centre) - _SAME
    else:
        far = draws >= found - _SAME
    low, high = np.quantile(draws, [0.025, 0.975])
    p_value = float((far.sum() + 1) / (len(draws) + 1))
    return Pattern(found, centre, float(low), float(high), p_value)
