"""pytest alone finds each example's module by its name, as `cnbkit test` does."""

import sys
from pathlib import Path

sys.path[:0] = sorted({str(each.parent) for each in Path(__file__).parent.glob("*/*.toml")})
