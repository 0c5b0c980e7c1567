"""The `forge` command: finds the verb, and turns every failure into a message and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import NoReturn

import click

from dataforge import __version__
from dataforge.core.errors import ForgeError, RecipeError

# One line a verb, in the order in which they are used; the module is imported when the verb is.
VERBS: dict[str, str] = {
    "init": "Write a short recipe for the files it is shown.",
    "check": "Validate a recipe and print its plan; nothing runs.",
    "lint": "Say what is wrong with a file of chat or preference data.",
    "build": "Build the recipe's dataset, and a report.",
    "show": "Show rows of a build: by split, source, stage or reason.",
    "why": "Tell one record's or row's whole life.",
    "diff": "Compare two builds: rows in, out, changed, and why.",
    "train": "Train the recipe's models on its shards.",
    "eval": "Evaluate the recipe's models, and write a report.",
    "schema": "Print the JSON Schema of recipes, for editors.",
}

EPILOG = """\b
Examples:
  forge build recipes/chat.toml
  forge why --text "sourdough" recipes/chat.toml
  forge show recipes/chat.toml --dropped
  forge init my-chats.jsonl

\b
Exit codes: 0 done; 2 the recipe or command is wrong, nothing ran; 3 the data is
wrong; 4 the machine or the store failed; 5 a gate failed; 70 a bug; 130 interrupted
(the same command goes on from there)."""


class LazyVerbs(click.Group):
    """Imports a verb's module when the verb is used: `forge --help` loads none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the verbs in the order of use."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb."""
        del ctx
        if cmd_name not in VERBS:
            return None
        return importlib.import_module(f"dataforge.cli.{cmd_name}_verb").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs with one line each, without importing them."""
        del ctx
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, or name the nearest one."""
        if args and not args[0].startswith("-") and args[0] not in VERBS:
            from dataforge.core.registry import nearest

            near = nearest(args[0], VERBS)
            raise RecipeError(
                f"forge has no verb '{args[0]}'",
                fix=f"did you mean 'forge {near}'?" if near else f"the verbs are {', '.join(VERBS)}",
            )
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyVerbs,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="forge", message="%(prog)s %(version)s")
def forge() -> None:
    """Build datasets for chat and preference training from one recipe; train and evaluate on them.

    Every record is accounted for: a row in a shard, or a line in the ledger that says why not.
    """


def main() -> NoReturn:
    """Run `forge` and exit with its code."""
    # Work is spread over worker processes, each of which is one core: threads below them would only get in each
    # other's way (a tenth of the CPU time of a build). Read once, when they are imported, also in the workers.
    for threads in ("POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(threads, "1")
    sys.exit(run(sys.argv[1:]))


def run(args: list[str]) -> int:
    """Run `forge` with arguments.

    Args:
        args: What stands after `forge` on the command line.

    Returns:
        The exit code; what went wrong stands on standard error, never as a traceback.
    """
    from dataforge.cli import console

    try:
        outcome = forge.main(args=args, prog_name="forge", standalone_mode=False)
    except ForgeError as error:
        console.complain(str(error))
        return error.exit_code
    except click.UsageError as error:
        console.complain(_usage(error))
        return 2
    except click.exceptions.Exit as ending:
        return ending.exit_code
    except (KeyboardInterrupt, click.Abort):
        console.complain("interrupted; the same command goes on from here")
        return 130
    except BrokenPipeError:
        # The reader of our output has gone, as in `forge show … | head`: nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        console.complain("error: out of memory\n  fix: run again with --workers 1; what was done is kept")
        return 4
    except Exception as error:  # noqa: BLE001 - the last door: a traceback goes to a file, not to the person
        console.complain(_bug(error))
        return 70
    return outcome if isinstance(outcome, int) else 0


def _usage(error: click.UsageError) -> str:
    where = f"forge {error.ctx.info_name}" if error.ctx is not None and error.ctx.info_name != "forge" else "forge"
    return f"error: {error.format_message()}\n  fix: see `{where} --help`"


def _bug(error: Exception) -> str:
    text = "".join(traceback.format_exception(error))
    note = f"error: a bug in dataforge: {type(error).__name__}: {error}"
    try:
        path = Path("forge-crash.log")
        path.write_text(text, encoding="utf-8")
    except OSError:
        return f"{note}\n  fix: please report it"
    return f"{note}\n  fix: please report it, with {path}"
