"""Are there groups of raters with another style of rating?

No structure is the default: one style, unless the four conditions of `numerics.cluster_search`
all hold.

Model: four features per rater, each as a deviation from the average rater divided by its own
standard error, so that a rater with few ratings counts as near to the others:

=========  ===================================================================================
severity   shrunken, of ``score ~ component + criterion + (1|subject) + (1|rater)``
log_sd     logarithm of the SD of the rater's residuals of that model: erratic or consistent
slope      of the rater's scores on the mean of the other raters of the same subjects: a wide
           or a narrow range
extremes   share of scores at the ends of the scale (compared on the arcsine scale)
=========  ===================================================================================

Raters come from one of k normal distributions with one shared covariance (`numerics.mixture`); a
feature that is missing for a rater is integrated out.

Sources: as in `numerics.cluster_search`; Freeman & Tukey (1950) for the arcsine scale.

Assumes that raters rate independently of each other. It cannot tell why styles differ: jobs,
teams and instructions differ too. The other raters' mean has noise, so slopes below 1 are normal
and only differences between raters count. "One style" is no proof that all rate alike: with few
raters differences are not found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.errors import Message, NotEstimable, WrongUse, msg, msgn
from pipeline.numerics.cluster_search import search_clusters
from pipeline.numerics.crossed_reml import CrossedModelError, fit_crossed
from pipeline.numerics.given_ratings import rated_once
from pipeline.numerics.linkage import linked_groups
from pipeline.numerics.mixture import Layout
from pipeline.numerics.mixture_checks import Lattice

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

FEATURES = ("severity", "log_sd", "slope", "extremes")
FEWEST_RATERS, FEWEST_RATINGS = 12, 5
MOST_STYLES, FEWEST_MEMBERS = 4, 4
NOTABLE = 1.0
"""Standard errors from the average rater that are worth a word."""

_FEWEST_DRAWS = 39
_FEWEST_SHARED = 5  # subjects that a slope needs
_LEAST_VARIANCE = 0.25  # features are in standard errors, whose variance is about 1
_NO_STEP = 1e-9  # features are not on a scale with steps

_HIGHER = {
    "severity": msg("Stricter than the average rater."),
    "log_sd": msg("Less consistent with the other raters."),
    "slope": msg("Uses a wider range of scores."),
    "extremes": msg("Gives the highest or lowest score more often."),
}
_LOWER = {
    "severity": msg("Milder than the average rater."),
    "log_sd": msg("More consistent with the other raters."),
    "slope": msg("Uses a narrower range of scores."),
    "extremes": msg("Seldom gives the highest or lowest score."),
}


@dataclass(frozen=True)
class Styles:
    """Styles of rating; ``n_styles`` is 1 where no structure is claimed.

    Attributes
    ----------
    n_styles
        Number of styles; 1 means that no structure was found.
    raters
        One row per rater, ordered by identifier: rater_id; style (0 = the largest; missing where
        left out); p (posterior probability 0-1 of that style); severity (scale points, positive
        = gives lower scores, shrunken), log_sd (log scale points), slope (1 = as the others),
        extremes (0-1), each with _se (of extremes on the arcsine scale) and missing where it
        cannot be had; n_ratings; reason (a Message where a rater was left out, else None).
    styles
        One row per style × feature that took part: style, n, feature, mean (in the unit of the
        feature), difference (from the average rater, in standard errors).
    description
        Per style what sets it apart, as messages, largest difference first.
    checks
        The four conditions in order: name, value, threshold, passed (bool); see
        `numerics.cluster_search.ClusterSearch`.
    n_raters
        Raters that took part.
    """

    n_styles: int
    raters: pd.DataFrame
    styles: pd.DataFrame
    description: tuple[tuple[Message, ...], ...]
    checks: pd.DataFrame
    n_raters: int


def estimate_styles(
    ratings: pd.DataFrame,
    *,
    points: list[float] | None = None,
    seed: int = 1,
    n_bootstrap: int = 199,
) -> Styles:
    """Look for styles of rating; the default answer is that there is one.

    Parameters
    ----------
    ratings
        Judgements of one session; rows without a score do not count. Neither the order of rows
        nor names matter.
    points
        All points of the scale; the lowest and highest score given where not known.
    seed
        Of the random draws: the same seed gives the same answer.
    n_bootstrap
        Data sets drawn for the likelihood ratio; at least 39.

    Returns
    -------
    Styles

    Raises
    ------
    NotEstimable
        Fewer than 12 linked raters with five ratings each, or no differences to explain.
    """
    if n_bootstrap < _FEWEST_DRAWS:
        raise WrongUse(
            msg(
                "Styles need at least {needed} bootstrap draws; {n} were asked for.",
                needed=_FEWEST_DRAWS,
                n=n_bootstrap,
            )
        )
    rated = _checked(ratings)
    linked, left_out = _linked(rated)
    score = rated["score"].to_numpy(dtype=float)
    ends = (score.min(), score.max()) if points is None else (min(points), max(points))
    features, standard = _features(linked, ends)
    names = [name for name in FEATURES if standard[name].round(9).nunique() > 1]
    if not names:
        raise NotEstimable(msg("No differences between raters were found, so there are no styles."))
    standard = standard[names]
    x, layout, rows = _ordered(standard)
    found = search_clusters(
        x,
        layout,
        Lattice(np.zeros(x.shape[1]), np.full(x.shape, _NO_STEP)),
        max(_LEAST_VARIANCE, 0.01 * float(np.nanvar(standard.to_numpy(), axis=0).mean())),
        most=min(MOST_STYLES, len(x) // 6),
        fewest_members=FEWEST_MEMBERS,
        seed=seed,
        n_bootstrap=n_bootstrap,
        normal=True,
    )
    group = pd.Series(found.group, index=standard.index[rows]).reindex(standard.index)
    p = pd.Series(found.posterior, index=standard.index[rows])
    raters = features.assign(style=group.astype("Int64"), p=p)
    every = rated.groupby("rater_id", sort=True).size().rename("n_ratings")
    raters = raters.reindex(every.index).assign(n_ratings=every)
    reasons = [left_out.get(one) for one in every.index]
    raters["reason"] = pd.Series(reasons, index=every.index, dtype=object)
    styles = _style_means(features, standard, group)
    return Styles(
        n_styles=int(found.group.max()) + 1,
        raters=raters.rename_axis("rater_id").reset_index(),
        styles=styles,
        description=_describe(styles),
        checks=pd.DataFrame(found.checks, columns=["name", "value", "threshold", "passed"]),
        n_raters=len(standard),
    )


def _checked(ratings: pd.DataFrame) -> pd.DataFrame:
    return rated_once(ratings).reset_index(drop=True)


def _linked(rated: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Message]]:
    """Keep raters with enough ratings who share subjects, and say why the others are left out."""
    n = rated.groupby("rater_id")["score"].transform("size")
    few = msg("Fewer than {least} scores.", least=FEWEST_RATINGS)
    left_out = dict.fromkeys(rated.loc[n < FEWEST_RATINGS, "rater_id"], few)
    kept = rated.loc[n >= FEWEST_RATINGS]
    if len(kept):
        rater, ids = pd.factorize(kept["rater_id"], sort=True)
        part = linked_groups(rater, pd.factorize(kept["subject_id"])[0])
        alone = np.bincount(part)[part] == 1
        no_link = msg("Shares no person or conversation with the raters who can be compared.")
        left_out |= dict.fromkeys(ids[alone], no_link)
        kept = kept.loc[~alone[rater]].assign(component=part[rater][~alone[rater]])
    n_raters = kept["rater_id"].nunique()
    if n_raters < FEWEST_RATERS:
        raise NotEstimable(
            msgn(
                "Styles need at least {needed} raters with {least} ratings each who share people; "
                "there is {n}.",
                "Styles need at least {needed} raters with {least} ratings each who share people; "
                "there are {n}.",
                n_raters,
                needed=FEWEST_RATERS,
                least=FEWEST_RATINGS,
            )
        )
    return kept, left_out


def _features(linked: pd.DataFrame, ends: tuple[float, float]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features with their errors per rater, and the same in standard errors from the average."""
    score = linked["score"]
    if float(np.ptp(score)) <= 1e-9:
        raise NotEstimable(msg("No differences between raters were found, so there are no styles."))
    # a criterion that some did not rate must not look like a style
    centred = score - score.groupby(linked["criterion_id"]).transform("mean")
    codes = {
        name: pd.factorize(linked[f"{name}_id"], sort=True)[0] for name in ("subject", "rater")
    }
    part = pd.factorize(linked["component"])[0]
    try:
        fit = fit_crossed(centred.to_numpy(dtype=float), np.eye(part.max() + 1)[part], codes)
    except CrossedModelError:
        fit = None
    if fit is None or not fit.converged:
        raise NotEstimable(
            msg(
                "These ratings are too few, or too regular, to tell rater, rated person and "
                "chance apart."
            )
        )
    ids = pd.Index(np.sort(linked["rater_id"].unique()), name="rater_id")
    rater = codes["rater"]
    n = np.bincount(rater)
    # degrees of freedom of the residuals, shared over raters by their ratings
    squares = np.bincount(rater, fit.residual**2)
    share = float((fit.residual**2).mean()) / fit.variance["residual"]
    df = np.maximum(n * min(share, 1.0), 1.0)
    with np.errstate(divide="ignore"):
        log_sd = 0.5 * np.log(squares / df)
    slope, slope_se = _slopes(linked.assign(centred=centred), ids)
    at_end = (score <= ends[0]) | (score >= ends[1])
    extremes = np.bincount(rater, at_end) / n
    found = pd.DataFrame(
        {
            "severity": 0.0 - fit.effects["rater"].blup,
            "severity_se": fit.effects["rater"].sd,
            # a rater without any residual has no SD to take the logarithm of
            "log_sd": np.where(squares > 1e-12 * fit.variance["residual"], log_sd, np.nan),
            "log_sd_se": 1 / np.sqrt(2 * df),
            "slope": slope,
            "slope_se": slope_se,
            "extremes": extremes,
            "extremes_se": 1 / (2 * np.sqrt(n)),
        },
        index=ids,
    )
    compared = found.assign(extremes=np.arcsin(np.sqrt(found["extremes"])))
    standard = pd.DataFrame(
        {
            name: (compared[name] - compared[name].mean())
            / found[f"{name}_se"].where(found[f"{name}_se"] > 0)
            for name in FEATURES
        }
    )
    return found, standard


