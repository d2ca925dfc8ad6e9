"""How well would a design of ratings tell severity from team level?

Estimator: the severities of ``score ~ 1 + (1|subject) + (1|rater)``, which knows of no teams.
Truth: the same, but subjects of one team share a part of their level. Errors are exact, by linear
algebra on known variances, so no simulation is needed: the prediction error variance of the
estimator, plus what the teams do to it through the estimator's own weights.

Sources: Henderson (1975), Biometrics 31, 423-447 (prediction error variance); Searle, Casella &
McCulloch (1992), Variance Components, ch. 7.

Assumes known variances and one score per rater and subject. Dense in the raters.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.numerics.subject_rater import solve_subject_rater

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


class LinkingPrecision(NamedTuple):
    """Errors of severities around their mean.

    Attributes
    ----------
    se : ndarray, (q,)
        Root mean squared error of each rater's severity against the mean of all, units of y.
    reliability : float
        Share of the variance between raters that is known, 0 to 1.
    team_share : float
        Share of a team's own level that is booked as its rater's severity, about 0 to 1.
    """

    se: FloatArray
    reliability: float
    team_share: float


def linking_precision(
    subject: IntArray,
    rater: IntArray,
    team: IntArray,
    *,
    var_team: float,
    var_subject: float,
    var_rater: float,
    var_error: float,
) -> LinkingPrecision:
    """Return the exact errors of severities in a design.

    Parameters
    ----------
    subject, rater : ndarray of int, each (n,)
        A rating a row; every subject and at least two raters in use, counted from 0.
    team : ndarray of int, (subjects,)
        The rater whose team a subject belongs to; -1 for none, such as a shared case.
    var_team, var_subject, var_rater, var_error : float
        Variances between teams, between subjects within teams, between raters, and of chance;
        the last two above 0. Squared units of y.
    """
    whole = var_team + var_subject
    solved = solve_subject_rater(
        np.zeros(len(subject)),
        np.ones((len(subject), 1)),
        {"subject": subject, "rater": rater},
        {"subject": whole, "rater": var_rater, "residual": var_error},
    )
    n_raters = len(solved.rater)
    covariance = solved.rater_cov
    of_team = np.zeros((n_raters, n_raters))
    if whole > 0:
        # how the predicted raters follow the level of each subject, then of each team
        follows = solved.head_cov[1:] @ solved.subject_head.T / whole
        own = np.flatnonzero(team >= 0)
        np.add.at(of_team.T, team[own], follows[:, own].T)
        covariance = covariance + var_team * (of_team @ of_team.T - follows @ follows.T)
    centring = np.eye(n_raters) - 1.0 / n_raters
    variance = np.maximum(np.diag(centring @ covariance @ centring), 0.0)
    known = 1.0 - float(variance.sum()) / ((n_raters - 1) * var_rater)
    return LinkingPrecision(
        se=np.sqrt(variance),
        reliability=max(known, 0.0),
        team_share=float(np.trace(centring @ of_team)) / (n_raters - 1),
    )
