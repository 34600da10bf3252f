"""Makes churn.csv and customers.csv, the smoke inputs of the two samples: invented customers, no real person's data.

    python3 generate.py            (in this directory; the files are committed)

Deterministic: one Mersenne Twister with a fixed seed, of which only `random()` is used, whose sequence Python guarantees.
Realistic in shape: skewed tenure and usage, correlated charges, a churn rate near a quarter, and a label drawn from a
probability, so that no model can be right about everyone.
"""

import csv
import math
import random

draw = random.Random(20240229).random


def normal():
    return math.sqrt(-2.0 * math.log(1.0 - draw())) * math.cos(2.0 * math.pi * draw())


def pick(weighted):
    at = draw()
    for value, weight in weighted:
        at -= weight
        if at < 0:
            return value
    return weighted[-1][0]


def count(mean):
    """Poisson distributed, by multiplication."""
    limit, product, number = math.exp(-mean), draw(), 0
    while product > limit:
        product *= draw()
        number += 1
    return number


def customer(number):
    contract = pick([("month-to-month", 0.55), ("one-year", 0.25), ("two-year", 0.20)])
    payment = pick([("bank-transfer", 0.45), ("card", 0.35), ("invoice", 0.20)])
    age = min(90, max(18, round(44 + 15 * normal())))
    scale = {"month-to-month": 18, "one-year": 32, "two-year": 46}[contract]
    tenure = min(120, 1 + int(-math.log(1.0 - draw()) * scale))
    usage = max(0.1, math.exp(2.2 + 0.8 * normal() - 0.012 * (age - 44)))
    charge = max(9.0, 18 + 0.55 * usage + 6 * normal() - (4 if contract == "two-year" else 0))
    calls = count(0.6 + 0.02 * max(0.0, charge - 30))
    late = count(0.25 + (0.5 if payment == "invoice" else 0.0))
    margin = (
        -1.9
        + {"month-to-month": 1.1, "one-year": 0.0, "two-year": -0.9}[contract]
        - 0.025 * tenure
        + 0.03 * (charge - 25)
        + 0.55 * calls
        + 0.45 * late
        + (0.5 if tenure < 6 and calls > 1 else 0.0)
    )
    leaves = int(draw() < 1.0 / (1.0 + math.exp(-margin)))
    return {
        "customer_id": f"C{number:06d}",
        "age": age,
        "tenure_months": tenure,
        "contract": contract,
        "payment": payment,
        "monthly_charge": f"{charge:.2f}",
        "data_usage_gb": f"{usage:.1f}",
        "support_calls": calls,
        "late_payments": late,
        "churned": leaves,
    }


def write(path, rows, without=()):
    names = [name for name in rows[0] if name not in without]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


write("churn.csv", [customer(number) for number in range(1, 4001)])
write("customers.csv", [customer(number) for number in range(100001, 101001)], without=("churned",))
