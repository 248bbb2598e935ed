"""The error of a request that is refused, which a worker can send to the service as well."""


class RefusedError(Exception):
    """A request that is refused.

    Parameters
    ----------
    status : int
        Of HTTP.
    detail : str
        One sentence.

    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(
            status, detail
        )  # both, as an error is copied from one process to another by its arguments
        self.status, self.detail = status, detail

    def __str__(self) -> str:
        return self.detail
