"""The only part that moves, writes or drops anything: plan, run, apply, publish."""
