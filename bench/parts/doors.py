"""The doors for providers' SDKs beside the native API: what the same mail costs by each of them."""

from pathlib import Path
from sys import stderr

import measures
from figures import median, ratio
from processes import Server, stub
from results import Told
from scale import Scale

TITLES = {"sendgrid": "SendGrid's", "mailgun": "Mailgun's", "resend": "Resend's"}


def run(folder: Path, scale: Scale) -> Told:
    told, rounds = Told(), []
    with stub(0.0) as (port,), Server(folder, port).up() as server:
        _one(server, port, scale.seconds / 3, scale.mails // 10)
        for number in range(scale.rounds):
            rounds.append(_one(server, port, scale.seconds, scale.mails // 2))
            print(f"doors: round {number + 1} of {scale.rounds}", file=stderr, flush=True)
    natives = [each["later"] for each in rounds]
    told.add("cpu_native", "CPU of 1,000 mails, native", median(natives), "s")
    shares = {title: ratio([each[kind] for each in rounds], natives) for kind, title in TITLES.items()}
    prompt = [each["later"] + each["postmark"] - each["accept"] for each in rounds]
    shares["Postmark's"] = ratio(prompt, natives)
    for title, share in shares.items():
        told.add(f"door_{title[:-2].lower()}", f"by {title} door, of the native", share, "times")
    told.add("dearest", "by the dearest door, of the native", max(shares.values()), "times")
    told.how = (
        f"{scale.rounds} interleaved rounds, medians; 64 connections, the same mail of 2 KB, to be sent in a month, in "
        "the words of each API; native requests have an Idempotency-Key each, those of the doors are known by their "
        "content. Postmark's API has no later: its mail and a native one are sent at once, and what the former costs "
        "more from the request to the stored outcome is what its door costs more. CPU is that of `everpost serve` on "
        "SQLite, every commit synced."
    )
    return told


def _one(server: Server, port: int, seconds: float, mails: int) -> dict[str, float]:
    """CPU seconds of 1,000 mails, by the kind of request."""
    spent = {kind: measures.accepted(server, seconds, kind).cpu_s for kind in ("later", *TITLES)}
    return spent | {kind: measures.handed_over(server, port, mails, kind).cpu_s for kind in ("accept", "postmark")}
