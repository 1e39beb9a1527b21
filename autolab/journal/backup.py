"""A copy of the journal, made while a campaign runs, and looked at before anybody trusts it."""

from __future__ import annotations

import shutil
from pathlib import Path

from autolab.core.errors import InputError, StorageError
from autolab.journal.audit import Audit, audit
from autolab.journal.database import check_whole, copy_whole
from autolab.journal.folder import make_folder, sync_folder
from autolab.journal.heads import HEADS_FILE, PUBLIC_KEY_FILE
from autolab.journal.journal import DOCUMENTS_FILE, STATES_FILE

__all__ = ["back_up"]


def back_up(data: Path, copy: Path) -> Audit:
    """Copy the journal of a data folder, and compare the copy with its log and with the heads that were signed.

    Each file is copied at one moment: the heads first, then the states, then the documents, so that the states lack
    nothing that a head covers and the documents nothing that the states name. The private key stays where it is.

    Args:
        data: The data folder; a campaign may be running in it.
        copy: Folder of the copy, which must not be there yet.

    Returns:
        What the audit of the copy found.

    Raises:
        InputError: there is no journal, or the folder of the copy is there already.
        StorageError: no room or no right to write, or a damaged journal. No copy is left then.
    """
    if not (data / STATES_FILE).is_file():
        raise InputError(f"{data}: holds no campaigns; name the data folder of a campaign with --data")
    if copy.exists():
        raise InputError(f"{copy}: is there already; name a new folder")
    part = copy.with_name(f".{copy.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        make_folder(part)
        _copy(data, part)
        found = audit(part, None)
        part.rename(copy)
        sync_folder(copy.parent)
    except OSError as error:
        raise StorageError(f"{copy}: {error.strerror}; name a folder where there is room and right to write") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return found


def _copy(data: Path, copy: Path) -> None:
    for name in (HEADS_FILE, PUBLIC_KEY_FILE):
        if (data / name).exists():
            shutil.copyfile(data / name, copy / name)
    for name in (STATES_FILE, DOCUMENTS_FILE):
        check_whole(data / name)
        copy_whole(data / name, copy / name)
        check_whole(copy / name)
    sync_folder(copy)
