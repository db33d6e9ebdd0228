package rtmp_test

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// faults are the twenty faults of the library that a peer can reach, and where a
// test named for each sends the bytes: to the sanitizer alone, or to a server.
func faults() map[int]string {
	return map[int]string{
		1:  "arrays of two billion elements, before any login",
		2:  "nested AMF",
		3:  "extended timestamps on chunks of type 3",
		4:  "messages without a limit",
		5:  "no deadlines",
		6:  "Accept fails and is called again at once",
		7:  "an acknowledgement window of 0",
		8:  "empty audio and video messages",
		9:  "AMF3 commands and data",
		10: "aggregates and unknown types",
		11: "odd user control events",
		12: "undefined, long strings and typed objects in connect",
		13: "fields of the wrong type in connect",
		14: "abort in the middle of a message",
		15: "media on an unknown message stream",
		16: "releaseStream and FCPublish want an answer",
		17: "a busy key is BadName",
		18: "type 3 after an absolute timestamp",
		19: "panics in callbacks",
		20: "the server's chunk size is announced",
	}
}

// Every fault has a test function named for it, and every such function a fault.
func TestFaultsHaveTests(t *testing.T) {
	function := regexp.MustCompile(`(?m)^func Test((?:F\d+)+)[A-Z]\w*\(t \*testing\.T\)`)
	var tested []int
	for _, dir := range []string{".", "internal/chunk"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), "_test.go") {
				continue
			}
			b, err := os.ReadFile(dir + "/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range function.FindAllStringSubmatch(string(b), -1) {
				for n := range strings.SplitSeq(m[1][1:], "F") {
					number, err := strconv.Atoi(n)
					if err != nil {
						t.Fatal(err)
					}
					tested = append(tested, number)
				}
			}
		}
	}
	list := faults()
	if len(list) != 20 {
		t.Errorf("%d faults, want 20", len(list))
	}
	for n, title := range list {
		if !slices.Contains(tested, n) {
			t.Errorf("F%d (%s) has no test", n, title)
		}
	}
	for _, n := range tested {
		if list[n] == "" {
			t.Errorf("a test is named for F%d, which does not exist", n)
		}
	}
}