def _slopes(linked: pd.DataFrame, ids: pd.Index) -> tuple[FloatArray, FloatArray]:
    """Slope of each rater's means on those of the others for the same subjects, with its error."""
    cells = linked.groupby(["rater_id", "subject_id"], sort=True)["centred"].mean().reset_index()
    by_subject = cells.groupby("subject_id")["centred"]
    n_others = by_subject.transform("size") - 1
    others = (by_subject.transform("sum") - cells["centred"]) / n_others.where(n_others > 0)
    cells = cells.assign(others=others).dropna()
    cells = cells[cells.groupby("rater_id")["others"].transform("size") >= _FEWEST_SHARED]
    by_rater = cells.groupby("rater_id")
    x = cells["others"] - by_rater["others"].transform("mean")
    y = cells["centred"] - by_rater["centred"].transform("mean")
    sums = pd.DataFrame({"n": 1.0, "xx": x * x, "xy": x * y, "yy": y * y})
    sums = sums.groupby(cells["rater_id"]).sum().reindex(ids)
    xx = sums["xx"].where(sums["xx"] > 1e-9)
    slope = sums["xy"] / xx
    # one residual variance: a rater's own, of few subjects, would make the error itself erratic
    rest = (sums["yy"] - slope * sums["xy"]).clip(lower=0.0)
    df = (sums["n"] - 2).where(slope.notna())
    pooled = float(rest.sum()) / max(float(df.sum()), 1.0)
    se = np.sqrt(pooled / xx)
    return slope.to_numpy(dtype=float), se.to_numpy(dtype=float)


