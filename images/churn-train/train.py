"""Trains a churn model: gradient-boosted trees of depth two on the logistic loss, with numpy alone.

    train.py --data customers.csv --out DIR

Reads a CSV with a `churned` column (0 or 1), holds out a fifth of the customers, writes DIR/model.json (what
churn-score reads) and DIR/metrics.json, and prints the score of the held-out part. The same data gives the same model.
"""

import argparse
import csv
import json
import os
import sys
import zlib

import numpy as np

NUMERIC = ["age", "tenure_months", "monthly_charge", "data_usage_gb", "support_calls", "late_payments"]
CATEGORIES = {
    "contract": ["month-to-month", "one-year", "two-year"],
    "payment": ["bank-transfer", "card", "invoice"],
}
LABEL = "churned"

ROUNDS = 80
LEARNING_RATE = 0.15
CANDIDATES = 24  # thresholds tried for each feature
SMOOTHING = 1.0  # keeps small leaves small


def feature_names():
    return NUMERIC + [f"{name}={value}" for name, values in CATEGORIES.items() for value in values]


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        sys.exit(f"{path}: no rows")
    wanted = ["customer_id", LABEL, *NUMERIC, *CATEGORIES]
    missing = [name for name in wanted if name not in rows[0]]
    if missing:
        sys.exit(f"{path}: no column {', '.join(missing)}")
    columns = [[float(row[name]) for row in rows] for name in NUMERIC]
    for name, values in CATEGORIES.items():
        columns += [[float(row[name] == value) for row in rows] for value in values]
    features = np.array(columns, dtype=np.float64).T
    labels = np.array([float(row[LABEL]) for row in rows])
    return [row["customer_id"] for row in rows], features, labels


def sigmoid(values):
    return 1.0 / (1.0 + np.exp(-values))


def best_split(features, gradient, hessian, thresholds):
    """The (feature, threshold) with the largest gain, or None."""
    total_gradient, total_hessian = gradient.sum(), hessian.sum()
    whole = total_gradient**2 / (total_hessian + SMOOTHING)
    best, best_gain = None, 1e-6
    for index, candidates in enumerate(thresholds):
        left = features[:, index : index + 1] <= candidates[None, :]
        left_gradient, left_hessian = gradient @ left, hessian @ left
        right_gradient, right_hessian = total_gradient - left_gradient, total_hessian - left_hessian
        gains = (
            left_gradient**2 / (left_hessian + SMOOTHING)
            + right_gradient**2 / (right_hessian + SMOOTHING)
            - whole
        )
        at = int(np.argmax(gains))
        if gains[at] > best_gain:
            best, best_gain = (index, float(candidates[at])), float(gains[at])
    return best


def grow(features, gradient, hessian, thresholds, depth):
    """A tree as nested dictionaries; a leaf has a value, an inner node a feature, a threshold and two children."""
    split = best_split(features, gradient, hessian, thresholds) if depth > 0 and len(gradient) >= 20 else None
    if split is None:
        return {"value": float(-LEARNING_RATE * gradient.sum() / (hessian.sum() + SMOOTHING))}
    index, threshold = split
    left = features[:, index] <= threshold
    return {
        "feature": index,
        "threshold": threshold,
        "left": grow(features[left], gradient[left], hessian[left], thresholds, depth - 1),
        "right": grow(features[~left], gradient[~left], hessian[~left], thresholds, depth - 1),
    }


def predict(tree, features):
    if "value" in tree:
        return np.full(len(features), tree["value"])
    left = features[:, tree["feature"]] <= tree["threshold"]
    result = np.empty(len(features))
    result[left] = predict(tree["left"], features[left])
    result[~left] = predict(tree["right"], features[~left])
    return result


def train(features, labels):
    quantiles = np.linspace(0, 1, CANDIDATES + 2)[1:-1]
    thresholds = [np.unique(np.quantile(column, quantiles)) for column in features.T]
    rate = float(np.clip(labels.mean(), 0.001, 0.999))
    base = float(np.log(rate / (1 - rate)))
    margin = np.full(len(labels), base)
    trees = []
    for _ in range(ROUNDS):
        probability = sigmoid(margin)
        gradient, hessian = probability - labels, probability * (1 - probability)
        tree = grow(features, gradient, hessian, thresholds, depth=2)
        margin += predict(tree, features)
        trees.append(tree)
    return {"format": "churn-model/1", "features": feature_names(), "base": base, "trees": trees}


def area_under_curve(labels, scores):
    """Probability that a random customer who left scores higher than one who stayed; ties count half."""
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    ranks = np.empty(len(scores))
    start = 0
    for end in range(1, len(scores) + 1):
        if end == len(scores) or ordered[end] != ordered[start]:
            ranks[order[start:end]] = (start + 1 + end) / 2
            start = end
    positive = labels == 1
    count, others = positive.sum(), (~positive).sum()
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * others))


def main():
    parser = argparse.ArgumentParser(description="Trains the churn model.")
    parser.add_argument("--data", required=True, help="CSV with a `churned` column")
    parser.add_argument("--out", required=True, help="directory for model.json and metrics.json")
    options = parser.parse_args()

    identifiers, features, labels = read(options.data)
    held_out = np.array([zlib.crc32(name.encode()) % 5 == 0 for name in identifiers])
    if len({*labels[held_out]}) < 2 or len({*labels[~held_out]}) < 2:
        sys.exit(f"{options.data}: too few customers of one kind")
    model = train(features[~held_out], labels[~held_out])

    margin = model["base"] + sum(predict(tree, features[held_out]) for tree in model["trees"])
    probability = np.clip(sigmoid(margin), 1e-9, 1 - 1e-9)
    truth = labels[held_out]
    metrics = {
        "rows_trained": int((~held_out).sum()),
        "rows_held_out": int(held_out.sum()),
        "churn_rate": round(float(labels.mean()), 4),
        "auc": round(area_under_curve(truth, probability), 4),
        "accuracy": round(float(((probability >= 0.5) == truth).mean()), 4),
        "log_loss": round(float(-np.mean(truth * np.log(probability) + (1 - truth) * np.log(1 - probability))), 4),
    }

    os.makedirs(options.out, exist_ok=True)
    for name, content in [("model.json", model), ("metrics.json", metrics)]:
        with open(os.path.join(options.out, name), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1, sort_keys=True)
            file.write("\n")
    print(f"trained on {metrics['rows_trained']} customers, held out {metrics['rows_held_out']}")
    print(f"score: auc={metrics['auc']} accuracy={metrics['accuracy']} log_loss={metrics['log_loss']}")


if __name__ == "__main__":
    main()
