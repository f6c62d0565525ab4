"""Who a process of a stranger's image is: what its files say of users is read, or is nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import PlatformFault
from cnbkit_engine.run.identity import find_user, numeric_ids

if TYPE_CHECKING:
    from pathlib import Path

NO_IDS = ["²", "٣", "4294967295", "99999999999", "9" * 5000, "-1", "1e3", "0x1", " 1", "+1"]


@pytest.mark.parametrize("number", NO_IDS)
def test_a_number_that_is_no_id_is_nobody(tmp_path: Path, number: str) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(f"app:x:{number}:0::/:\nweb:x:7:{number}::/:\n")
    (tmp_path / "etc/group").write_text(f"app:x:{number}:\n")
    assert numeric_ids(f"{number}:0") is None
    assert numeric_ids(f"0:{number}") is None
    for spec in (number, "app", "web", f"0:{number}", "0:app"):
        with pytest.raises(PlatformFault, match="whom it does not define"):
            find_user(spec, [tmp_path])


def test_numbers_and_names_that_are_defined_are_found(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("app:x:1000:8::/home/app:/bin/sh\nbroken\n\0:::::::\n")
    (tmp_path / "etc/group").write_text("web:x:9:\n")
    assert find_user("app:web", [tmp_path]) == (1000, 9, "/home/app")
    assert find_user("1000", [tmp_path]) == (1000, 8, "/home/app")
    assert find_user("", [tmp_path]) == (0, 0, "/")
    assert numeric_ids("4294967294:1") == (4294967294, 1)


def test_files_of_users_behind_links_are_not_read(tmp_path: Path) -> None:
    outside, layer = tmp_path / "outside", tmp_path / "layer"
    outside.mkdir()
    layer.mkdir()
    (outside / "passwd").write_text("app:x:1000:8::/:\n")
    (layer / "etc").symlink_to(outside)
    with pytest.raises(PlatformFault):
        find_user("app", [layer])
