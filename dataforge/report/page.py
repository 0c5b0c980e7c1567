"""The shell that all reports share: one file, a strict policy on what it may load, a style and a small script."""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.resources
from typing import Any, cast

import jinja2
from markupsafe import Markup

from dataforge.report import figures, svg
from dataforge.report.visible import clipped, marked, shown


def render_page(title: str, report: str, **context: Any) -> bytes:
    """Render a report.

    Args:
        title: What the browser's tab says.
        report: The folder under `templates/` that holds its `verdict.html` (what is read first) and `body.html`;
            each `section` of the body gets its line in the contents.
        **context: What the templates read.

    Returns:
        The page in UTF-8; equal arguments give equal bytes.
    """
    contents: list[tuple[str, str]] = []

    def listed(identity: str, name: str) -> str:
        contents.append((identity, name))
        return ""

    environment = _environment()
    context = {**context, "listed": listed}
    parts = {
        part: _ours(environment.get_template(f"{report}/{part}.html").render(context)) for part in ("verdict", "body")
    }
    style, script = _asset("style.css"), _asset("script.js")
    page = environment.get_template("page.html").render(
        title=title,
        contents=contents,
        style=_ours(style),
        script=_ours(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        **parts,
    )
    return page.encode("utf-8")


def _ours(text: str) -> Markup:
    """Take text as markup: an asset of this package, or what an escaping template gave."""
    return Markup(text)  # noqa: S704


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("dataforge.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Jinja's own types allow no filters but those it comes with.
    cast("dict[str, Any]", environment.filters).update(
        clipped=clipped,
        count=figures.count,
        duration=figures.duration,
        marked=marked,
        number=figures.number,
        plural=figures.plural,
        share=figures.share,
        size=figures.size,
    )
    cast("dict[str, Any]", environment.globals)["svg"] = svg
    return environment


@functools.cache
def _asset(name: str) -> str:
    return (importlib.resources.files("dataforge.report") / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
