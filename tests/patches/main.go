// Applies JSON Patches with the library that an API server applies a webhook's with. A line {"doc": ..., "patch": ...} in, a line out: the
// changed document, or {"error": ...}.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
)

func apply(line []byte) ([]byte, error) {
	var in struct{ Doc, Patch json.RawMessage }
	if err := json.Unmarshal(line, &in); err != nil {
		return nil, err
	}
	patch, err := jsonpatch.DecodePatch(in.Patch)
	if err != nil {
		return nil, err
	}
	return patch.Apply(in.Doc)
}

func main() {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		if out, err := apply(line); err != nil {
			text, _ := json.Marshal(err.Error())
			fmt.Printf("{\"error\":%s}\n", text)
		} else {
			fmt.Printf("%s\n", out)
		}
	}
}
