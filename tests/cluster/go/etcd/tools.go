//go:build tools

// Written by bed.py pin.
package tools

import (
	_ "go.etcd.io/etcd/server/v3"
)
