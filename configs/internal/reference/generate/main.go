// Command generate writes configs/REFERENCE.md and configs/lectern.yaml. Run it through go generate, in
// the directory configs.
package main

import (
	"fmt"
	"os"

	"github.com/lectern/lectern/configs/internal/reference"
)

func main() {
	for name, render := range map[string]func(root string) ([]byte, error){
		"REFERENCE.md": reference.Render,
		"lectern.yaml": reference.RenderYAML,
	} {
		b, err := render("..")
		if err == nil {
			err = os.WriteFile(name, b, 0o644)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "generate %s: %v\n", name, err)
			os.Exit(1)
		}
	}
}
