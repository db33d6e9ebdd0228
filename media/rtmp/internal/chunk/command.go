package chunk

import "math"

const (
	maxURL        = 2048 // bytes of an app name, URL or flash version
	maxFourCCs    = 16
	maxFourCC     = 4
	objectNesting = 1 // depth of the values of a command object
)

// ConnectInfo is what a peer says of itself in connect and the library does not
// keep. The strings are the peer's: show them to nobody, the URL holds the key
// when an encoder has a single address field.
type ConnectInfo struct {
	App   string
	TCURL string

	// CapsEx is the capability mask of Enhanced RTMP v2: 1 reconnect request,
	// 2 multitrack, 4 ModEx, 8 nanosecond offsets.
	CapsEx uint8

	// FourCCs are the codecs the peer offers, such as "hvc1".
	FourCCs []string
}

// command rebuilds a command for the library from the few values it needs, so
// that the library never decodes what a peer composed. Unknown commands are
// dropped. A command that does not parse ends the connection before publish; a
// publisher's is dropped.
func (s *Sanitizer) command(m message) error {
	out, msid, err := s.rebuild(m)
	if err != nil {
		s.drop(DropMalformed)
		if s.published == 0 {
			return err
		}
		return nil
	}
	if out == nil {
		return nil
	}
	s.push(csidCommand, m.timestamp, typeCommand, msid, out)
	return nil
}

// rebuild returns the canonical body and message stream of a command, or nil if
// the library is not to see it.
func (s *Sanitizer) rebuild(m message) (out []byte, msid uint32, err error) {
	r := amfReader{b: amf0Body(m)}
	name, ok, err := r.str(0)
	if err != nil || !ok {
		return nil, 0, ErrAMF
	}
	transaction := float64(0)
	if len(r.b) > 0 {
		if transaction, _, err = r.num(0); err != nil {
			return nil, 0, err
		}
	}
	transaction = clampInt(transaction, math.MaxInt32)
	out = appendNumber(appendString(nil, name), transaction)

	switch name {
	case "connect":
		out, err = s.rebuildConnect(&r, out)
		return out, 0, err
	case "createStream":
		return appendNull(out), 0, nil
	case "deleteStream":
		id, err := argument(&r, r.num)
		if err != nil {
			return nil, 0, err
		}
		return appendNumber(appendNull(out), clampInt(id, math.MaxInt32)), 0, nil
	case "closeStream":
		return appendNull(out), m.msid, nil
	case "releaseStream", "FCPublish", "FCUnpublish":
		arg, err := argument(&r, r.str)
		if err != nil {
			return nil, 0, err
		}
		return appendString(appendNull(out), arg), 0, s.acknowledge(name, transaction)
	case "publish":
		if s.published != 0 {
			// A refusal by the library would end the publication that is on.
			s.drop(DropCommand)
			return nil, 0, s.reply(Status(m.msid, StatusError, CodeBadName,
				"This connection has published already. Open a new connection to publish again."))
		}
		arg, err := argument(&r, r.str)
		if err != nil {
			return nil, 0, err
		}
		return appendString(appendString(appendNull(out), arg), "live"), m.msid, nil
	case "play":
		arg, err := argument(&r, r.str)
		if err != nil {
			return nil, 0, err
		}
		return appendNumber(appendString(appendNull(out), arg), 0), m.msid, nil
	default:
		s.drop(DropCommand)
		return nil, 0, nil
	}
}

// acknowledge answers the commands of the FMLE family, which the library leaves
// without an answer.
func (s *Sanitizer) acknowledge(name string, transaction float64) error {
	var msg []byte
	if transaction > 0 {
		msg = result(int64(transaction))
	}
	switch name {
	case "FCPublish":
		msg = append(msg, fcNotice("onFCPublish", codeStart)...)
	case "FCUnpublish":
		msg = append(msg, fcNotice("onFCUnpublish", CodeUnpublish)...)
	}
	if msg == nil {
		return nil
	}
	return s.reply(msg)
}

// argument skips the command object and reads the argument after it, which is
// the zero value if it is missing or of another type.
func argument[T any](r *amfReader, read func(depth int) (T, bool, error)) (T, error) {
	var v T
	if len(r.b) > 0 {
		if err := r.skip(0); err != nil {
			return v, err
		}
	}
	if len(r.b) == 0 {
		return v, nil
	}
	v, _, err := read(0)
	return v, err
}

// rebuildConnect keeps of the command object the fields the library declares,
// each with the type it declares: it fails on any other.
func (s *Sanitizer) rebuildConnect(r *amfReader, out []byte) ([]byte, error) {
	out = append(out, amfObject)
	if len(r.b) > 0 {
		marker := r.b[0]
		switch marker {
		case amfObject, amfECMAArray, amfTypedObject:
			r.b = r.b[1:]
			r.values++
			if err := r.openObject(marker); err != nil {
				return nil, err
			}
			if err := r.pairs(func(key string) (err error) {
				out, err = s.connectField(r, out, key)
				return err
			}); err != nil {
				return nil, err
			}
		default: // null or nonsense: no fields
			if err := r.skip(0); err != nil {
				return nil, err
			}
		}
	}
	return append(out, 0, 0, amfObjectEnd), nil
}

func (s *Sanitizer) connectField(r *amfReader, out []byte, key string) ([]byte, error) {
	switch key {
	case "app", "tcUrl", "type", "flashVer":
		v, ok, err := r.str(objectNesting)
		if err != nil || !ok || len(v) > maxURL {
			return out, err
		}
		switch key {
		case "app":
			s.connect.App = v
		case "tcUrl":
			s.connect.TCURL = v
		}
		return appendString(appendKey(out, key), v), nil
	case "fpad":
		v, ok, err := r.num(objectNesting)
		if err != nil || !ok {
			return out, err
		}
		return appendBoolean(appendKey(out, key), v != 0), nil
	case "capabilities", "audioCodecs", "videoCodecs", "videoFunction":
		v, ok, err := r.num(objectNesting)
		if err != nil || !ok {
			return out, err
		}
		return appendNumber(appendKey(out, key), clampInt(v, math.MaxInt32)), nil
	case "objectEncoding":
		// Whatever is asked for, AMF0 is spoken here.
		return appendNumber(appendKey(out, key), 0), r.skip(objectNesting)
	case "capsEx":
		v, ok, err := r.num(objectNesting)
		if ok {
			s.connect.CapsEx = uint8(clampInt(v, math.MaxUint8))
		}
		return out, err
	case "fourCcList":
		return out, s.fourCCs(r)
	default:
		return out, r.skip(objectNesting)
	}
}

// fourCCs notes the string values of a strict array; other shapes are skipped.
func (s *Sanitizer) fourCCs(r *amfReader) error {
	list := amfReader{b: r.b}
	if err := r.skip(objectNesting); err != nil || list.b[0] != amfStrictArray {
		return err
	}
	for list.b = list.b[5:]; len(list.b) > len(r.b) && len(s.connect.FourCCs) < maxFourCCs; {
		v, ok, err := list.str(objectNesting + 1)
		if err != nil {
			return err
		}
		if ok && len(v) <= maxFourCC {
			s.connect.FourCCs = append(s.connect.FourCCs, v)
		}
	}
	return nil
}

// clampInt returns v without its fraction, at least 0 and at most limit.
func clampInt(v float64, limit float64) float64 {
	return math.Trunc(max(0, min(v, limit)))
}
