"""A plugin that wants a package that nobody has."""

import dataforge_needs_this_package  # noqa: F401
