"""The figures of a run: each is printed when it is there, all of them in one table at the end, and as JSON."""

import datetime
import json
import os
import platform
import statistics
import time

figures = []
# Ceilings by the name of a figure, which replace the promises.
ceilings = {}


def number(value):
    if value == int(value) and abs(value) >= 100 or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value == int(value) else f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}"


def report(name, values, unit="", most=None, least=None, every=False, fault="", note=""):
    """A figure and what is promised of it: `most` or `least` of the median, or of every round. A `fault` misses any promise."""
    if name in ceilings:
        most, least = ceilings[name], None
    elif ceilings:
        most = least = None
    values = list(values)
    median = statistics.median(values)
    reached = not fault
    if most is not None:
        reached = reached and (max(values) if every else median) <= most
    if least is not None:
        reached = reached and (min(values) if every else median) >= least
    promise = f"≤ {number(most)}" if most is not None else f"≥ {number(least)}" if least is not None else ""
    figure = {"name": name, "unit": unit, "median": median, "min": min(values), "max": max(values), "values": values,
              "promise": promise, "reached": reached, "fault": fault, "note": note, "at": round(time.monotonic() - begun, 1)}
    figures.append(figure)
    print("         " + line(figure) if not promise and reached else
          f"{'reached' if reached else 'MISSED '}  {line(figure)}", flush=True)
    return median


def line(figure):
    notes = "; ".join(filter(None, (figure["fault"], figure["note"])))
    return f"{figure['name']}: {figure['promise']}{': ' * bool(figure['promise'])}{shown(figure)} {figure['unit']}" + (
        f" — {notes}" if notes else "")


def shown(figure):
    spread = f" ({number(figure['min'])}…{number(figure['max'])})" if len(figure["values"]) > 1 else ""
    return number(figure["median"]) + spread


def absent(name, why):
    """A figure that this machine cannot measure: it is said, and misses no promise."""
    figures.append({"name": name, "absent": why})
    print(f"         {name}: NOT MEASURED, {why}", flush=True)


def finish(path):
    """Prints the table, writes it as JSON and for a page in Markdown, and gives the exit status."""
    rows = [("figure", "promise", "median", "min…max", "")]
    for figure in figures:
        if "absent" in figure:
            rows.append((figure["name"], "", "", "", "not measured: " + figure["absent"]))
            continue
        spread = f"{number(figure['min'])}…{number(figure['max'])}" if len(figure["values"]) > 1 else ""
        rows.append((figure["name"], figure["promise"], f"{number(figure['median'])} {figure['unit']}".strip(), spread,
                     "MISSED" if not figure["reached"] else "reached" if figure["promise"] else ""))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    print(f"\n{machine()}\n")
    for row in rows:
        print("  ".join([row[0].ljust(widths[0]), row[1].rjust(widths[1]), row[2].rjust(widths[2]), row[3].ljust(widths[3]),
                         row[4]]).rstrip())
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        json.dump({"date": datetime.date.today().isoformat(), "machine": machine(), "figures": figures}, file, indent=1,
                  ensure_ascii=False)
    with open(path.replace(".json", ".md"), "w") as file:
        for row in [rows[0], ("---",) * 5] + rows[1:]:
            file.write(f"| {' | '.join(row)} |\n")
    missed = [figure["name"] for figure in figures if not figure.get("reached", True)]
    print(f"\n{len(missed)} promises MISSED in {time.monotonic() - begun:.0f} s" + "".join(f"\n  {name}" for name in missed))
    return 1 if missed else 0


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((l.split(":")[1].strip() for l in file if l.startswith("model name")), platform.machine())
    return f"{len(os.sched_getaffinity(0))} cores of {model}, Linux {platform.release()}, {datetime.date.today()}"


begun = time.monotonic()
