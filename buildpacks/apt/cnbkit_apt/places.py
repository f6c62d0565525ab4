"""What programs and libraries may be told by variables: where their files are."""

from __future__ import annotations

__all__ = ["LISTS", "PLACES"]

PLACES = (
    # Below the layer, the last that is there → variables that name it. LIB stands for the
    # architecture's folder.
    ("etc/fonts", ("FONTCONFIG_PATH",)),
    ("usr/share/tesseract-ocr/*/tessdata", ("TESSDATA_PREFIX",)),
    ("LIB/ImageMagick-*/modules-*/coders", ("MAGICK_CODER_MODULE_PATH",)),
    ("LIB/ImageMagick-*/modules-*/filters", ("MAGICK_CODER_FILTER_PATH",)),
    ("usr/lib/file/magic.mgc", ("MAGIC",)),
    ("usr/share/proj", ("PROJ_DATA", "PROJ_LIB")),
    ("usr/share/gdal", ("GDAL_DATA",)),
    ("LIB/gstreamer-1.0", ("GST_PLUGIN_SYSTEM_PATH_1_0",)),
    ("LIB/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner", ("GST_PLUGIN_SCANNER_1_0",)),
    ("LIB/dri", ("LIBGL_DRIVERS_PATH", "LIBVA_DRIVERS_PATH")),
    ("LIB/gbm", ("GBM_BACKENDS_PATH",)),
    ("LIB/vdpau", ("VDPAU_DRIVER_PATH",)),
    ("LIB/graphviz", ("GVBINDIR",)),
    ("usr/share/X11/locale", ("XLOCALEDIR",)),
    ("usr/share/X11/xkb", ("XKB_CONFIG_ROOT",)),
    ("usr/lib/jvm/java-*-openjdk-*", ("JAVA_HOME",)),
    ("usr/lib/git-core", ("GIT_EXEC_PATH",)),
    ("usr/share/git-core/templates", ("GIT_TEMPLATE_DIR",)),
    ("usr/share/pandoc", ("pandoc_datadir",)),
    ("LIB/espeak-ng-data", ("ESPEAK_DATA_PATH",)),
    ("usr/share/alsa/alsa.conf", ("ALSA_CONFIG_PATH",)),
    ("usr/share/antiword", ("ANTIWORDHOME",)),
    ("usr/share/tcltk/tcl8.*", ("TCL_LIBRARY",)),
    ("usr/share/tcltk/tk8.*", ("TK_LIBRARY",)),
    ("usr/share/vim/vim*", ("VIMRUNTIME",)),
    ("usr/share/texlive/texmf-dist/web2c", ("TEXMFCNF",)),
    ("usr/share/wireshark", ("WIRESHARK_DATA_DIR",)),
    ("usr/share/liblouis/tables", ("LOUIS_TABLEPATH",)),
    ("etc/mecabrc", ("MECABRC",)),
    ("etc/OpenCL/vendors", ("OCL_ICD_VENDORS",)),
    ("usr/lib/locale", ("LOCPATH",)),
    ("LIB/sasl2", ("SASL_PATH",)),
    ("LIB/ossl-modules", ("OPENSSL_MODULES",)),
    ("LIB/gdalplugins", ("GDAL_DRIVER_PATH",)),
    ("usr/lib/R", ("R_HOME", "RHOME")),
    ("usr/share/gnuplot/gnuplot/*/gnuplot*.gih", ("GNUHELP",)),
    ("usr/lib/chromium/chromium", ("CHROME_PATH",)),
    ("LIB/qt5/libexec/QtWebEngineProcess", ("QTWEBENGINEPROCESS_PATH",)),
)

LISTS = (
    # Below the layer, all that are there, in front of what the variable says.
    (
        "PERL5LIB",
        ("usr/share/perl5", "usr/share/perl/5*", "LIB/perl/5*", "LIB/perl5/5*", "LIB/perl-base"),
    ),
    (
        "MAGICK_CONFIGURE_PATH",
        (
            *("etc/ImageMagick-[67]", "LIB/ImageMagick-*/config-*", "usr/share/ImageMagick-[67]"),
            *("usr/lib/GraphicsMagick-*/config", "usr/share/GraphicsMagick-*/config"),
        ),
    ),
    (
        "GS_LIB",
        tuple(
            f"usr/share/ghostscript/[0-9]*/{each}"
            for each in ("Resource/Init", "lib", "Resource/Font", "Resource", "iccprofiles")
        ),
    ),
    ("GS_FONTPATH", ("usr/share/fonts/type1/*", "usr/share/fonts/opentype/urw-base35")),
    ("QT_PLUGIN_PATH", ("LIB/qt5/plugins", "LIB/qt6/plugins")),
    ("QML2_IMPORT_PATH", ("LIB/qt5/qml", "LIB/qt6/qml")),
    ("DICPATH", ("usr/share/hunspell", "usr/share/myspell")),
    ("NODE_PATH", ("usr/share/nodejs", "usr/lib/nodejs", "LIB/nodejs")),
    ("GI_TYPELIB_PATH", ("LIB/girepository-1.0", "usr/lib/girepository-1.0")),
    ("GIO_EXTRA_MODULES", ("LIB/gio/modules",)),
    ("GTK_PATH", ("LIB/gtk-3.0", "LIB/gtk-2.0")),
    ("LADSPA_PATH", ("usr/lib/ladspa",)),
    ("LV2_PATH", ("usr/lib/lv2", "LIB/lv2")),
    ("FREI0R_PATH", ("usr/lib/frei0r-1",)),
    (
        "RUBYLIB",
        (
            *("usr/lib/ruby/vendor_ruby", "usr/lib/ruby/[0-9]*", "LIB/ruby/[0-9]*"),
            "LIB/ruby/vendor_ruby/[0-9]*",
        ),
    ),
)
