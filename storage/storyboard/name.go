package storyboard

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	thumbnailName = "thumbnail.jpg"
	vttName       = "storyboard.vtt"
	tmpSuffix     = ".tmp"

	// maxSheet is the greatest sheet number, that of a name of six digits.
	maxSheet = 999_999
)

// sheetName names a sheet. tiles is 0 for a full one.
type sheetName struct{ number, tiles int }

// String returns the file name.
func (n sheetName) String() string {
	if n.tiles == 0 {
		return fmt.Sprintf("sheet-%06d.jpg", n.number)
	}
	return fmt.Sprintf("sheet-%06d-%02d.jpg", n.number, n.tiles)
}

// parseSheetName accepts what String returns and nothing else.
func parseSheetName(s string) (sheetName, bool) {
	digits, ok := strings.CutPrefix(s, "sheet-")
	if !ok {
		return sheetName{}, false
	}
	digits, ok = strings.CutSuffix(digits, ".jpg")
	if !ok {
		return sheetName{}, false
	}
	number, tiles, growing := strings.Cut(digits, "-")
	var n sheetName
	var err error
	if n.number, err = strconv.Atoi(number); err != nil || n.number < 1 || n.number > maxSheet {
		return sheetName{}, false
	}
	if growing {
		if n.tiles, err = strconv.Atoi(tiles); err != nil || n.tiles < 1 || n.tiles > 99 {
			return sheetName{}, false
		}
	}
	return n, n.String() == s
}
