package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// part is a Partial Segment as a media playlist lists it.
type part struct {
	place

	duration time.Duration
	uri      string // relative to the playlist
}

// parts is what a viewer wants of a media playlist: the Partial Segments that it
// lists, and which comes next.
type parts struct {
	target   time.Duration // the Part Target Duration
	holdBack time.Duration // the server's PART-HOLD-BACK, 0 for none
	listed   []part
	next     place
	ended    bool
}

// readParts reads a media playlist (RFC 8216bis §4.4). A Partial Segment is
// counted within its segment from the first that is listed, so a playlist that
// dropped only some of a segment's would mislead it; none may (§6.2.2).
func readParts(r io.Reader) (parts, error) {
	var out parts
	at := place{}
	lines := bufio.NewScanner(r)
	for n := 0; lines.Scan(); n++ {
		line := lines.Text()
		if n == 0 && line != "#EXTM3U" {
			return parts{}, errors.New("not a playlist")
		}
		tag, value, _ := strings.Cut(line, ":")
		switch tag {
		case "#EXT-X-MEDIA-SEQUENCE":
			msn, err := strconv.Atoi(value)
			if err != nil {
				return parts{}, fmt.Errorf("media sequence: %w", err)
			}
			at = place{msn: msn}
		case "#EXT-X-PART-INF":
			d, err := seconds(value, "PART-TARGET")
			if err != nil {
				return parts{}, err
			}
			out.target = d
		case "#EXT-X-SERVER-CONTROL":
			if strings.Contains(value, "PART-HOLD-BACK=") {
				d, err := seconds(value, "PART-HOLD-BACK")
				if err != nil {
					return parts{}, err
				}
				out.holdBack = d
			}
		case "#EXT-X-PART":
			d, err := seconds(value, "DURATION")
			if err != nil {
				return parts{}, err
			}
			out.listed = append(out.listed, part{place: at, duration: d, uri: quoted(value, "URI")})
			at.part++
		case "#EXTINF":
			at = place{msn: at.msn + 1}
		case "#EXT-X-ENDLIST":
			out.ended = true
		default: // says nothing about parts
		}
	}
	out.next = at
	if err := lines.Err(); err != nil {
		return parts{}, fmt.Errorf("read playlist: %w", err)
	}
	if out.target == 0 {
		return parts{}, errors.New("a playlist without parts")
	}
	return out, nil
}

// seconds reads an attribute of a list in which no quoted value has a comma
// before it.
func seconds(attributes, name string) (time.Duration, error) {
	for a := range strings.SplitSeq(attributes, ",") {
		if v, ok := strings.CutPrefix(a, name+"="); ok {
			n, err := strconv.ParseFloat(v, 64)
			if err != nil || !(n > 0) || n > 3600 {
				return 0, fmt.Errorf("%s is %q", name, v)
			}
			return time.Duration(math.Round(n * 1e9)), nil
		}
	}
	return 0, fmt.Errorf("%s is missing", name)
}

// quoted returns the value of a quoted attribute, "" if there is none.
func quoted(attributes, name string) string {
	_, rest, _ := strings.Cut(","+attributes, ","+name+`="`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// arrival is when a viewer got to know of a part.
type arrival struct {
	part

	at     time.Time
	target time.Duration // the Part Target Duration of the playlist
}

// viewer follows one media playlist by blocking reloads.
type viewer struct {
	url  string
	http *http.Client

	mu       sync.Mutex // guards the field below
	arrivals []arrival
}

func newViewer(url string) *viewer {
	return &viewer{url: url, http: &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}}
}

// watch asks for the next part until ctx ends.
func (v *viewer) watch(ctx context.Context) error {
	defer v.http.CloseIdleConnections()
	query := ""
	var seen place // the next part that is new
	for first := true; ; first = false {
		p, err := v.load(ctx, query)
		if err != nil {
			return endOf(ctx, err)
		}
		if p.ended {
			return errors.New("viewer: the class has ended")
		}
		now := time.Now()
		v.mu.Lock()
		for _, l := range p.listed {
			if !first && !l.before(seen) {
				v.arrivals = append(v.arrivals, arrival{part: l, at: now, target: p.target})
			}
		}
		v.mu.Unlock()
		seen = p.next
		query = fmt.Sprintf("?_HLS_msn=%d&_HLS_part=%d", seen.msn, seen.part)
	}
}

func (v *viewer) load(ctx context.Context, query string) (parts, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url+query, http.NoBody)
	if err != nil {
		return parts{}, fmt.Errorf("make request: %w", err)
	}
	res, err := v.http.Do(req)
	if err != nil {
		return parts{}, err
	}
	defer res.Body.Close() //nolint:errcheck // read-only
	if res.StatusCode != http.StatusOK {
		return parts{}, fmt.Errorf("%s%s answers %d", v.url, query, res.StatusCode)
	}
	return readParts(res.Body)
}

// between returns what came from one time up to another.
func (v *viewer) between(from, to time.Time) []arrival {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []arrival
	for _, a := range v.arrivals {
		if !a.at.Before(from) && a.at.Before(to) {
			out = append(out, a)
		}
	}
	return out
}

// before reports whether p comes before o.
func (p place) before(o place) bool {
	return p.msn < o.msn || p.msn == o.msn && p.part < o.part
}

// follows reports whether no part is between o and p.
func (p place) follows(o place) bool {
	return p.msn == o.msn && p.part == o.part+1 || p.msn == o.msn+1 && p.part == 0
}

// cadence is how evenly parts came: by how much the time from one to the next
// differs from the duration that the later one states, in percent of the Part
// Target Duration. The last part of a segment may be a single picture, so its own
// duration is no measure.
type cadence struct {
	parts              int // whose distance was measured
	median, p95, worst float64
	pace               float64 // wall clock by stated time, over all of it; 1 is even
	missing            int     // parts that were never seen
}

// cadenceOf measures arrivals, which are in order.
func cadenceOf(arrivals []arrival) cadence {
	var off []float64
	var wall, stated time.Duration
	c := cadence{pace: 1}
	for i := 1; i < len(arrivals); i++ {
		a, b := arrivals[i-1], arrivals[i]
		if !b.follows(a.place) {
			c.missing++
			continue
		}
		took := b.at.Sub(a.at)
		wall, stated = wall+took, stated+b.duration
		off = append(off, 100*math.Abs(float64(took-b.duration))/float64(b.target))
	}
	c.parts = len(off)
	if c.parts == 0 {
		return c
	}
	c.median, c.p95, c.worst = percentile(off, 50), percentile(off, 95), percentile(off, 100)
	c.pace = wall.Seconds() / stated.Seconds()
	return c
}
