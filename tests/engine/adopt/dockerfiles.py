"""Dockerfiles with every kind of syntax there is, for tests of who reads them."""

from __future__ import annotations

SYNTAX = {
    "directives": "# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nRUN one `\n  two\n",
    "a directive too late": "# a comment\n# escape=`\nFROM a\nRUN one `\nRUN two\n",
    "an escape twice": "# escape=\\\nFROM a\nRUN one \\\n  two\n",
    "small letters": "from a as b\nrun one\nCmd two\n",
    "continued": "FROM a\nRUN one \\\n  two \\\n  three\nCMD four\n",
    "continued with blanks behind": "FROM a\nRUN one \\  \n  two\n",
    "an escaped backslash": "FROM a\nRUN one \\\\\nRUN two\n",
    "comments between": "FROM a\nRUN one \\\n  # said\n  two \\\n# said\n\n  three\nCMD x\n",
    "ends with a continuation": "FROM a\nRUN one \\\n",
    "ends with a continued comment": "FROM a\nRUN one && \\\n# said",
    "windows lines": "FROM a\r\nRUN one \\\r\n  two\r\n",
    "a mark of byte order": "\ufeffFROM a\nRUN one\n",
    "indented": "  FROM a\n\tRUN one\n   # said\n  CMD two\n",
    "flags": "FROM --platform=$BUILDPLATFORM a\nCOPY --from=b --chown=1:2 x y\n"
    "RUN --mount=type=cache,target=/c --network=none one\n"
    "HEALTHCHECK --interval=5s --retries=3 CMD one\n",
    "a flag in quotes": 'FROM a\nCOPY --chown="a b" x y\n',
    "json": 'FROM a\nCMD ["a", "b c"]\nENTRYPOINT [ "x" ]\nSHELL ["/bin/sh", "-c"]\n'
    'VOLUME ["/a", "/b"]\nCOPY ["a b", "c"]\nRUN ["one", "two"]\nADD ["a", "b"]\n',
    "json with more behind": 'FROM a\nENTRYPOINT ["x"] # said\n',
    "almost json": "FROM a\nCMD ['a', 'b']\nRUN [ -f x ] && y\nCMD [\"a\"\n",
    "json of another kind": 'FROM a\nCMD ["a", 1]\n',
    "variables": 'FROM a\nENV A=1 B="x y" C=z\\ z\n'
    'ENV D e f\nARG E=$A\nARG F\nLABEL a.b=c "d e"=f\n',
    "a heredoc": "FROM a\nRUN <<EOF\none\n# no comment\nFROM b\nEOF\nCMD two\n",
    "heredocs": "FROM a\nCOPY <<one <<two /x/\n1\none\n2\ntwo\nCMD x\n",
    "a heredoc with tabs": "FROM a\nRUN <<-EOF\n\tone\n\t\ttwo\n\tEOF\nCMD x\n",
    "a heredoc in quotes": 'FROM a\nRUN <<\'EOF\' python3\nprint("$A")\nEOF\nRUN <<"B"\none\nB\n',
    "a heredoc with a number": "FROM a\nRUN 3<<EOF cat /dev/fd/3\none\nEOF\n",
    "a heredoc on a continued line": "FROM a\nRUN one && \\\n  cat <<EOF\ntwo\nEOF\nCMD x\n",
    "no heredoc": 'FROM a\nRUN echo $((1<<2))\nRUN ["a", "<<EOF"]\nENV A=<<EOF\nRUN cat <<<x\n',
    "onbuild": "FROM a\nONBUILD RUN one\nONBUILD COPY a b\n",
    "all others": "FROM a\nMAINTAINER x y\nEXPOSE 80 90/tcp\n"
    "USER a:b\nWORKDIR /a b\nSTOPSIGNAL 9\n",
}
"""What it shows → a Dockerfile."""
