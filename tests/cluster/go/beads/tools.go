//go:build tools

// Written by bed.py pin.
package tools

import (
	_ "github.com/steveyegge/beads/cmd/bd"
)
