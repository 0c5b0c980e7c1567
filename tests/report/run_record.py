"""A run record as `forge build` writes it, with plausible numbers; each test changes what it is about."""

from __future__ import annotations

import hashlib
import math
from typing import Any


def digest(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def a_stage(name: str, kind: str, **known: Any) -> dict[str, Any]:
    stage = {
        "name": name,
        "kind": kind,
        "use": name,
        "version": 1,
        "params": {},
        "fingerprint": digest("stage", name),
        "rows_in": 0,
        "rows_out": 0,
        "added": 0,
        "changed": 0,
        "passed": 0,
        "dropped": {},
        "rejected": {},
        "repaired": {},
        "records": 0,
        "used": 0,
        "merged": 0,
        "files": [],
        "ledger": [],
        "uses": [],
        "meanings": {},
        "flow": [],
        "where": None,
        "reused": False,
        "seconds": 0.1,
        "examples": [],
    }
    return stage | known


def a_drop(reason: str, place: int, excerpt: str, **known: Any) -> dict[str, Any]:
    drop = {
        "row_id": digest("row", reason, str(place))[:32],
        "corpus": "sharegpt",
        "reason": reason,
        "value": None,
        "threshold": None,
        "detail": None,
        "because_of": None,
        "excerpt": excerpt,
    }
    return drop | known


def a_reject(code: str, place: int, excerpt: str, **known: Any) -> dict[str, Any]:
    reject = {
        "record_id": digest("record", code, str(place))[:32],
        "path": "corpora/sharegpt/part-1.jsonl",
        "line": 40 + place,
        "byte": 10_240 * place,
        "code": code,
        "detail": None,
        "excerpt": excerpt,
    }
    return reject | known


def files(folder: str, *sizes: tuple[int, int]) -> list[dict[str, Any]]:
    return [
        {
            "label": f"corpora/{folder}/part-{place}.jsonl",
            "digest": digest(folder, str(place)),
            "bytes": n,
            "records": r,
        }
        for place, (n, r) in enumerate(sizes, start=1)
    ]


def bell(total: int, middle: float, width: float, bins: int = 24) -> list[int]:
    weights = [math.exp(-(((place - middle) / width) ** 2) / 2) for place in range(bins)]
    counts = [int(total * weight / sum(weights)) for weight in weights]
    counts[round(middle)] += total - sum(counts)
    return counts


def sources() -> list[dict[str, Any]]:
    sharegpt = a_stage(
        "sharegpt",
        "source",
        params={"on_error": "repair", "keep_system": True},
        added=1_204,
        rows_out=1_204,
        records=1_240,
        used=1_102,
        rejected={"no-answer": 71, "not-json": 4, "unknown-role": 63},
        repaired={"empty-turn": 24, "mojibake": 118, "two-in-a-row": 57},
        meanings={
            "no-answer": "The conversation ends before the assistant says anything.",
            "not-json": "The line is not a JSON value.",
            "unknown-role": "A message comes from somebody who is neither user, assistant, system nor tool.",
            "empty-turn": "A message has no text.",
            "mojibake": "Text was decoded with the wrong character set.",
            "two-in-a-row": "Two messages of one role follow each other.",
        },
        files=files("sharegpt", (4_812_400, 700), (3_120_099, 540)),
        seconds=0.84,
        examples=[
            a_reject("no-answer", 1, '{"id": "qK3", "conversations": [{"from": "human", "value": "Which knots hold in wet rope?"}]}'),
            a_reject("no-answer", 2, '{"id": "Zp1", "conversations": []}', detail="0 messages"),
            a_reject("not-json", 1, '{"id": "b7", "conversations": [{"from": "human", "val', detail="the line ends within a string at column 52"),
            a_reject("unknown-role", 1, '{"from": "bing", "value": "I have looked it up for you.\u200b"}', detail="'bing' in message 2"),
        ],
    )  # fmt: skip
    hh = a_stage(
        "hh_rlhf",
        "source",
        params={"on_error": "repair"},
        added=806,
        rows_out=806,
        records=812,
        used=806,
        rejected={"same-response": 6},
        meanings={"same-response": "Chosen and rejected are the same, so there is nothing to prefer."},
        files=files("hh-rlhf", (1_900_211, 812)),
        seconds=0.31,
        reused=True,
        examples=[a_reject("same-response", 1, '{"chosen": "\\n\\nHuman: Hi\\n\\nAssistant: Hello!", …}', path="corpora/hh-rlhf/part-1.jsonl")],
    )  # fmt: skip
    stack = a_stage(
        "stackexchange",
        "source",
        params={"min_answer_score": 1, "max_answers": None},
        added=402,
        rows_out=402,
        records=894,
        used=402,
        merged=270,
        rejected={"closed-question": 31, "low-score": 143, "tag-wiki": 48},
        meanings={
            "closed-question": "The question was closed.",
            "low-score": "The answer's score is below min_answer_score.",
            "tag-wiki": "The post describes a tag; it is neither question nor answer.",
        },
        files=files("stackexchange", (2_204_880, 894)),
        seconds=0.52,
        examples=[a_reject("low-score", 1, '<row Id="311" PostTypeId="2" Score="-2" Body="&lt;p&gt;Just reboot it.&lt;/p&gt;" />', path="corpora/stackexchange/diy/Posts.xml", detail="score -2")],
    )  # fmt: skip
    return [sharegpt, hh, stack]


def steps() -> list[dict[str, Any]]:
    return [
        a_stage("normalize", "map", params={"form": "NFC", "line_ends": "\n"}, rows_in=2_412, rows_out=2_412, changed=331, seconds=0.22),
        a_stage(
            "minhash_dedup",
            "corpus_filter",
            version=2,
            params={"on": "conversation", "threshold": 0.8, "recall": 0.99, "keep": "longest", "shingle_words": 5},
            rows_in=2_412,
            rows_out=2_228,
            dropped={"near_duplicate": 184},
            meanings={"near_duplicate": "Its shingles are those of a row that stays, to the threshold or more."},
            seconds=1.94,
            examples=[
                a_drop("near_duplicate", 1, "How do I keep bread fresh for a week?\n→ Keep it in a linen bag, at room temperature …", value=0.9134, threshold=0.8, because_of=digest("kept", "1")[:32]),
                a_drop("near_duplicate", 2, "Explain recursion to a child.\n→ Imagine a box with a smaller box in it …", value=0.8046, threshold=0.8, because_of=digest("kept", "2")[:32], corpus="hh_rlhf"),
            ],
        ),
        a_stage(
            "length_filter",
            "filter",
            params={"on": "conversation", "unit": "words", "min": 4, "max": 1_500},
            rows_in=2_228,
            rows_out=2_180,
            dropped={"too_long": 17, "too_short": 31},
            meanings={"too_long": "Longer than max.", "too_short": "Shorter than min."},
            seconds=0.11,
            examples=[
                a_drop("too_long", 1, "Write a novel of ten chapters …\n→ Chapter 1. The harbour lay still …", value=4_211.0, threshold=1_500.0),
                a_drop("too_short", 1, "ok\n→ Ok.", value=2.0, threshold=4.0, corpus="hh_rlhf"),
            ],
        ),
        a_stage(
            "safety_filter",
            "filter",
            params={"on": "assistant", "judge": "cascade", "max_risk": 0.5},
            where={"kind": "sft"},
            rows_in=2_180,
            rows_out=2_131,
            dropped={"unsafe": 49},
            meanings={"unsafe": "The judge's risk is above max_risk."},
            seconds=6.2,
            reused=True,
            examples=[a_drop("unsafe", 1, "\u202edesrever si sihT\u202c and a word\u200bjoiner\n→ …", value=0.83, threshold=0.5, detail="category: harassment")],
        ),
    ]  # fmt: skip


def a_profile() -> dict[str, Any]:
    counts = [
        ("hh_rlhf", "test", "preference", 38),
        ("hh_rlhf", "train", "preference", 690),
        ("hh_rlhf", "validation", "preference", 40),
        ("sharegpt", "test", "sft", 52),
        ("sharegpt", "train", "sft", 912),
        ("sharegpt", "validation", "sft", 49),
        ("stackexchange", "test", "preference", 8),
        ("stackexchange", "train", "preference", 160),
        ("stackexchange", "train", "sft", 150),
        ("stackexchange", "validation", "sft", 32),
    ]
    return {
        "sources": [{"source": a, "split": b, "kind": c, "rows": n} for a, b, c, n in counts],
        "licenses": {"cc-by-sa-4.0": 350, "cc0-1.0": 1_733, "unknown": 48},
        "prompt_messages": {"1": 1_390, "2": 6, "3": 402, "5": 190, "7": 92, "9": 30, "11": 12, "24": 9},
        "prompt_characters": bell(2_131, 7.6, 1.9),
        "response_characters": bell(2_131, 9.1, 1.4),
        "characters": 2_904_118,
        "sample": {
            "rows": 996,
            "rate": 0.469263,
            "seed": 17,
            "languages": {"de": 21, "en": 903, "es": 14, "fr": 17, "unknown": 29, "zh": 12},
            "tokens": {
                "tokenizer": "cl100k_base",
                "estimate": 663_040,
                "characters_per_token": 4.38,
                "lengths": bell(996, 8.1, 1.3),
            },
        },
    }


RECIPE_TEXT = """name = "chat"
seed = 17
schema = 1

[split]
seed = 1
validation = 0.05
test = 0.05

[[source]]
use = "sharegpt"
files = "../corpora/sharegpt/*.jsonl"
license = "cc0-1.0"

[[source]]
use = "hh_rlhf"
files = "../corpora/hh-rlhf/*.jsonl"

[[step]]
use = "minhash_dedup"
on = "conversation"
threshold = 0.8
"""


def a_run(**known: Any) -> dict[str, Any]:
    run = {
        "schema": "dataforge.build/1",
        "recipe": "chat",
        "recipe_file": "recipes/chat.toml",
        "recipe_digest": digest("recipe"),
        "recipe_text": RECIPE_TEXT,
        "overrides": ["step.minhash_dedup.threshold=0.8"],
        "seed": 17,
        "digest": digest("dataset"),
        "datasets": [
            {
                "folder": "builds/chat",
                "rows": {"train": 1_912, "validation": 121, "test": 98},
                "views": {"sft": {"train": 1_062, "validation": 81, "test": 52}, "preference": {"train": 1_004, "validation": 40, "test": 49}, "prompt": {"train": 1_912, "validation": 121, "test": 98}},
            }
        ],
        "report": "reports/chat/build.html",
        "stages": [*sources(), *steps()],
        "profile": a_profile(),
        "dataforge": "0.1.0",
        "started": "2026-03-01T20:14:07+00:00",
        "workers": 2,
        "seconds": 10.412,
        "cpu_seconds": 16.93,
    }  # fmt: skip
    return run | known


def an_empty_run(**known: Any) -> dict[str, Any]:
    """A build whose filters let nothing through."""
    run = a_run(
        datasets=[{"folder": "builds/chat", "rows": {}, "views": {}}],
        stages=[
            a_stage("sharegpt", "source", records=3, used=3, added=3, rows_out=3, files=files("sharegpt", (900, 3))),
            a_stage("length_filter", "filter", rows_in=3, dropped={"too_short": 3}),
        ],
        profile={
            "sources": [],
            "licenses": {},
            "prompt_messages": {},
            "prompt_characters": [0] * 24,
            "response_characters": [0] * 24,
            "characters": 0,
            "sample": {"rows": 0, "rate": 1.0, "seed": 17, "languages": {}, "tokens": {"tokenizer": "cl100k_base", "estimate": 0, "characters_per_token": None, "lengths": [0] * 24}},
        },
    )  # fmt: skip
    return run | known


def a_result(
    model: str, metric: str, value: float | None, half: float | None, n: int = 98, **known: Any
) -> dict[str, Any]:
    bounds = (None, None) if value is None or half is None else (value - half, value + half)
    result = {"model": model, "metric": metric, "value": value, "low": bounds[0], "high": bounds[1], "n": n}
    return {**result, "unscored": {}, "signature": f"{metric}|v1|bootstrap 95 %, seed 17", **known}


def an_eval(**known: Any) -> dict[str, Any]:
    run = {
        "schema": "dataforge.eval/1",
        "recipe": "chat",
        "models": [
            {"name": name, "digest": digest("model", name), "path": f"runs/chat/{name}"} for name in ("sft", "base")
        ],
        "split": "test",
        "results": [
            a_result("sft", "perplexity", 18.4213, 1.12, signature="perplexity|v1|stride 512|cluster bootstrap 95 %"),
            a_result("base", "perplexity", 31.907, 2.4, signature="perplexity|v1|stride 512|cluster bootstrap 95 %"),
            a_result("sft", "rouge.rougeL", 0.21877, 0.0214, unscored={"empty_reference": 3}, n=95),
            a_result("base", "rouge.rougeL", 0.1998, 0.0221, unscored={"empty_reference": 3}, n=95),
            a_result("sft", "safety.over_refusal", 0.0408, 0.031, n=24),
            a_result("base", "safety.over_refusal", 0.0612, 0.04, n=24),
        ],
        "started": "2026-03-01T21:40:00+00:00",
        "seconds": 203.7,
        "dataforge": "0.1.0",
        "dataset_digest": digest("dataset"),
    }
    return run | known
