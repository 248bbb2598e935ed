"""The errors a user can cause or meet: each is printed as one line, without a traceback."""


class TopicsError(Exception):
    """Base of every error that the command line prints as one line before it exits with status 1."""


class ConfigError(TopicsError):
    """A configuration or topics file is missing, malformed or contradicts itself."""


class DataError(TopicsError):
    """Labelled data breaks its contract; the message names file and line."""


class LabelError(TopicsError):
    """A label of a person cannot be used: its task is not there, a name is missing, or it contradicts the data."""


class SourceError(TopicsError):
    """An article to label cannot be read."""


class BundleError(TopicsError):
    """A trained model is missing, damaged or of another format version."""


class ArchiveError(TopicsError):
    """The archive of articles is missing, of another version, or cannot be read or written."""


class DeliveryError(TopicsError):
    """A message cannot be delivered, or the settings to deliver it are missing."""


class TrackingError(TopicsError):
    """The tracking server or its store cannot be used."""


class ClusterError(TopicsError):
    """A Dask cluster cannot be reached, or cannot do the work."""


class MissingExtraError(TopicsError):
    """A library is not installed that comes with an extra of this package.

    Parameters
    ----------
    purpose : str
        What needs the library.
    extra : str

    """

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f"{purpose} needs: pip install 'paragraph-topics[{extra}]'")


class OutputError(TopicsError):
    """A result cannot be written."""


class GateError(TopicsError):
    """A candidate does not meet the gate, so the champion stays."""


class ReproductionError(TopicsError):
    """A run cannot be built again with the same figures."""
