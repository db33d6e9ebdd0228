package realtime

import (
	"encoding/json"
	"unicode/utf8"
)

// scan looks at a frame before encoding/json does, for what that lets pass:
// invalid UTF-8, names there twice or spelled in other capitals, null, depth
// without a bound. Its error is an *Error, Broken if it is about the syntax.
func scan(frame []byte) error {
	broken := func(message string) error {
		return &Error{Code: CodeBadRequest, Message: "frame: " + message, Broken: true}
	}
	if !utf8.Valid(frame) {
		return broken("must be UTF-8")
	}
	if d := depth(frame); d > MaxDepth {
		return broken("is nested too deeply")
	}
	if !json.Valid(frame) { // bounded in depth by now
		return broken("must be one JSON object")
	}
	s := scanner{in: frame}
	s.space()
	if s.in[s.at] != '{' {
		return broken("must be one JSON object")
	}
	s.value()
	switch s.fault {
	case "":
		return nil
	case faultTwice:
		return broken(s.fault)
	}
	return NewError(CodeBadRequest, "frame: "+s.fault)
}

// depth returns how deeply objects and lists are nested, whatever else the
// syntax is.
func depth(in []byte) int {
	most, d, inString := 0, 0, false
	for i := 0; i < len(in); i++ {
		switch in[i] {
		case '"':
			inString = !inString
		case '\\':
			if inString {
				i++
			}
		case '{', '[':
			if !inString {
				d++
				most = max(most, d)
			}
		case '}', ']':
			if !inString {
				d--
			}
		}
	}
	return most
}

const (
	faultTwice = "a field is there twice"
	faultName  = "a field is not known"
	faultNull  = "null is no value: leave the field out"
)

// scanner walks over JSON that is known to be valid.
type scanner struct {
	in    []byte
	at    int
	fault string
}

func (s *scanner) fail(fault string) {
	if s.fault == "" || fault == faultTwice {
		s.fault = fault
	}
}

func (s *scanner) space() {
	for s.at < len(s.in) {
		switch s.in[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

func (s *scanner) value() {
	s.space()
	switch s.in[s.at] {
	case '{':
		s.object()
	case '[':
		s.list()
	case '"':
		s.str()
	case 'n':
		s.fail(faultNull)
		s.at += len("null")
	default:
		for s.at < len(s.in) && !isDelimiter(s.in[s.at]) {
			s.at++
		}
	}
}

func isDelimiter(c byte) bool {
	switch c {
	case ',', ']', '}', ' ', '\t', '\r', '\n':
		return true
	}
	return false
}

// str steps over a string and returns what is between its quotation marks.
func (s *scanner) str() []byte {
	s.at++
	from := s.at
	for s.in[s.at] != '"' {
		if s.in[s.at] == '\\' {
			s.at++
		}
		s.at++
	}
	s.at++
	return s.in[from : s.at-1]
}

func (s *scanner) list() {
	s.at++
	for s.space(); s.in[s.at] != ']'; s.space() {
		if s.in[s.at] == ',' {
			s.at++
		}
		s.value()
	}
	s.at++
}

func (s *scanner) object() {
	s.at++
	var names [maxNames][]byte
	n := 0
	for s.space(); s.in[s.at] != '}'; s.space() {
		if s.in[s.at] == ',' {
			s.at++
			s.space()
		}
		name := s.str()
		if !isName(name) || n == maxNames {
			s.fail(faultName)
		} else {
			for _, other := range names[:n] {
				if string(other) == string(name) {
					s.fail(faultTwice)
				}
			}
			names[n] = name
			n++
		}
		s.space()
		s.at++ // the colon
		s.value()
	}
	s.at++
}

// maxNames is more than any object of the protocol has fields.
const maxNames = 16

// isName reports whether the bytes between quotation marks are spelled as the
// fields of the protocol are; then only one spelling matches each.
func isName(b []byte) bool {
	if len(b) == 0 || len(b) > 32 {
		return false
	}
	for _, c := range b {
		if (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return true
}
