"""`BP_PIP_SLIM` in a real build: a smaller image that does the same, whose packages are whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Project

# As pip, and whoever audits an image, compares installed files with what they are said to be.
CHECK = """
import base64, hashlib, importlib.metadata, pathlib
count = 0
for each in importlib.metadata.distributions():
    for file in each.files or ():
        place = pathlib.Path(each.locate_file(file))
        if file.suffix == ".pyc":
            continue
        data = place.read_bytes()
        if file.hash:
            found = hashlib.new(file.hash.mode, data).digest()
            found = base64.urlsafe_b64encode(found).rstrip(b"=").decode()
            assert (found, len(data)) == (file.hash.value, file.size), file
            count += 1
print(count)
"""


COMMAND = ("--entrypoint", "/cnb/lifecycle/launcher", "--", "--", "python3", "-c", CHECK)


def test_the_image_is_smaller_does_the_same_and_its_records_are_right(vision: Project) -> None:
    vision.build()
    count = int(vision.run(*COMMAND).splitlines()[-1])  # which says what it unpacks, the first time
    shown, layers, size = vision.run(), vision.layers(), vision.image().size
    assert count > 1000

    result = vision.build("--env", "BP_PIP_SLIM=true")
    assert "BP_PIP_SLIM leaves" in result.output
    assert 1000 < int(vision.run(*COMMAND).splitlines()[-1]) < count - 500
    assert vision.run() == shown
    assert vision.image().size < size - 2_000_000
    # Asked for on a machine that has not seen it, it is the same.
    slim = vision.layers()
    vision.build("--env", "BP_PIP_SLIM=true", "--clear-cache")
    assert vision.layers() == slim
    vision.build()
    assert vision.layers() == layers
