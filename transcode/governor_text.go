package transcode

import (
	"fmt"
	"strings"
)

// changeText tells the instructor why a level was taken and what it means.
func changeText(spec Spec, l Level, reason string) string {
	why := map[string]string{
		reasonLag:       "The server cannot encode this class fast enough. ",
		reasonCPU:       "The server's processors are overloaded. ",
		reasonRecovered: "The server has room again. ",
		reasonAdmission: "The server has no room at present for all of this class's qualities. ",
		reasonSource:    "The video has changed. ",
	}[reason]
	return why + levelText(spec, l)
}

// levelText says what viewers get at a level.
func levelText(spec Spec, l Level) string {
	e := l.Effort(spec)
	var names []string
	for _, r := range spec.Video[len(e.Off):] {
		names = append(names, r.Rendition)
	}
	passed := spec.Grid == 0
	switch on := list(names); {
	case len(spec.Video) == 0 || l == LevelFull:
		return "All qualities are offered."
	case len(names) == 0:
		return "Viewers get your own picture and the sound; no other quality is offered."
	case len(e.Off) > 0 && passed:
		return fmt.Sprintf("Viewers get your own picture and %s at %d pictures a second or fewer; the other qualities are paused.", on, slowFrameRate)
	case len(e.Off) > 0:
		return fmt.Sprintf("Viewers get %s at %d pictures a second or fewer; the other qualities are paused.", on, slowFrameRate)
	case e.MaxFrameRate != 0:
		return fmt.Sprintf("All qualities are offered, but %s at %d pictures a second or fewer.", on, slowFrameRate)
	default:
		return fmt.Sprintf("All qualities are offered, but %s a little less sharp.", on)
	}
}

// list joins names as in a sentence.
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