def _ordered(standard: pd.DataFrame) -> tuple[FloatArray, Layout, IntArray]:
    """Values in an order of rows that depends on them and not on the raters' names."""
    values = standard.to_numpy(dtype=float).round(9)
    observed = ~np.isnan(values)
    filled = np.where(observed, values, 0.0)
    rows: IntArray = np.lexsort([*filled.T, *observed.T])
    return filled[rows], Layout.of(observed[rows]), rows


def _style_means(features: pd.DataFrame, standard: pd.DataFrame, group: pd.Series) -> pd.DataFrame:
    overall = standard.mean()
    rows = [
        (
            style,
            int((group == style).sum()),
            name,
            float(features.loc[group == style, name].mean()),
            float(standard.loc[group == style, name].mean() - overall[name]),
        )
        for style in range(int(group.max()) + 1)
        for name in standard.columns
    ]
    return pd.DataFrame(rows, columns=["style", "n", "feature", "mean", "difference"])


def _describe(styles: pd.DataFrame) -> tuple[tuple[Message, ...], ...]:
    if styles["style"].max() == 0:
        return ((msg("One style: no group of raters with a style of its own was found."),),)
    return tuple(_sets_apart(part) for _, part in styles.groupby("style"))


def _sets_apart(part: pd.DataFrame) -> tuple[Message, ...]:
    notable = part.loc[part["difference"].abs().round(9) >= NOTABLE]
    order = notable["difference"].abs().sort_values(ascending=False, kind="stable").index
    said = tuple(
        (_HIGHER if row.difference > 0 else _LOWER)[row.feature]
        for row in notable.loc[order].itertuples()
    )
    return said or (msg("Close to the average rater in every respect."),)
