"""The frozen program's entry: what the `clinicdesk` command does."""

import sys

from clinicdesk.cli import main

sys.exit(main())
