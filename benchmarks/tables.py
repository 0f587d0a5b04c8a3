"""The measurements as Markdown: the README's table of what is aimed at, and that of all other cases."""

from benchmarks.cases import CONTESTANTS, FASTEST, OURS, PLAIN

HEADLINE_PEERS = ("JAX", "torch", "torch_compile", "sklearn", "micrograd")


def judge(limit, ratios, medians):
    """What became of a limit: the peer that it was held against (the fastest, where there are several), the ratio, and
    whether it is met; None where that is not measured."""
    members = [label for label in FASTEST.get(limit.versus, (limit.versus,)) if label in ratios.get(limit.ours, {})]
    verdict = {"ours": limit.ours, "versus": limit.versus, "limit": limit.ratio, "ratio": None, "met": None}
    if members:
        against = min(members, key=medians.__getitem__)
        ratio = ratios[limit.ours][against]
        verdict.update(against=against, ratio=ratio, met=ratio <= limit.ratio)
    return verdict


def judged(row, case):
    """The row, with what became of the case's limits."""
    return row | {"limits": [judge(limit, row["ratio"], row["median"]) for limit in case.limits]}


def headline_table(rows, about):
    """Each of our three ways with what it aims at, and the peers."""
    peers = [p for p in HEADLINE_PEERS if any(fastest(row, p) in row["median"] for row in rows)]
    ours = [label for label in OURS if any(label in row["median"] for row in rows)]
    lines = heading(["work", *(OURS[label].title for label in ours), *map(title, peers)])
    for row in rows:
        cells = [row["case"] + mark(row), *(our_cell(row, label) for label in ours)]
        lines.append(line([*cells, *(peer_cell(row, fastest(row, p)) for p in peers)]))
    return "\n".join(
        [
            *lines,
            "",
            "Time per step, in brackets that of the first call, with compiling. Below ours: the ratio ours/theirs, and "
            "what is aimed at; of JAX on all cores and on one, the faster counts in each case. nn.fit's times contain "
            "recording each new model's updates, of which the first ones were compiled in the first step, as JAX's "
            "and torch.compile's programs were. "
            f"{footnote(rows, about)}",
        ]
    )


def our_cell(row, label):
    verdicts = [
        f"{limit['ratio']:.2g} {title(limit['versus'])} (≤ {limit['limit']:g} {'✓' if limit['met'] else '✗'})"
        for limit in row["limits"]
        if limit["ours"] == label and limit["ratio"] is not None
    ]
    return "<br>".join([peer_cell(row, label), *verdicts])


def peer_cell(row, label):
    if label not in row["median"]:
        return quantity(row, label)
    first = row["first_step_s"].get(label)
    compiled = CONTESTANTS[label].compiles and row["measure"] == "time" and first is not None
    return quantity(row, label) + (f" ({first:.2g} s)" if compiled else "")


def fastest(row, peer):
    """The fastest setting of a library in this case; a contestant stands for itself."""
    members = [label for label in FASTEST.get(peer, (peer,)) if label in row["median"]]
    return min(members, key=row["median"].__getitem__, default=peer)


def title(versus):
    return CONTESTANTS[versus].title if versus in CONTESTANTS else versus


def plain_table(rows, about):
    """Ours as a value, the others as ratios; where ours is missing they are values."""
    labels = [label for label in PLAIN[1:] if any(label in row["median"] for row in rows)]
    lines = heading(["case", "ours", *(CONTESTANTS[label].title for label in labels), "aimed at", ""])
    for row in rows:
        ratios = row["ratio"].get("eager", {})
        cells = [f"{ratios[label]:.3g}" if label in ratios else quantity(row, label) for label in labels]
        aims = "; ".join(f"<= {limit['limit']:g} {title(limit['versus'])}" for limit in row["limits"])
        lines.append(line([row["case"] + mark(row), quantity(row, "eager"), *cells, aims, verdicts(row)]))
    return "\n".join(
        [
            *lines,
            "",
            "Ours (recorded calls, nothing compiled) as a value, the others as the ratio ours/theirs (below 1: ours is "
            f"faster, or smaller). {footnote(rows, about)}",
        ]
    )


def verdicts(row):
    return "; ".join(
        "not measured" if j["met"] is None else f"{'met' if j['met'] else 'missed'} ({j['ratio']:.3g})"
        for j in row["limits"]
    )


def quantity(row, label):
    value = row["median"].get(label)
    if value is None:
        return "failed" if label in row["failed"] else "-"
    unit = row["unit"]
    for larger in ("ms", "s") if unit == "us" else ():
        if value >= 10_000:
            value, unit = value / 1000, larger
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def mark(row):
    return " †" if row["disturbed"] else ""


def footnote(rows, about):
    discarded, disturbed = sum(row["discarded"] for row in rows), sum(row["disturbed"] for row in rows)
    watchable = [row for row in rows if row["measure"] != "memory"]
    watched = (
        "what other programs did meanwhile could not be measured"
        if any(row["unwatched"] for row in watchable)
        else f"{discarded} turns were discarded and taken again, since other programs used more than a tenth of a core"
    )
    if disturbed:
        watched += f" († {disturbed} such turns had to be kept)"
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    settings = "".join(f", {name}={value}" for name, value in about["environment"].items())
    return f"Medians over up to {about['rounds']} rounds; {watched}. {about['machine']}{settings}; {versions}."


def heading(titles):
    return [line(titles), "|---" * len(titles) + "|"]


def line(cells):
    return "| " + " | ".join(cells) + " |"
