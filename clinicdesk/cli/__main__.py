"""`python -m clinicdesk.cli` is the `clinicdesk` command."""

import sys

from clinicdesk.cli import main

sys.exit(main())
