// Package loudness measures how loud sound is, as ITU-R BS.1770-4 and EBU Tech
// 3341 define it: K-weighting, momentary loudness over 400 ms and short-term
// loudness over 3 s, and beside them the highest sample and the number of samples
// that stood at full scale.
//
//	m, err := loudness.NewMeter(48000, 2)
//	m.AddFloat32(interleaved) // as it comes
//	r := m.Read()             // r.ShortTerm is -18.2 LUFS, r.Peak -3.1 dBFS
//
// The meter takes mono and stereo at any common sampling rate and resamples
// nothing. True peak, loudness range and gated (integrated) loudness are out of
// scope. Adding samples allocates nothing.
package loudness
