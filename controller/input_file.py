"""Reading files that somebody names: never more than a limit, never for ever, whatever stands under the name.

Lives here: the one way to read a file of a user's. Must not know: what is in it.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

MIB = 1024 * 1024
LARGEST_DOCUMENT = 32 * MIB
"""Of one file of intents, or a topology."""


class NotJson(ValueError):
    """A text that is no JSON, or more than any document of ours has; the message says what it has instead."""


def read_json(text: str) -> Any:
    """The document. Raises NotJson, for whatever the text is."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as fault:
        raise NotJson(f"not JSON: {fault}") from None
    except RecursionError:
        raise NotJson("lists or mappings stand too deep in one another") from None
    except ValueError:  # thousands of digits
        raise NotJson("it has a number that is too large") from None


def read_input(path: Path, limit: int) -> bytes:
    """What a file holds; of a pipe, what is written to it.

    Raises OSError (EFBIG for more than ``limit`` bytes, EPIPE for a pipe without a writer), whose ``strerror`` says
    what is wrong and what to do.
    """
    # Opening a pipe waits for its writer, unless asked not to wait.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb", buffering=0) as file:
        kind = os.fstat(file.fileno()).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        first = file.read(1)
        if first == b"" and stat.S_ISFIFO(kind):
            raise OSError(errno.EPIPE, "a pipe that nobody writes to: name a file", str(path))
        os.set_blocking(file.fileno(), True)
        parts, size = [first or b""], len(first or b"")
        while size <= limit and (part := file.read(min(MIB, limit + 1 - size))):
            parts.append(part)
            size += len(part)
    if size > limit:
        raise OSError(errno.EFBIG, f"larger than {limit // MIB} MiB: split it into several files", str(path))
    return b"".join(parts)


def reason(error: OSError | UnicodeDecodeError) -> str:
    """Why a file cannot be read, without the name of the file."""
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.object[error.start]:#04x} at {error.start} is not UTF-8: save the file as UTF-8"
    return error.strerror or str(error)
