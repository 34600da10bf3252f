"""Batch inference with the model of churn-train.

    score.py --data customers.csv --model DIR --out DIR

Writes DIR/scores.csv: customer_id, the probability that the customer leaves, and whether that is more likely than not.
Rows are read and scored in portions, so memory does not grow with the input.
"""

import argparse
import csv
import itertools
import json
import os
import sys

import numpy as np

PORTION = 10_000


def load(directory):
    path = os.path.join(directory, "model.json")
    with open(path, encoding="utf-8") as file:
        model = json.load(file)
    if model.get("format") != "churn-model/1":
        sys.exit(f"{path}: not a model of churn-train")
    return model


def column(name, rows):
    """A feature is a column's number, or `column=value` for "has this value"."""
    base, separator, value = name.partition("=")
    if separator:
        return [float(row[base] == value) for row in rows]
    return [float(row[name]) for row in rows]


def predict(tree, features):
    if "value" in tree:
        return np.full(len(features), tree["value"])
    left = features[:, tree["feature"]] <= tree["threshold"]
    result = np.empty(len(features))
    result[left] = predict(tree["left"], features[left])
    result[~left] = predict(tree["right"], features[~left])
    return result


def score(model, rows):
    features = np.array([column(name, rows) for name in model["features"]], dtype=np.float64).T
    margin = model["base"] + sum(predict(tree, features) for tree in model["trees"])
    return 1.0 / (1.0 + np.exp(-margin))


def main():
    parser = argparse.ArgumentParser(description="Scores customers with the churn model.")
    parser.add_argument("--data", required=True, help="CSV of customers")
    parser.add_argument("--model", required=True, help="directory with model.json")
    parser.add_argument("--out", required=True, help="directory for scores.csv")
    options = parser.parse_args()

    model = load(options.model)
    os.makedirs(options.out, exist_ok=True)
    count, total, leaving = 0, 0.0, 0
    with (
        open(options.data, newline="", encoding="utf-8") as source,
        open(os.path.join(options.out, "scores.csv"), "w", newline="", encoding="utf-8") as target,
    ):
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(["customer_id", "probability", "leaves"])
        rows = csv.DictReader(source)
        while portion := list(itertools.islice(rows, PORTION)):
            for row, probability in zip(portion, score(model, portion)):
                writer.writerow([row["customer_id"], f"{probability:.6f}", int(probability >= 0.5)])
                total += probability
                leaving += int(probability >= 0.5)
            count += len(portion)
    if count == 0:
        sys.exit(f"{options.data}: no rows")
    print(f"scored {count} customers: mean probability {total / count:.4f}, {leaving} expected to leave")


if __name__ == "__main__":
    main()
