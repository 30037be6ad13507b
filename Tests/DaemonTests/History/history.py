#!/usr/bin/env python3
"""Computes years of history, puts them into a database and compares them with the daemon's responses.

    history.py fill DATABASE SITE         writes it for the site with this number, while no daemon runs
    history.py check BASE SITE ZONE       reads it in every step and prints the differences; status 1 if there are any

Days, hours and months follow Python's own zones.
"""
import datetime as dt
import json
import sqlite3
import sys
import urllib.request
import zoneinfo

UTC = dt.timezone.utc
BEGIN = int(dt.datetime(2021, 1, 1, tzinfo=UTC).timestamp()) // 900
END = int(dt.datetime(2026, 1, 1, tzinfo=UTC).timestamp()) // 900
# The daemon was down for five hours every tenth day, and for a whole June.
JUNE = [int(dt.datetime(2024, m, 1, tzinfo=UTC).timestamp()) // 900 for m in (6, 7)]


def is_down(q):
    return JUNE[0] <= q < JUNE[1] or (q // 96) % 10 == 0 and 40 <= q % 96 < 60


def counts(q):
    """Views, visits, pings, bots, peak. Many quarter hours are empty."""
    x = q * 2654435761 % 2**32
    if is_down(q) or x % 3 == 0:
        return None
    return x % 1000, x % 300, x % 5000, x % 7, x % 200


def leb(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def fill(path, site):
    db = sqlite3.connect(path)
    for day in range(BEGIN // 96, END // 96):
        hours = b"".join(bytes([i]) + b"".join(map(leb, counts(day * 96 + i))) for i in range(96) if counts(day * 96 + i))
        db.execute("INSERT INTO quarter VALUES (?, ?, ?)", (site, day, hours))
    up = None
    for q in range(BEGIN, END + 1):
        if q < END and not is_down(q):
            up = q if up is None else up
        elif up is not None:
            db.execute("INSERT INTO uptime VALUES (?, ?)", (up * 900_000, q * 900_000 - 1))
            up = None
    db.commit()


def expected(bounds):
    columns = {"views": [], "visits": [], "pings": [], "bots": [], "online": []}
    for begin, end in zip(bounds, bounds[1:]):
        quarters = range(-(-begin // 900), -(-end // 900))
        found = [c for c in map(counts, quarters) if c]
        known = any(BEGIN <= q < END and not is_down(q) for q in quarters)
        for i, (name, column) in enumerate(columns.items()):
            values = [c[i] for c in found]
            column.append(None if not known else max(values, default=0) if name == "online" else sum(values))
    return columns


def local(zone, *date):
    """The first second of a local date."""
    moment = dt.datetime(*date, tzinfo=zone)
    second = int(moment.timestamp())
    # A midnight that the clocks skip: the day begins when they continue.
    while dt.datetime.fromtimestamp(second, zone).date() < moment.date():
        second += 900
    return second


def days(zone, first, last):
    day = first
    while day <= last:
        yield local(zone, day.year, day.month, day.day)
        day += dt.timedelta(1)


def check(base, site, name):
    zone = zoneinfo.ZoneInfo(name)
    date = dt.date
    hours = [s for s in days(zone, date(2023, 3, 20), date(2023, 4, 12))]
    by_hour, second = [], hours[0]
    while second < hours[-1]:
        by_hour.append(second)
        here = dt.datetime.fromtimestamp(second, zone)
        ahead = dt.datetime.fromtimestamp(second + 3600, zone)
        second += 3600 - ahead.minute * 60 if here.minute != ahead.minute and ahead.minute else 3600
    ranges = [
        ("15m", "2023-10-25", "2023-11-08", list(range(local(zone, 2023, 10, 25), local(zone, 2023, 11, 9), 900))
         + [local(zone, 2023, 11, 9)]),
        ("1h", "2023-03-20", "2023-04-11", by_hour + [hours[-1]]),
        ("1d", "2021-01-02", "2025-12-30", list(days(zone, date(2021, 1, 2), date(2025, 12, 31)))),
        ("1mo", "2021-02-01", "2025-11-30", [local(zone, 2021 + m // 12, m % 12 + 1, 1) for m in range(1, 60)]),
    ]
    wrong = 0
    for step, first, last, bounds in ranges:
        url = f"{base}/api/v1/sites/{site}/series?step={step}&from={first}&to={last}&metrics=views,visits,online,pings,bots"
        answer = json.load(urllib.request.urlopen(url))
        if answer["t"] != bounds[:-1]:
            at = next((i for i, (a, b) in enumerate(zip(answer["t"], bounds)) if a != b), len(bounds) - 1)
            print(f"{name} {step}: {len(answer['t'])} buckets, not {len(bounds) - 1}; at {at}: {answer['t'][at:at + 2]}, not {bounds[at:at + 2]}")
            wrong += 1
            continue
        for column, values in expected(bounds).items():
            differences = [i for i, (a, b) in enumerate(zip(answer[column], values)) if a != b]
            if differences:
                i = differences[0]
                print(f"{name} {step} {column}: {len(differences)} differ, first {bounds[i]}: {answer[column][i]}, not {values[i]}")
                wrong += 1
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        fill(sys.argv[2], int(sys.argv[3]))
    else:
        check(*sys.argv[2:])
