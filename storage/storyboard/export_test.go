package storyboard

// FileSystem, OSFileSystem and OpenOn let tests stand between a Board and the disk.
type (
	FileSystem   = fileSystem
	OSFileSystem = osFileSystem
)

// OpenOn is Open on another disk.
func OpenOn(dir string, cfg Config, deps Deps, files FileSystem) (*Board, error) {
	return openOn(dir, cfg, deps, files)
}

// ParseSheetName reports whether s is the name of a sheet.
func ParseSheetName(s string) (number, tiles int, ok bool) {
	n, ok := parseSheetName(s)
	return n.number, n.tiles, ok
}

// ReadBack parses vtt and writes it anew.
func ReadBack(vtt []byte, cfg Config) (out []byte, cues int, whole bool) {
	parsed, whole := parseVTT(vtt, cfg.MaxTiles)
	return marshalVTT(parsed, cfg.Interval), len(parsed), whole
}
