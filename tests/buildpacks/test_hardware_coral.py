"""The Edge TPU's library out of packages and archives, and the look for the device."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit import UserFault
from cnbkit_tpu import Tpu

if TYPE_CHECKING:
    from tests.buildpacks.conftest import Phases

CHECK = Path(__file__).parents[2] / "buildpacks" / "tpu" / "launch" / "coral"


def elf(machine: int, text: str = "") -> bytes:
    """As much of a library as tells for which processor it is."""
    return b"\x7fELF\x02\x01\x01" + bytes(11) + machine.to_bytes(2, "little") + text.encode()


X86, ARM = 62, 183


def archive(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("libedgetpu/direct/k8/libedgetpu.so.1")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return data.getvalue()


LIBEDGETPU = archive(
    {
        "libedgetpu/direct/aarch64/libedgetpu.so.1.0": elf(ARM),
        "libedgetpu/direct/k8/libedgetpu.so.1.0": elf(X86, "max"),
        "libedgetpu/throttled/k8/libedgetpu.so.1.0": elf(X86, "std"),
        "../../evil.so": elf(X86),
        "libusb-1.0.so.0.3.0": elf(X86, "usb"),
    }
)


@pytest.fixture
def coral(phases: Phases) -> Phases:
    phases.write("hardware.txt", "coral\n")
    return phases


@pytest.mark.parametrize("clock", ["std", "max"])
def test_the_library_for_this_processor_and_clock_is_on_the_loaders_path(
    coral: Phases, clock: str
) -> None:
    coral.write("runtime.tar.gz", LIBEDGETPU)
    coral.env.update(BP_CORAL_RUNTIME="runtime.tar.gz", BP_CORAL_CLOCK=clock)
    ran = coral.build(Tpu())
    assert ran.fault is None
    lib = ran.layers / "coral" / "lib"
    assert sorted(path.name for path in lib.iterdir()) == [
        *("libedgetpu.so.1", "libedgetpu.so.1.0", "libusb-1.0.so.0", "libusb-1.0.so.0.3.0"),
    ]
    assert (lib / "libedgetpu.so.1").read_bytes() == elf(X86, clock)
    assert "libusb" not in ran.err
    assert (ran.layers / "coral" / "exec.d" / "coral").exists()


def test_a_debian_package_serves_and_its_version_is_looked_at(
    coral: Phases, tmp_path: Path
) -> None:
    root = tmp_path / "deb"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text(
        "Package: libedgetpu1-std\nVersion: 16.0\nArchitecture: amd64\n"
        "Maintainer: T <t@example.com>\nDescription: x\n"
    )
    place = root / "usr" / "lib" / "x86_64-linux-gnu"
    place.mkdir(parents=True)
    (place / "libedgetpu.so.1.0").write_bytes(elf(X86))
    (place / "libedgetpu.so.1").symlink_to("libedgetpu.so.1.0")
    package = coral.app / "libedgetpu1-std_16.0_amd64.deb"
    subprocess.run(["dpkg-deb", "--build", root, package], check=True, capture_output=True)
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    coral.env["BP_CORAL_RUNTIME"] = f"{package.name}@sha256:{digest}"
    ran = coral.build(Tpu())
    assert ran.fault is None
    assert (ran.layers / "coral" / "lib" / "libedgetpu.so.1").read_bytes() == elf(X86)
    said = ran.out + ran.err
    assert "add libusb-1.0-0 to the Aptfile" in said
    assert "crashes with TensorFlow Lite after 2.11" in said


def test_a_binding_or_the_aptfile_brings_it_as_well(coral: Phases) -> None:
    coral.write("Aptfile", "libedgetpu1-std\nlibusb-1.0-0\n")
    ran = coral.build(Tpu())
    assert ran.fault is None
    assert "libedgetpu comes from the Aptfile" in ran.out
    binding = Path(coral.env["CNB_PLATFORM_DIR"]) / "bindings" / "tpu"
    binding.mkdir(parents=True)
    (binding / "type").write_text("coral")
    (binding / "libedgetpu.so.1").write_bytes(elf(X86, "bound"))
    ran = coral.build(Tpu())
    assert (ran.layers / "coral" / "lib" / "libedgetpu.so.1").read_bytes() == elf(X86, "bound")


def zipped(data: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        # The same bytes at any time: they are part of a test's name.
        file.writestr(zipfile.ZipInfo("x/libedgetpu.so.1.0"), data)
    return made.getvalue()


@pytest.mark.parametrize(
    ("setting", "content", "what"),
    [
        ("", b"", "nothing says where the Edge TPU's library (libedgetpu) is from"),
        ("gone.deb", b"", "there is no file gone.deb in the app"),
        ("https://example.com/x.deb", b"", "https://example.com/x.deb has no checksum"),
        ("r.zip", zipped(elf(ARM)), "there is no libedgetpu for amd64 in r.zip"),
        ("r.zip", b"no zip", "r.zip cannot be unpacked"),
        ("r.tar.gz", b"no tar", "r.tar.gz cannot be unpacked"),
        ("r.deb", b"no deb", "r.deb cannot be unpacked"),
        (f"r.zip@sha256:{'0' * 64}", zipped(elf(X86)), "r.zip has the checksum"),
    ],
)
def test_what_holds_no_library_is_refused(
    coral: Phases, setting: str, content: bytes, what: str
) -> None:
    if content:
        coral.write(setting.partition("@")[0], content)
    coral.env["BP_CORAL_RUNTIME"] = setting
    fault = coral.build(Tpu()).fault
    assert fault is not None
    assert what in str(fault)
    assert fault.remedy
    assert isinstance(fault, UserFault) or "r.deb" in setting
    assert not (coral.layers / "coral").exists()


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "no Edge TPU is to be seen"),
        ({"dev/apex_0": ""}, ""),
        ({"sys/bus/usb/devices/1-1/idVendor": "18d1\n"}, "no /dev/bus/usb"),
        ({"sys/bus/usb/devices/1-1/idVendor": "18d1\n", "dev/bus/usb/001": ""}, ""),
        ({"sys/bus/usb/devices/1-1/idVendor": "ffff\n"}, "no Edge TPU is to be seen"),
    ],
)
def test_the_device_is_looked_for_before_the_app_starts(
    tmp_path: Path, files: dict[str, str], says: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        if name.endswith("idVendor"):
            (tmp_path / name).with_name("idProduct").write_text("9302\n")
    for mode, code in (("warn", 0), ("fail", 1 if says else 0), ("off", 0)):
        env = {"PATH": "/usr/bin:/bin", "CNBKIT_CORAL_ROOT": str(tmp_path), "BPL_CORAL_CHECK": mode}
        done = subprocess.run([CHECK], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert (says if mode != "off" else "") in done.stderr
        assert len(done.stderr.splitlines()) == bool(says and mode != "off")
