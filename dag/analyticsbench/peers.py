"""The programs that `dag bench analytics` measures beside: one task with one package, in a process of its own.

  peers.py list                                   TASK:PACKAGE for each package that is installed, ~ for each space
  peers.py run TASK PACKAGE ROUNDS ARGUMENT...    {"ms": the best round, "peak_mb": of this process, "check": what came out}

The data is read from files of the current folder before the clock starts. Where a package can do the work in several
ways, the fastest counts.
"""
import importlib.util
import json
import sys
import time

DAY = 86_400_000_000
BUDGET = 120.0  # seconds, after which no further round begins
TASKS = {}  # (task, package) -> function of its arguments; it gives the ways to do the work, each a function that gives the check


def peer(task, package, *needs):
    def add(fn):
        if all(importlib.util.find_spec(n) for n in needs):
            TASKS[task, package] = fn
        return fn
    return add


def column(name, dtype):
    import numpy as np
    return np.fromfile(name, dtype=dtype)


# Recency, frequency and money: bins of ranks, equal values ranked by customer id.

def bins(order, n):
    """order is the rank from 0 of each customer."""
    import numpy as np
    return np.where(order == 0, 1, (5 * order + n - 2) // (n - 1))


def score_sum(ids, last, frequency, monetary, until):
    """All columns are in ascending order of id, so that a stable sort ranks equal values by id."""
    import numpy as np
    n = len(ids)

    def score(values):
        rank = np.empty(n, np.int64)
        rank[np.argsort(values, kind="stable")] = np.arange(n)
        return bins(rank, n)
    r = 6 - score((until - last) // DAY)
    return float(np.sum(ids % 1009 * (100 * r + 10 * score(frequency) + score(monetary))))


def lines():
    return {name: column(name + ".i64", "<i8") for name in ("customer", "order", "ts", "cents")}


def polars_ways(frame, until):
    import polars as pl
    n = pl.len()

    def score(value):
        rank = value.rank("ordinal").cast(pl.Int64) - 1
        return pl.when(rank == 0).then(1).otherwise((5 * rank + n - 2) // (n - 1))

    def finish(customers):
        return float(customers.sort("customer").select(
            (pl.col("customer") % 1009 * (100 * (6 - score((until - pl.col("last")) // DAY)) + 10 * score(pl.col("frequency")) + score(pl.col("monetary")))).sum()
        ).collect().item())

    def one_level():
        return finish(frame().lazy().group_by("customer").agg(
            pl.col("ts").max().alias("last"), pl.col("order").n_unique().cast(pl.Int64).alias("frequency"), pl.col("cents").sum().alias("monetary")))

    def two_levels():
        orders = frame().lazy().group_by("customer", "order").agg(pl.col("ts").max(), pl.col("cents").sum())
        return finish(orders.group_by("customer").agg(
            pl.col("ts").max().alias("last"), pl.len().cast(pl.Int64).alias("frequency"), pl.col("cents").sum().alias("monetary")))
    return [one_level, two_levels]


@peer("rfm", "polars", "polars", "numpy")
def rfm_polars(until):
    import polars as pl
    frame = pl.DataFrame(lines())
    return polars_ways(lambda: frame, int(until))


@peer("rfm", "pandas", "pandas", "numpy")
def rfm_pandas(until):
    import pandas as pd
    frame = pd.DataFrame(lines())

    def distinct():
        by = frame.groupby("customer").agg(last=("ts", "max"), monetary=("cents", "sum"))
        frequency = frame[["customer", "order"]].drop_duplicates().groupby("customer").size()
        return score_sum(by.index.to_numpy(), by["last"].to_numpy(), frequency.to_numpy(), by["monetary"].to_numpy(), int(until))
    return [distinct]


DUCK = """
with orders as (select customer, "order", max(ts) as ts, sum(cents) as cents from {table} group by all),
customers as (select customer, max(ts) as last, count(*) as frequency, sum(cents) as monetary from orders group by customer),
ranked as (select customer, count(*) over () as n,
    row_number() over (order by ({until} - last) // 86400000000, customer) - 1 as r,
    row_number() over (order by frequency, customer) - 1 as f,
    row_number() over (order by monetary, customer) - 1 as m from customers),
scored as (select customer, 6 - if(r = 0, 1, (5 * r + n - 2) // (n - 1)) as r, if(f = 0, 1, (5 * f + n - 2) // (n - 1)) as f,
    if(m = 0, 1, (5 * m + n - 2) // (n - 1)) as m from ranked)
select sum(customer % 1009 * (100 * r + 10 * f + m)) from scored"""


@peer("rfm", "duckdb", "duckdb", "pandas")
def rfm_duckdb(until):
    import duckdb
    import pandas as pd
    con = duckdb.connect()
    con.register("frame", pd.DataFrame(lines()))
    con.execute("create table order_lines as select * from frame")
    return [lambda: float(con.execute(DUCK.format(table="order_lines", until=until)).fetchone()[0])]


@peer("rfm_postgres", "duckdb", "duckdb")
def postgres_duckdb(until, url):
    import duckdb
    con = duckdb.connect()
    if wheel := importlib.util.find_spec("duckdb_extension_postgres_scanner"):
        import glob
        import os
        con.execute(f"load '{glob.glob(os.path.dirname(wheel.origin) + '/**/*.duckdb_extension', recursive=True)[0]}'")
    else:
        con.execute("install postgres; load postgres")
    con.execute(f"attach '{url}' as shop (type postgres, read_only)")
    table = '(select customer_id as customer, order_id as "order", epoch_us(ts) as ts, cents from shop.order_lines)'
    return [lambda: float(con.execute(DUCK.format(table=table, until=until)).fetchone()[0])]


READ = 'select customer_id as customer, order_id as "order", ts, cents from order_lines'


@peer("rfm_postgres", "polars over ADBC", "polars", "adbc_driver_postgresql", "pyarrow")
def postgres_polars(until, url):
    import polars as pl
    return polars_ways(lambda: pl.read_database_uri(READ, url, engine="adbc").with_columns(pl.col("ts").cast(pl.Datetime("us")).cast(pl.Int64)), int(until))[1:]


# K-Means: the check is the inertia.

@peer("kmeans", "scikit-learn", "sklearn")
def kmeans_sklearn(k, starts):
    from sklearn.cluster import KMeans
    points = column("points.f64", "<f8").reshape(-1, 3)
    return [lambda: float(KMeans(n_clusters=int(k), n_init=int(starts), random_state=0).fit(points).inertia_)]


@peer("kmeans", "scikit-learn, Intel extension", "sklearnex")
def kmeans_intel(k, starts):
    from sklearnex.cluster import KMeans
    points = column("points.f64", "<f8").reshape(-1, 3)
    return [lambda: float(KMeans(n_clusters=int(k), n_init=int(starts), random_state=0).fit(points).inertia_)]


# Itemsets: the check is how many there are.

def matrix(baskets, items):
    import numpy as np
    from scipy.sparse import csr_matrix
    of, item = column("basket.i32", "<i4"), column("item.i32", "<i4")
    cells = csr_matrix((np.ones(len(of), np.uint8), (of, item)), shape=(int(baskets), int(items)))
    cells.data[:] = 1  # an item that stands twice in a basket counts once
    return cells


@peer("itemsets", "rusket", "rusket", "scipy")
def itemsets_rusket(baskets, items, share, least):
    import rusket
    cells = matrix(baskets, items)
    names = [str(i) for i in range(int(items))]

    def way(method):
        return lambda: float(len(rusket.mine(cells, min_support=float(share), method=method, column_names=names, use_colnames=False)))
    return [way("fpgrowth"), way("eclat")]


@peer("itemsets", "PyFIM", "fim", "numpy")
def itemsets_pyfim(baskets, items, share, least):
    import fim
    import numpy as np
    of, item = column("basket.i32", "<i4"), column("item.i32", "<i4")
    order = np.argsort(of, kind="stable")
    ends = np.cumsum(np.bincount(of, minlength=int(baskets)))[:-1]
    tracts = [a.tolist() for a in np.split(item[order], ends)]
    return [lambda: float(len(fim.eclat(tracts, target="s", supp=-int(least), zmin=1))),
            lambda: float(len(fim.fpgrowth(tracts, target="s", supp=-int(least), zmin=1)))]


@peer("itemsets", "mlxtend", "mlxtend", "pandas", "scipy")
def itemsets_mlxtend(baskets, items, share, least):
    if float(share) < 0.005 or int(baskets) > 100_000:
        raise SystemExit("it would take minutes or all memory")
    import pandas as pd
    from mlxtend.frequent_patterns import fpgrowth
    frame = pd.DataFrame.sparse.from_spmatrix(matrix(baskets, items).astype(bool))
    return [lambda: float(len(fpgrowth(frame, min_support=float(share))))]


# Anomalies: only the rolling median and the median absolute deviation of the 60 values before, of the square roots.

@peer("anomalies", "numpy, rolling median and MAD alone", "numpy")
def anomalies_numpy():
    import numpy as np
    values = np.sqrt(np.maximum(column("revenue.i64", "<i8"), 0))

    def rolling():
        flagged = 0
        for at in range(0, len(values) - 60, 20_000):
            part = values[at:at + 20_000 + 60]
            windows = np.lib.stride_tricks.sliding_window_view(part, 60)[:len(part) - 60]
            middle = np.median(windows, axis=1)
            scale = np.maximum(1.4826 * np.median(np.abs(windows - middle[:, None]), axis=1), 0.05 * middle)
            flagged += int(np.sum(np.abs(part[60:] - middle) >= 5 * np.maximum(scale, 1)))
        return float(flagged)
    return [rolling]


def peak_mb():
    import resource
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20) if sys.platform == "darwin" else most / 1024


def run(task, package, rounds, *arguments):
    best, checks, begun = None, set(), time.perf_counter()
    ways = TASKS[task, package](*arguments)
    for _ in range(int(rounds)):
        for way in ways:
            if best is not None and time.perf_counter() - begun > BUDGET:
                continue
            at = time.perf_counter()
            checks.add(way())
            took = time.perf_counter() - at
            best = took if best is None else min(best, took)
    if len(checks) > 1 and task != "kmeans":
        raise SystemExit(f"its ways disagree: {sorted(checks)}")
    print(json.dumps({"ms": round(1000 * best, 3), "peak_mb": round(peak_mb(), 1), "check": min(checks)}))


if __name__ == "__main__":
    if sys.argv[1] == "list":
        print(" ".join(f"{task}:{package}".replace(" ", "~") for task, package in TASKS))
    else:
        run(sys.argv[2], sys.argv[3], *sys.argv[4:])
