package app_test

import (
	"encoding/hex"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ingestCase is one of the fifty things that publishers do to a server.
type ingestCase struct {
	number int
	title  string

	// tests are the packages with a test that says "case NN:", in its doc comment
	// or in the name of a subtest; packages below them count as well.
	tests []string
}

// The packages, as the table below names them.
const (
	inApp      = "cmd/internal/app" // the whole server: bytes in, playlists out
	inChunk    = "media/rtmp/internal/chunk"
	inClass    = "realtime/class"
	inDoor     = "media/ingest"
	inFLV      = "media/internal/flv"
	inHLS      = "hls"
	inParams   = "media/internal/paramset"
	inRTMP     = "media/rtmp"
	inRTSP     = "media/rtsp"
	inStream   = "media/stream"
	inTimeline = "media/timeline"
	inLadder   = "transcode"        // what a class's ladder becomes
	inEngine   = "transcode/ffmpeg" // decoding and encoding
	inWorker   = "transcode/worker"
)

func ingestCases() []ingestCase {
	return []ingestCase{
		{1, "the 32-bit millisecond clock wraps", []string{inFLV, inRTMP, inApp}},
		{2, "timestamps cross 24 bits after 4 h 39 min", []string{inRTMP, inApp}},
		{3, "the clock starts at a large value", []string{inFLV, inRTMP, inTimeline, inApp}},
		{4, "the clock jumps forward", []string{inTimeline, inApp}},
		{5, "the clock jumps back", []string{inTimeline, inApp}},
		{6, "single wild timestamps", []string{inFLV, inRTSP, inTimeline, inApp}},
		{7, "sound and picture arrive out of order", []string{inTimeline, inApp}},
		{8, "B pictures, and composition times below zero", []string{inFLV, inRTSP, inTimeline, inApp}},
		{9, "sound and picture start apart", []string{inTimeline, inApp}},
		{10, "the same sequence header again", []string{inFLV, inStream, inApp}},
		{11, "another resolution or profile", []string{inFLV, inRTSP, inLadder, inEngine, inApp}},
		{12, "another codec", []string{inFLV, inApp}},
		{13, "no sequence header", []string{inFLV, inRTSP, inApp}},
		{14, "start codes inside FLV", []string{inFLV, inApp}},
		{15, "sound first, video later or never", []string{inFLV, inRTSP, inTimeline, inStream, inApp}},
		{16, "video only", []string{inFLV, inRTSP, inTimeline, inLadder, inApp}},
		{17, "sound comes late", []string{inFLV, inRTSP, inTimeline, inApp}},
		{18, "another AAC configuration, SBR", []string{inFLV, inParams, inStream, inEngine, inApp}},
		{19, "ADTS or LATM inside", []string{inFLV, inRTSP, inApp}},
		{20, "empty messages and NAL units", []string{inFLV, inParams, inChunk, inApp}},
		{21, "delimiters, filler, SEI", []string{inFLV, inParams, inApp}},
		{22, "NAL units longer than their message", []string{inFLV, inApp}},
		{23, "wrong keyframe flags, recovery points", []string{inFLV, inParams, inRTSP, inLadder, inApp}},
		{24, "no keyframe for 10 s", []string{inFLV, inRTSP, inStream, inLadder, inEngine, inApp}},
		{25, "keyframes 8 to 10 s apart", []string{inStream, inEngine, inApp}},
		{26, "one to five pictures a second, or a varying rate", []string{inRTSP, inStream, inEngine, inApp}},
		{27, "29.97 and 59.94 in milliseconds", []string{inParams, inTimeline, inLadder, inEngine, inApp}},
		{28, "onMetaData missing, wrong, late", []string{inApp}},
		{29, "goodbye, or a lost connection", []string{inRTMP, inClass, inApp}},
		{30, "back within the grace", []string{inRTMP, inTimeline, inClass, inApp}},
		{31, "the same key twice", []string{inRTMP, inStream, inApp}},
		{32, "half-open connections", []string{inRTMP, inRTSP, inApp}},
		{33, "slower than real time", []string{inStream, inHLS}},
		{34, "a burst after a stall", []string{inStream, inTimeline, inHLS, inWorker, inApp}},
		{35, "bit rate spikes, oversize pictures", []string{inStream, inApp}},
		{36, "Enhanced RTMP: HEVC, AV1 and others", []string{inFLV, inRTSP, inLadder, inEngine, inApp}},
		{37, "10-bit, 4:2:2, 4:4:4", []string{inFLV, inParams, inRTSP, inLadder, inEngine, inApp}},
		{38, "interlaced", []string{inFLV, inParams, inRTSP, inLadder, inEngine, inApp}},
		{39, "rotation, odd sizes, pixels that are not square", []string{inParams, inLadder, inEngine, inApp}},
		{40, "beyond 1080p, 60 fps or level 4.2", []string{inFLV, inParams, inLadder, inEngine, inApp}},
		{41, "mono, 5.1, other rates, G.711", []string{inFLV, inParams, inRTMP, inRTSP, inTimeline, inLadder, inEngine, inApp}},
		{42, "the sound's clock drifts from the picture's", []string{inTimeline, inEngine}},
		{43, "RTSP over UDP: loss, reordering", []string{inRTSP}},
		{44, "RTP timestamps start at random and wrap", []string{inRTSP}},
		{45, "RTCP sender reports", []string{inRTSP}},
		{46, "no sender reports", []string{inRTSP}},
		{47, "a camera stamps 25 fps and sends 21", []string{inRTSP, inTimeline}},
		{48, "RTSP login", []string{inDoor, inRTSP}},
		{49, "a camera comes back", []string{inRTSP}},
		{50, "idle RTSP connections", []string{inRTSP}},
	}
}

// Every case has its tests, and every test that claims a case is in the list.
func TestIngestCases(t *testing.T) {
	cases := ingestCases()
	if len(cases) != 50 {
		t.Errorf("%d cases, want 50", len(cases))
	}
	claims := testClaims(t)
	for i, c := range cases {
		if c.number != i+1 || c.title == "" || len(c.tests) == 0 {
			t.Errorf("entry %d: %+v is incomplete", i+1, c)
		}
		claimed := claims[c.number]
		delete(claims, c.number)
		for _, dir := range c.tests {
			if !slices.ContainsFunc(claimed, func(d string) bool { return covers(dir, d) }) {
				t.Errorf("case %d (%s): no test in %s names it", c.number, c.title, dir)
			}
		}
		for _, d := range claimed {
			if !slices.ContainsFunc(c.tests, func(dir string) bool { return covers(dir, d) }) {
				t.Errorf("case %d (%s): tests in %s name it, and the list does not name them", c.number, c.title, d)
			}
		}
	}
	for number, dirs := range claims {
		t.Errorf("tests in %v name case %d, which does not exist", dirs, number)
	}
}

func covers(dir, test string) bool { return dir == test || strings.HasPrefix(test, dir+"/") }

// testClaims returns the folders whose test functions name each case.
func testClaims(t *testing.T) map[int][]string {
	t.Helper()
	const root = "../../.."
	claim := regexp.MustCompile(`(?i)\bcase (\d{1,2}):`)
	found := map[int]map[string]bool{}
	files := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(files, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, text := range testTexts(f) {
			for _, m := range claim.FindAllStringSubmatch(text, -1) {
				n, err := strconv.Atoi(m[1])
				if err != nil {
					return err
				}
				if found[n] == nil {
					found[n] = map[string]bool{}
				}
				found[n][filepath.ToSlash(rel)] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	out := map[int][]string{}
	for n, dirs := range found {
		out[n] = slices.Sorted(maps.Keys(dirs))
	}
	return out
}

// testTexts returns the doc comments of a file's test functions and the string
// literals in them.
func testTexts(f *ast.File) []string {
	var out []string
	for _, decl := range f.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Recv != nil || !strings.HasPrefix(fn.Name.Name, "Test") {
			continue
		}
		out = append(out, strings.ReplaceAll(fn.Doc.Text(), "\n", " "))
		ast.Inspect(fn, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				out = append(out, lit.Value)
			}
			return true
		})
	}
	return out
}

// Sequence parameter sets of real encoders, as in package paramset's tests.
const (
	spsPortrait = "6764001facd9417051e5f011000003000100000300780f183196"
	spsFields   = "674d401ef405a126c084000003000400000300c87c50aa80"
	sps10bit    = "676e001ea6cd940a02ff970110000003001000000303c0f162d960"
	sps422      = "677a001ebcd940a02ff89c0440000003004000000f03c58b6580"
	sps444      = "67f4001e919b281405ff138088000003000800000301e078b16cb0"
	spsLargest  = "6742c033da004000486c044000000300400000030283c60ca8"
	spsTooLarge = "6742c03cda00404048ec044000000300400000030283c2010a80"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
