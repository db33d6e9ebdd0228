package main

import (
	"context"
	"fmt"

	"github.com/lectern/lectern/configs"
)

// config checks a configuration as serve would read it, or prints the reference.
func config(_ context.Context, args []string, env environment) error {
	fs := flags("config", env)
	file := fs.String("config", "", "configuration `FILE` in YAML")
	words, err := parse(fs, args, 1)
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return &usageError{"say check or reference"}
	}
	switch words[0] {
	case "check":
		if _, err = configs.Load(*file, env.environ); err != nil {
			return err
		}
		_, err = fmt.Fprintln(env.stdout, "the configuration is good")
		return err
	case "reference":
		_, err = fmt.Fprint(env.stdout, configs.Reference)
		return err
	default:
		return &usageError{fmt.Sprintf("unknown action %q", words[0])}
	}
}
