// Package cmaf writes the ISO BMFF (ISO/IEC 14496-12) structures of one CMAF
// track (ISO/IEC 23000-19): the initialization section (ftyp, moov) and media
// fragments (moof, mdat), and the RFC 6381 codecs string that says the same.
//
// H.264 is stored as avc1, HEVC as hvc1, AAC as mp4a: parameter sets stand in
// the sample entry. A fragment is built in one allocation of its exact size,
// since this is the packager's hot path. The package knows no playlist, keeps
// no state and may be used from any goroutine.
package cmaf
