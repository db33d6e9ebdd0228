package origin

import (
	"net/http"
	"testing"
	"time"
)

func TestCalendar(t *testing.T) {
	var c calendar
	at := time.Date(2030, time.March, 4, 10, 0, 0, 0, time.FixedZone("", 3600))
	for _, after := range []time.Duration{0, 999 * time.Millisecond, time.Second, 0} {
		now := at.Add(after)
		if got, want := c.date(now)[0], now.UTC().Format(http.TimeFormat); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
