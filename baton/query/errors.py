"""What is wrong with a filter. The message is an English msgid; whoever shows it translates it and fills it in."""


class FilterError(Exception):
    """`path` leads through the nodes to the field (`children.0.value`), `code` is for programs, `message` filled with `params` for people."""

    def __init__(self, path: str, code: str, message: str, **params: object) -> None:
        super().__init__(f"{path or 'filter'}: {message.format(**params)}")
        self.path, self.code, self.message, self.params = path, code, message, params
