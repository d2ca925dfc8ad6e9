"""Compare time, memory and criterion of our crossed REML with other software, side by side.

Run from the repository: ``python benchmarks/severity.py [--quick]``. Every case runs in a process
of its own with one BLAS thread, so that peak memory is that of the case, data included. Fast cases
are fitted five times or more and the median is shown, of the clock and of the processor (they
differ when the machine is busy; R reports the clock only). Conditional standard deviations are
part of every fit of ours. statsmodels is run on the small cases only; gpboost fits maximum
likelihood, so that its criterion is compared with our ML fit. Software that is not installed is
said to be so.
"""

import argparse
import importlib.util
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
INSTEVAL = REPOSITORY.parent / "shared" / "data" / "InstEval.csv.gz"
M1 = ("subject", "rater")
M2 = (*M1, "subject:rater", "subject:criterion", "rater:criterion")
# Seconds within which a case is repeated, at least five times and at most twenty-five.
REPEAT_WITHIN = 3.0
SMALL = 4_000  # rows up to which statsmodels is tried, with at most two factors
GPBOOST_FACTORS = 3


def organisation(ratings: int, terms: tuple[str, ...]) -> tuple[Any, Any, dict[str, Any]]:
    """Simulate departments of 200 employees and 20 raters: two raters each, five criteria.

    One in twenty of the second ratings comes from a rater of another department.
    """
    import numpy as np

    rng = np.random.default_rng(20_260_101)
    departments = max(ratings // 2_000, 1)
    employees = min(200, ratings // 10)
    home = np.repeat(np.arange(departments), employees)
    first = rng.integers(0, 20, len(home))
    second = (first + rng.integers(1, 20, len(home))) % 20
    away = (rng.random(len(home)) < 0.05) & (departments > 1)
    other = (home + rng.integers(1, max(departments, 2), len(home))) % departments
    pair = np.column_stack([home * 20 + first, np.where(away, other, home) * 20 + second])
    subject = np.repeat(np.arange(len(home)), 10)
    rater = np.repeat(pair.ravel(), 5)
    criterion = np.tile(np.arange(5), 2 * len(home))
    codes = {
        "subject": subject,
        "rater": rater,
        "subject:rater": subject * (20 * departments) + rater,
        "subject:criterion": subject * 5 + criterion,
        "rater:criterion": rater * 5 + criterion,
    }
    sd = {
        "subject": 0.6,
        "rater": 0.3,
        "subject:rater": 0.25,
        "subject:criterion": 0.3,
        "rater:criterion": 0.15,
    }
    y = 3.0 + 0.1 * criterion + rng.normal(0, 0.55, len(subject))
    for name in terms:
        place = np.unique(codes[name], return_inverse=True)[1]
        y = y + rng.normal(0, sd[name], place.max() + 1)[place]
    X = np.eye(5)[criterion]
    X[:, 0] = 1.0
    return y, X, {name: codes[name] for name in terms}


def insteval(department: str | None) -> tuple[Any, Any, dict[str, Any]]:
    """Read InstEval, or one department of it."""
    import numpy as np
    import pandas as pd

    frame = pd.read_csv(INSTEVAL, dtype={"s": str, "d": str, "dept": str, "service": str})
    terms = ["s", "d", "dept"]
    if department is not None:
        frame = frame[frame["dept"] == department]
        terms = ["s", "d"]
    X = np.column_stack([np.ones(len(frame)), frame["service"] == "1"]).astype(float)
    return frame["y"].to_numpy(float), X, {name: frame[name].to_numpy() for name in terms}


DEPARTMENTS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "14", "15")
"""All departments of InstEval."""
CASES: dict[str, tuple[str, Any]] = {
    "InstEval, whole": ("insteval", None),
    **{f"InstEval, department {k}": ("insteval", k) for k in DEPARTMENTS},
    "M1, 400 ratings": ("M1", 400),
    "M1, 1,600 ratings": ("M1", 1_600),
    "M1, 10,000 ratings": ("M1", 10_000),
    "M1, 100,000 ratings": ("M1", 100_000),
    "M1, 1,000,000 ratings": ("M1", 1_000_000),
    "M2, 10,000 ratings": ("M2", 10_000),
    "M2, 100,000 ratings": ("M2", 100_000),
}
AT_MOST = {
    "InstEval, whole": "1.5 s",
    **{f"InstEval, department {k}": "0.05 s" for k in DEPARTMENTS},
    "M2, 100,000 ratings": "10 s, 1,000 MB",
}
"""What was asked of our fit, conditional standard deviations included."""
SLOW = {"M1, 1,000,000 ratings", "M1, 1,600 ratings"}


def data_of(case: str) -> tuple[Any, Any, dict[str, Any]]:
    """Return the data of a case."""
    kind, size = CASES[case]
    if kind == "insteval":
        return insteval(size)
    return organisation(size, M1 if kind == "M1" else M2)


def fit_ours(y: Any, X: Any, factors: dict[str, Any], reml: bool) -> float:
    """Fit with our engine and return the criterion."""
    sys.path.insert(0, str(REPOSITORY))
    from pipeline.numerics.crossed_reml import fit_crossed

    fit = fit_crossed(y, X, factors, reml=reml)
    if not fit.converged:
        raise RuntimeError("did not converge")
    return fit.criterion


def fit_statsmodels(y: Any, X: Any, factors: dict[str, Any]) -> float:
    """Fit with statsmodels' MixedLM, one group, and return its own -2 log likelihood (ML)."""
    import numpy as np
    from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec

    parts = [np.equal.outer(v, np.unique(v)).astype(float) for v in factors.values()]
    names = [[[f"{k}{i}" for i in range(p.shape[1])]] for k, p in zip(factors, parts, strict=True)]
    spec = VCSpec(list(factors), names, [[part] for part in parts])
    model = MixedLM(y, X, np.zeros(len(y)), exog_re=None, exog_vc=spec)
    model.k_re, model.k_re2 = 0, 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its warnings are not what is compared here
        return float(-2.0 * model.fit(reml=False, method="lbfgs").llf)


def fit_gpboost(y: Any, X: Any, factors: dict[str, Any]) -> float:
    """Fit with gpboost by maximum likelihood and return -2 log likelihood."""
    import gpboost
    import numpy as np

    groups = np.column_stack([np.unique(v, return_inverse=True)[1] for v in factors.values()])
    model = gpboost.GPModel(group_data=groups, likelihood="gaussian")
    model.fit(y=y, X=X)
    return float(2.0 * model.get_current_neg_log_likelihood())


LMER = """
suppressMessages(library(lme4)); a <- commandArgs(TRUE); d <- read.csv(a[1], colClasses="numeric")
g <- grep("^g", names(d), value=TRUE); for (k in g) d[[k]] <- factor(d[[k]])
x <- grep("^x", names(d), value=TRUE)
f <- as.formula(paste("y ~ 0 +", paste(c(x, paste0("(1|", g, ")")), collapse=" + ")))
t <- system.time({m <- lmer(f, d); ranef(m, condVar=TRUE)})[["elapsed"]]
cat(sprintf("RESULT %.4f %.6f", t, REMLcrit(m)))
"""


def fit_lmer(y: Any, X: Any, factors: dict[str, Any]) -> tuple[float, float]:
    """Fit with R's lmer, conditional variances included; return its seconds and criterion."""
    import numpy as np
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder:
        columns = {"y": y, **{f"x{i}": X[:, i] for i in range(X.shape[1])}}
        for i, values in enumerate(factors.values()):
            columns[f"g{i}"] = np.unique(values, return_inverse=True)[1]
        path = Path(folder, "data.csv")
        pd.DataFrame(columns).to_csv(path, index=False)
        out = subprocess.run(
            ["Rscript", "-e", LMER, str(path)], capture_output=True, text=True, check=True
        ).stdout
    seconds, criterion = out.split("RESULT ")[1].split()
    return float(seconds), float(criterion)


def measure(case: str, engine: str) -> dict[str, float]:
    """Run one case in this process and return seconds, megabytes and the criterion."""
    y, X, factors = data_of(case)
    if engine == "lmer":
        seconds, criterion = fit_lmer(y, X, factors)
        used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        return {
            "seconds": seconds,
            "cpu": float("nan"),
            "megabytes": used / 1024,
            "criterion": criterion,
        }
    fits = {
        "ours": lambda: fit_ours(y, X, factors, True),
        "ours, ML": lambda: fit_ours(y, X, factors, False),
        "statsmodels, ML": lambda: fit_statsmodels(y, X, factors),
        "gpboost, ML": lambda: fit_gpboost(y, X, factors),
    }
    times: list[float] = []
    cpu: list[float] = []
    while True:
        start, start_cpu = time.perf_counter(), time.process_time()
        criterion = fits[engine]()
        times.append(time.perf_counter() - start)
        cpu.append(time.process_time() - start_cpu)
        enough = len(times) >= 25 or sum(times) > REPEAT_WITHIN
        if times[0] > 2 * REPEAT_WITHIN or (enough and len(times) >= 5):
            break
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = {"seconds": statistics.median(times), "cpu": statistics.median(cpu)}
    return {**seconds, "megabytes": used / 1024, "criterion": criterion}


def absent(case: str, engine: str) -> str | None:
    """Return why an engine does not run on a case, or None if it does."""
    kind, size = CASES[case]
    if kind == "insteval" and not INSTEVAL.exists():
        return f"absent: {os.path.relpath(INSTEVAL, REPOSITORY)}"
    if engine.startswith("statsmodels"):
        small = kind == "M1" and size <= SMALL
        return None if small else "too large"
    if engine.startswith("gpboost"):
        if importlib.util.find_spec("gpboost") is None:
            return "not installed"
        return "too large" if kind == "M2" else None
    if engine == "lmer":
        if shutil.which("Rscript") is None:
            return "not installed"
        found = subprocess.run(
            ["Rscript", "-e", "quit(status = !requireNamespace('lme4', quietly = TRUE))"],
            capture_output=True,
            check=False,
        )
        return None if found.returncode == 0 else "not installed"
    return None


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="leave out the slowest cases")
    parser.add_argument("--one", nargs=2, metavar=("CASE", "ENGINE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(*arguments.one)))
        return
    threads = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(threads, "1")
    print(
        f"{'case':<26} {'engine':<16} {'seconds':>9} {'cpu s':>8} {'peak MB':>8} {'criterion':>16}"
    )
    for case in CASES:
        if arguments.quick and case in SLOW:
            continue
        for engine in ("ours", "lmer", "ours, ML", "gpboost, ML", "statsmodels, ML"):
            why = absent(case, engine)
            if why is not None:
                print(f"{case:<26} {engine:<16} {why}")
                continue
            run = subprocess.run(
                [sys.executable, __file__, "--one", case, engine],
                capture_output=True,
                text=True,
                env=environment,
                check=False,
            )
            if run.returncode:
                reason = (run.stderr.strip().splitlines() or ["no message"])[-1]
                print(f"{case:<26} {engine:<16} failed: {reason[:60]}")
                continue
            row = json.loads(run.stdout.splitlines()[-1])
            print(
                f"{case:<26} {engine:<16} {row['seconds']:>9.3f} {row['cpu']:>8.3f} "
                f"{row['megabytes']:>8.0f} {row['criterion']:>16.4f}"
                + (f"  asked: {AT_MOST[case]}" if engine == "ours" and case in AT_MOST else ""),
                flush=True,
            )


if __name__ == "__main__":
    main()
