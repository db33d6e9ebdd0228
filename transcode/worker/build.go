package worker

import (
	"runtime/debug"
	"strings"
)

// BuildID names the running program well enough to tell a worker of another
// build: module version, revision and Go version.
func BuildID() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	words := []string{info.Path, info.Main.Version, info.GoVersion}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision", "vcs.time", "vcs.modified", "GOARCH":
			words = append(words, s.Key+"="+s.Value)
		default: // says nothing about the source
		}
	}
	return strings.Join(words, " ")
}
