"""A plugin that is no dataclass."""


class Plain:
    """Has no fields."""


STEP = Plain
