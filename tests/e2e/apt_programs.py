"""The packages that public Aptfile, apt.txt and packages.txt files name most, and their trials.

Chosen from a sample of such files and of Dockerfiles for the same kinds of apps. A command runs in
the image, in an empty folder, in the order of the table; it may use what earlier ones wrote.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LARGE", "REFUSED", "USUAL", "Trial"]


@dataclass(frozen=True)
class Trial:
    """A package, and a command that fails unless it finds its own files.

    Args:
        packages: as in an Aptfile, the one it is about first.
        command: for bash.
        shows: what stands in its output, if its exit status does not say enough.
    """

    packages: str
    command: str
    shows: str = ""

    @property
    def name(self) -> str:
        """The package it is about."""
        return self.packages.split()[0]


def _loads(library: str, then: str = "") -> str:
    """By the name that packages of pip ask for: pyzbar, sounddevice, python-magic."""
    find = f"import ctypes, ctypes.util; lib = ctypes.CDLL(ctypes.util.find_library({library!r})"
    return f'python3 -c "{find} or 1 / 0){then}"'


USUAL = (
    Trial("libgl1 libglib2.0-0 libsm6 libxext6 libxrender1", _loads("GL")),
    Trial(
        "git",
        "git init -q r && cd r && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x"
        " && git submodule status"
        " && git clone https://127.0.0.1:1/x 2>&1 | grep 'unable to access'",
    ),
    Trial("fonts-dejavu-core", "fc-match sans", "DejaVuSans.ttf"),
    Trial(
        "imagemagick",
        "convert -size 90x40 -background white -pointsize 30 label:Hello t.png"
        " && convert t.png t.jpg && identify t.jpg",
        "JPEG 90x40",
    ),
    Trial("tesseract-ocr", "convert -background white -pointsize 60 -size 400x120 label:Hello"
          " -bordercolor white -border 40 w.png && tesseract w.png -", "Hello"),
    Trial("ghostscript", "gs -q -sDEVICE=pdfwrite -o g.pdf -c '/Helvetica findfont 20 scalefont"
          " setfont 100 100 moveto (hello) show showpage'"),
    Trial("poppler-utils", "pdftotext g.pdf - && pdftoppm -png g.pdf page && ls", "hello"),
    Trial("graphviz", "echo 'digraph{a->b}' | dot -Tpng -o d.png && identify d.png", "PNG"),
    Trial("librsvg2-bin", "echo '<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\"'"
          " 'height=\"9\"/>' >a.svg && rsvg-convert a.svg -o s.png && identify s.png", "PNG 9x9"),
    Trial("sox libsox-fmt-all", "sox -n o.wav synth 0.1 sine 440 && sox o.wav o.ogg && soxi o.ogg",
          "Vorbis"),
    Trial("libsndfile1", _loads("sndfile")),
    Trial("libportaudio2", _loads("portaudio", "; print('is', lib.Pa_Initialize())"), "is 0"),
    Trial("espeak-ng", "espeak-ng -w e.wav hello && soxi e.wav", "22050"),
    Trial("libmagic1", _loads("magic", "; lib.magic_open.restype = ctypes.c_void_p; "
          "print('is', lib.magic_load(ctypes.c_void_p(lib.magic_open(0)), None))"), "is 0"),
    Trial("libzbar0", _loads("zbar")),
    Trial("libenchant-2-2 hunspell-en-us", _loads("enchant-2", "; "
          "lib.enchant_broker_init.restype = ctypes.c_void_p; print('has', "
          "lib.enchant_broker_dict_exists(ctypes.c_void_p(lib.enchant_broker_init()), b'en_US'))"),
          "has 1"),
    Trial("postgresql-client", "psql 'host=127.0.0.1 port=1' 2>&1 | grep refused"
          " && pg_dump --version", "pg_dump (PostgreSQL)"),
    Trial("default-mysql-client", "mysql -h 127.0.0.1 -P 1 2>&1 | grep -i \"can't connect\""),
    Trial("redis-tools", "redis-cli -p 1 2>&1 | grep refused"),
    Trial("unixodbc odbcinst tdsodbc", "odbcinst -q -d && isql --version", "[FreeTDS]"),
    Trial("sqlite3", "sqlite3 :memory: 'select 6 * 7'", "42"),
    Trial("jq", "echo '{\"a\": 7}' | jq .a", "7"),
    Trial("curl", "curl https://127.0.0.1:1/ 2>&1 | grep -i connect"),
    Trial("wget", "wget -O- https://127.0.0.1:1/ 2>&1 | grep refused"),
    Trial("openssh-client", "ssh-keygen -q -t ed25519 -N '' -f k"
          " && ssh -o BatchMode=yes -p 1 127.0.0.1 2>&1 | grep refused"),
    Trial("gnupg", "mkdir -m 700 h && gpg --homedir h --batch --passphrase '' --quick-gen-key x"
          " && gpg --homedir h -k", "uid"),
    Trial("rsync", "mkdir a && touch a/b && rsync -a a/ c/ && ls c", "b"),
    Trial("unzip zip", "zip -q z.zip a.svg && unzip -l z.zip", "a.svg"),
    Trial("p7zip-full", "7z a z.7z a.svg && 7z l z.7z", "a.svg"),
    Trial("procps", "ps aux", "COMMAND"),
    Trial("python3-tk", 'python3 -c "import tkinter; print(tkinter.Tcl().eval(\'info library\'))"',
          "tcl8"),
    Trial("vim-tiny", "vi --version", "VIM"),
)  # fmt: skip
"""Built together, in one image."""

LARGE = (
    Trial("ffmpeg", "ffmpeg -v error -f lavfi -i testsrc=d=1:s=64x64 -c:v libx264 -y o.mp4"
          " && ffprobe -v error -show_entries stream=codec_name o.mp4", "h264"),
    Trial("pandoc", "echo '# hi' | pandoc -o p.docx && pandoc p.docx -t plain", "hi"),
    Trial("default-jre-headless", "java -version 2>&1 && keytool -list -cacerts -storepass"
          " changeit | head -5", "Your keystore contains 1"),
    Trial("gdal-bin", "gdalsrsinfo EPSG:4326", "WGS 84"),
    Trial("libvips42", _loads("vips")),
    Trial("gstreamer1.0-tools gstreamer1.0-plugins-good", "gst-launch-1.0 -q audiotestsrc"
          " num-buffers=5 ! wavenc ! filesink location=g.wav && head -c4 g.wav", "RIFF"),
)  # fmt: skip
"""Likewise, for those who have time."""

REFUSED = {
    "nginx-light": "nginx: start it with its folders",
    "locales": "no language is made ready",
    "aspell-en": "aspell's word lists are not made",
}
"""What does not work in a layer, and what the build's warning says of it."""
